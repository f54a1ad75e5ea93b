"""Step 3: a form, flashed messages, and a session."""
from microflask import flash, redirect, request, session, url_for

from step2 import app
from store import add

app.config.update(SECRET_KEY="only for the tutorial", SESSION_COOKIE_SAMESITE="Lax")

@app.post("/")
def lend():
    thing, to = request.form["thing"].strip(), request.form["to"].strip()
    session["to"] = to
    if not thing or not to:
        flash("Say both: the thing, and the friend.", "error")
        return redirect(url_for("index"))
    flash(f"Noted: the {thing}.")
    return redirect(url_for("loan", number=add(thing, to)))
