"""A small blog: several people write, everybody reads.

    python examples/blog                                      http://127.0.0.1:5000
    gunicorn --chdir examples 'blog:create_app()' -w 2        the same, for real
    python microflask.py --app examples/blog init-db          only make the tables

Each file has one line that names the framework. To run the blog on Flask, write `flask`
there; only the two password functions in auth.py come from `werkzeug.security`.
"""
import contextlib
import os
import secrets
import tempfile
from datetime import datetime
from pathlib import Path

from microflask import Flask, render_template

from . import auth, blog, db

SORRY = {
    400: "This form could not be read. Go back, load the page again, and retry.",
    403: "Only the author of a post may change it.",
    404: "Nothing is written on this page.",
}

POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def create_app(test_config=None):
    """The blog, set up from the instance folder and BLOG_*, or from test_config."""
    app = Flask(__name__, instance_relative_config=True)
    instance = Path(app.instance_path)
    app.config.from_mapping(
        DATABASE=str(instance / "blog.sqlite"),
        MAX_CONTENT_LENGTH=1_000_000,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    if test_config is None:
        instance.mkdir(parents=True, exist_ok=True)
        app.config.from_pyfile("blog.cfg", silent=True)
        app.config.from_prefixed_env("BLOG")
        if not app.config["SECRET_KEY"]:
            app.config["SECRET_KEY"] = kept_key(instance / "blog.key")
    else:
        app.config.from_mapping(test_config)

    db.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(blog.bp)
    app.add_url_rule("/", "index", blog.index)
    app.add_template_filter(day)
    app.after_request(guard)
    for code in SORRY:
        app.register_error_handler(code, sorry)
    return app


def kept_key(path):
    """The secret key in the file at path, written by the worker that starts first."""
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent)  # its owner alone may read it
        with open(handle, "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):  # another worker was faster
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text()


def day(stamp):
    """SQLite's "2031-05-04 12:30:00" as "4 May 2031"."""
    moment = datetime.fromisoformat(stamp)
    return f"{moment.day} {moment:%B %Y}"


def guard(response):
    """Let pages load nothing from elsewhere, and let nobody frame them."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def sorry(error):
    """An error as a page of the blog."""
    page = render_template("sorry.html", error=error, text=SORRY[error.code])
    return page, error.code
