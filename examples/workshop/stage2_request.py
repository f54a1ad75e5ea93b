"""Stage 2: request and response.

Nobody wants to write `environ["PATH_INFO"].encode("latin-1")` in every function. Two
classes separate us from WSGI. A Request wraps the environ and knows how to read it. A
Response holds the status, the header fields and the body. It is a WSGI application
itself: you can call it with environ and start_response.

Run it:    python3 mine/stage2_request.py
Try it:    curl -i http://127.0.0.1:5000/gr%C3%BC%C3%9Fe
Check it:  python3 mine/check.py 2
It grows into these chapters of microflask.py:
    7. The request
    8. The response
"""
from html import escape
from http import HTTPStatus

from parts import run_simple

class Request:
    """A request: reads the environ for you."""
    def __init__(self, environ):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO") or "/"      # each byte is one character
        self.path = path.encode("latin-1").decode("utf-8", "replace")

    # Exercise 2.1: The query as a dict: {"q": "tea", "page": "2"} for /?q=tea&page=2.
    # If a name comes twice, its first value counts. A value may be empty.
    @property
    def args(self):
        raise NotImplementedError("Exercise 2.1: QUERY_STRING as a dict")

    # Exercise 2.2: The form that a browser posted, as a dict like args. The body is in
    # the file environ["wsgi.input"]. Read CONTENT_LENGTH bytes (a str, or missing, or
    # empty) and no more: the connection stays open, so read() would wait.
    @property
    def form(self):
        raise NotImplementedError("Exercise 2.2: the body as a dict")

class Response:
    """A response: status, header fields and body. Call it as a WSGI application."""
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

# Exercise 2.3: Return a Response with the status 302 and the header field Location. If
# the location contains a line end (CR or LF), raise a ValueError: a client that can put
# a line end into a header field can add fields of its own.
def redirect(location):
    raise NotImplementedError("Exercise 2.3: a Response with a Location")

# Try it

def wsgi_app(environ, start_response):
    """Answer every request with its method and path."""
    request = Request(environ)
    response = Response(f"<h1>{request.method} {escape(request.path)}</h1>\n")
    return response(environ, start_response)

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, wsgi_app)
