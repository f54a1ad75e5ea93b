"""Flask-HTTPAuth: Basic, Digest and Token authentication, with roles."""
import hashlib

import as_flask
as_flask.install()

from flask import Flask                                     # noqa: E402
from flask_httpauth import HTTPBasicAuth, HTTPDigestAuth, HTTPTokenAuth  # noqa: E402
from werkzeug.security import check_password_hash, generate_password_hash  # noqa: E402

app = Flask(__name__)
app.secret_key = "only for this example"
basic, digest, token = HTTPBasicAuth(), HTTPDigestAuth(), HTTPTokenAuth("Bearer")
HASHES = {"ada": generate_password_hash("engine", "pbkdf2:sha256:1000")}

@basic.verify_password
def verify(name, password):
    if check_password_hash(HASHES.get(name, ""), password):
        return name

@basic.get_user_roles
def roles(name):
    return ["writer"]

@digest.get_password
def password_of(name):
    return {"ada": "engine"}.get(name)

@token.verify_token
def owner(text):
    return {"t0ken": "ada"}.get(text)

@app.get("/basic")
@basic.login_required(role="writer")
def with_basic():
    return basic.current_user()

@app.get("/digest")
@digest.login_required
def with_digest():
    return digest.username()

@app.get("/token")
@token.login_required
def with_token():
    return token.current_user()

def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()

def tour():
    client = app.test_client()
    refused = client.get("/basic")
    assert refused.status_code == 401
    assert refused.www_authenticate.type == "basic"
    assert client.get("/basic", auth=("ada", "engine")).text == "ada"
    assert client.get("/basic", auth=("ada", "motor")).status_code == 401
    right, wrong = ({"Authorization": f"Bearer {text}"} for text in ("t0ken", "x"))
    assert client.get("/token", headers=right).text == "ada"
    assert client.get("/token", headers=wrong).status_code == 401
    asked = client.get("/digest").www_authenticate
    nonce, realm, opaque = (asked.parameters[k] for k in ("nonce", "realm", "opaque"))
    response = md5(md5("ada", realm, "engine"), nonce, "1", "c", "auth",
                   md5("GET", "/digest"))
    proof = (f'Digest username="ada", realm="{realm}", nonce="{nonce}", uri="/digest",'
             f' response="{response}", opaque="{opaque}", qop=auth, nc=1, cnonce="c"')
    assert client.get("/digest", headers={"Authorization": proof}).text == "ada"
