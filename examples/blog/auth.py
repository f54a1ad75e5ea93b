"""Registering, logging in and out, and forms that no other site can send."""
import functools
import re
import secrets
import sqlite3

from microflask import (
    Blueprint, abort, check_password_hash, flash, g, generate_password_hash, redirect,
    render_template, request, session, url_for)

from .db import get_db

bp = Blueprint("auth", __name__, url_prefix="/auth")

@bp.before_app_request
def load_user():
    """Set g.user to the member who is logged in, or to None."""
    query = "SELECT id, name FROM member WHERE id = ?"
    g.user = get_db().execute(query, [session.get("user_id")]).fetchone()

def csrf_token():
    """Return the secret of this session: each form sends it, no other site knows it."""
    return session.setdefault("token", secrets.token_hex(16))

@bp.app_context_processor
def name_token():
    """Let templates call `csrf_token()`."""
    return {"csrf_token": csrf_token}

@bp.before_app_request
def check_token():
    """Refuse a POST that does not come from one of our own forms."""
    if request.method == "POST":
        sent = request.form.get("token", "").encode()
        if not secrets.compare_digest(sent, csrf_token().encode()):
            abort(400, "This form is too old. Go back, reload the page, and try again.")

def login_required(view):
    """Send visitors who are not logged in to the login page."""
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
        return render_template("account.html", title="Register")
    name, password = request.form["name"].strip(), request.form["password"]
    if not re.fullmatch(r"[\w.-]{2,30}", name):
        flash("A name has 2 to 30 letters, digits and ._- characters.", "error")
    elif len(password) < 8:
        flash("A password has at least 8 characters.", "error")
    else:
        try:
            with get_db() as db:
                db.execute("INSERT INTO member (name, password) VALUES (?, ?)",
                           [name, generate_password_hash(password)])
            flash(f"Welcome, {name}! Now log in.")
            return redirect(url_for(".login"))
        except sqlite3.IntegrityError:
            flash(f"The name {name} is taken.", "error")
    return render_template("account.html", title="Register"), 400

@bp.route("/login", methods=["GET", "POST"])
def login():
    """Check name and password, and start a new session."""
    if request.method != "POST":
        return render_template("account.html", title="Log in")
    query = "SELECT * FROM member WHERE name = ?"
    member = get_db().execute(query, [request.form["name"].strip()]).fetchone()
    password = request.form["password"]
    if not member or not check_password_hash(member["password"], password):
        flash("This name and this password do not belong together.", "error")
        return render_template("account.html", title="Log in"), 400
    session.clear()
    session["user_id"] = member["id"]
    flash(f"Good to see you, {member['name']}.")
    return redirect(url_for("posts.index"))

@bp.post("/logout")
def logout():
    """Forget the member."""
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("posts.index"))
