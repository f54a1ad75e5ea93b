"""A single-page app: static files, a JSON API, and one page for every other path.

    python examples/spa.py          http://127.0.0.1:5000

The script in the page changes the address without asking the server. When somebody
loads such an address, the server sends the one page, and its script shows what belongs
there. An unknown path of the API is still a 404, and so is a missing file. The app
itself is examples/static/spa.

Read on in microflask.py: The map; Files.
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

@app.get("/api/planets")
def planets():
    """List the planets, from the sun outwards."""
    return [{"slug": slug, "name": row[0]} for slug, row in PLANETS.items()]

@app.get("/api/planets/<slug>")
def planet(slug):
    """Return one planet, or answer 404."""
    if slug not in PLANETS:
        abort(404)
    return dict(zip(["name", "distance", "diameter", "year"], PLANETS[slug]))

@app.route("/api/<path:path>")
def unknown(path):
    """Answer 404 for the rest of the API. The rules above are more exact and win."""
    abort(404)

@app.errorhandler(404)
def missing(error):
    """Return a 404 as JSON."""
    return {"error": "There is nothing here."}, 404

@app.get("/", defaults={"path": ""})
@app.get("/<path:path>")
def page(path):
    """Send the one page. Its script reads the address."""
    return send_from_directory(app.static_folder, "spa/index.html", max_age=0)

if __name__ == "__main__":
    app.run()
