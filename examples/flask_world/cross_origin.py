"""Flask-Cors: a browser may call this from another origin, but not from any."""
import as_flask
as_flask.install()

from flask import Flask, abort                              # noqa: E402
from flask_cors import CORS, cross_origin                   # noqa: E402

app = Flask(__name__)
CORS(app, resources={r"/api/.*": {"origins": ["https://good.example"],
                                  "supports_credentials": True}})

@app.route("/api/data", methods=["GET", "PUT"])
def data():
    return {"answer": 42}

@app.get("/api/missing")
def missing():
    abort(404)

@app.get("/open")
@cross_origin(expose_headers=["X-Total"])
def open_to_all():
    return "open", {"X-Total": "7"}

def tour():
    client = app.test_client()
    good, bad = {"Origin": "https://good.example"}, {"Origin": "https://bad.example"}
    answer = client.get("/api/data", headers=good)
    assert answer.access_control_allow_origin == "https://good.example"
    assert answer.access_control_allow_credentials
    assert "Access-Control-Allow-Origin" not in client.get(
        "/api/data", headers=bad).headers
    ask = {**good, "Access-Control-Request-Method": "PUT",
           "Access-Control-Request-Headers": "X-Thing"}
    preflight = client.options("/api/data", headers=ask)
    assert preflight.status_code == 200
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "X-Thing"
    assert client.get("/api/missing", headers=good).headers[
        "Access-Control-Allow-Origin"] == "https://good.example"
    assert client.get("/open", headers=bad).headers[
        "Access-Control-Expose-Headers"] == "X-Total"
