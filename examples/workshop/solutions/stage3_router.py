"""Stage 3: the router.

One function for all paths does not last. A rule, "/hello/<name>", becomes a regular
expression in which each variable is a group with a name. The router tries the rules
in turn. The first that matches the whole path has the view, a function that makes the
answer, and the values of the variables, which become its arguments.

Run it:    python examples/workshop/stage3_router.py
Try it:    curl -i http://127.0.0.1:5000/hello/Ann
Check it:  python examples/workshop/check.py 3
Grown up in microflask.py:
"Rules: how a path becomes a regular expression", "Routing: which rule matches"
"""
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

# Exercise 3.1: the same way back. build("/hello/<name>", name="Ann Lee") is the path
# "/hello/Ann%20Lee". A value has no slash of its own: "/" becomes %2F.
def build(rule, /, **values):
    def fill(variable):
        return quote(str(values[variable[1]]), safe="")
    return re.sub(r"<(\w+)>", fill, rule)

# Exercise 3.2: "/post/<int:id>" matches digits only (0-9), and its view gets an int.
# Start in compile_rule; `match` has to know which of the variables are numbers.
def compile_rule(rule):
    """Return a pattern, and the names of the variables that are numbers."""
    def group(variable):
        text = "[0-9]+" if variable[1] else "[^/]+"
        return f"(?P<{variable[2]}>{text})"
    pattern = re.sub(r"<(int:)?(\w+)>", group, re.escape(rule))
    return re.compile(pattern), re.findall(r"<int:(\w+)>", rule)

# Exercise 3.3: if "/hello/<name>" comes before "/hello/me" in the list, the second is
# never reached. Let the rule with the fewest variables win, not the first one.
def match(rules, path):
    """Return the view of the best rule that matches, and the rule's variables."""
    for (pattern, numbers), view in sorted(rules, key=lambda rule: rule[0][0].groups):
        if found := pattern.fullmatch(path):
            return view, {name: int(value) if name in numbers else value
                          for name, value in found.groupdict().items()}
    return None, {}

# An application, to try it

def index(request):
    return Response('<p>Say hello: <a href="/hello/Ann">to Ann</a></p>\n')

def hello(request, name):
    return Response(f"<h1>Hello, {escape(name)}!</h1>\n")

rules = [(compile_rule("/"), index), (compile_rule("/hello/<name>"), hello)]

def app(environ, start_response):
    """Let the view of the rule answer."""
    request = Request(environ)
    view, values = match(rules, request.path)
    response = view(request, **values) if view else Response("Not Found\n", 404)
    return response(environ, start_response)

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
