"""Stage 5: errors that are answers.

A view calls functions, and one of them finds out that a page does not exist. It cannot
send a Response to the client. But it can raise an exception, which leaves any number of
functions at once. An HTTPException knows its response. The application catches the
exception and sends that response.

`class Flask(Flask)` takes the class of stage 4 and adds methods or replaces them.

Run it:    python3 mine/stage5_errors.py
Try it:    curl -i http://127.0.0.1:5000/age/Bob
Check it:  python3 mine/check.py 5
It grows into this chapter of microflask.py:
    3. Errors that are answers
"""
from html import escape
from http import HTTPStatus

from parts import run_simple
from parts.stage2_request import Request, Response
from parts.stage4_app import Flask

class HTTPException(Exception):
    """An error that is an answer. Its code is the status of the response."""
    def __init__(self, code):
        super().__init__(code)
        self.code = code

    def get_response(self):
        """Return the Response to send."""
        return Response(f"<h1>{HTTPStatus(self.code).phrase}</h1>\n", self.code)

def abort(code):
    """Leave the view: answer with this status."""
    raise HTTPException(code)

class Flask(Flask):
    """The application, with errors."""
    def __init__(self):
        super().__init__()
        self.error_handler_spec = {}        # code -> function

    # Exercise 5.1: @app.errorhandler(404) is a decorator like route. Its function gets
    # the HTTPException. It returns a body, which is sent with the status of the error,
    # or a Response. Change handle_user_exception, too: it must call the function.
    def errorhandler(self, code):
        raise NotImplementedError("Exercise 5.1: a page of your own for an error")

    def handle_user_exception(self, error):
        """Return the Response to an HTTPException."""
        return error.get_response()

    # Exercise 5.2: An exception that nobody expected is a bug. Print the traceback to
    # the terminal (stderr) for the developer. Answer 500, and tell the client no more.
    def handle_exception(self, error):
        raise NotImplementedError("Exercise 5.2: the answer to a bug") from error

    def dispatch_request(self, request):
        """Call the view whose rule matches, and return what it returns."""
        rule, values = self.url_map.match(request.path)
        if rule is None:
            abort(404)
        return self.view_functions[rule.endpoint](request, **values)

    def full_dispatch_request(self, request):
        """Return the Response of the view, or the one to its HTTPException."""
        try:
            return self.make_response(self.dispatch_request(request))
        except HTTPException as error:
            return self.handle_user_exception(error)

    def wsgi_app(self, environ, start_response):
        """Answer a request: the WSGI application."""
        try:
            response = self.full_dispatch_request(Request(environ))
        except Exception as error:
            response = self.handle_exception(error)
        return response(environ, start_response)

# Try it

app = Flask()
ages = {"Ann": 41, "Ida": 7}

def age_of(name):
    if name not in ages:
        abort(404)
    return ages[name]

@app.route("/")
def index(request):
    return '<p>How old is <a href="/age/Ann">Ann</a>, <a href="/age/Bob">Bob</a>?</p>\n'

@app.route("/age/<name>")
def age(request, name):
    return f"<h1>{escape(name)} is {age_of(name)}</h1>\n"

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, app)
