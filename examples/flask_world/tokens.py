"""Flask-JWT-Extended: signed tokens in a header or in a cookie, and taken back."""
import as_flask
as_flask.install()

from flask import Flask, jsonify, request                   # noqa: E402
from flask_jwt_extended import (                            # noqa: E402
    JWTManager, create_access_token, create_refresh_token, current_user, get_jwt,
    jwt_required, set_access_cookies)

app = Flask(__name__)
app.config.update(JWT_SECRET_KEY="only for this example, and long enough for SHA-256",
                  JWT_TOKEN_LOCATION=["headers", "cookies"])
tokens = JWTManager(app)
taken_back = set()

@tokens.user_lookup_loader
def user(header, data):
    return {"name": data["sub"]}

@tokens.token_in_blocklist_loader
def is_taken_back(header, data):
    return data["jti"] in taken_back

@app.post("/login")
def log_in():
    name = request.json["name"]
    answer = jsonify(access=create_access_token(name, fresh=True),
                     refresh=create_refresh_token(name))
    set_access_cookies(answer, create_access_token(name))
    return answer

@app.post("/refresh")
@jwt_required(refresh=True)
def refresh():
    return {"access": create_access_token(current_user["name"])}

@app.route("/me", methods=["GET", "POST"])
@jwt_required()
def me():
    return dict(current_user)

@app.delete("/token")
@jwt_required(fresh=True)
def take_back():
    taken_back.add(get_jwt()["jti"])
    return "", 204

def tour():
    client, other = app.test_client(), app.test_client()
    pair = client.post("/login", json={"name": "ada"}).json
    bearer = lambda token: {"Authorization": f"Bearer {token}"}     # noqa: E731
    assert other.get("/me").status_code == 401
    assert other.get("/me", headers=bearer(pair["access"])).json == {"name": "ada"}
    assert other.get("/me", headers=bearer("a.b.c")).status_code == 422
    assert other.get("/me", headers=bearer(pair["refresh"])).status_code == 422
    second = other.post("/refresh", headers=bearer(pair["refresh"])).json["access"]
    assert other.get("/me", headers=bearer(second)).json == {"name": "ada"}
    assert other.delete("/token", headers=bearer(second)).json == {
        "msg": "Fresh token required"}
    assert other.delete("/token", headers=bearer(pair["access"])).status_code == 204
    assert other.get("/me", headers=bearer(pair["access"])).json == {
        "msg": "Token has been revoked"}
    assert client.get("/me").json == {"name": "ada"}, "the cookie"
    assert client.post("/me").status_code == 401, "a cookie alone does not change"
    proof = {"X-CSRF-TOKEN": client.get_cookie("csrf_access_token").value}
    assert client.post("/me", headers=proof).status_code == 200
