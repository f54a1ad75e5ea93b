"""Stage 4: the decorator and the application.

A list of rules that is far from the views gets forgotten. `@app.route("/")` puts a rule
where its view is. It is a call, then a decorator: route("/") returns a function, which
gets the view, notes it, and gives it back unchanged. Now the application is an object.

Run it:    python examples/workshop/stage4_app.py
Try it:    curl -i http://127.0.0.1:5000/hello/Ann
Check it:  python examples/workshop/check.py 4
Grown up in microflask.py: "The application, set up"
"""
import functools
import json
import re
import sys
from contextlib import suppress
from html import escape
from http import HTTPStatus
from socketserver import ThreadingMixIn
from urllib.parse import quote
from wsgiref.simple_server import WSGIServer, make_server

class Request:
    """A face for the environ."""
    def __init__(self, environ):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO") or "/"      # its bytes, as Latin-1
        self.path = path.encode("latin-1").decode("utf-8", "replace")

class Response:
    """Status, header fields and body; called as an application, it answers."""
    def __init__(self, body="", status=200, content_type="text/html; charset=utf-8"):
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = [("Content-Type", content_type)]

    def __call__(self, environ, start_response):
        length = ("Content-Length", str(len(self.body)))
        status = f"{self.status} {HTTPStatus(self.status).phrase}"
        start_response(status, [*self.headers, length])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]

def compile_rule(rule):
    """Return a pattern with a group for each variable of the rule: "/hello/<name>"."""
    return re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", re.escape(rule)))

def match(rules, path):
    """Return the view of the first rule that matches, and the rule's variables."""
    for pattern, view in rules:
        if found := pattern.fullmatch(path):
            return view, found.groupdict()
    return None, {}

def build(rule, /, **values):
    """Return a path of the rule: exercise 3.1."""
    def fill(variable):
        return quote(str(values[variable[1]]), safe="")
    return re.sub(r"<(\w+)>", fill, rule)

# Exercise 4.1: a view may return a dict: it is sent as JSON (application/json). A view
# that returned None has forgotten its `return`: raise a TypeError that says so.
def make_response(result):
    """Return what a view returned as a Response."""
    if result is None:
        raise TypeError("The view returned None: is there a `return`?")
    if isinstance(result, dict):
        return Response(json.dumps(result), content_type="application/json")
    return result if isinstance(result, Response) else Response(result)

class App:
    """An application: its rules, and the way of a request."""
    def __init__(self):
        self.rules = []
        self.endpoints = {}         # name of a view -> its rule

    def route(self, rule):
        """Add a view for the rule (a decorator)."""
        def decorator(view):
            self.rules.append((compile_rule(rule), view))
            self.endpoints[view.__name__] = rule
            return view
        return decorator

    # Exercise 4.2: app.url_for("hello", name="Ann") is the path of the view `hello`. In
    # 3.1 you built paths. If there is no such view: a LookupError with the name in it.
    def url_for(self, endpoint, /, **values):
        return build(self.endpoints[endpoint], **values)

    def answer(self, request):
        """Return the Response to a request."""
        view, values = match(self.rules, request.path)
        result = view(request, **values) if view else Response("Not Found\n", 404)
        return make_response(result)

    def __call__(self, environ, start_response):
        response = self.answer(Request(environ))
        return response(environ, start_response)

# Exercise 4.3: a decorator of your own. @loud under @app.route("/") makes a view that
# returns the same text in upper case, under the view's name (see functools.wraps).
def loud(view):
    @functools.wraps(view)
    def shouted(*args, **kwargs):
        return view(*args, **kwargs).upper()
    return shouted

# An application, to try it

app = App()

@app.route("/")
def index(request):
    return '<p>Say hello: <a href="/hello/Ann">to Ann</a></p>\n'

@app.route("/hello/<name>")
def hello(request, name):
    return f"<h1>Hello, {escape(name)}!</h1>\n"

# What serves it

class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, for a browser may open one and then say nothing."""
    daemon_threads = True

def serve(app):
    """Serve an application on port 5000, or on the port in the command line."""
    port = int(sys.argv[1]) if sys.argv[1:] else 5000
    try:
        server = make_server("127.0.0.1", port, app, Server)
    except OSError as error:
        sys.exit(f"Port {port}: {error.strerror}. Is another stage still running?")
    print(f"http://127.0.0.1:{server.server_port} (Ctrl-C ends it)", flush=True)
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()

if __name__ == "__main__":
    serve(app)
