"""Flask-Migrate: the tables of a database follow the models, step by step."""
import os
import subprocess
import sys
import tempfile

import microflask

microflask.install_as_flask()

from flask import Flask                                     # noqa: E402
from flask_migrate import Migrate                           # noqa: E402
from flask_sqlalchemy import SQLAlchemy                     # noqa: E402
from sqlalchemy import inspect                              # noqa: E402

def create_app(folder=None):
    """Return the application: a first version, or a second with one more column."""
    folder = folder or os.environ.get("FOLDER") or tempfile.mkdtemp()
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder}/people.db"
    db = SQLAlchemy(app)
    Migrate(app, db, directory=f"{folder}/migrations", render_as_batch=True)

    class Person(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80), nullable=False)
        if "WITH_MAIL" in os.environ:
            mail = db.Column(db.String(80))

    @app.get("/")
    def columns():
        return [column["name"] for column in inspect(db.engine).get_columns("person")]
    return app

def command(folder, *args, **environment):
    """Run `flask db …` as a user does, with microflask in the place of Flask."""
    line = [sys.executable, microflask.__file__, "--as-flask", "--app", __file__, *args]
    return subprocess.run(line, env={**os.environ, "FOLDER": folder, **environment},
                          timeout=60, check=True, capture_output=True, text=True)

def tour():
    with tempfile.TemporaryDirectory() as folder:
        def columns():
            app = create_app(folder)
            answer = app.test_client().get("/").json
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()
            return answer

        command(folder, "db", "init")
        command(folder, "db", "migrate", "-m", "people")
        command(folder, "db", "upgrade")
        assert columns() == ["id", "name"]
        command(folder, "db", "migrate", "-m", "mail", WITH_MAIL="1")
        command(folder, "db", "upgrade", WITH_MAIL="1")
        assert columns() == ["id", "name", "mail"]
        history = command(folder, "db", "history").stdout
        assert "people" in history and "mail" in history
        command(folder, "db", "downgrade")
        assert columns() == ["id", "name"]

if __name__ == "__main__":
    create_app().run()
