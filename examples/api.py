r"""A REST API for books: JSON in, JSON out, and errors as JSON too.

    python examples/api.py          http://127.0.0.1:5000

    curl -i 127.0.0.1:5000/books -H 'Content-Type: application/json' \
         -d '{"title": "Persuasion", "author": "Jane Austen", "year": 1817}'
    curl -i 127.0.0.1:5000/books/1 -H 'Content-Type: application/json' \
         -X PATCH -d '{"year": "not known"}'
    curl -i 127.0.0.1:5000/books/1 -X DELETE

A class view has a method for each HTTP method. A 201 names the new URL in Location. The
books are in a dict, which stands for a database: examples/blog has a real one.

Read on in microflask.py: Errors that are answers; Configuration and JSON.
"""
import itertools

from microflask import (
    Flask, HTTPException, MethodView, abort, json, render_template, request, url_for)

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 10_000

books = {1: {"title": "Emma", "author": "Jane Austen", "year": 1815}}
numbers = itertools.count(2)

def read_book(book):
    """Return the book, changed as the JSON body says; answer 400 for a mistake."""
    sent = request.get_json()
    if not isinstance(sent, dict) or sent.keys() - {"title", "author", "year"}:
        abort(400, "Send a JSON object with title, author and year.")
    book = {**book, **sent}
    for field in ("title", "author"):
        text = book[field]
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            abort(400, f"The {field} must be a text without line breaks.")
    year = book["year"]
    if year is not None and (type(year) is not int or abs(year) > 3000):
        abort(400, "The year must be a whole number up to 3000, or null.")
    return book

def find(number):
    """Return the book, or answer 404."""
    return books.get(number) or abort(404, f"There is no book {number}.")

def shown(number, book):
    """Return the book as the API shows it."""
    return {"id": number, "url": url_for("book", number=number), **book}

class Books(MethodView):
    """The collection."""

    def get(self):
        """List the books."""
        return [shown(*item) for item in list(books.items())]

    def post(self):
        """Add a book."""
        book = read_book({"title": None, "author": None, "year": None})
        number = next(numbers)
        books[number] = book
        return shown(number, book), 201, {"Location": url_for("book", number=number)}

class Book(MethodView):
    """One book."""

    def get(self, number):
        """Return it."""
        return shown(number, find(number))

    def patch(self, number):
        """Change the fields that were sent."""
        books[number] = read_book(find(number))
        return shown(number, books[number])

    def delete(self, number):
        """Delete it."""
        find(number)
        books.pop(number, None)
        return "", 204

app.add_url_rule("/books", view_func=Books.as_view("books"))
app.add_url_rule("/books/<int:number>", view_func=Book.as_view("book"))

@app.get("/")
def index():
    """Show the books, and the commands above."""
    commands = "\n".join(line[4:] for line in __doc__.splitlines()[4:9])
    return render_template("api.html", books=books, commands=commands)

@app.errorhandler(HTTPException)
def as_json(error):
    """Return every error as JSON, with its own status and headers."""
    response = error.get_response()
    response.data = json.dumps({"code": error.code, "error": error.description})
    response.content_type = "application/json"
    return response

if __name__ == "__main__":
    app.run()
