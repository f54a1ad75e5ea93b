"""Each extension at work on microflask, and what as_flask promises.

    python -m pytest examples/flask_world

The extensions come with pip; a test whose extension is missing is skipped.
"""
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent.parent)]

import as_flask     # noqa: E402
import microflask   # noqa: E402

as_flask.install()
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])      # for the commands
COMMAND = [sys.executable, as_flask.__file__]

def example(name):
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] in ("flask", "werkzeug"):
            raise
        pytest.skip(f"pip install {error.name}")

@pytest.mark.parametrize("name", [
    "database", "login", "forms", "migrations", "cross_origin", "outbox",
    "translation", "rate_limit", "server_session", "cached", "rest_api", "tokens",
    "http_auth", "admin_pages", "toolbar", "socket_io"])
def test_what_a_client_sees(name):
    example(name).tour()

def test_a_database_in_postgresql():
    pytest.importorskip("flask_sqlalchemy")
    pytest.importorskip("psycopg")
    if shutil.which("pg_virtualenv") is None:
        pytest.skip("apt-get install postgresql")
    path = Path(tempfile.gettempdir(), f"microflask-postgresql-{os.getuid()}.lock")
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # for root there is only one such server
        subprocess.run(
            ["pg_virtualenv", sys.executable, "-c", "import database; database.tour()"],
            env={**os.environ, "DATABASE_URL": "postgresql+psycopg://"}, check=True)

@pytest.mark.parametrize("name", ["echo_socket", "socket_io"])
def test_what_a_client_sees_over_a_socket(name):
    visit, path = example(name).visit, FOLDER / f"{name}.py"
    if name == "socket_io":     # its client needs these two
        pytest.importorskip("requests")
        pytest.importorskip("websocket")
    with subprocess.Popen([*COMMAND, "--app", path, "run", "--port", "0"], text=True,
                          stderr=subprocess.PIPE) as server:
        try:
            found = map(re.compile(r"http://[\d.:]+").search, server.stderr)
            visit(next(filter(None, found))[0])
        finally:
            server.terminate()
            server.communicate(timeout=10)

# as_flask itself
@pytest.mark.parametrize("module, names", [
    ("flask", "request g abort Request"), ("werkzeug.exceptions", "NotFound"), (
        "werkzeug.datastructures", "MultiDict Headers Accept Authorization"), (
        "werkzeug.routing", "Rule Map BuildError ValidationError PathConverter")])
def test_a_name_of_flask_is_the_object_of_microflask(module, names):
    for name in names.split():
        found, ours = getattr(import_module(module), name), getattr(microflask, name)
        assert found is ours or issubclass(found, ours)     # for one with more to it

@pytest.mark.parametrize("line, message", [
    ("from flask import _app_ctx_stack", "cannot import name '_app_ctx_stack'"),
    ("from flask import os", "cannot import name 'os'"),
    ("from werkzeug.exceptions import Nothing", "cannot import name 'Nothing'"),
    ("import flask.ext", "No module named 'flask.ext'"),
    ("import werkzeug.contrib", "No module named 'werkzeug.contrib'")])
def test_a_name_that_nobody_has_is_an_import_error(line, message):
    with pytest.raises(ImportError, match=message):
        exec(line)

def test_nested_blueprints_and_values_of_urls():
    from flask import Blueprint, Flask, request, url_for
    app, seen = Flask(__name__, subdomain_matching=True), []
    app.config["SERVER_NAME"] = "a.org"
    outer = Blueprint("outer", __name__, url_prefix="/outer", subdomain="shop")
    inner = Blueprint("inner", __name__, url_prefix="/<lang>")
    outer.before_request(lambda: seen.append("outer"))
    inner.before_request(lambda: seen.append("inner"))
    inner.url_value_preprocessor(lambda endpoint, values: values.pop("lang"))
    inner.url_defaults(lambda endpoint, values: values.setdefault("lang", "de"))
    inner.add_url_rule("/page", "page", lambda: [url_for(".page"), request.blueprints])
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    client = app.test_client()
    assert client.get("/outer/fr/page", "http://shop.a.org").json == [
        "/outer/de/page", ["outer.inner", "outer"]]
    assert seen == ["outer", "inner"]
    assert client.get("/outer/fr/page", "http://a.org").status_code == 404

def test_views_responses_and_settings(monkeypatch):
    from flask import Flask, request, url_for
    from flask.views import View
    app = Flask(__name__)

    class Shout(View):
        methods, init_every_request, calls = ["POST"], False, 0

        def dispatch_request(self):
            self.calls += 1
            response = app.make_response(f"HEY {self.calls}")
            response.cache_control.max_age = 60
            response.vary.update(["Accept", "Cookie"])
            return response

    app.add_url_rule("/shout", view_func=Shout.as_view("shout"))
    app.errorhandler(400)(lambda error: str(request.url_adapter and url_for("shout")))
    app.get("/red", defaults={"color": "red", "n": 1.0})(
        app.get("/<any(red, blue):color>/<float(max=9):n>")(lambda **values: values))
    client = app.test_client()
    _, response = (client.post("/shout", auth=("ada", "engine")) for _ in range(2))
    assert (response.text, response.request.authorization.username) == ("HEY 2", "ada")
    assert response.headers["Cache-Control"] == "max-age=60"
    assert response.headers["Vary"] == "Accept, Cookie"
    assert client.get("/shout").status_code == 405
    assert client.get("/red/1.0").location == "http://localhost/red"
    assert client.get("/red/2.5").json == {"color": "red", "n": 2.5}
    assert client.get("/red/12.5").status_code == 404
    assert client.get("/red", headers={"Host": "a..b"}).text == "None"
    app.config["TRUSTED_HOSTS"] = ["example.org"]
    assert client.get("/red/2.5").text == "/shout"
    monkeypatch.setenv("FLASK_MAIL__PORT", "25")
    app.config.from_prefixed_env()
    assert app.config["MAIL"] == {"PORT": 25}

@pytest.mark.parametrize("code, expected", [
    ("app.jinja_env.tests['big'](9)", True), ("client.get('/named').text", "late"),
    ("part.has_static_folder", False), ("page.add_etag() or page.get_etag()[1]", False),
    ("part.open_resource('login.py').close()", None), ("flask.session.new", False),
    ("flask.json.tag.TaggedJSONSerializer().dumps((1,))", '{" t":[1]}'),
    ("flask.get_template_attribute(app.jinja_env.from_string('{%set v=4%}'), 'v')", 4),
    ("flask.copy_current_request_context(lambda: flask.request.path)", "/x"),
    ("client.set_cookie('a', 'b') or client.get_cookie('a').value", "b"),
    ("app.config.from_envvar('A', True) or app.config.from_file('A', id, True)", False),
    ("app.config.from_file(__file__, lambda file: {'A': 5}) and app.config['A']", 5),
    ("app.config.get_namespace('APPLICATION_')['root']", "/"), ("[*flask.g]", []),
    ("flask.url_for('gone')", "gone!"), ("app.permanent_session_lifetime.seconds", 60),
    ("pytest.raises(ValueError, part.open_resource, 'a', 'w').typename", "ValueError"),
    ("flask.Flask('y', '', '', root_path=FOLDER).test_client().get('/login.py').status",
     "200 OK"), ("[*flask.stream_template_string('{{ n }}, ')]", ["5", ", "]),
    ("client.get('/named').request.user_agent.string[:9]", "Werkzeug/"),
    ("len(type('', (type('', (MethodView,), {'get': 1}),), {'put': 1}).methods)", 2),
    ("flask.request.origin, [*flask.request.access_route]", ("http://a", ["1.2.3.4"])),
    ("page.expires == page.last_modified < page.retry_after", True),
    ("flask.request.accept_mimetypes.best", "*"), ("page.get_json(silent=True)", None),
    ("flask.request.get_json(silent=True, cache=False)", None),
    ("client.get('/', subdomain='a').request.host", "a.localhost"),
    ("(r := werkzeug.Response('x')).mimetype, r.content_length", ("text/plain", 1)),
    ("page.headers.set('A', 'b', filename='c') or page.headers['A']", "b; filename=c"),
    ("app.endpoint('b.named')(id) is id is app.view_functions['b.named']", True),
    ("flask.logging.wsgi_errors_stream.write('')", 0), ("str(page.headers)[:2]", "Co"),
    ("client.get('/file', headers={'Range': 'bytes=3-6'}).text", "Each"),
    ("client.get('/file', headers={'Range': 'bytes=99999-'}).status_code", 416),
    ("issubclass(werkzeug.exceptions.ClientDisconnected, microflask.BadRequest)", True),
    ("'; Secure; ' in str(client.get('/named').headers)", True),
    ("setattr(app.json, 'compact', False) or flask.jsonify([1]).data", b"[\n  1\n]\n")])
def test_what_flask_has(code, expected):
    import flask
    import werkzeug.exceptions      # noqa: F401
    from flask.views import MethodView      # noqa: F401
    app, part, page = flask.Flask("x"), flask.Blueprint("b", __name__), flask.Response()
    page.data, page.retry_after, page.expires, page.last_modified = "late", 60, 0, 0
    app.permanent_session_lifetime, app.secret_key = 60, "key"
    app.session_interface = type("", (flask.sessions.SecureCookieSessionInterface,), {
        "get_cookie_secure": lambda self, app: True})()
    app.before_request(lambda: flask.session.update(a=1))
    part.app_template_test("big")(lambda n: n > 8)
    part.add_url_rule("/named", "named")
    part.endpoint("b.named")(lambda: str(flask.after_this_request(lambda old: page)))
    app.register_blueprint(part)
    app.add_url_rule("/file", "file", lambda: flask.send_file(__file__))
    app.url_build_error_handlers.append(lambda error, endpoint, values: f"{endpoint}!")
    headers = {"Origin": "http://a", "X-Forwarded-For": "1.2.3.4", "Accept": "*"}
    with app.test_request_context("/x", headers=headers), (
            flask.before_render_template.connected_to(
                lambda app, context, **more: context.update(n=5), app)):
        found = eval(code, {**globals(), **locals(), "client": app.test_client()})
    assert (found() if callable(found) else found) == expected

def test_commands_of_click(tmp_path):
    from flask import Blueprint, Flask, current_app
    app, blueprint = Flask("x"), Blueprint("b", __name__)
    blueprint.cli.command("greet")(lambda: print("hello from", current_app.name))
    app.register_blueprint(blueprint)
    assert app.test_cli_runner().invoke(args=["b", "greet"]).output == "hello from x\n"
    end = ("app = Flask('x')\napp.get('/<name>', endpoint='hello')(str)\n"
           "app.register_blueprint(Blueprint('b', 'b'))\n"
           "app.cli.command('say')(lambda: print('said by', app.name))\n")
    (tmp_path / "hello.py").write_text(f"from flask import *\n{end}")
    (tmp_path / "my.py").write_text(f"import as_flask\nfrom microflask import *\n{end}")
    for line, code, words in (
            ("as_flask --app hello routes", 0, f"{'GET':12} /<name>"),
            ("as_flask --app hello say", 0, "said by x"), ("as_flask --help", 0, "run"),
            ("as_flask --app hello nothing", 2, "No such command"),
            ("as_flask --app gone run", 2, "Could not import 'gone'"),
            ("microflask --app my say", 0, "said by x")):
        done = subprocess.run([sys.executable, "-m", *line.split()], cwd=tmp_path,
                              text=True, capture_output=True)
        assert words in done.stdout + done.stderr and done.returncode == code
