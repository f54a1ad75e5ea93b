"""Stage 4: the decorator and the application.

If a list of rules is far away from the views, people forget to change it. The decorator
`@app.route("/")` puts the rule where the view is. It works in two steps: route("/")
returns a function, and this function takes the view, adds it to the application, and
returns it unchanged. The application is now an object, and the WSGI application of
stage 1 is one of its methods.

Run it:    python3 mine/stage4_app.py
Try it:    curl -i http://127.0.0.1:5000/hello/Ann
Check it:  python3 mine/check.py 4
It grows into these chapters of microflask.py:
    12. What application and blueprint share; blueprints
    13. The application: from environ to response
"""
import re
from html import escape
from urllib.parse import quote

from parts import run_simple
from parts.stage2_request import Request, Response
from parts.stage3_router import Map, Rule

class Rule(Rule):
    """The rule of stage 3, with the solution of exercise 3.1."""
    def build(self, values):
        """Return the path in which these values stand for the variables."""
        def fill(variable):
            return quote(str(values[variable[1]]), safe="")
        return re.sub(r"<(?:int:)?(\w+)>", fill, self.rule)

class Flask:
    """The application: its rules and views, and what happens to a request."""
    def __init__(self):
        self.url_map = Map()
        self.view_functions = {}            # endpoint -> view

    def add_url_rule(self, rule, endpoint, view_func):
        """Let a view answer requests that match the rule."""
        self.url_map.add(Rule(rule, endpoint))
        self.view_functions[endpoint] = view_func

    def route(self, rule):
        """Return a decorator that adds a view. The endpoint is the view's name."""
        def decorator(f):
            self.add_url_rule(rule, f.__name__, f)
            return f
        return decorator

    # Exercise 4.1: If a view returns a dict, send it as JSON (application/json). If it
    # returns None, its author forgot the `return`: raise a TypeError with that word.
    def make_response(self, rv):
        """Return a Response that is made from a view's return value."""
        return rv if isinstance(rv, Response) else Response(rv)

    # Exercise 4.2: app.url_for("hello", name="Ann") returns the path of the view hello.
    # Rule.build is above. If there is no such endpoint, raise a LookupError that names
    # it.
    def url_for(self, endpoint, **values):
        raise NotImplementedError("Exercise 4.2: from an endpoint to a path")

    def dispatch_request(self, request):
        """Call the view whose rule matches, and return what it returns."""
        rule, values = self.url_map.match(request.path)
        if rule is None:
            return Response("Not Found\n", 404)
        return self.view_functions[rule.endpoint](request, **values)

    def wsgi_app(self, environ, start_response):
        """Answer a request: the WSGI application."""
        rv = self.dispatch_request(Request(environ))
        response = self.make_response(rv)
        return response(environ, start_response)

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)

# Try it

app = Flask()

@app.route("/")
def index(request):
    return '<p>Say hello: <a href="/hello/Ann">to Ann</a></p>\n'

@app.route("/hello/<name>")
def hello(request, name):
    return f"<h1>Hello, {escape(name)}!</h1>\n"

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, app)
