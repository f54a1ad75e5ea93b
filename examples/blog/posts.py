"""The posts: list, show, write, edit and delete them."""
from microflask import (
    Blueprint, abort, flash, g, redirect, render_template, request, url_for)

from .auth import login_required
from .db import get_db

bp = Blueprint("posts", __name__, template_folder="templates")

SELECT = "SELECT post.*, name FROM post JOIN member ON member.id = post.author "

@bp.get("/")
def index():
    """List the newest posts."""
    posts = get_db().execute(SELECT + "ORDER BY post.id DESC LIMIT 50").fetchall()
    return render_template("index.html", posts=posts)

@bp.get("/post/<int:number>")
def show(number):
    """Show one post."""
    return render_template("post.html", post=find(number))

@bp.route("/post/new", methods=["GET", "POST"])
@bp.route("/post/<int:number>/edit", methods=["GET", "POST"])
@login_required
def write(number=None):
    """Write a post, or edit your own."""
    post = {"title": "", "text": ""} if number is None else find(number, own=True)
    if request.method != "POST":
        return render_template("write.html", post=post)
    title, text = request.form["title"].strip(), request.form["text"].strip()
    if not 1 <= len(title) <= 120 or not text:
        flash("A post has a title of 1 to 120 characters, and a text.", "error")
        return render_template("write.html", post={"title": title, "text": text}), 400
    with get_db() as db:
        if number is not None:
            db.execute("UPDATE post SET title = ?, text = ? WHERE id = ?",
                       [title, text, number])
        else:
            number = db.execute(
                "INSERT INTO post (author, title, text) VALUES (?, ?, ?)",
                [g.user["id"], title, text]).lastrowid
    flash("Your post is published.")
    return redirect(url_for(".show", number=number))

@bp.post("/post/<int:number>/delete")
@login_required
def delete(number):
    """Delete your own post."""
    post = find(number, own=True)
    with get_db() as db:
        db.execute("DELETE FROM post WHERE id = ?", [number])
    flash(f"“{post['title']}” is deleted.")
    return redirect(url_for(".index"))

def find(number, own=False):
    """Return the post, or answer 404; 403 if it must be your own and is not."""
    row = get_db().execute(SELECT + "WHERE post.id = ?", [str(number)]).fetchone()
    if row is None:
        abort(404, "There is no such post.")
    if own and row["author"] != g.user["id"]:
        abort(403, "Only the author of a post may change it.")
    return row
