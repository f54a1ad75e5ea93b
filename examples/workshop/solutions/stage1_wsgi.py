"""Stage 1: a bare WSGI application.

A server in Python and an application in Python meet in one call (PEP 3333). The server
calls the application with `environ`, a dict of all that it knows about the request, and
with `start_response`, a function that takes the status and the header fields. What the
application returns is the body: an iterable of bytes. That is all there is.

Run it:    python examples/workshop/stage1_wsgi.py
Try it:    curl -i http://127.0.0.1:5000/tea/pot
Check it:  python examples/workshop/check.py 1
Grown up in microflask.py: "The application at work: from environ to response"
"""
import sys
from contextlib import suppress
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

# An application, to try it

def app(environ, start_response):
    """Answer every request with the path that it asks for."""
    # Exercise 1.1: ask for /grüße, and see nonsense. WSGI hands on each byte of a path
    # as one character (Latin-1). Make bytes of it again, and read these as UTF-8.
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    body = f"You asked for {path}\n".encode()
    start_response("200 OK", [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ])
    # Exercise 1.2: the answer to a HEAD request (curl -I) has the status and the header
    # fields of a GET, Content-Length too, but no body. environ knows the method.
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

# Exercise 1.3: an application may wrap another one; this is called middleware. Return
# an application that answers as `app` does, with one more header field: (name, value).
# It calls `app` with a start_response of its own.
def add_header(app, name, value):
    def wrapped(environ, start_response):
        def start(status, headers, *error):
            return start_response(status, [*headers, (name, value)], *error)
        return app(environ, start)
    return wrapped

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
