"""An app for several instances: it keeps nothing that only one of them would know.

How it is served is told in __main__.py beside it. The visits are counted in the
session, a cookie that all instances can read, since they share SECRET_KEY. ProxyFix
believes what nginx says about the visitor: without it, everybody would come from the
address of nginx.

Read on in microflask.py: Sessions and flashed messages; The application at work: from
environ to response.
"""
import os
import sys

from microflask import Flask, ProxyFix, render_template, request, session

INSTANCE = os.environ.get("INSTANCE", "alone")

app = Flask(__name__, static_folder="../static", template_folder="../templates")
app.secret_key = os.environ.get("SECRET_KEY") or sys.exit(
    "Set SECRET_KEY, to the same long random value for all instances.")
app.config.from_mapping(
    MAX_CONTENT_LENGTH=1_000_000, SEND_FILE_MAX_AGE_DEFAULT=3600,
    SESSION_COOKIE_SAMESITE="Lax")
app.config.from_prefixed_env("DEPLOY")      # DEPLOY_SESSION_COOKIE_SECURE=true, for one

# One proxy in front of us, and only it can reach us; else anybody could lie here.
app.wsgi_app = ProxyFix(
    app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_port=0, x_prefix=0)


@app.get("/")
def index():
    """Which instance answers, what it knows of the visitor, and the count of visits."""
    session["visits"] = session.get("visits", 0) + 1
    return render_template(
        "deploy.html", instance=INSTANCE, pid=os.getpid(), visits=session["visits"])


@app.get("/health")
def health():
    """For whoever watches over the instances: this one is alive."""
    return {"instance": INSTANCE, "from": request.remote_addr}
