"""A WebSocket that says everything back.

    pip install simple-websocket
    python examples/echo.py          http://127.0.0.1:5000

WSGI knows nothing of WebSockets, but the development server hands its socket on, as
`environ["werkzeug.socket"]`, and simple-websocket takes it over: from the handshake on,
the connection is no longer HTTP. A rule with websocket=True matches nothing but the
handshake, and url_for makes ws://… of it. Gunicorn's threaded worker does as well:

    gunicorn --chdir examples -k gthread --threads 50 echo:app

Read on in microflask.py: Routing: which rule matches; The development server: a request
and its answer.
"""
from microflask import Flask, Response, abort, render_template, request

try:
    import simple_websocket
except ImportError:
    simple_websocket = None

app = Flask(__name__)

MISSING = "This needs the package simple-websocket: pip install simple-websocket"


class Spoken(Response):
    """The answer when the WebSocket is over: nothing more belongs on its socket."""

    def __call__(self, environ, start_response):
        # Each server has its own word for "leave this connection alone".
        raise StopIteration if "gunicorn.socket" in environ else ConnectionError


@app.get("/")
def index():
    """The page that talks to the WebSocket."""
    return render_template("echo.html", missing=MISSING if not simple_websocket else "")


@app.get("/echo", websocket=True)
def echo():
    """Say back what comes, text as text and bytes as bytes, until the client goes."""
    if simple_websocket is None:
        abort(501, MISSING)
    if request.origin != request.host_url.rstrip("/"):
        abort(403)      # the browser's rule of one origin does not cover WebSockets
    if len(request.headers.get("Sec-WebSocket-Key", "")) != 24:
        abort(400)
    socket = simple_websocket.Server.accept(
        request.environ, ping_interval=20, max_message_size=65536)
    try:
        while True:
            socket.send(socket.receive())
    except (simple_websocket.ConnectionClosed, OSError):
        socket.thread.join(5)       # it may be about to send the last word
        return Spoken()


if __name__ == "__main__":
    app.run()
