"""Who is there: registering, logging in and out, and forms that nobody can forge."""
import functools
import re
import secrets
import sqlite3

from microflask import (
    Blueprint, abort, check_password_hash, flash, g, generate_password_hash,
    redirect, render_template, request, session, url_for,
)

from .db import get_db

bp = Blueprint("auth", __name__, url_prefix="/auth")

NAME = re.compile(r"[\w.-]{2,30}")
SHORTEST_PASSWORD = 8


@bp.before_app_request
def load_user():
    """Set g.user to the row of the one who is logged in, or to None."""
    g.user = None
    if "user_id" in session:
        query = "SELECT id, name FROM member WHERE id = ?"
        g.user = get_db().execute(query, [session["user_id"]]).fetchone()


@bp.app_template_global()
def csrf_token():
    """The session's secret, which each form sends back; another site cannot know it."""
    if "token" not in session:
        session["token"] = secrets.token_hex(16)
    return session["token"]


@bp.before_app_request
def check_token():
    """Refuse a POST that does not come from one of our own forms."""
    if request.method == "POST":
        sent = request.form.get("token", "").encode()
        if not secrets.compare_digest(sent, csrf_token().encode()):
            abort(400)


def login_required(view):
    """Send those who are not logged in to the login page."""
    @functools.wraps(view)
    def guarded(**values):
        if g.user is None:
            flash("Please log in first.", "error")
            return redirect(url_for("auth.login"))
        return view(**values)
    return guarded


@bp.route("/register", methods=["GET", "POST"])
def register():
    """Take a name and a password for a new member."""
    if request.method != "POST":
        return render_template("register.html")
    name, password = request.form["name"].strip(), request.form["password"]
    error = add_member(name, password)
    if error:
        flash(error, "error")
        return render_template("register.html"), 400
    flash(f"Welcome, {name}! Now log in.")
    return redirect(url_for("auth.login"))


def add_member(name, password):
    """Store a new member, or say what is wrong with the name or the password."""
    if not NAME.fullmatch(name):
        return "A name has 2 to 30 letters, digits, dots, dashes or underscores."
    if len(password) < SHORTEST_PASSWORD:
        return f"A password has at least {SHORTEST_PASSWORD} characters."
    row = [name, generate_password_hash(password)]
    try:
        with get_db() as db:
            db.execute("INSERT INTO member (name, password) VALUES (?, ?)", row)
    except sqlite3.IntegrityError:
        return f"The name {name} is taken."


@bp.route("/login", methods=["GET", "POST"])
def login():
    """Check name and password, and remember the member in a fresh session."""
    if request.method != "POST":
        return render_template("login.html")
    query = "SELECT * FROM member WHERE name = ?"
    member = get_db().execute(query, [request.form["name"].strip()]).fetchone()
    password = request.form["password"]
    if member is None or not check_password_hash(member["password"], password):
        flash("This name and this password do not belong together.", "error")
        return render_template("login.html"), 400
    session.clear()
    session["user_id"] = member["id"]
    flash(f"Good to see you, {member['name']}.")
    return redirect(url_for("index"))


@bp.post("/logout")
def logout():
    """Forget who was there."""
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("index"))
