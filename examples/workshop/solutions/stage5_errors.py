"""Stage 5: errors that are answers.

"There is no such page" may be found out deep inside, where nobody can return a
Response: in a function that a view calls. An exception gets out of anywhere. So
HTTPError is an exception that has a response, and the application catches it.

From here on, what earlier stages built and this one leaves alone is in parts.py.

Run it:    python examples/workshop/stage5_errors.py
Try it:    curl -i http://127.0.0.1:5000/age/Bob
Check it:  python examples/workshop/check.py 5
Grown up in microflask.py: "Errors that are answers"
"""
import traceback
from html import escape
from http import HTTPStatus

from parts import Request, Response, compile_rule, make_response, match, serve

class HTTPError(Exception):
    """An error that is an answer: raise HTTPError(404)."""
    def __init__(self, status):
        super().__init__(status)
        self.response = Response(f"<h1>{HTTPStatus(status).phrase}</h1>\n", status)

class App:
    """An application: its rules, and the way of a request."""
    def __init__(self):
        self.rules = []
        self.handlers = {}

    def route(self, rule, methods=("GET", "HEAD")):
        """Add a view for the rule (a decorator)."""
        def decorator(view):
            self.rules.append((compile_rule(rule), (view, methods)))
            return view
        return decorator

    # Exercise 5.1: @app.errorhandler(404) is a decorator as route is. Its function gets
    # the HTTPError and makes the answer, in place of error.response: it returns a body,
    # which is sent with the status of the error, or a Response.
    def errorhandler(self, status):
        def decorator(handler):
            self.handlers[status] = handler
            return handler
        return decorator

    # Exercise 5.2: a bug in a view is an exception, too. Answer 500, and tell the
    # client nothing of it; the developer finds the traceback in the terminal (stderr).

    # Exercise 5.3: make it route(self, rule, methods=("GET", "HEAD")). Another method
    # is a 405, with the field Allow: GET, HEAD. But further rules may match the path,
    # and take the method: 405 is for when none does, and Allow names those of all.
    def answer(self, request):
        """Return the Response to a request."""
        try:
            view, values = self.find(request)
            return make_response(view(request, **values))
        except HTTPError as error:
            return self.answer_error(error)
        except Exception:
            traceback.print_exc()
            return self.answer_error(HTTPError(500))

    def answer_error(self, error):
        """Return the Response to an error: by its handler, or else its own."""
        status = error.response.status
        if status not in self.handlers:
            return error.response
        result = self.handlers[status](error)
        return result if isinstance(result, Response) else Response(result, status)

    def find(self, request):
        """Return the view for path and method, and its values; or raise HTTPError."""
        allowed = set()
        for rule in self.rules:
            found, values = match([rule], request.path)
            if found is not None:
                view, methods = found
                if request.method in methods:
                    return view, values
                allowed.update(methods)
        error = HTTPError(405 if allowed else 404)
        if allowed:
            error.response.headers.append(("Allow", ", ".join(sorted(allowed))))
        raise error

    def __call__(self, environ, start_response):
        response = self.answer(Request(environ))
        return response(environ, start_response)

# An application, to try it

app = App()
ages = {"Ann": 41, "Ida": 7}

def age_of(name):
    if name not in ages:
        raise HTTPError(404)
    return ages[name]

@app.route("/")
def index(request):
    return '<p>How old is <a href="/age/Ann">Ann</a>, <a href="/age/Bob">Bob</a>?</p>\n'

@app.route("/age/<name>")
def age(request, name):
    return f"<h1>{escape(name)} is {age_of(name)}</h1>\n"

if __name__ == "__main__":
    serve(app)
