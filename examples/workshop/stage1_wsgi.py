"""Stage 1: a bare WSGI application.

A Python server and a Python application meet in one call (PEP 3333). The server calls
the application with two arguments: `environ`, a dict with everything it knows about the
request, and `start_response`, a function that takes the status and the header fields.
The application returns the body, an iterable of bytes. This is the whole agreement.

`run_simple` serves an application on a port. It is in parts.py, with a server from the
standard library. Later stages import earlier ones through parts.py, too.

Run it:    python3 mine/stage1_wsgi.py
Try it:    curl -i http://127.0.0.1:5000/tea/pot
Check it:  python3 mine/check.py 1
It grows into this chapter of microflask.py:
    13. The application: from environ to response
"""
from parts import run_simple

def wsgi_app(environ, start_response):
    """Answer every request with the path that it asks for."""
    # Exercise 1.1: Ask for /grüße, and you see nonsense: each byte of the path comes as
    # one character (Latin-1). Turn these into bytes again, and decode them as UTF-8.
    path = environ["PATH_INFO"]
    body = f"You asked for {path}\n".encode()
    start_response("200 OK", [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ])
    # Exercise 1.2: The response to a HEAD request (curl -I) has the status and header
    # fields of a GET, even Content-Length, but no body. The method is in environ.
    return [body]

# Exercise 1.3: An application can wrap another one. This is called middleware. Return
# an application that answers like `wsgi_app`, with one more header field (name, value).
# It calls `wsgi_app` with a start_response of its own.
def add_header(wsgi_app, name, value):
    raise NotImplementedError("Exercise 1.3: an application around an application")

# Try it

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, wsgi_app)
