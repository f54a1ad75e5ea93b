"""Flask-Limiter: who asks too often has to wait."""
import as_flask
as_flask.install()

from flask import Blueprint, Flask                          # noqa: E402
from flask_limiter import Limiter                           # noqa: E402
from flask_limiter.util import get_remote_address           # noqa: E402

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, default_limits=["4 per hour"],
                  storage_uri="memory://", headers_enabled=True)
tight = Blueprint("tight", __name__)
limiter.limit("1 per hour")(tight)

@app.get("/")
def index():
    return "free"

@app.get("/twice")
@limiter.limit("2 per hour", error_message="Come back later.")
def twice():
    return "done"

@tight.get("/once")
def once():
    return "only once"

app.register_blueprint(tight)

@app.errorhandler(429)
def too_often(error):
    return {"why": error.description}, 429

def tour():
    client = app.test_client()
    answers = [client.get("/twice") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[2].json == {"why": "Come back later."}
    assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert [client.get("/").status_code for _ in range(5)] == [200] * 4 + [429]
    assert [client.get("/once").status_code for _ in range(2)] == [200, 429]
    assert client.get("/twice", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
