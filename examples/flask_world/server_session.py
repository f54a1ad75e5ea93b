"""Flask-Session: the session stays on the server, the cookie holds only its number."""
import tempfile

import as_flask
as_flask.install()

from cachelib import FileSystemCache                        # noqa: E402
from flask import Flask, session                            # noqa: E402
from flask_session import Session                           # noqa: E402

app = Flask(__name__)
folder = tempfile.TemporaryDirectory(prefix="sessions-")
app.config.update(SESSION_TYPE="cachelib",
                  SESSION_CACHELIB=FileSystemCache(folder.name))
Session(app)

@app.get("/put/<word>")
def put(word):
    session.setdefault("words", []).append(word)
    session.modified = True
    return session["words"]

@app.get("/clear")
def clear():
    session.clear()
    return "cleared"

def tour():
    client = app.test_client()
    client.get("/put/secret")
    number = client.get_cookie("session").value
    assert "secret" not in number and len(number) < 60
    assert client.get("/put/more").json == ["secret", "more"]
    assert client.get_cookie("session").value == number
    with client.session_transaction() as there:
        there["words"] = ["from", "outside"]
    assert client.get("/put/too").json == ["from", "outside", "too"]
    assert app.test_client().get("/put/alone").json == ["alone"]
    client.get("/clear")
    assert client.get_cookie("session") is None
    folder.cleanup()
