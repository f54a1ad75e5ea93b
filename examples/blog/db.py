"""One SQLite connection a request: opened when it is needed, closed at the end."""
import sqlite3
from pathlib import Path

from microflask import current_app, g

def init_app(app):
    """Make the tables that are missing, and close the connection of each request."""
    app.teardown_appcontext(close_db)
    with app.app_context():
        schema = Path(__file__).with_name("schema.sql")
        get_db().executescript(schema.read_text("utf-8"))

def get_db():
    """Return the connection of this request."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA foreign_keys = ON")
    return g.db

def close_db(error=None):
    """Close the connection if there is one."""
    if "db" in g:
        g.pop("db").close()
