"""Stage 2: request and response.

Nobody wants to write `environ["PATH_INFO"].encode("latin-1")` in every function. So two
classes stand between us and WSGI. A Request is a face for the environ, and knows how to
read it. A Response holds status, header fields and body, and is a WSGI application
itself: it can be called with environ and start_response.

Run it:    python examples/workshop/stage2_request.py
Try it:    curl -i http://127.0.0.1:5000/gr%C3%BC%C3%9Fe
Check it:  python examples/workshop/check.py 2
Grown up in microflask.py: "The head of a request", "The response"
"""
import sys
from contextlib import suppress
from html import escape
from http import HTTPStatus
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIServer, make_server

def first_values(query):
    """Return the first value of each name: {"q": "tea"} for "q=tea&q=milk"."""
    values = parse_qs(query, keep_blank_values=True)
    return {name: first for name, (first, *_) in values.items()}

class Request:
    """A face for the environ."""
    def __init__(self, environ):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO") or "/"      # its bytes, as Latin-1
        self.path = path.encode("latin-1").decode("utf-8", "replace")

    # Exercise 2.1: the query as a dict: {"q": "tea", "page": "2"} for /?q=tea&page=2.
    # If a name comes twice, its first value counts. A name may have an empty value.
    @property
    def args(self):
        return first_values(self.environ.get("QUERY_STRING", ""))

    # Exercise 2.2: the form that a browser posted, as a dict like args. The body is in
    # file environ["wsgi.input"]. Read CONTENT_LENGTH bytes (a str, maybe missing or
    # empty) and not one more: the connection stays open, and read() would wait.
    @property
    def form(self):
        length = int(self.environ.get("CONTENT_LENGTH") or 0)
        return first_values(self.environ["wsgi.input"].read(length).decode())

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

# Exercise 2.3: a Response with the status 302 and the field Location. If the location
# holds a line end (CR or LF), raise a ValueError: who can put a line end into a header
# field can write more fields.
def redirect(location):
    if "\r" in location or "\n" in location:
        raise ValueError(f"a line end in {location!r}")
    response = Response(status=302)
    response.headers.append(("Location", location))
    return response

# An application, to try it

def app(environ, start_response):
    """Answer every request with its method and path."""
    request = Request(environ)
    response = Response(f"<h1>{request.method} {escape(request.path)}</h1>\n")
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
