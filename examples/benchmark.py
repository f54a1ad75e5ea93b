"""How fast: the same requests on microflask, Flask, Bottle, Falcon and bare WSGI.

    python examples/benchmark.py                  # the table
    python examples/benchmark.py --quick --only hello,params --svg speed.svg
    python examples/benchmark.py --routes         # one of the other measurements

Every framework runs in a process of its own and they take turns in short bursts, so
that a busy machine is busy for all of them. A WSGI callable gets a fresh environ, its
body is iterated and closed; what counts is CPU time per request. Every answer is
checked before it is timed. Ratios carry over to another machine, microseconds do not.

A framework that is not installed is left out. Falcon's usual wheel is compiled, which
is another contest; the first line printed says so. This keeps it pure Python:

    FALCON_DISABLE_CYTHON=1 pip install --no-binary falcon falcon

The other measurements read Linux's clocks and /proc.
"""

import argparse
import contextlib
import email.utils
import functools
import gc
import http.client
import importlib
import importlib.metadata
import importlib.util
import io
import itertools
import json
import math
import multiprocessing
import multiprocessing.pool
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import types
import urllib.parse
from typing import NamedTuple

FRAMEWORKS = ["bare", "Flask", "Bottle", "Falcon", "microflask"]
SPAWN = multiprocessing.get_context("spawn")
HTML, TEXT, JSON = "text/html; charset=utf-8", "text/plain", "application/json"
SECRET = "only for the benchmark"

# ---------------------------------------------------------------------------
# 1. What is asked, and what must be answered
# ---------------------------------------------------------------------------

KEYS = [f"field{n}" for n in range(10)]
PAIRS = {key: f"a value, {n} & more" for n, key in enumerate(KEYS)}
JOINED = "|".join(PAIRS.values()).encode()
THING = {"id": 42, "name": "thing", "price": 9.5, "tags": ["a", "b", "c"]}
ECHO = {"items": [dict(THING, id=n) for n in range(17)], "total": 17}
PEOPLE = [{"id": n, "name": f"Tom & Co {n}", "city": "Bern"} for n in range(50)]
CHUNK = b"a chunk of the answer"
FILE = b"0123456789abcdef" * 640
BLOB = random.Random(1).randbytes(10_000_000)
BOUNDARY = "----------benchmark0123456789"
GREETING = "<h1>Hello, {{ name }}!</h1><p>{{ count }} new messages</p>"
GREETED = b"<h1>Hello, you &amp; me!</h1><p>3 new messages</p>"
FILES = {
    "static/file.txt": FILE.decode(),
    "templates/layout.html": """<!doctype html>
<html><head><title>{% block title %}{% endblock %}</title></head>
<body><nav><a href="/">Home</a></nav>{% block body %}{% endblock %}</body></html>
""",
    "templates/page.html": """{% extends "layout.html" %}
{% block title %}{{ title }}{% endblock %}
{% block body %}<h1>{{ title }}</h1><table>{% for row in rows %}
<tr class="{{ loop.cycle('odd', 'even') }}"><td>{{ loop.index }}</td>
<td><a href="/person/{{ row.id }}">{{ row.name }}</a></td><td>{{ row.city }}</td></tr>
{% endfor %}</table>{% endblock %}
""",
    "templates/layout.tpl": """<!doctype html>
<html><head><title>{{title}}</title></head>
<body><nav><a href="/">Home</a></nav>{{!base}}</body></html>
""",
    "templates/page.tpl": """% rebase("layout.tpl", title=title)
<h1>{{title}}</h1><table>
% for index, row in enumerate(rows):
<tr class="{{("odd", "even")[index % 2]}}"><td>{{index + 1}}</td>
<td><a href="/person/{{row["id"]}}">{{row["name"]}}</a></td>
<td>{{row["city"]}}</td></tr>
% end
</table>
""",
}


def page():
    """What both template languages must make of `PEOPLE`."""
    rows = "".join(
        f'<tr class="{("odd", "even")[n % 2]}"><td>{n + 1}</td>'
        f'<td><a href="/person/{n}">Tom &amp; Co {n}</a></td><td>Bern</td></tr>'
        for n in range(len(PEOPLE)))
    return (
        "<!doctype html><html><head><title>People</title></head><body><nav>"
        f'<a href="/">Home</a></nav><h1>People</h1><table>{rows}</table></body></html>'
    ).encode()


def multipart(fields, **files):
    """A multipart/form-data body of these text fields and files."""
    parts = [(f'name="{name}"', text.encode()) for name, text in fields.items()]
    parts += [(f'name="{name}"; filename="{name}.bin"\r\n'
               "Content-Type: application/octet-stream", data)
              for name, data in files.items()]
    return b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + data + b"\r\n" for head, data in parts) + f"--{BOUNDARY}--\r\n".encode()


class Row(NamedTuple):
    """A kind of request, the answer it must get, and how fast ours is to be."""

    name: str
    title: str
    target: float  # times as fast as Flask
    path: str
    answer: bytes | None = None  # white space aside; None is any text at all
    method: str = "GET"
    query: str = ""
    type: str = ""
    body: bytes = b""
    status: int = 200
    header: str = ""  # a header the answer must have
    then: tuple = ()  # (header of a first answer, environ key that sends it back)


FORM = "application/x-www-form-urlencoded"
PARTS = f"multipart/form-data; boundary={BOUNDARY}"
ENCODED = urllib.parse.urlencode(PAIRS)
HUNDRED = {f"f{n}": f"v {n}" for n in range(100)}
ETAG = ("etag", "HTTP_IF_NONE_MATCH")
ROWS = [
    Row("hello", "hello", 15, "/", b"Hello, World!"),
    Row("params", "params", 15, "/user/ada/post/7", b"ada 7"),
    Row("json", "JSON answer", 9, "/json", json.dumps(THING).encode()),
    Row("echo", "JSON echo, 1 kB", 3.8, "/echo", json.dumps(ECHO).encode(), "POST",
        type=JSON, body=json.dumps(ECHO).encode()),
    Row("form", "form, 10 fields", 8, "/form", JOINED, "POST", type=FORM,
        body=ENCODED.encode()),
    Row("query", "query, 10 arguments", 7.5, "/query", JOINED, query=ENCODED),
    Row("template", "template, 50 rows", 1.3, "/page", page()),
    Row("string", "render_template_string", 30, "/string", GREETED),
    Row("session", "session: read, write", 4, "/session", b"2",
        then=("set-cookie", "HTTP_COOKIE")),
    Row("404", "404", 10, "/nothing/here", status=404),
    Row("405", "405", 10, "/", method="DELETE", status=405, header="allow"),
    Row("redirect", "redirect", 12, "/old", status=302, header="location"),
    Row("hooks", "2 before + 2 after hooks", 13, "/hooks", b"2"),
    Row("static", "static file, 10 kB", 6, "/static/file.txt", FILE),
    Row("304", "static file, 304", 9, "/static/file.txt", b"", status=304, then=ETAG),
    Row("stream", "generator, 100 chunks", 10, "/stream", CHUNK * 100),
    Row("upload", "upload, 10 MB", 2.2, "/upload", b"%d" % len(BLOB), "POST",
        type=PARTS, body=multipart({}, blob=BLOB)),
    Row("multipart", "multipart, 100 fields", 3, "/multipart", b"100 v 99", "POST",
        type=PARTS, body=multipart(HUNDRED)),
]
MEAN_TARGET = 8
CHART = ["hello", "params", "json", "form", "template", "session", "404", "static"]

# ---------------------------------------------------------------------------
# 2. The applications: {row: WSGI callable}, "" for every other row
# ---------------------------------------------------------------------------


def chunks(count=100, size=1):
    """The body of the streamed answers."""
    for _ in range(count):
        yield CHUNK * size


def size_of(file):
    """How long an uploaded file is, by reading it."""
    return sum(map(len, iter(functools.partial(file.read, 65536), b"")))


def counted_hooks():
    """A hook before, one after, and how many before hooks have no after hook yet."""
    depth = [0]

    def before(*ignored):
        depth[0] += 1

    def after(answer=None, *ignored):
        depth[0] -= 1
        return answer

    return before, after, depth


def flask_app(flask, folder):
    """The rows on Flask, or on microflask, which looks the same."""
    app = flask.Flask("benchmark", root_path=folder)
    app.secret_key = SECRET
    request, session = flask.request, flask.session

    def visits():
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    for path, view in {
        "/": lambda: "Hello, World!",
        "/user/<name>/post/<int:id>": lambda name, id: f"{name} {id}",
        "/json": lambda: THING,
        "/query": lambda: "|".join([request.args[key] for key in KEYS]),
        "/page": lambda: flask.render_template(
            "page.html", title="People", rows=PEOPLE),
        "/string": lambda: flask.render_template_string(
            GREETING, name="you & me", count=3),
        "/session": visits,
        "/old": lambda: flask.redirect("/"),
        "/stream": chunks,
        "/large/<int:count>": lambda count: chunks(count, 500),
    }.items():
        app.add_url_rule(path, path, view)
    for path, view in {
        "/echo": lambda: request.get_json(),
        "/form": lambda: "|".join([request.form[key] for key in KEYS]),
        "/upload": lambda: str(size_of(request.files["blob"])),
        "/multipart": lambda: f"{len(request.form)} {request.form['f99']}",
    }.items():
        app.add_url_rule(path, path, view, methods=["POST"])

    hooked = flask.Flask("hooked", root_path=folder)
    hooked.secret_key = SECRET
    before, after, depth = counted_hooks()
    for _ in range(2):
        hooked.before_request(before)
        hooked.after_request(after)
    hooked.get("/hooks")(lambda: str(depth[0]))
    return {"": app, "hooks": hooked}


def bottle_app(bottle, folder):
    """The rows on Bottle, with its own templates and its own signed cookies."""
    app, request, response = bottle.Bottle(), bottle.request, bottle.response
    templates = [os.path.join(folder, "templates")]

    def visits():
        count = request.get_cookie("visits", 0, secret=SECRET) + 1
        response.set_cookie("visits", count, secret=SECRET, httponly=True, path="/")
        return str(count)

    for path, view in {
        "/": lambda: "Hello, World!",
        "/user/<name>/post/<id:int>": lambda name, id: f"{name} {id}",
        "/json": lambda: THING,
        "/query": lambda: "|".join([request.query[key] for key in KEYS]),
        "/page": lambda: bottle.template(
            "page.tpl", template_lookup=templates, title="People", rows=PEOPLE),
        "/string": lambda: bottle.template(GREETING, name="you & me", count=3),
        "/session": visits,
        "/old": lambda: bottle.redirect("/", 302),
        "/static/<name:path>": lambda name: bottle.static_file(
            name, os.path.join(folder, "static")),
        "/stream": chunks,
        "/large/<count:int>": lambda count: chunks(count, 500),
    }.items():
        app.get(path)(view)
    for path, view in {
        "/echo": lambda: request.json,
        "/form": lambda: "|".join([request.forms[key] for key in KEYS]),
        "/upload": lambda: str(size_of(request.files["blob"].file)),
        "/multipart": lambda: f"{len(request.forms)} {request.forms['f99']}",
    }.items():
        app.post(path)(view)

    hooked = bottle.Bottle()
    before, after, depth = counted_hooks()
    for _ in range(2):
        hooked.add_hook("before_request", before)
        hooked.add_hook("after_request", after)
    hooked.get("/hooks")(lambda: str(depth[0]))
    return {"": app, "hooks": hooked}


def falcon_app(falcon, folder):
    """The rows on Falcon, with Jinja for templates; sessions it has none."""
    import jinja2
    loader = jinja2.FileSystemLoader(os.path.join(folder, "templates"))
    jinja = jinja2.Environment(loader=loader, autoescape=True)
    greeting = jinja.from_string(GREETING)

    def hello(req, resp):
        resp.text = "Hello, World!"

    def params(req, resp, name, id):
        resp.text = f"{name} {id}"

    def json_answer(req, resp):
        resp.content_type = JSON
        resp.media = THING

    def echo(req, resp):
        resp.content_type = JSON
        resp.media = req.get_media()

    def form(req, resp):
        fields = req.get_media()
        resp.text = "|".join([fields[key] for key in KEYS])

    def query(req, resp):
        resp.text = "|".join([req.get_param(key) for key in KEYS])

    def template(req, resp):
        resp.text = jinja.get_template("page.html").render(title="People", rows=PEOPLE)

    def string(req, resp):
        resp.text = greeting.render(name="you & me", count=3)

    def old(req, resp):
        raise falcon.HTTPFound("/")

    def stream(req, resp):
        resp.stream = chunks()

    def large(req, resp, count):
        resp.stream = chunks(count, 500)

    def upload(req, resp):
        for part in req.get_media():
            resp.text = str(size_of(part.stream))

    def multipart(req, resp):
        fields = {part.name: part.text for part in req.get_media()}
        resp.text = f"{len(fields)} {fields['f99']}"

    app = falcon.App(media_type=HTML)
    parts = falcon.media.MultipartFormHandler()
    parts.parse_options.max_body_part_count = 1000
    app.req_options.media_handlers[falcon.MEDIA_MULTIPART] = parts
    for path, view in {
            "/": hello, "/user/{name}/post/{id:int}": params, "/json": json_answer,
            "/query": query, "/page": template, "/string": string, "/old": old,
            "/stream": stream, "/large/{count:int}": large}.items():
        app.add_route(path, types.SimpleNamespace(on_get=view))
    for path, view in {"/echo": echo, "/form": form, "/upload": upload,
                       "/multipart": multipart}.items():
        app.add_route(path, types.SimpleNamespace(on_post=view))
    app.add_static_route("/static", os.path.join(folder, "static"))
    return {"": app, "hooks": falcon_hooks(falcon), "session": None}


def falcon_hooks(falcon):
    """An application with two middleware components, each before and after."""
    before, after, depth = counted_hooks()

    class Hooks:
        def process_request(self, req, resp):
            before()

        def process_response(self, req, resp, resource, req_succeeded):
            after()

    def view(req, resp):
        resp.text = str(depth[0])

    hooked = falcon.App(media_type=HTML, middleware=[Hooks(), Hooks()])
    hooked.add_route("/hooks", types.SimpleNamespace(on_get=view))
    return hooked


def bare_app(module, folder):
    """The least that answers each row: no routing, no checks, nothing to extend."""
    import itsdangerous
    import jinja2
    loader = jinja2.FileSystemLoader(os.path.join(folder, "templates"))
    jinja = jinja2.Environment(loader=loader, autoescape=True)
    greeting = jinja.from_string(GREETING)
    signer = itsdangerous.URLSafeTimedSerializer(SECRET, salt="benchmark")
    filename = os.path.join(folder, "static", "file.txt")
    before, after, depth = counted_hooks()

    def callable_for(view, status="200 OK", kind=HTML, *more):
        def app(environ, start_response):
            body = view(environ)
            length = ("Content-Length", str(len(body)))
            start_response(status, [("Content-Type", kind), length, *more])
            return [body]
        return app

    def read(environ):
        return environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))

    def joined(text):
        fields = dict(urllib.parse.parse_qsl(text))
        return "|".join([fields[key] for key in KEYS]).encode()

    def params(environ):
        _, _, name, _, id = environ["PATH_INFO"].split("/")
        return f"{name} {int(id)}".encode()

    def session(environ, start_response):
        cookie = environ.get("HTTP_COOKIE", "").partition("session=")[2]
        data = signer.loads(cookie, max_age=9999) if cookie else {}
        data["visits"] = data.get("visits", 0) + 1
        body = str(data["visits"]).encode()
        start_response("200 OK", [
            ("Content-Type", HTML), ("Content-Length", str(len(body))),
            ("Set-Cookie", f"session={signer.dumps(data)}; HttpOnly; Path=/")])
        return [body]

    def hooks(environ):
        before()
        before()
        body = str(depth[0]).encode()
        after()
        after()
        return body

    def static(environ, start_response):
        found = os.stat(filename)
        etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
        if environ.get("HTTP_IF_NONE_MATCH") == etag:
            start_response("304 Not Modified", [("ETag", etag)])
            return []
        with open(filename, "rb") as file:
            body = file.read()
        date = email.utils.formatdate(found.st_mtime, usegmt=True)
        start_response("200 OK", [
            ("Content-Type", TEXT), ("Content-Length", str(len(body))),
            ("ETag", etag), ("Last-Modified", date)])
        return [body]

    def streamed(environ, start_response):
        start_response("200 OK", [("Content-Type", HTML)])
        count = environ["PATH_INFO"].partition("/large/")[2]
        return chunks(int(count), 500) if count else chunks()

    def parts(environ):
        boundary = b"--" + environ["CONTENT_TYPE"].partition("boundary=")[2].encode()
        for part in read(environ).split(boundary)[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            yield re.search(rb'name="(.*?)"', head)[1], data[:-2]

    def multipart(environ):
        fields = {name.decode(): data.decode() for name, data in parts(environ)}
        return f"{len(fields)} {fields['f99']}".encode()

    return {
        "hello": callable_for(lambda environ: b"Hello, World!"),
        "params": callable_for(params),
        "json": callable_for(lambda environ: json.dumps(THING).encode(), kind=JSON),
        "echo": callable_for(
            lambda environ: json.dumps(json.loads(read(environ))).encode(), kind=JSON),
        "form": callable_for(lambda environ: joined(read(environ).decode())),
        "query": callable_for(lambda environ: joined(environ["QUERY_STRING"])),
        "template": callable_for(lambda environ: jinja.get_template(
            "page.html").render(title="People", rows=PEOPLE).encode()),
        "string": callable_for(
            lambda environ: greeting.render(name="you & me", count=3).encode()),
        "session": session,
        "404": callable_for(lambda environ: b"Not Found", "404 Not Found"),
        "405": callable_for(lambda environ: b"Not Allowed", "405 Method Not Allowed",
                            HTML, ("Allow", "GET, HEAD")),
        "redirect": callable_for(lambda environ: b"Found", "302 Found",
                                 HTML, ("Location", "/")),
        "hooks": callable_for(hooks),
        "static": static, "304": static, "stream": streamed, "": streamed,
        "upload": callable_for(
            lambda environ: b"%d" % sum(len(data) for _, data in parts(environ))),
        "multipart": callable_for(multipart),
    }


BUILD = {"bare": bare_app, "Flask": flask_app, "Bottle": bottle_app,
         "Falcon": falcon_app, "microflask": flask_app}


def load(name):
    """The module of a framework; nothing for the bare callable."""
    return None if name == "bare" else importlib.import_module(name.lower())


def app_for(name, row, folder):
    """A new WSGI application that can answer this row, or None."""
    apps = BUILD[name](load(name), folder)
    return apps.get(row, apps[""])


def compiled(module):
    """Whether a package runs as machine code (as Falcon's usual wheels do)."""
    return any(
        (getattr(part, "__file__", None) or "").endswith((".so", ".pyd"))
        for key, part in list(sys.modules.items())
        if key.partition(".")[0] == module.__name__)


def describe(name):
    """Name and version of a framework, and how Falcon was built."""
    if name == "bare":
        return name
    module = load(name)
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = getattr(module, "__version__", "")
    build = ", compiled" if compiled(module) else ", pure Python"
    return f"{name} {version}{build if name == 'Falcon' else ''}"


def write_files(folder):
    """Put the templates and the static file where the applications look."""
    for name, text in FILES.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as file:
            file.write(text)


# ---------------------------------------------------------------------------
# 3. One request, many requests
# ---------------------------------------------------------------------------


def environ_of(path, method="GET", query="", type="", body=b""):
    """What a server would hand over for this request, its body aside."""
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path,
        "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000", "HTTP_CONNECTION": "keep-alive",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
        "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=.8",
        "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.5",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.run_once": False,
        "wsgi.multithread": False, "wsgi.multiprocess": True}
    if body:
        environ.update(CONTENT_TYPE=type, CONTENT_LENGTH=str(len(body)))
    return environ


def ask(app, environ, body=b""):
    """Ask once: status, headers and body of the answer."""
    head = []
    answer = app({**environ, "wsgi.input": io.BytesIO(body)},
                 lambda status, headers, exc_info=None: head.extend((status, headers)))
    text = b"".join(answer)
    getattr(answer, "close", int)()
    headers = {name.lower(): value for name, value in head[1]}
    return int(head[0][:3]), headers, text


def prepared(app, row):
    """The environ of a row, after its answer was found to be right."""
    environ = environ_of(row.path, row.method, row.query, row.type, row.body)
    if row.then:
        sent = ask(app, environ)[1][row.then[0]]
        environ[row.then[1]] = sent.partition(";")[0]
    for _ in range(2):
        status, headers, text = ask(app, environ, row.body)
        right = text if row.answer is None else row.answer
        if (status != row.status or row.header not in {"", *headers}
                or squeezed(text) != squeezed(right)):
            raise AssertionError(f"{row.name}: wrong answer {status} {text[:300]!r}")
    return environ


def squeezed(text):
    """Text without its white space, in which JSON and templates differ."""
    return b"".join(text.split())


def start_response(status, headers, exc_info=None):
    """What a server does here is not ours to time."""


def burst(app, environ, body, count):
    """CPU seconds for each of `count` requests in a row."""
    begin = time.process_time()
    for _ in range(count):
        fresh = environ.copy()
        if body:
            fresh["wsgi.input"] = io.BytesIO(body)
        answer = app(fresh, start_response)
        for chunk in answer:
            pass
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    return (time.process_time() - begin) / count


def calibrated(app, environ, body, seconds):
    """How many requests take about so long; this warms the caches, too."""
    count = 1
    while (cost := burst(app, environ, body, count) * count) < seconds / 3:
        count *= 3
    return max(5, round(count * seconds / cost))


# ---------------------------------------------------------------------------
# 4. Taking turns
# ---------------------------------------------------------------------------


def work(name, folder, seconds, pipe):
    """A process of one framework: gets the index of a row, sends seconds a request.

    It sends None for a row it has not, and what was wrong instead of a time.
    """
    ready, apps = {}, BUILD[name](load(name), folder)
    pipe.send(describe(name))
    for index in iter(pipe.recv, None):
        row = ROWS[index]
        app = apps.get(row.name, apps[""])
        if index not in ready and app:
            try:
                environ = prepared(app, row)
            except Exception as error:
                app = apps[row.name] = None
                pipe.send(f"{name}: {error!r}")
                continue
            ready[index] = environ, calibrated(app, environ, row.body, seconds)
            gc.collect()
        pipe.send(burst(app, ready[index][0], row.body, ready[index][1])
                  if app else None)


@contextlib.contextmanager
def workers(names, folder, seconds):
    """One process for each framework: {name: (its pipe, its description)}."""
    running, pipes = [], {}
    try:
        for name in names:
            ours, theirs = SPAWN.Pipe()
            running.append(SPAWN.Process(
                target=work, args=(name, folder, seconds, theirs), daemon=True))
            running[-1].start()
            theirs.close()
            try:
                pipes[name] = ours, ours.recv()
            except EOFError:
                raise SystemExit(f"{name} did not start") from None
        yield pipes
        for pipe, _ in pipes.values():
            pipe.send(None)
    finally:
        for process in running:
            process.join(2)
            process.terminate()


def fresh(function, *args):
    """The result of a function called in a new process."""
    with SPAWN.Pool(1) as pool:
        return pool.apply(function, args)


def interleaved(pipes, rows, rounds):
    """{row: {framework: seconds of every round}}, all taking turns within a round."""
    times = {row.name: {name: [] for name in pipes} for row in rows}
    for turn in range(rounds + 1):
        progress(f"round {turn} of {rounds}")
        for row in rows:
            for name, (pipe, _) in pipes.items():
                pipe.send(ROWS.index(row))
                cost = pipe.recv()
                if isinstance(cost, str):
                    print("left out:", cost)
                elif cost and turn:  # round 0 only checks and warms up
                    times[row.name][name].append(cost)
    progress("")
    return times


def progress(text):
    """Say on a terminal how far it is."""
    if sys.stderr.isatty():
        print(f"\r{text:60}\r{text}", end="", file=sys.stderr, flush=True)


def summary(times, base="Flask"):
    """{row: {framework: best, speed against the base: of the bests, median, range}}."""
    result = {}
    for row, by_name in times.items():
        result[row] = cells = {}
        for name, costs in by_name.items():
            if not costs:
                continue
            cells[name] = {"us": min(costs) * 1e6}
            if by_name.get(base):
                each = [b / c for b, c in zip(by_name[base], costs)]
                cells[name].update(
                    ratio=min(by_name[base]) / min(costs), low=min(each),
                    median=statistics.median(each), high=max(each))
    return result


def means(result):
    """{framework: geometric mean of its ratios}, over the rows that it has."""
    ratios = {}
    for cells in result.values():
        for name, cell in cells.items():
            if "ratio" in cell:
                ratios.setdefault(name, []).append(cell["ratio"])
    return {name: statistics.geometric_mean(every) for name, every in ratios.items()}


# ---------------------------------------------------------------------------
# 5. The table and the chart
# ---------------------------------------------------------------------------


def number(value):
    """Three digits, enough for a measurement: 0.56, 3.42, 15.3, 416, 9,120."""
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f}"


def mark(value, target, unit="x", most=False):
    """A target, the least or the most that is wanted, and whether it is reached."""
    reached = value <= target if most else value >= target
    return f"{target:g}{unit} {'reached' if reached else 'NOT YET'}"


def show(lines):
    """Print a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in
              itertools.zip_longest(*lines, fillvalue="")]
    for first, *others in lines:
        print("  ".join([first.ljust(widths[0])] + [
            text.rjust(width) for text, width in zip(others, widths[1:])]))


def cell_text(cell, name):
    """`3.42 15.3x (15.1)`: microseconds, ratio of the bests, median ratio."""
    if not cell:
        return "-"
    if "ratio" not in cell or name == "Flask":
        return number(cell["us"])
    ratio, median = f"{number(cell['ratio'])}x", f"({number(cell['median'])})"
    return f"{number(cell['us'])} {ratio:>6} {median:>6}"


def show_rows(rows, result, names):
    """The table of all rows, the geometric mean below it."""
    lines, mean = [["", *names, "target"]], means(result)
    compared = {"Flask", "microflask"} <= set(names)
    for row in rows:
        cells = result[row.name]
        ours = cells.get("microflask", {}).get("ratio", 0)
        lines.append([row.title, *(cell_text(cells.get(name), name) for name in names),
                      mark(ours, row.target) if compared else ""])
    goal, ours = "", mean.get("microflask")
    if ours:
        best = max(mean, key=lambda name: mean[name] * (name != "bare"))
        ahead = "ahead" if best == "microflask" else f"behind {best}"
        goal = f"{ahead}, {mark(ours, MEAN_TARGET)}"
    show([*lines, ["geometric mean", *(
        f"{number(mean[name])}x" if name in mean else "-" for name in names), goal]])
    spread = [cell["high"] / cell["low"] - 1 for cells in result.values()
              for name, cell in cells.items() if name != "Flask" and "low" in cell]
    if spread:
        print("\nMicroseconds in the best round; times as fast as Flask, best against"
              " best;\n(the median of the rounds' ratios). From lowest to highest"
              f" round a ratio rises by\n{statistics.median(spread):.0%} in the middle"
              f" cell, {max(spread):.0%} in the worst.")


COLOURS = {"Flask": "#8b929c", "Bottle": "#c98a2e", "Falcon": "#3f8fc9",
           "microflask": "#d0416b"}


def chart(rows, result):
    """The geometric means and chosen rows as bars: an SVG for light and dark pages."""
    groups = [("geometric mean", {
        name: {"ratio": value} for name, value in means(result).items()})]
    groups += [(row.title, result[row.name]) for row in rows if row.name in CHART]
    longest = max(cell["ratio"] for _, cells in groups
                  for name, cell in cells.items() if name in COLOURS)
    lines, y = [], 50
    for title, cells in groups:
        lines.append(f'<text class="title" x="0" y="{y + 11}">{title}</text>')
        for name in [name for name in COLOURS if name in cells]:
            ratio = cells[name]["ratio"]
            width = max(1, round(400 * ratio / longest))
            lines.append(
                f'<rect x="150" y="{y}" width="{width}" height="12" rx="2"'
                f' fill="{COLOURS[name]}"/><text x="{155 + width}" y="{y + 10}">'
                f"{number(ratio)}x</text>")
            y += 15
        y += 12
    key = "\n".join(
        f'<rect x="{x}" y="24" width="12" height="12" rx="2" fill="{COLOURS[name]}"/>'
        f'<text x="{x + 17}" y="34">{name}</text>'
        for x, name in zip(itertools.count(150, 100), COLOURS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="620" height="{y}"'
        f' viewBox="0 0 620 {y}" role="img">\n'
        "<title>Requests per CPU second, compared with Flask</title>\n"
        "<style>text{font:11px system-ui,sans-serif;fill:#24292f}"
        ".title{font-weight:600}"
        "@media (prefers-color-scheme:dark){text{fill:#d5dae0}}</style>\n"
        '<text class="title" x="0" y="12">Times as fast as Flask '
        "(CPU time per request, longer is better)</text>\n"
        + key + "\n" + "\n".join(lines) + "\n</svg>\n")


def run_rows(options, names, folder):
    """The main measurement: every row on every framework."""
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    rounds, seconds = (6, 0.01) if options.quick else (25, 0.02)
    with workers(names, folder, seconds) as pipes:
        about = [text for _, text in pipes.values()]
        print(f"{'; '.join(about)}; Python {sys.version.split()[0]}\n")
        result = summary(interleaved(pipes, rows, options.rounds or rounds))
    show_rows(rows, result, names)
    if options.svg and "Flask" in names:
        with open(options.svg, "w") as file:
            file.write(chart(rows, result))
    return {"about": about, "rows": result, "geometric_means": means(result)}


# ---------------------------------------------------------------------------
# 6. Routes: does matching grow with their number?
# ---------------------------------------------------------------------------

STYLES = [  # a style: how Flask, Bottle and Falcon spell it, and a path that fits
    ("/resource{n}",) * 4,
    ("/resource{n}/<int:id>", "/resource{n}/<id:int>", "/resource{n}/{{id:int}}",
     "/resource{n}/7"),
    ("/resource{n}/<int:id>/sub/<name>", "/resource{n}/<id:int>/sub/<name>",
     "/resource{n}/{{id:int}}/sub/{{name}}", "/resource{n}/7/sub/ada"),
    ("/api/<name>/action{n}/<int:id>", "/api/<name>/action{n}/<id:int>",
     "/api/{{name}}/action{n}/{{id:int}}", "/api/ada/action{n}/7"),
]
KINDS = ["static", "<id>", "<id>/sub/<name>", "<name>/action", "miss"]
FLAT = 1.5


def routed_app(name, count):
    """An application of so many routes, a quarter in each style."""
    module = load(name)
    app = {"Bottle": lambda: module.Bottle(), "Falcon": lambda: module.App(),
           }.get(name, lambda: module.Flask("routes"))()

    def view(**values):
        return "found"

    class Resource:
        def on_get(self, req, resp, **values):
            resp.text = "found"

    resource, column = Resource(), {"Bottle": 1, "Falcon": 2}.get(name, 0)
    for n in range(count):
        path = STYLES[n % 4][column].format(n=n // 4)
        if name == "Bottle":
            app.get(path)(view)
        elif name == "Falcon":
            app.add_route(path, resource)
        else:
            app.add_url_rule(path, f"view{n}", view)
    return app


def probes(count):
    """(kind, path, status): first, middle and last of every style, and misses."""
    for row, style in enumerate(STYLES):
        last = (count - 1 - row) // 4
        for n in sorted({0, last // 2, last}):
            yield KINDS[row], style[3].format(n=n), 200
    for path in (f"/resource{count}/7", f"/resource{count // 8}/7/none/ada",
                 f"/api/ada/action{count}/7"):
        yield KINDS[-1], path, 404


def match(name, counts, rounds):
    """{routes: (seconds to register up to the first answer, [(kind, path, seconds)])}.

    The tables of all sizes take turns: what slows the machine slows all of them.
    """
    load(name)
    register, tries = {}, {}
    for count in counts:
        progress(f"{name}: {count} routes")
        begin = time.process_time()
        app = routed_app(name, count)
        ask(app, environ_of("/resource0"))
        register[count] = time.process_time() - begin
        tries[count] = []
        for kind, path, status in probes(count):
            environ = environ_of(path)
            if (found := ask(app, environ)[0]) != status:
                raise AssertionError(f"{name} {path}: {found}")
            repeat = calibrated(app, environ, b"", 0.01)
            tries[count].append((kind, path, app, environ, repeat, []))
    for turn in range(rounds):
        progress(f"{name}: round {turn + 1} of {rounds}")
        for _, _, app, environ, repeat, costs in itertools.chain(*tries.values()):
            costs.append(burst(app, environ, b"", repeat))
    return {count: (register[count], [
        (kind, path, min(costs)) for kind, path, _, _, _, costs in tries[count]])
        for count in counts}


def run_routes(options, names, folder):
    """Whole requests among 10 to 10,000 routes, and the time to register them."""
    result, counts = {}, [10, 100, 1000, 10000][:3 if options.quick else 4]
    print("Microseconds of the dearest request of a kind, by number of routes; the\n"
          "dearest against the cheapest, whatever the number of routes and the place")
    for name in [name for name in names if name != "bare"]:
        rounds = options.rounds or (7 if options.quick else 21)
        result[name] = fresh(match, name, counts, rounds)
        progress("")
        show(routes_table(name, result[name]))
    return result


def routes_table(name, found):
    """The lines of one framework's table of routes."""
    ours, lines = name == "microflask", []
    for kind in KINDS:
        costs = [[cost * 1e6 for each, _, cost in tries if each == kind]
                 for _, tries in found.values()]
        grown = max(map(max, costs)) / min(map(min, costs))
        lines.append(["  " + kind, *(number(max(part)) for part in costs),
                      f"{grown:.2f}", mark(grown, FLAT, "", True) if ours else ""])
    seconds = [register for register, _ in found.values()]
    goal = mark(seconds[-1], 1, " s", True) if ours and 10000 in found else ""
    return [["\n" + name.ljust(20), *(f"{count:,}" for count in found), "times"],
            *lines, ["  register, s", *(f"{cost:.3f}" for cost in seconds), "", goal]]


# ---------------------------------------------------------------------------
# 7. The smallest application: start, gunicorn, development server
# ---------------------------------------------------------------------------

FLASK_HELLO = """
import {0}
app = {0}.Flask(__name__)
@app.get("/")
def hello():
    return "Hello, World!"
run = app.run
"""
HELLO = {
    "bare": """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"),
                              ("Content-Length", "13")])
    return [b"Hello, World!"]
""",
    "Flask": FLASK_HELLO.format("flask"),
    "microflask": FLASK_HELLO.format("microflask"),
    "Bottle": """
import bottle
app = bottle.Bottle()
@app.get("/")
def hello():
    return "Hello, World!"
run = app.run
""",
    "Falcon": """
import falcon
class Hello:
    def on_get(self, req, resp):
        resp.text = "Hello, World!"
app = falcon.App(media_type=falcon.MEDIA_HTML)
app.add_route("/", Hello())
""",
}
FIRST_ANSWER = """
import time, sys
begin = time.process_time()
{load}
loaded = time.process_time() - begin
{hello}
import io
environ = dict(REQUEST_METHOD="GET", SCRIPT_NAME="", PATH_INFO="/", QUERY_STRING="",
    SERVER_NAME="localhost", SERVER_PORT="80", SERVER_PROTOCOL="HTTP/1.1",
    HTTP_HOST="localhost")
environ.update({{"wsgi.version": (1, 0), "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.run_once": False,
    "wsgi.multithread": False, "wsgi.multiprocess": False}})
answer = b"".join(app(environ, lambda status, headers, exc_info=None: None))
assert answer == b"Hello, World!", answer
with open("/proc/self/statm") as file:
    print(loaded, int(file.read().split()[1]))
"""


def first_answer(name):
    """CPU seconds of the import in a new process, resident MB after an answer."""
    load = f"import {name.lower()}" if name != "bare" else ""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_ANSWER.format(load=load, hello=HELLO[name])],
        stdout=subprocess.PIPE, text=True, check=True)
    seconds, pages = done.stdout.split()
    return float(seconds), int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_start(options, names, folder):
    """CPU time of the import, and memory after the first answer."""
    samples = {name: [] for name in names}
    for turn in range(options.rounds or (5 if options.quick else 15)):
        progress(f"round {turn + 1}")
        for name in names:
            samples[name].append(first_answer(name))
    progress("")
    result = {}
    for name, every in samples.items():
        times, sizes = zip(*every)
        result[name] = {"ms": min(times) * 1e3, "mb": statistics.median(sizes),
                        "median_ms": statistics.median(times) * 1e3}
    show([["", "import, ms", "(median)", "resident, MB"]] + [
        [name, f"{cell['ms']:.1f}", f"({cell['median_ms']:.1f})", f"{cell['mb']:.1f}"]
        for name, cell in result.items()])
    if {"microflask", "Flask", "Bottle"} <= set(names):
        share = result["microflask"]["ms"] / result["Flask"]["ms"] * 100
        print(f"\nimport, share of Flask's: {share:.0f} %, at most",
              mark(share, 50, " %", True))
        print("resident, at most Bottle's:",
              mark(result["microflask"]["mb"], round(result["Bottle"]["mb"], 1),
                   " MB", True))
    return result


SERVER_TARGET = 3.45  # web.py's is so much faster than Flask's


def cpu_of(pid):
    """CPU seconds a process has used; Linux numbers a process's clock like this."""
    return time.clock_gettime((~pid << 3) | 2)


@contextlib.contextmanager
def served(name, folder, command, source=""):
    """A server for the smallest application: (port, the pid of the one who answers)."""
    stem = f"hello_{name.lower()}"
    pid_file = os.path.join(folder, stem + ".pid")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(os.path.join(folder, stem + ".py"), "w") as file:
        file.write(f"import os\nwith open({pid_file!r}, 'w') as file:\n"
                   f"    file.write(str(os.getpid()))\n{HELLO[name]}\n"
                   + source.format(port=port))
    path = os.pathsep.join([folder] + [os.path.abspath(part) for part in os.environ.get(
        "PYTHONPATH", "").split(os.pathsep) if part])
    command = [part.format(stem=stem, port=port) for part in command]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "PYTHONPATH": path, "HOME": folder},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                requests(port, 1)
                break
            if process.poll() is not None:
                raise RuntimeError(f"the server for {name} did not start")
            time.sleep(0.05)
        with open(pid_file) as file:
            yield port, int(file.read())
    finally:
        process.terminate()
        process.wait(10)


def requests(port, count):
    """Ask so often over one connection, or new ones when the server closes it."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(count):
        client.request("GET", "/")
        if (text := client.getresponse().read()) != b"Hello, World!":
            raise AssertionError(f"wrong answer {text[:300]!r}")
    client.close()
    return count


def wrk(port, count):
    """A second of wrk on four connections: how many requests it made."""
    done = subprocess.run(
        ["wrk", "-t1", "-c4", "-d1s", f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"(\d+) requests in", done.stdout)[1])


def served_in_turn(servers, rounds, drive):
    """{framework: CPU microseconds of the server for a request, best of the rounds}."""
    costs = {name: [] for name in servers}
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds}")
        for name, (port, pid) in servers.items():
            begin = cpu_of(pid)
            made = drive(port, 250)
            costs[name].append((cpu_of(pid) - begin) / made * 1e6)
    progress("")
    return {name: min(every) for name, every in costs.items()}


def run_gunicorn(options, names, folder):
    """CPU time of gunicorn's worker, as a share of what the bare callable needs."""
    command = ["gunicorn", "-w1", "-ksync", "-b127.0.0.1:{port}", "{stem}:app"]
    drive = wrk if shutil.which("wrk") else requests
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(served(name, folder, command))
                   for name in dict.fromkeys(["bare", *names])}  # of which shares are
        result = served_in_turn(
            servers, options.rounds or (8 if options.quick else 24), drive)
    shares = {name: result["bare"] / cost * 100
              for name, cost in result.items()}
    show([[f"by {drive.__name__}", "us", "of bare"]] + [
        [name, number(cost), f"{shares[name]:.0f} %",
         mark(shares[name], 88, " %") if name == "microflask" else ""]
        for name, cost in result.items()])
    return result


def run_devserver(options, names, folder):
    """CPU time of the development server, one client that keeps its connection."""
    source = "if __name__ == '__main__':\n    run(port={port})\n"
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(served(name, folder, ["{stem}"], source))
                   for name in dict.fromkeys(["Flask", *names])
                   if "run = " in HELLO[name]}
        result = served_in_turn(
            servers, options.rounds or (8 if options.quick else 24), requests)
    ratios = {name: result["Flask"] / cost
              for name, cost in result.items()}
    show([["", "us", "speed"]] + [
        [name, number(cost), f"{ratios[name]:.2f}x",
         mark(ratios[name], SERVER_TARGET) if name == "microflask" else ""]
        for name, cost in result.items()])
    return result


# ---------------------------------------------------------------------------
# 8. Memory, instructions
# ---------------------------------------------------------------------------


def peak(name, folder, request, expected):
    """Most bytes allocated during a request, beyond what was there before."""
    body = request.get("body", b"")
    app = app_for(name, "upload" if body else "", folder)
    for _ in range(2):
        environ = {**environ_of(**request), "wsgi.input": io.BytesIO(body)}
        gc.collect()
        tracemalloc.start()
        answer, size = app(environ, start_response), 0
        for chunk in answer:
            size += len(chunk)
        getattr(answer, "close", int)()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if size != expected:
        raise AssertionError(f"{name}: {size} bytes, not {expected}")
    return most


def run_memory(options, names, folder):
    """What an upload takes beyond its body, and a streamed answer at two lengths."""
    lines, result = [["peak, kB", "upload, 10 MB", "stream, 1 MB", "20 MB"]], {}
    upload = next(row for row in ROWS if row.name == "upload")
    asked = [({"path": upload.path, "method": "POST", "type": upload.type,
               "body": upload.body}, len(upload.answer))]
    asked += [({"path": f"/large/{count}"}, count * 500 * len(CHUNK))
              for count in (100, 2000)]
    for name in names:
        result[name] = cells = [fresh(peak, name, folder, *each) for each in asked]
        lines.append([name, *(number(cell / 1e3) for cell in cells)])
    if "microflask" in names:
        lines[-1] += [mark(cells[0] / 1e6, 0.4, " MB", True),
                      mark(cells[2] / cells[1], 1.1, "x", True)]
    show(lines)
    return result


def loop(name, row_name, count, folder):
    """Answer a row so often and do nothing else, for somebody who counts."""
    row = next(row for row in ROWS if row.name == row_name)
    app = app_for(name, row.name, folder)
    if app:
        environ = prepared(app, row)
        burst(app, environ, row.body, 100)
        gc.collect()
        burst(app, environ, row.body, count)


def instructions(name, row_name, count, folder):
    """Instructions of a process that answers so often, as callgrind counts them."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         sys.executable, __file__, "--loop", name, row_name, str(count), folder],
        env={**os.environ, "PYTHONHASHSEED": "0"}, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def run_instructions(options, names, folder):
    """Instructions for each request: a long run less a short one."""
    if not shutil.which("valgrind"):
        raise SystemExit("--instructions needs valgrind")
    result, few, many = {}, 100, 400 if options.quick else 1100
    for row_name in options.only or ["hello"]:
        result[row_name] = cells = {}
        for name in names:
            progress(f"{row_name}: {name}")
            with multiprocessing.pool.ThreadPool(2) as pool:
                low, high = pool.starmap(instructions, [
                    (name, row_name, count, folder) for count in (few, many)])
            cells[name] = round((high - low) / (many - few))
        progress("")
    lines = [["instructions", *names]]
    for row_name, cells in result.items():
        lines.append([row_name, *(f"{cells[name]:,}" for name in names)])
        if "Flask" in cells:
            lines.append(["", *(f"{cells['Flask'] / (cells[name] or math.nan):.1f}x"
                                for name in names)])
    show(lines)
    return result


# ---------------------------------------------------------------------------
# 9. The command line
# ---------------------------------------------------------------------------

MODES = {"routes": run_routes, "start": run_start, "memory": run_memory,
         "instructions": run_instructions, "gunicorn": run_gunicorn,
         "devserver": run_devserver}


def arguments():
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = functools.partial(str.split, sep=",")
    parser.add_argument("--quick", action="store_true", help="fewer, shorter rounds")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--only", type=words, default=[], metavar="ROW[,ROW]",
                        help=" ".join(row.name for row in ROWS))
    parser.add_argument("--on", type=words, default=FRAMEWORKS, metavar="NAME[,NAME]",
                        help=" ".join(FRAMEWORKS))
    parser.add_argument("--json", metavar="FILE", help="write all figures as JSON")
    parser.add_argument("--svg", metavar="FILE", help="draw the table as a bar chart")
    parser.add_argument("--loop", nargs=4, help=argparse.SUPPRESS)
    for name, run in MODES.items():
        parser.add_argument(f"--{name}", dest="mode", action="store_const", const=run,
                            help=run.__doc__)
    options = parser.parse_args()
    for given, known in ((options.only, [row.name for row in ROWS]),
                         (options.on, FRAMEWORKS)):
        if unknown := set(given) - set(known):
            parser.error(f"{', '.join(unknown)}? There is: {' '.join(known)}")
    return options


def main():
    """Measure what the command line asks for."""
    options = arguments()
    if options.loop:
        name, row_name, count, folder = options.loop
        return loop(name, row_name, int(count), folder)
    names = [name for name in FRAMEWORKS if name in options.on]
    for name in names[:]:
        if name != "bare" and not importlib.util.find_spec(name.lower()):
            print(f"{name} is not installed and left out")
            names.remove(name)
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder)
        result = (options.mode or run_rows)(options, names, folder)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
