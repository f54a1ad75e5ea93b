"""Flask-SQLAlchemy: models in SQLite, or in what DATABASE_URL names."""
import os

import as_flask
as_flask.install()

from flask import Flask, jsonify, request                 # noqa: E402
from flask_sqlalchemy import SQLAlchemy                   # noqa: E402
from sqlalchemy import ForeignKey                         # noqa: E402
from sqlalchemy.exc import IntegrityError                 # noqa: E402
from sqlalchemy.orm import Mapped, mapped_column, relationship  # noqa: E402

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite://")
db = SQLAlchemy(app)

class Author(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")

class Book(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    author: Mapped[Author] = relationship(back_populates="books")

with app.app_context():
    db.create_all()

@app.errorhandler(IntegrityError)
def exists_already(error):
    db.session.rollback()
    return "exists already", 409

@app.post("/authors")
def add_author():
    titles = request.form.getlist("book")
    author = Author(name=request.form["name"], books=[Book(title=t) for t in titles])
    db.session.add(author)
    db.session.commit()
    return {"id": author.id}, 201

@app.get("/authors/<int:number>")
def show_author(number):
    author = db.get_or_404(Author, number)
    return {"name": author.name, "books": [book.title for book in author.books]}

@app.get("/books")
def books():
    page = db.paginate(db.select(Book).order_by(Book.title), per_page=2)
    return jsonify(total=page.total, next=page.next_num,
                   titles=[f"{book.author.name}: {book.title}" for book in page])

def tour():
    client = app.test_client()
    books = ["Pickwick", "Bleak House", "Hard Times"]
    made = client.post("/authors", data={"name": "Dickens", "book": books})
    assert made.status_code == 201
    address = f"/authors/{made.json['id']}"
    assert client.get(address).json == {"name": "Dickens", "books": books}
    assert client.get("/authors/99").status_code == 404
    assert client.post("/authors", data={"name": "Dickens"}).status_code == 409
    assert client.get("/books").json == {
        "total": 3, "next": 2,
        "titles": ["Dickens: Bleak House", "Dickens: Hard Times"]}
    assert client.get("/books?page=2").json["titles"] == ["Dickens: Pickwick"]
    assert client.get("/books?page=3").status_code == 404
    with app.app_context():
        db.session.remove()
        db.drop_all()
        db.engine.dispose()
