"""Flask-DebugToolbar: what a request did, shown at the edge of its page."""
import as_flask
as_flask.install()

from flask import Flask, redirect, render_template_string   # noqa: E402
from flask_debugtoolbar import DebugToolbarExtension        # noqa: E402

app = Flask(__name__)
app.secret_key = "only for this example"
app.debug = True
DebugToolbarExtension(app)

@app.get("/<name>")
def page(name):
    app.logger.warning("a line for the log panel")
    return render_template_string("<html><body>Hi, {{ n }}</body></html>", n=name)

@app.get("/old")
def old():
    return redirect("/new")

def tour():
    client = app.test_client()
    text = client.get("/ada").text
    assert "Hi, ada" in text and 'id="flDebug"' in text
    for panel in ("Versions", "Time", "HTTP Headers", "Request Vars", "Config",
                  "Templates", "Logging", "Route List"):
        assert panel in text, panel
    assert "a line for the log panel" in text
    assert 'href="/new"' in client.get("/old").text, "not followed without being asked"
    script = client.get("/_debug_toolbar/static/js/toolbar.js")
    assert script.status_code == 200
    script.close()
