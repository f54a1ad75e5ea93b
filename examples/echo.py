"""A WebSocket that sends everything back.

    pip install simple-websocket
    python examples/echo.py          http://127.0.0.1:5000

WSGI has no WebSockets. But the development server passes on its socket, in
`environ["werkzeug.socket"]`, and simple-websocket takes it over: from the handshake on,
the connection speaks another protocol. Gunicorn's threads can do it as well:

    gunicorn --chdir examples -k gthread --threads 50 echo:app

Read on in microflask.py: The response; Development server and reloader.
"""
import errno

import simple_websocket
from microflask import Flask, Response, abort, render_template, request

app = Flask(__name__)

class Over(Response):
    """The end of a WebSocket: nothing may be written to its socket any more."""

    def __call__(self, environ, start_response):
        # Servers leave a connection alone that the client has reset.
        raise ConnectionResetError(errno.ECONNRESET, "The WebSocket is closed.")
        yield       # makes it a generator: it raises when the server asks for the body

@app.get("/")
def index():
    """Show the page that talks to the WebSocket."""
    return render_template("echo.html")

@app.get("/echo")
def echo():
    """Send each message back, text or bytes, until the client is gone."""
    if request.headers.get("Origin") != request.host_url.rstrip("/"):
        abort(403)      # browsers let every site open a WebSocket to every other
    if len(request.headers.get("Sec-WebSocket-Key", "")) != 24:
        abort(400)
    socket = simple_websocket.Server.accept(
        request.environ, ping_interval=20, max_message_size=65536)
    try:
        while True:
            socket.send(socket.receive())
    except (simple_websocket.ConnectionClosed, OSError):
        socket.thread.join(5)       # it may still be sending its goodbye
        return Over()

if __name__ == "__main__":
    app.run()
