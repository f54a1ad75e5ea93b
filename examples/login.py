"""Who may do what: accounts, logging in, and roles.

    python examples/login.py          http://127.0.0.1:5000

Shows passwords that are stored as salted, slow hashes; a session that begins anew with
each login; a decorator that asks for a role; forms with the session's token; and a
`next` that leads back to where one wanted to go, but never to another site. Who
registers first becomes the administrator. What is not here: nobody is slowed down who
tries many passwords; the server in front, nginx for one, can do that.

The accounts are in examples/instance/login.sqlite, or where LOGIN_DATABASE says. Set
SECRET_KEY, or sessions end with the process; and LOGIN_SESSION_COOKIE_SECURE=true where
it is served over HTTPS.

Read on in microflask.py: Sessions and flashed messages; Files and passwords.
"""
import functools
import os
import re
import secrets
import sqlite3
from pathlib import Path

from microflask import (
    Flask, abort, check_password_hash, flash, g, generate_password_hash, redirect,
    render_template, request, session, url_for,
)

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_hex()
app.config.from_mapping(
    DATABASE=str(Path(app.instance_path, "login.sqlite")),
    MAX_CONTENT_LENGTH=10_000, SESSION_COOKIE_SAMESITE="Lax")
app.config.from_prefixed_env("LOGIN")

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password TEXT NOT NULL,
    role TEXT NOT NULL
)
"""

ROLES = ("reader", "editor", "admin")       # each may do what those before it may
NAME = re.compile(r"[A-Za-z0-9_.-]{2,30}")
OF_THIS_SITE = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
NOBODYS_HASH = generate_password_hash(secrets.token_hex())


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


@app.template_global()
def csrf_token():
    """The session's secret, which each form sends back; another site cannot know it."""
    if "token" not in session:
        session["token"] = secrets.token_hex(16)
    return session["token"]


@app.before_request
def load_account():
    """Set g.account to the row of who is logged in, with the role of today, or None."""
    g.account = None
    if "account" in session:
        query = "SELECT id, name, role FROM account WHERE id = ?"
        g.account = get_db().execute(query, [session["account"]]).fetchone()


@app.before_request
def check_token():
    """Refuse a POST that does not come from one of our own forms."""
    if request.method == "POST":
        sent = request.form.get("token", "").encode()
        if not secrets.compare_digest(sent, csrf_token().encode()):
            abort(400, "This form is too old. Go back, load the page again, and retry.")


@app.template_global()
def may(role):
    """Whether who is there has this role, or a higher one."""
    return g.account is not None and ROLES.index(g.account["role"]) >= ROLES.index(role)


def needs(role):
    """Let nobody in who lacks the role: to the login page, or a 403 after it."""
    def decorate(view):
        @functools.wraps(view)
        def guarded(**values):
            if g.account is None:
                flash("Please log in first.")
                here = request.full_path.rstrip("?") if request.method == "GET" else "/"
                return redirect(url_for("login", next=here))
            if not may(role):
                abort(403, f"This page is for the role {role}. You are: "
                           f"{g.account['role']}.")
            return view(**values)
        return guarded
    return decorate


def local(target):
    """The target if it is a path of this site, and the start page otherwise."""
    return target if OF_THIS_SITE.fullmatch(target) else url_for("index")


@app.get("/")
def index():
    """The page for everybody."""
    return render_template("login.html", title="Welcome")


@app.get("/news")
@needs("reader")
def news():
    """A page for all who have an account."""
    return render_template("login.html", title="News for readers")


@app.get("/desk")
@needs("editor")
def desk():
    """A page for editors and administrators."""
    return render_template("login.html", title="The editors' desk")


@app.get("/accounts")
@needs("admin")
def accounts():
    """The table of all accounts."""
    query = "SELECT id, name, role FROM account ORDER BY name"
    rows = get_db().execute(query).fetchall()
    return render_template("login.html", title="Accounts", accounts=rows, roles=ROLES)


@app.post("/accounts/<int:number>")
@needs("admin")
def change_role(number):
    """Give somebody else another role; one's own stays, so that one admin is left."""
    role = request.form["role"]
    if role not in ROLES or number == g.account["id"]:
        abort(400, "This role cannot be given.")
    with get_db() as db:
        db.execute("UPDATE account SET role = ? WHERE id = ?", [role, number])
    flash("The role is changed.")
    return redirect(url_for("accounts"))


@app.route("/register", methods=["GET", "POST"])
def register():
    """Make an account."""
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        problem = add_account(name, password)
        if not problem:
            flash(f"Welcome, {name}! Now log in.")
            return redirect(url_for("login"))
        flash(problem, "error")
    page = render_template("login.html", title="Register", button="Register",
                           complete="new-password")
    return page, 400 if request.method == "POST" else 200


def add_account(name, password):
    """Store an account, or say what is wrong with the name or the password."""
    if not NAME.fullmatch(name):
        return "A name has 2 to 30 letters, digits, dots, dashes or underscores."
    if not 10 <= len(password) <= 200:
        return "A password has at least 10 characters."
    with get_db() as db:
        try:    # the first account of all is the administrator's, in the same statement
            db.execute(
                "INSERT INTO account (name, password, role) SELECT ?, ?,"
                " CASE WHEN EXISTS (SELECT 1 FROM account) THEN ? ELSE ? END",
                [name, generate_password_hash(password), ROLES[0], ROLES[-1]])
        except sqlite3.IntegrityError:
            return f"The name {name} is taken."


@app.route("/login", methods=["GET", "POST"])
def login():
    """Check name and password, and remember the account in a fresh session."""
    if request.method == "POST":
        query = "SELECT * FROM account WHERE name = ?"
        row = get_db().execute(query, [request.form["name"].strip()]).fetchone()
        # An unknown name takes as long as a wrong password, and so is not betrayed.
        stored = row["password"] if row else NOBODYS_HASH
        if check_password_hash(stored, request.form["password"]) and row:
            session.clear()
            session["account"] = row["id"]
            flash(f"Good to see you, {row['name']}.")
            return redirect(local(request.args.get("next", "")))
        flash("This name and this password do not belong together.", "error")
    page = render_template("login.html", title="Log in", button="Log in",
                           complete="current-password")
    return page, 400 if request.method == "POST" else 200


@app.post("/logout")
def logout():
    """Forget who was there."""
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("index"))


@app.errorhandler(400)
@app.errorhandler(403)
@app.errorhandler(404)
def sorry(error):
    """An error as a page."""
    return render_template("login.html", title=error.name, error=error), error.code


if __name__ == "__main__":
    app.run()
