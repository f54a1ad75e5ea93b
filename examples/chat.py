"""A live chat: each reader's browser keeps one answer open, and the server writes on.

    python examples/chat.py          http://127.0.0.1:5000, in two windows

Shows Server-Sent Events: a view whose answer is a generator that does not end. Each
reader has a thread, and waits in it for the bell that each message rings. A browser
that lost the connection comes back by itself and says, in Last-Event-ID, what it saw
last. It opens no more than six connections to one host: that many windows.

Nobody proves a name here; examples/login.py does. The messages are kept in the memory
of this one process; two processes would be two chats.

Read on in microflask.py: The body of a response; The development server: connections.
"""
import threading
import time
from collections import deque

from microflask import Flask, Response, abort, json, render_template, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 10_000

KEPT = 200      # messages that a newcomer gets to see
PATIENCE = 15   # seconds of silence after which a reader gets a sign of life


class Room:
    """The last messages, and a bell for those who wait for the next one."""

    def __init__(self):
        self.messages = deque(maxlen=KEPT)
        self.last = time.time_ns() // 1000    # so that a restart does not count back
        self.readers = 0
        self.bell = threading.Condition()

    def say(self, name, text):
        """Keep a message, and wake everybody."""
        with self.bell:
            self.last += 1
            message = {"id": self.last, "name": name, "text": text}
            self.messages.append(message)
            self.bell.notify_all()

    def come_and_go(self, step):
        """Count a reader who comes (1) or goes (-1), and wake everybody."""
        with self.bell:
            self.readers += step
            self.bell.notify_all()

    def wait(self, last, readers):
        """Wait for news; return the messages after last, and how many readers."""
        with self.bell:
            self.bell.wait_for(
                lambda: self.last > last or self.readers != readers, PATIENCE)
            return [m for m in self.messages if m["id"] > last], self.readers


room = Room()


@app.get("/")
def index():
    """The page; what was said comes to it as events."""
    return render_template("chat.html")


@app.post("/say")
def say():
    """Take a message, and hand it to all who read."""
    name = request.form["name"].strip()
    text = request.form["text"].strip()
    if not 1 <= len(name) <= 30 or not 1 <= len(text) <= 1000:
        abort(400, "A name has 1 to 30 characters, a message 1 to 1000.")
    room.say(name, text)
    return "", 204


@app.get("/events")
def events():
    """Answer with what was said after Last-Event-ID, and then with all that follows."""
    last = request.headers.get("Last-Event-ID", 0, type=int)
    return Response(follow(last), mimetype="text/event-stream", headers={
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",    # nginx is not to wait until it has a page full
    })


def follow(last):
    """Yield events, until the reader is gone and this generator is closed."""
    seen = None
    room.come_and_go(1)
    try:
        yield "retry: 1000\n\n"    # milliseconds after which a browser comes back
        while True:
            messages, readers = room.wait(last, seen)
            for message in messages:
                last = message["id"]
                yield f"id: {last}\ndata: {json.dumps(message)}\n\n"
            if readers != seen:
                seen = readers
                yield f"event: readers\ndata: {readers}\n\n"
            elif not messages:
                yield ": still here\n\n"    # fails if the reader is gone
    finally:
        room.come_and_go(-1)


if __name__ == "__main__":
    app.run()
