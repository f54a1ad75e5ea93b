"""Flask-Sock: a WebSocket that sends back what it gets."""
import as_flask
as_flask.install()

from flask import Flask, request                            # noqa: E402
from flask_sock import Sock                                 # noqa: E402
from simple_websocket import Client                         # noqa: E402

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25}
sock = Sock(app)

@sock.route("/echo/<prefix>")
def echo(ws, prefix):
    while True:
        ws.send(f"{prefix} {request.args.get('mark', '')}{ws.receive()}")

@app.get("/")
def index():
    return """<script>ws = new WebSocket("ws://" + location.host + "/echo/you:");
        ws.onmessage = e => document.body.append(e.data); </script>
        <body><input onchange="ws.send(this.value)">"""

def visit(address):
    there = Client(address.replace("http", "ws") + "/echo/you:?mark=!")
    for text in ("hello", "grüße", "x" * 70_000):
        there.send(text)
        assert there.receive(timeout=10) == f"you: !{text}"
    there.close()
