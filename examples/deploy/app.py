"""An app for several processes: it keeps nothing in the memory of one of them.

__main__.py beside it says how it is served. The session is a cookie, and all processes
share SECRET_KEY, so each can read it. ProxyFix believes what nginx says about the
visitor; without it, everybody would seem to come from nginx.

Read on in microflask.py: Sessions and flashed messages; Class views, passwords,
proxies.
"""
import os

from microflask import Flask, ProxyFix, render_template, session

app = Flask(__name__, static_folder="../static", template_folder="../templates")
app.config.update(
    SECRET_KEY=os.environ["SECRET_KEY"],    # the same long random value for all
    SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=1_000_000)

# One proxy is in front, and nobody else can reach us; otherwise anybody could lie.
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)

@app.get("/")
def index():
    """Say which process answers, what it knows of the visitor, and count the visits."""
    session["visits"] = session.get("visits", 0) + 1
    return render_template("deploy.html", instance=os.environ.get("INSTANCE"))
