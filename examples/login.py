"""Accounts and roles: who may see which page.

    python examples/login.py          http://127.0.0.1:5000

The first account becomes the administrator, who gives the others their roles. Look at
the salted, slow password hashes, the new session with each login, the decorator that
asks for a role, and the `next` parameter that never leads to another site. Nothing here
slows down somebody who tries many passwords: the server in front can do that.

The accounts are in a dict and end with the process: examples/blog has a database.

Read on in microflask.py: Sessions and flashed messages; Class views, passwords,
proxies.
"""
import functools
import re
import secrets
import threading

from microflask import (
    Flask, HTTPException, abort, check_password_hash, flash, g, generate_password_hash,
    redirect, render_template, request, session, url_for)

app = Flask(__name__)
app.config.update(
    SECRET_KEY=secrets.token_hex(), SESSION_COOKIE_SAMESITE="Lax",
    MAX_CONTENT_LENGTH=10_000)

accounts = {}       # name in lower case: {"name": ..., "password": ..., "role": ...}
lock = threading.Lock()
ROLES = ["reader", "writer", "admin"]       # each may do what those before it may
LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
DUMMY_HASH = generate_password_hash(secrets.token_hex())

@app.before_request
def load_account():
    """Set g.account to the account that is logged in, or to None."""
    g.account = accounts.get(session.get("account"))

@app.template_global()
def may(role):
    """Return whether the visitor has this role, or a higher one."""
    return g.account is not None and ROLES.index(g.account["role"]) >= ROLES.index(role)

def needs(role):
    """Protect a view: a stranger goes to the login page, a lower role gets a 403."""
    def decorate(view):
        @functools.wraps(view)
        def guarded(**values):
            if g.account is None:
                flash("Please log in first.", "error")
                here = request.full_path.rstrip("?") if request.method == "GET" else "/"
                return redirect(url_for("login", next=here))
            if not may(role):
                abort(403, f"You need the role {role}. Yours is {g.account['role']}.")
            return view(**values)
        return guarded
    return decorate

def show(title, status=200, **values):
    """Return the page."""
    page = render_template(
        "login.html", title=title, accounts=accounts, roles=ROLES, **values)
    return page, status

@app.get("/")
def index():
    """Show the page for everybody."""
    return show("Welcome")

@app.get("/desk")
@needs("writer")
def desk():
    """Show a page for writers and administrators."""
    return show("The writers' desk")

@app.get("/people")
@needs("admin")
def people():
    """List the accounts."""
    return show("People")

@app.post("/people/<name>")
@needs("admin")
def change_role(name):
    """Give another account a role. Your own stays, so one administrator is left."""
    account, role = accounts.get(name), request.form["role"]
    if account in (None, g.account) or role not in ROLES:
        abort(400, "You cannot give this role.")
    account["role"] = role
    return redirect(url_for("people"))

@app.route("/register", methods=["GET", "POST"])
def register():
    """Make an account."""
    if request.method != "POST":
        return show("Register")
    name, password = request.form["name"].strip(), request.form["password"]
    if not re.fullmatch(r"\w{2,30}", name, re.ASCII) or len(password) < 10:
        flash("A name needs 2 to 30 letters or digits, a password 10 characters.", "error")
        return show("Register", 400)
    account = {"name": name, "password": generate_password_hash(password)}
    with lock:      # two visitors must not both be the first
        account["role"] = "reader" if accounts else "admin"
        stored = accounts.setdefault(name.lower(), account)
    if stored is not account:
        flash(f"The name {name} is taken.", "error")
        return show("Register", 400)
    flash(f"Welcome, {name}! Now log in.")
    return redirect(url_for("login"))

@app.route("/login", methods=["GET", "POST"])
def login():
    """Check name and password, and start a new session."""
    if request.method != "POST":
        return show("Log in")
    name = request.form["name"].strip().lower()
    # An unknown name takes as long as a wrong password, so nobody can probe for names.
    account = accounts.get(name, {"password": DUMMY_HASH})
    fits = check_password_hash(account["password"], request.form["password"])
    if not fits or name not in accounts:
        flash("This name and this password do not belong together.", "error")
        return show("Log in", 400)
    session.clear()
    session["account"] = name
    flash(f"Good to see you, {account['name']}.")
    target = request.args.get("next", "")
    return redirect(target if LOCAL_PATH.fullmatch(target) else url_for("index"))

@app.post("/logout")
def logout():
    """Forget the account."""
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("index"))

@app.errorhandler(HTTPException)
def sorry(error):
    """Show an error as a page."""
    return show(error.name, error.code, error=error)

if __name__ == "__main__":
    app.run()
