"""Flask-SocketIO: rooms and events both ways, over a real socket."""
import as_flask
as_flask.install()

from flask import Flask, request, session                   # noqa: E402
from flask_socketio import SocketIO, emit, join_room        # noqa: E402
from socketio import SimpleClient                           # noqa: E402

app = Flask(__name__)
app.secret_key = "only for this example"
sockets = SocketIO(app, async_mode="threading")

@sockets.on("enter")
def enter(room):
    session["room"] = room
    join_room(room)
    emit("entered", {"room": room, "by": request.sid}, to=room)
    return "welcome"

@sockets.on("say")
def say(text):
    emit("said", text.upper(), to=session["room"])

def tour():
    client = sockets.test_client(app)
    assert client.emit("enter", "hall", callback=True) == "welcome"
    client.emit("say", "hello")
    assert [(e["name"], e["args"]) for e in client.get_received()][1:] == [
        ("said", ["HELLO"])]

def visit(address):
    for transport in ("polling", "websocket"):
        with SimpleClient() as there:
            there.connect(address, transports=[transport])
            assert there.call("enter", transport, timeout=10) == "welcome"
            there.emit("say", "over the wire")
            heard = [there.receive(timeout=10) for _ in range(2)]
            assert heard[1] == ["said", "OVER THE WIRE"]
