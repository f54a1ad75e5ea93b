"""A to-do list: forms, flashed messages, and a session.

    python examples/todo.py          http://127.0.0.1:5000

Shows how a form is taken: a POST that changes something is answered with a redirect, so
that loading the page again does not do it twice, and what happened is said by a flashed
message. The list lives in the session, that is in a signed cookie: the reader can read
it and throw it away, but not change it. Each form carries the session's token, without
which a page of another site could send forms in the reader's name.

Set SECRET_KEY to keep sessions over a restart, and for more than one process.

Read on in microflask.py: Sessions and flashed messages; Templates.
"""
import os
import secrets

from microflask import (
    Flask, abort, flash, json, redirect, render_template, request, session, url_for,
)

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_hex()
app.config.update(SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=10_000)

ROOM = 2400     # characters of JSON; browsers keep no cookie of more than 4096 bytes


@app.template_global()
def csrf_token():
    """The session's secret, which each form sends back; another site cannot know it."""
    if "token" not in session:
        session["token"] = secrets.token_hex(16)
    return session["token"]


@app.before_request
def check_token():
    """Refuse a POST that does not come from one of our own forms."""
    if request.method == "POST":
        sent = request.form.get("token", "").encode()
        if not secrets.compare_digest(sent, csrf_token().encode()):
            abort(400, "This form is too old. Go back, load the page again, and retry.")


@app.get("/")
def index():
    """The list, and the forms to change it."""
    return render_template("todo.html", tasks=session.get("tasks", []))


@app.post("/add")
def add():
    """Put a task at the end of the list."""
    tasks = session.get("tasks", [])
    text = request.form["text"].strip()[:100]
    task = {"id": max((t["id"] for t in tasks), default=0) + 1, "text": text}
    if not text:
        flash("A task needs some words.", "error")
    elif len(json.dumps([*tasks, task])) > ROOM:
        flash("The list is full. Do something first!", "error")
    else:
        session["tasks"] = [*tasks, task]   # set anew: so the session sees the change
        flash(f"Added “{text}”.")
    return redirect(url_for("index"))


@app.post("/task/<int:number>/<any(done, open):state>")
def mark(number, state):
    """Mark a task as done, or as open again."""
    if number not in [task["id"] for task in session.get("tasks", [])]:
        abort(404)
    session["tasks"] = [
        {**task, "done": state == "done"} if task["id"] == number else task
        for task in session["tasks"]]
    return redirect(url_for("index", _anchor=f"task-{number}"))


@app.post("/tidy")
def tidy():
    """Take away all that is done."""
    tasks = session.get("tasks", [])
    session["tasks"] = [task for task in tasks if not task.get("done")]
    flash(f"Taken away: {len(tasks) - len(session['tasks'])}.")
    return redirect(url_for("index"))


@app.errorhandler(400)
@app.errorhandler(404)
def sorry(error):
    """An error as a page with the list."""
    page = render_template("todo.html", tasks=session.get("tasks", []), error=error)
    return page, error.code


if __name__ == "__main__":
    app.run()
