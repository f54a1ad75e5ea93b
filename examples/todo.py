"""A to-do list: a form, flashed messages, and a session.

    python examples/todo.py          http://127.0.0.1:5000

Every POST ends with a redirect, so reloading the page does not send the form again.
The list lives in the session, a signed cookie: you can read it and delete it, but not
change it. SameSite=Lax keeps other sites from sending these forms in your name. Set
SECRET_KEY to keep the sessions over a restart.

Read on in microflask.py: Sessions and flashed messages; Templates.
"""
import os
import secrets

from microflask import (
    Flask, flash, json, redirect, render_template, request, session, url_for)

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
    SESSION_COOKIE_SAMESITE="Lax")

MAX_JSON = 2400     # characters; browsers drop a cookie of more than 4096 bytes

@app.get("/")
def index():
    """Show the list and its forms."""
    return render_template("todo.html", tasks=session.get("tasks", []))

@app.post("/add")
def add():
    """Append a task."""
    tasks = session.get("tasks", [])
    text = request.form["text"].strip()[:100]
    number = max((task["id"] for task in tasks), default=0) + 1
    longer = [*tasks, {"id": number, "text": text, "done": False}]
    if not text:
        flash("A task needs some words.", "error")
    elif len(json.dumps(longer)) > MAX_JSON:
        flash("The list is full. Do something first!", "error")
    else:
        session["tasks"] = longer   # a new list: the session notices the assignment
        flash(f"Added “{text}”.")
    return redirect(url_for("index"))

@app.post("/task/<int:number>")
def mark(number):
    """Mark a task as done, or as open again."""
    is_done = request.form["state"] == "done"
    session["tasks"] = [
        {**task, "done": is_done} if task["id"] == number else task
        for task in session.get("tasks", [])]
    return redirect(url_for("index", _anchor=f"task-{number}"))

@app.post("/tidy")
def tidy():
    """Remove the tasks that are done."""
    tasks = session.get("tasks", [])
    session["tasks"] = [task for task in tasks if not task["done"]]
    flash(f"Removed: {len(tasks) - len(session['tasks'])}.")
    return redirect(url_for("index"))

if __name__ == "__main__":
    app.run()
