"""Step 1: routes."""
from microflask import Flask, abort

from store import LENT

app = Flask(__name__)

@app.get("/")
def index():
    return f"You have lent {len(LENT)} things."

@app.get("/loan/<int:number>")
def loan(number):
    if number not in LENT:
        abort(404)
    return f"The {LENT[number]['thing']} is with {LENT[number]['to']}."
