"""A small blog: several people write, everybody reads.

    python microflask.py --app examples/blog run          http://127.0.0.1:5000
    SECRET_KEY=... gunicorn --chdir examples -w 2 'blog:create_app()'

Write `flask` instead of `microflask` in its files, and the blog runs on Flask. (The two
functions for passwords then come from `werkzeug.security`.) The database is
examples/instance/blog.sqlite, or the file that BLOG_DATABASE names.

Read on in microflask.py: What application and blueprint share; The application.
"""
import os
import secrets
from pathlib import Path

from microflask import Flask, render_template

from . import auth, db, posts

def create_app():
    """Return the blog, set up by the environment."""
    app = Flask(__name__, static_folder="../static", template_folder="../templates")
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    app.config.from_mapping(
        DATABASE=os.environ.get(
            "BLOG_DATABASE", str(Path(app.instance_path, "blog.sqlite"))),
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
        SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=1_000_000)
    db.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(posts.bp)
    app.after_request(protect)
    for code in (400, 403, 404):
        app.register_error_handler(code, sorry)
    return app

def protect(response):
    """Load nothing from other sites, and stay out of their frames."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; form-action 'self'; frame-ancestors 'none'")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

def sorry(error):
    """Show an error as a page of the blog."""
    return render_template("sorry.html", error=error), error.code
