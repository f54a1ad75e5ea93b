"""Flask-Migrate: the tables of a database follow the models, step by step."""
import logging
import os
import subprocess
import sys
import tempfile
import warnings

import as_flask
as_flask.install()

from flask import Flask                                     # noqa: E402
from flask_migrate import Migrate, downgrade, migrate, upgrade  # noqa: E402
from flask_sqlalchemy import SQLAlchemy                     # noqa: E402
from sqlalchemy import inspect                              # noqa: E402

def create_app(folder=None, with_mail=False):
    """Return the application: a first version, or a second with one more column."""
    folder = folder or os.environ.get("FOLDER") or tempfile.mkdtemp()
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder}/people.db"
    db = SQLAlchemy(app)
    Migrate(app, db, directory=f"{folder}/migrations", render_as_batch=True)

    class Person(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80), nullable=False)
        if with_mail:
            mail = db.Column(db.String(80))

    @app.get("/")
    def columns():
        return [column["name"] for column in inspect(db.engine).get_columns("person")]
    return app

def command(folder, *args):
    """Run `flask db …` as a user does, with microflask in the place of Flask."""
    line = [sys.executable, as_flask.__file__, "--app", __file__, *args]
    return subprocess.run(line, env={**os.environ, "FOLDER": folder}, timeout=60,
                          check=True, capture_output=True, text=True).stdout

def tour():
    logging.disable()
    warnings.simplefilter("ignore")     # the env.py that Flask-Migrate writes gives one
    with tempfile.TemporaryDirectory() as folder:
        first, second = create_app(folder), create_app(folder, with_mail=True)
        client = second.test_client()
        command(folder, "db", "init")
        with first.app_context():
            migrate(message="people")
        command(folder, "db", "upgrade")
        assert client.get("/").json == ["id", "name"]
        with second.app_context():
            migrate(message="mail")
            upgrade()
            assert client.get("/").json == ["id", "name", "mail"]
            downgrade()
            assert client.get("/").json == ["id", "name"]
        history = command(folder, "db", "history")
        assert "people" in history and "mail" in history
        for app in (first, second):
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()
    logging.disable(logging.NOTSET)
