"""The posts: a list of them, one of them, and writing, editing and deleting them."""
from microflask import (
    Blueprint, abort, flash, g, redirect, render_template, request, url_for,
)

from .auth import login_required
from .db import get_db

bp = Blueprint("blog", __name__, url_prefix="/post")

POSTS_ON_A_PAGE = 5
LONGEST_TITLE = 120
ONE = "/<int(max=999999999):number>"  # SQLite refuses integers of more than 64 bits

SELECT = """
    SELECT post.*, member.name FROM post JOIN member ON member.id = post.author
"""


def index():
    """The posts, newest first, a few on a page."""
    page = min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
    posts = get_db().execute(
        SELECT + "ORDER BY post.id DESC LIMIT ? OFFSET ?",
        [POSTS_ON_A_PAGE + 1, POSTS_ON_A_PAGE * (page - 1)],
    ).fetchall()
    older = len(posts) > POSTS_ON_A_PAGE
    posts = posts[:POSTS_ON_A_PAGE]
    return render_template("index.html", posts=posts, page=page, older=older)


@bp.get(ONE)
def show(number):
    """One post, whole."""
    return render_template("post.html", post=find_post(number))


@bp.route("/new", methods=["GET", "POST"])
@login_required
def write():
    """An empty sheet, and what becomes of it."""
    if request.method != "POST":
        return render_template("write.html", post=None)
    title, text = read_form()
    if not title or not text:
        return render_template("write.html", post=None), 400
    with get_db() as db:
        row = [g.user["id"], title, text]
        number = db.execute(
            "INSERT INTO post (author, title, text) VALUES (?, ?, ?)", row
        ).lastrowid
    flash("Your post is published.")
    return redirect(url_for(".show", number=number))


@bp.route(ONE + "/edit", methods=["GET", "POST"])
@login_required
def edit(number):
    """The author's second thoughts."""
    post = own_post(number)
    if request.method != "POST":
        return render_template("write.html", post=post)
    title, text = read_form()
    if not title or not text:
        return render_template("write.html", post=post), 400
    with get_db() as db:
        db.execute(
            "UPDATE post SET title = ?, text = ?, edited = CURRENT_TIMESTAMP"
            " WHERE id = ?", [title, text, number],
        )
    flash("Your changes are saved.")
    return redirect(url_for(".show", number=number))


@bp.post(ONE + "/delete")
@login_required
def delete(number):
    """Take a post away for good."""
    post = own_post(number)
    with get_db() as db:
        db.execute("DELETE FROM post WHERE id = ?", [number])
    flash(f"“{post['title']}” is deleted.")
    return redirect(url_for("index"))


def find_post(number):
    """The row of this post with its author's name, or a 404."""
    post = get_db().execute(SELECT + "WHERE post.id = ?", [number]).fetchone()
    return post or abort(404)


def own_post(number):
    """As find_post, and a 403 if somebody else wrote it."""
    post = find_post(number)
    if post["author"] != g.user["id"]:
        abort(403)
    return post


def read_form():
    """Title and text as they were sent; either is empty, and flashed, if it is bad."""
    title = request.form["title"].strip()
    text = request.form["text"].strip()
    if not title or len(title) > LONGEST_TITLE:
        title = ""
        flash(f"A title has 1 to {LONGEST_TITLE} characters.", "error")
    if not text:
        flash("A post without words? Write some.", "error")
    return title, text
