"""One SQLite connection a request: opened when first asked for, closed at the end."""
import sqlite3

from microflask import current_app, g


def init_app(app):
    """Make missing tables now, and on the command init-db; close what was opened."""
    app.teardown_appcontext(close_db)

    @app.cli.command("init-db")
    def init_db():
        """Make the tables that are missing; what is written stays."""
        make_tables()
        print("The tables are in", app.config["DATABASE"])

    with app.app_context():
        make_tables()


def get_db():
    """The connection of this request."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA foreign_keys = ON")
    return g.db


def close_db(error=None):
    """Close the connection, if there is one."""
    db = g.pop("db", None)
    if db is not None:
        db.close()


def make_tables():
    """Run schema.sql, which may be run any number of times."""
    with current_app.open_resource("schema.sql", "r") as schema:
        get_db().executescript(schema.read())
