"""A server, and what stages 2 to 6 build. The stages import it from here.

Each line is a line of a stage, without docstrings and exercises (but 3.1, `build`).
"""
import re
import sys
from contextlib import suppress
from contextvars import ContextVar
from http import HTTPStatus
from socketserver import ThreadingMixIn
from urllib.parse import quote
from wsgiref.simple_server import WSGIServer, make_server

class ThreadedWSGIServer(ThreadingMixIn, WSGIServer):
    """Uses a thread for each connection: a browser may open one and send nothing."""
    daemon_threads = True

def run_simple(hostname, port, application):
    """Serve an application. A port on the command line replaces `port`."""
    if sys.argv[1:]:
        port = int(sys.argv[1])
    try:
        server = make_server(hostname, port, application, ThreadedWSGIServer)
    except OSError as error:
        sys.exit(f"Port {port}: {error.strerror}. Is another stage still running?")
    with server, suppress(KeyboardInterrupt):
        print(f"http://{hostname}:{server.server_port} (Ctrl-C to quit)", flush=True)
        server.serve_forever()

# Stage 2

class Request:
    def __init__(self, environ):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO") or "/"      # each byte is one character
        self.path = path.encode("latin-1").decode("utf-8", "replace")

class Response:
    def __init__(self, response="", status=200,
                 content_type="text/html; charset=utf-8"):
        self.data = response.encode() if isinstance(response, str) else response
        self.status_code = status
        self.headers = [("Content-Type", content_type)]

    def __call__(self, environ, start_response):
        length = ("Content-Length", str(len(self.data)))
        status = f"{self.status_code} {HTTPStatus(self.status_code).phrase}"
        start_response(status, [*self.headers, length])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.data]

# Stage 3

class Rule:
    def __init__(self, rule, endpoint):
        self.rule = rule
        self.endpoint = endpoint
        pattern = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", re.escape(rule))
        self.regex = re.compile(pattern)

    def match(self, path):
        found = self.regex.fullmatch(path)
        return found.groupdict() if found else None

    def build(self, values):
        def fill(variable):
            return quote(str(values[variable[1]]), safe="")
        return re.sub(r"<(?:int:)?(\w+)>", fill, self.rule)

class Map:
    def __init__(self):
        self.rules = []

    def add(self, rule):
        self.rules.append(rule)

    def match(self, path):
        for rule in self.rules:
            values = rule.match(path)
            if values is not None:
                return rule, values
        return None, {}

# Stage 4 (its Flask is at the end)

class Scaffold:
    def route(self, rule):
        def decorator(f):
            self.add_url_rule(rule, f.__name__, f)
            return f
        return decorator

# Stage 5

class HTTPException(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code

    def get_response(self):
        return Response(f"<h1>{HTTPStatus(self.code).phrase}</h1>\n", self.code)

def abort(code):
    raise HTTPException(code)

# Stage 6

class LocalProxy:
    def __init__(self, local):
        self._get_current_object = local

    def __getattr__(self, name):        # for names that the proxy itself does not have
        return getattr(self._get_current_object(), name)

_context = ContextVar("context")
request = LocalProxy(lambda: _context.get().request)

class AppContext:
    def __init__(self, app, request):
        self.app = app
        self.request = request

    def push(self):
        self.token = _context.set(self)
        rule, values = self.app.url_map.match(self.request.path)
        self.request.url_rule = rule
        self.request.view_args = values

    def pop(self):
        _context.reset(self.token)

# Stages 4 and 6

class Flask(Scaffold):
    def __init__(self):
        self.url_map = Map()
        self.view_functions = {}            # endpoint -> view

    def add_url_rule(self, rule, endpoint, view_func):
        self.url_map.add(Rule(rule, endpoint))
        self.view_functions[endpoint] = view_func

    def make_response(self, rv):
        return rv if isinstance(rv, Response) else Response(rv)

    def dispatch_request(self):
        if request.url_rule is None:
            abort(404)
        return self.view_functions[request.url_rule.endpoint](**request.view_args)

    def full_dispatch_request(self):
        try:
            return self.make_response(self.dispatch_request())
        except HTTPException as error:
            return error.get_response()

    def wsgi_app(self, environ, start_response):
        context = AppContext(self, Request(environ))
        context.push()
        try:
            response = self.full_dispatch_request()
            return response(environ, start_response)
        finally:
            context.pop()

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)
