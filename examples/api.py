r"""A REST API for books: JSON in, JSON out, errors too.

    python examples/api.py          http://127.0.0.1:5000, a page to try it
    curl -i 127.0.0.1:5000/books -H 'Content-Type: application/json' \
         -d '{"title": "Emma", "author": "Jane Austen", "year": 1815}'

Shows views as classes, one method for each method of HTTP; a SQLite database, opened
when a request needs it and closed with the request; every error as JSON; a 201 that
says where the new thing is; pages of a long list; an ETag, so that what has not changed
is not sent again.

The database is examples/instance/api.sqlite, or what API_DATABASE says.

Read on in microflask.py: Views as classes; Configuration and JSON; Errors that are
answers.
"""
import re
import sqlite3
from pathlib import Path

from microflask import (
    Flask, HTTPException, MethodView, abort, g, json, jsonify, render_template, request,
    url_for,
)

app = Flask(__name__)
app.config.from_mapping(
    DATABASE=str(Path(app.instance_path, "api.sqlite")), MAX_CONTENT_LENGTH=10_000)
app.config.from_prefixed_env("API")

SCHEMA = """
CREATE TABLE IF NOT EXISTS book (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    year INTEGER
)
"""

MOST = 50       # books on one page


def get_db():
    """The request's connection to the database."""
    if "db" not in g:
        path = Path(app.config["DATABASE"])
        path.parent.mkdir(parents=True, exist_ok=True)
        g.db = sqlite3.connect(path)
        g.db.row_factory = sqlite3.Row
        g.db.execute(SCHEMA)
    return g.db


@app.teardown_appcontext
def close_db(error):
    """Close the connection, if this request has opened one."""
    if "db" in g:
        g.db.close()


def is_text(value):
    """Whether a value is a text of a fair length; JSON allows halves of characters."""
    return (isinstance(value, str) and 1 <= len(value.strip()) <= 200
            and not re.search(r"[\0\ud800-\udfff]", value))


def checked(data, partial=False):
    """Return the fields of a book that were sent; a 400 names each that is wrong."""
    if not isinstance(data, dict):
        abort(400, "The body must be a JSON object.")
    wrong = {}
    for field in data.keys() - {"title", "author", "year"}:
        wrong[field] = "is not known"
    for field in ("title", "author"):
        if (field in data or not partial) and not is_text(data.get(field)):
            wrong[field] = "must be a text of 1 to 200 characters"
    year = data.get("year")
    if year is not None and (type(year) is not int or not -3000 <= year <= 3000):
        wrong["year"] = "must be a whole number from -3000 to 3000, or null"
    if wrong:
        abort(400, "; ".join(f"{field} {why}" for field, why in sorted(wrong.items())))
    return data


def shown(row):
    """A row of the table as what the API shows of it."""
    return {**row, "url": url_for("book", number=row["id"])}


class Books(MethodView):
    """All books."""

    def get(self):
        """A page of the list: ?limit= at most 50, ?after= the last one before it."""
        after = request.args.get("after", 0, type=int)
        limit = min(max(request.args.get("limit", MOST, type=int), 1), MOST)
        query = "SELECT * FROM book WHERE id > ? ORDER BY id LIMIT ?"
        after = min(max(after, 0), 2 ** 62)     # SQLite's integers end there
        rows = get_db().execute(query, [after, limit + 1]).fetchall()
        answer = {"books": [shown(dict(row)) for row in rows[:limit]]}
        if len(rows) > limit:
            last = rows[limit - 1]["id"]
            answer["next"] = url_for("books", after=last, limit=limit)
        return unless_known(answer)

    def post(self):
        """Add a book; Location says where it is."""
        book = {"year": None, **checked(request.get_json())}
        with get_db() as db:
            number = db.execute("INSERT INTO book (title, author, year)"
                                " VALUES (:title, :author, :year)", book).lastrowid
        return found(number), 201, {"Location": url_for("book", number=number)}


class Book(MethodView):
    """One book."""

    def get(self, number):
        """The book."""
        return unless_known(found(number))

    def put(self, number):
        """Put another book in its place; what is not sent is forgotten."""
        return self.change(number, {"year": None, **checked(request.get_json())})

    def patch(self, number):
        """Change the fields that are sent."""
        return self.change(number, checked(request.get_json(), partial=True))

    def change(self, number, fields):
        """Store the fields, and return the whole book."""
        book = {**found(number), **fields}
        with get_db() as db:
            db.execute("UPDATE book SET title = :title, author = :author, year = :year"
                       " WHERE id = :id", book)
        return found(number)

    def delete(self, number):
        """Take the book away."""
        found(number)
        with get_db() as db:
            db.execute("DELETE FROM book WHERE id = ?", [number])
        return "", 204


def found(number):
    """The book with this number, or a 404."""
    row = get_db().execute("SELECT * FROM book WHERE id = ?", [number]).fetchone()
    return shown(dict(row)) if row else abort(404, f"There is no book {number}.")


def unless_known(data):
    """The data as JSON, or 304 if the client has it: its If-None-Match says so."""
    response = jsonify(data)
    response.add_etag()
    return response.make_conditional(request)


app.add_url_rule("/books", view_func=Books.as_view("books"))
app.add_url_rule("/books/<int(max=1000000000):number>", view_func=Book.as_view("book"))


@app.get("/")
def index():
    """A page to try the API with."""
    return render_template("api.html")


@app.errorhandler(HTTPException)
def as_json(error):
    """Every error as JSON, with the status and the headers that it has."""
    response = error.get_response()
    response.data = json.dumps(
        {"code": error.code, "name": error.name, "description": error.description})
    response.content_type = "application/json"
    return response


if __name__ == "__main__":
    app.run()
