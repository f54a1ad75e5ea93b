"""A live chat with Server-Sent Events.

    python examples/chat.py          http://127.0.0.1:5000, in two windows

The browser of each reader keeps one response open. Its body is a generator that never
ends: it waits until a new message wakes it. A browser that loses the connection comes
back by itself, and sends the last id that it has seen. The messages are in the memory
of one process, so run one process with many threads:

    gunicorn --chdir examples -k gthread --threads 50 chat:app

Read on in microflask.py: The response; Development server and reloader.
"""
import itertools
import threading
import time
from collections import deque

from microflask import Flask, Response, abort, json, render_template, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 10_000

messages = deque(maxlen=200)
numbers = itertools.count(time.time_ns())   # so that a restart does not count back
news = threading.Condition()
SILENCE = 15    # seconds until a quiet stream sends a comment, to notice a lost reader

@app.get("/")
def index():
    """Show the page; the messages come as events."""
    return render_template("chat.html")

@app.post("/say")
def say():
    """Take a message, and wake all readers."""
    who, text = request.form["who"].strip(), request.form["text"].strip()
    if not 1 <= len(who) <= 30 or not 1 <= len(text) <= 1000:
        abort(400, "A name has 1 to 30 characters, a message 1 to 1000.")
    with news:
        messages.append({"id": next(numbers), "who": who, "text": text})
        news.notify_all()
    return "", 204

@app.get("/events")
def events():
    """Stream the messages after Last-Event-ID, and all that follow."""
    last = request.headers.get("Last-Event-ID", 0, type=int)
    headers = {"X-Accel-Buffering": "no"}       # for nginx: pass on each event at once
    return Response(follow(last), mimetype="text/event-stream", headers=headers)

def follow(last):
    """Yield the messages after number `last`, until the reader is gone."""
    yield "retry: 1000\n\n"     # milliseconds until a browser tries again
    while True:
        with news:
            news.wait_for(lambda: messages and messages[-1]["id"] > last, SILENCE)
            unseen = [message for message in messages if message["id"] > last]
        for message in unseen:
            last = message["id"]
            yield f"id: {last}\ndata: {json.dumps(message)}\n\n"
        if not unseen:
            yield ": still here\n\n"

if __name__ == "__main__":
    app.run()
