"""Flask-Caching: what is slow is computed once."""
import itertools

import as_flask
as_flask.install()

from flask import Flask, request                            # noqa: E402
from flask_caching import Cache                             # noqa: E402

app = Flask(__name__)
app.config["CACHE_TYPE"] = "SimpleCache"
cache = Cache(app)
counter = itertools.count(1)

@app.get("/")
@cache.cached(timeout=50, unless=lambda: "fresh" in request.args)
def page():
    return f"computed {next(counter)} times"

@app.get("/search")
@cache.cached(query_string=True)
def search():
    return f"{request.args['q']} {next(counter)}"

@cache.memoize()
def square(number):
    return number ** 2, next(counter)

@app.get("/square/<int:number>")
def squares(number):
    return {"answer": square(number)}

@app.post("/forget")
def forget():
    cache.delete_memoized(square, 3)
    return "forgotten"

def tour():
    client = app.test_client()
    get = lambda path: client.get(path).text                # noqa: E731
    assert [get("/"), get("/")] == ["computed 1 times"] * 2
    assert get("/?fresh=1") == "computed 2 times"
    assert [get("/search?q=a"), get("/search?q=b"), get("/search?q=a")] == [
        "a 3", "b 4", "a 3"]
    assert client.get("/square/3").json == client.get("/square/3").json
    before = client.get("/square/3").json
    client.post("/forget")
    assert client.get("/square/3").json != before
