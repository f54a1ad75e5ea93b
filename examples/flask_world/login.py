"""Flask-Login: a page for those who logged in, and a cookie that remembers them."""
import as_flask
as_flask.install()

from flask import Flask, redirect, request, url_for            # noqa: E402
from flask_login import (LoginManager, UserMixin, current_user,  # noqa: E402
                         login_required, login_user, logout_user)

app = Flask(__name__)
app.secret_key = "only for this example"
logins = LoginManager(app)
logins.login_view = "log_in"
PASSWORDS = {"ada": "engine", "bob": "builder"}

class User(UserMixin):
    def __init__(self, name):
        self.id = name

@logins.user_loader
def load_user(name):
    return User(name) if name in PASSWORDS else None

@app.route("/login", methods=["GET", "POST"])
def log_in():
    if request.method == "GET":
        return """<form method=post><label>Name <input name=name></label>
                  <label>Password <input name=password type=password></label>
                  <label><input name=remember type=checkbox> remember me</label>
                  <button>Log in</button></form> Try ada, engine."""
    name = request.form["name"]
    if PASSWORDS.get(name) != request.form["password"]:
        return "Wrong name or password", 403
    login_user(User(name), remember="remember" in request.form)
    return redirect(request.args.get("next") or url_for("own_page"))

@app.get("/")
@login_required
def own_page():
    return f"Hello, {current_user.id}! <a href='{url_for('log_out')}'>Log out</a>"

@app.get("/logout")
@login_required
def log_out():
    logout_user()
    return "Bye"

def tour():
    client = app.test_client()
    assert client.get("/").location == "/login?next=%2F"
    wrong = {"name": "ada", "password": "guess"}
    assert client.post("/login", data=wrong).status_code == 403
    right = {"name": "ada", "password": "engine"}
    page = client.post("/login?next=/", data=right, follow_redirects=True)
    assert "Hello, ada!" in page.text
    assert client.get("/logout").text == "Bye"
    assert client.get("/").status_code == 302
    client.post("/login", data={**right, "remember": "on"})
    client.delete_cookie("session")
    assert "Hello, ada!" in client.get("/").text, "the second cookie remembers"
    client.set_cookie("remember_token", "bob|forged")
    client.delete_cookie("session")
    assert client.get("/").status_code == 302
