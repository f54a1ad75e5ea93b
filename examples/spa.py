"""A single-page app: static files, a JSON API, and every other path is the app's.

    python examples/spa.py          http://127.0.0.1:5000

Shows what a server has to do for an app that lives in the browser. The page changes its
address without asking the server; but when somebody loads such an address, the server
must answer with the one page, and leave it to the page to show what belongs there. An
unknown path of the API, though, is a 404 in JSON, and a file that is missing is a 404,
too. The app is the two files in examples/static/spa.

Read on in microflask.py: Routing: which rule matches; Files and passwords.
"""
from microflask import Flask, abort, send_from_directory

app = Flask(__name__)

# slug: (name, distance from the sun in millions of km, diameter in km, year in days)
PLANETS = {
    "mercury": ("Mercury", 57.9, 4_879, 88.0),
    "venus": ("Venus", 108.2, 12_104, 224.7),
    "earth": ("Earth", 149.6, 12_756, 365.2),
    "mars": ("Mars", 227.9, 6_792, 687.0),
    "jupiter": ("Jupiter", 778.6, 142_984, 4_331.0),
    "saturn": ("Saturn", 1_433.5, 120_536, 10_747.0),
    "uranus": ("Uranus", 2_872.5, 51_118, 30_589.0),
    "neptune": ("Neptune", 4_495.1, 49_528, 59_800.0),
}
FIELDS = ("name", "distance", "diameter", "year")


@app.get("/api/planets")
def planets():
    """All planets, from the sun outwards."""
    return [{"slug": slug, "name": row[0]} for slug, row in PLANETS.items()]


@app.get("/api/planets/<slug>")
def planet(slug):
    """One of them."""
    if slug not in PLANETS:
        abort(404)
    return dict(zip(FIELDS, PLANETS[slug]))


@app.route("/api/", defaults={"path": ""})
@app.route("/api/<path:path>")
def unknown(path):
    """Any other path of the API: this rule is weaker than those above."""
    abort(404)


@app.errorhandler(404)
def nothing(error):
    """A 404 as JSON; people see what the app in the browser makes of it."""
    return {"error": "There is nothing here."}, 404


@app.get("/", defaults={"path": ""})
@app.get("/<path:path>")
def page(path):
    """The one page, whatever the path: its script reads the address and goes on."""
    response = send_from_directory(app.static_folder, "spa/index.html", max_age=0)
    response.headers["Content-Security-Policy"] = "default-src 'self'"
    return response


if __name__ == "__main__":
    app.run()
