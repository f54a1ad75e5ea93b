"""Step 2: templates and links."""
from microflask import Flask, abort, render_template

from store import LENT

app = Flask(__name__, static_folder="../static")

@app.get("/")
def index():
    return render_template("index.html", lent=LENT)

@app.get("/loan/<int:number>")
def loan(number):
    if number not in LENT:
        abort(404)
    return render_template("loan.html", loan=LENT[number])
