"""How fast: the same requests on microflask, Flask, Bottle, Falcon and bare WSGI.

Each framework runs in a process of its own, and they take turns in short bursts. What
counts is CPU time from a fresh environ to the end of the body. After 16 turns come
new processes: one can have bad luck with its memory. Compare ratios: microseconds are
different on your machine. Falcon runs without its compiled parts.
"""
import argparse
import functools
import importlib
import io
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import wsgiref.util
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

FRAMEWORKS = ["bare", "flask", "bottle", "falcon", "microflask"]
HERE, SECRET = str(Path(__file__).resolve().parent), "only for this"
IMPORT = f"import sys; sys.path.append({HERE!r}); from benchmark import *; "

# ---- 1. The requests and their answers ------------------------------------------
PAIRS = {f"field{n}": f"a value, {n} & more" for n in range(10)}
ENCODED = urllib.parse.urlencode(PAIRS).encode()
JOINED = "|".join(PAIRS.values()).encode()
THING = {"id": 42, "name": "thing", "price": 9.5, "tags": ["a", "b", "c"]}
DUMPED = json.dumps(THING, separators=(",", ":")).encode()
ECHO = b'{"items":[%s]}' % b",".join([DUMPED] * 16)
TEXT, CHUNK = b"0123456789abcdef" * 640, b"a chunk of it"
PEOPLE = {"title": "All", "rows": [{"id": n, "name": f"A & {n}"} for n in range(50)]}
GREETING, GREETED = "<h1>Hello, {{ name }}!</h1>", {"name": "you & me"}
FILES = {"static/file.txt": TEXT.decode(),
         "layout.html": "<h1>All</h1><table>{% block body %}{% endblock %}</table>",
         "page.html": """{% extends "layout.html" %}{% block body %}{% for row in rows
%}<tr class="{{ loop.cycle('odd', 'even') }}"><td>{{ loop.index }}<td>{{ title }}
<td><a href="{{ row.id }}">{{ row.name }}</a>{% endfor %}{% endblock %}"""}
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PARTS, END = "multipart/form-data; boundary=mark", b"--mark--"
PART = b"--mark\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
BLOB = PART % (b'name="blob"; filename="blob.bin"', os.urandom(10_000_000)) + END
FIELDS = b"".join(PART % (b'name="f%d"' % n, b"v%d" % n) for n in range(100)) + END
STATE = {"hooks": 0}    # calls of hooks

def chunks():
    for _ in range(100):
        yield CHUNK
def joined(fields):
    return "|".join([fields[key] for key in PAIRS])
def size_of(file):
    return str(sum(map(len, iter(lambda: file.read(65536), b""))))
def hook(response=None, *args):
    STATE["hooks"] += 1
    return response

# A line of the table. We want to be `floor`, or better `aim`, times as fast as Flask. A
# view gets request and tools of a framework. `answer` is a part of the answer. `then`:
# send a header of a first answer back under an environ key.
Row = namedtuple("Row", "name floor aim rule view answer type body query method status"
                 " then", defaults=(
                     0, 0, "", None, b"", "", b"", b"", "GET", 200, ()))
ROWS = [
    Row("hello", 8, 15, "/", lambda r, use: "Hello, World!", b"Hello, World!"),
    Row("params", 7.6, 15, "/user/<name>/post/<int:id>",
        lambda r, use, name, id: f"{name} {id}", b"ada 7"),
    Row("json", 6, 9, "/json", lambda r, use: THING, DUMPED),
    Row("json-echo", 2.5, 3.5, "/echo", lambda r, use: r.json, ECHO, JSON, ECHO),
    Row("form", 4, 8, "/form", lambda r, use: joined(r.form), JOINED, FORM, ENCODED),
    Row("query", 3.5, 7.5, "/q", lambda r, use: joined(r.args), JOINED, query=ENCODED),
    Row("template", 1.2, 1.7, "/page", lambda r, use: use.page(), b"A &amp; 49</a>"),
    Row("template-string", 20, 34, "/string", lambda r, use: use.greeting(), b"&amp;"),
    Row("session", 2.7, 3.7, "/session", lambda r, use: use.visits(), b"2",
        then=("set-cookie", "HTTP_COOKIE")),
    Row("404", 8, 12, "/nothing/here", status=404),
    Row("405", 7, 10, "/", method="DELETE", status=405),
    Row("redirect", 7, 12, "/old", lambda r, use: use.redirect("/"), status=302),
    Row("hooks", 6.9, 13, "/hooks", lambda r, use: str(STATE["hooks"] % 4), b"2"),
    Row("static", 3.5, 6.5, "/static/file.txt", answer=TEXT),
    Row("304", 4.5, 9, "/static/file.txt", status=304,
        then=("etag", "HTTP_IF_NONE_MATCH")),
    Row("stream", 5.5, 10, "/stream", lambda r, use: chunks(), CHUNK * 100),
    Row("upload", 1, 2, "/upload", lambda r, use: size_of(r.files["blob"]),
        b"10000000", PARTS, BLOB),
    Row("multipart", 2, 4, "/all", lambda r, use: r.form["f99"], b"v99", PARTS, FIELDS)]
ROW, VIEWS = {row.name: row for row in ROWS}, [row for row in ROWS if row.view]

# ---- 2. The applications --------------------------------------------------------
def flask_app(flask, folder, hooks):
    """The rows on Flask, and on microflask, which looks the same."""
    app = flask.Flask("x", template_folder=folder, static_folder=folder + "/static")
    app.secret_key, session = SECRET, flask.session
    def visits():
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])
    use = SimpleNamespace(
        visits=visits, redirect=flask.redirect,
        page=lambda: flask.render_template("page.html", **PEOPLE),
        greeting=lambda: flask.render_template_string(GREETING, **GREETED))
    for row in VIEWS:
        view = functools.partial(row.view, flask.request, use)
        app.add_url_rule(row.rule, row.name, view, methods=["GET", "POST"])
    for _ in range(hooks):
        app.before_request(hook)
        app.after_request(hook)
    return app

def bottle_app(bottle, folder, hooks):
    """The rows on Bottle, with the same templates and its own signed cookies."""
    app, request, response = bottle.Bottle(), bottle.request, bottle.response
    bottle.LocalRequest.form = bottle.LocalRequest.forms  # Flask's names for Bottle's
    bottle.LocalRequest.args = bottle.LocalRequest.query
    bottle.FileUpload.read = lambda upload, size: upload.file.read(size)
    render = functools.partial(bottle.jinja2_template, template_lookup=[folder],
                               template_settings={"autoescape": True})
    def visits():
        count = request.get_cookie("visits", 0, secret=SECRET) + 1
        response.set_cookie("visits", count, secret=SECRET, httponly=True, path="/")
        return str(count)
    use = SimpleNamespace(
        visits=visits, redirect=lambda path: bottle.redirect(path, 302),
        page=lambda: render("page.html", PEOPLE),
        greeting=lambda: render(GREETING, GREETED))
    for row in VIEWS:
        rule = row.rule.replace("int:id", "id:int")
        app.route(rule, ["GET", "POST"], functools.partial(row.view, request, use))
    app.get("/static/<name>")(lambda name: bottle.static_file(name, folder + "/static"))
    for _ in range(hooks):
        app.add_hook("before_request", hook)
        app.add_hook("after_request", hook)
    return app

def falcon_app(falcon, folder, hooks):
    """The rows on Falcon, with Jinja. It has no sessions."""
    import jinja2
    jinja = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
    class Request(falcon.Request):  # with Flask's names for Falcon's
        args = property(lambda self: self.params)
        json = property(lambda self: self.get_media())
        form = property(lambda self: self.json if self.content_type == FORM else {
            part.name: part.text for part in self.json})
        files = property(lambda self: {"blob": next(iter(self.json)).stream})
    class Hooks:
        process_request = process_response = hook
    def responder(view, kind):
        def respond(req, resp, **values):
            setattr(resp, kind, view(req, use, **values))
        return SimpleNamespace(on_get=respond, on_post=respond)
    def redirect(path):
        raise falcon.HTTPFound(path)
    use = SimpleNamespace(
        redirect=redirect, page=lambda: jinja.get_template("page.html").render(PEOPLE),
        greeting=functools.partial(jinja.from_string(GREETING).render, GREETED))
    app = falcon.App(request_type=Request, middleware=[Hooks() for _ in range(hooks)])
    parts = app.req_options.media_handlers[falcon.MEDIA_MULTIPART]
    parts.parse_options.max_body_part_count = 1000
    app.add_static_route("/static", folder + "/static")
    for row in VIEWS:
        kind = {"json": "media", "json-echo": "media", "stream": "stream"}
        rule = row.rule.replace("<int:id>", "{id:int}").replace("<name>", "{name}")
        app.add_route(rule, responder(row.view, kind.get(row.name, "text")))
    return app

def application(name, row=ROW["hello"], folder=HERE):
    """The WSGI application of a framework for this row; bare: the finished answer."""
    def bare(environ, start_response):
        start_response(f"{row.status} Any", [("Content-Length", str(len(row.answer)))])
        return [row.answer]
    if name == "bare" and (row.body or row.then) or name + row.name == "falconsession":
        raise LookupError("nothing to compare")
    sys.modules["falcon.cyutil"] = None  # its compiled parts cannot be imported then
    make = {"bottle": bottle_app, "falcon": falcon_app}.get(name, flask_app)
    return bare if name == "bare" else make(
        importlib.import_module(name), folder, 2 * (row.name == "hooks"))

# ---- 3. One request, many requests ----------------------------------------------
def environ_for(path, row=ROW["hello"]):
    environ = {"REQUEST_METHOD": "POST" if row.body else row.method,
               "PATH_INFO": path.replace("<name>", "ada").replace("<int:id>", "7"),
               "QUERY_STRING": row.query.decode(), "HTTP_USER_AGENT": "Mozilla/5.0"}
    if row.body:
        environ |= {"CONTENT_TYPE": row.type, "CONTENT_LENGTH": str(len(row.body))}
    wsgiref.util.setup_testing_defaults(environ)
    return environ
def ask(app, environ, body=b""):
    head = []
    answer = app({**environ, "wsgi.input": io.BytesIO(body)},
                 lambda status, headers, exc_info=None: head.extend((status, headers)))
    text = b"".join(answer)
    getattr(answer, "close", int)()
    return int(head[0][:3]), {key.lower(): value for key, value in head[1]}, text

@functools.cache
def prepared(name, row, folder):
    """What `burst` needs for a row, after a check of the answer."""
    app, environ = application(name, row, folder), environ_for(row.rule, row)
    if row.then:
        environ[row.then[1]] = ask(app, environ)[1][row.then[0]].partition(";")[0]
    for _ in range(2):
        status, _, text = ask(app, environ, row.body)
        assert status == row.status, f"wrong status {status}"
        assert row.answer.replace(b" ", b"") in text.replace(b" ", b""), text[:200]
    count = 2 + round(8_000 / burst(app, environ, row.body, 20))
    return app, environ, row.body, count

def burst(app, environ, body, count):
    """CPU microseconds for each of so many requests in a row."""
    begin = time.process_time()
    for _ in range(count):
        fresh = environ.copy()
        if body:
            fresh["wsgi.input"] = io.BytesIO(body)
        answer = app(fresh, lambda status, headers, exc_info=None: None)
        for chunk in answer:
            pass
        getattr(answer, "close", int)()
    return (time.process_time() - begin) / count * 1e6

# ---- 4. The measurements: numbers, the smaller the better -----------------------
def microseconds(name, row_name, folder):
    return burst(*prepared(name, ROW[row_name], folder))

def instructions(name, row_name, folder):
    """Return the instructions of a request, as valgrind counts them."""
    counts = []
    for many in (9, 99):
        call = f"*prepared({name!r}, ROW[{row_name!r}], {folder!r})[:3], {many}"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             sys.executable, "-c", f"{IMPORT}burst({call})"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=True, timeout=300)
        counts.append(int(done.stdout.split("Collected : ")[1].split()[0]))
    return (counts[1] - counts[0]) / 90

# ---- 5. Taking turns, the table --------------------------------------
def taking_turns(measure, rows, names, quick, folder):
    found, end = {}, time.monotonic() + 1200
    spawn, most = multiprocessing.get_context("spawn"), 16 * len(rows)
    pools = {name: spawn.Pool(1, maxtasksperchild=most) for name in names}
    for turn in range(1 if measure is instructions else 12 if quick else 96):
        for row, name in [(row, name) for row in rows for name in names]:
            numbers = found.setdefault((row.name, name), [])
            if turn and (not numbers or time.monotonic() > end - 1160 * quick):
                continue
            try:
                numbers.append(pools[name].apply_async(
                    measure, (name, row.name, folder)).get(300))
            except Exception as error:
                print(f"{row.name}: without {name}: {error}"[:200])
    return found

def cell(row, name, found):
    numbers = found[row.name, name]
    best = f"{min(numbers, default=0):,.2f}"
    base = found.get((row.name, "flask"))
    if not numbers or not base:
        return {"text": best if numbers else "-"}
    ratios = [theirs / ours for theirs, ours in zip(base, numbers)]
    low, times, high = statistics.quantiles(ratios * 2, n=4)   # of bursts side by side
    spread = (high - low) / 2 / times
    text = best if name == "flask" else f"{times:,.2f}x ±{spread:.0%}"
    return {"best": min(numbers), "times": times, "spread": spread, "text": text}

def show(row, cells):
    wanted, times = "", cells.get("microflask", {}).get("times")
    if row.floor and times:
        reached = ["MISSED", "floor", "aim"][(times >= row.floor) + (times >= row.aim)]
        wanted = f"{row.floor:>5g}x {row.aim:>3g}x {reached}"
    print(f"{row.name:15}", *[f"{each['text']:>12}" for each in cells.values()], wanted)

# ---- 6. The chart: a bar for each framework and row -----------------------------
STYLE = """text{font:13px system-ui,"Segoe UI",sans-serif;fill:#1f2328}.bg{fill:#fbfaf7}
.v{font-size:9px;fill:#57606a}.microflask{fill:#bc4c00}.bottle{fill:#54749e}
.e{text-anchor:end}line{stroke:#d5dae0}.flask{stroke:#57606a}.falcon{fill:#a3b4c9}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.v{fill:#9aa5b1}.bg{fill:#0d1117}
line{stroke:#30363d}.flask{stroke:#9aa5b1}.microflask{fill:#f0883e}
.bottle{fill:#7d9cc7}.falcon{fill:#536a8a}}"""

def chart(result):
    """Return the table as an SVG with a logarithmic scale: Flask is the line at 1."""
    made, end = [], 60 + 36 * len(result)
    def x(times):
        return round(240 + 100 * math.log2(min(max(times, .5), 48)), 1)
    def text(at, y, words, kind=""):
        made.append(f'<text class="{kind}" x="{at}" y="{y}">{words}</text>')
    def bar(name, left, y, width):
        made.append(f'<rect class="{name}" x="{left}" y="{y}" width="{width:.1f}"'
                    ' height="9"/>')
    text(16, 26, "Times as fast as Flask")
    for times in (.5, 1, 2, 4, 8, 16, 32):
        made.append(f'<line class="{"flask" if times == 1 else ""}" y1="56" '
                    f'x1="{x(times)}" x2="{x(times)}" y2="{end}"/>')
        text(x(times) - 8, 50, "Flask" if times == 1 else f"{times:g}x", "v")
    for place, name in enumerate(("microflask", "bottle", "falcon")):
        bar(name, 430 + 105 * place, 17, 12)
        text(448 + 105 * place, 26, name.title() if place else name)
        for at, (row, cells) in enumerate(result.items()):
            top = 60 + 36 * at + 10 * place
            if not place:
                text(128, top + 18, row, "e")
            if times := cells.get(name, {}).get("times"):
                bar(name, x(min(times, 1)), top, x(max(times, 1)) - x(min(times, 1)))
                text(x(max(times, 1)) + 4, top + 8, f"{times:.1f}", "v")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {end + 12}">'
            f'<style>{STYLE}</style><rect class="bg" width="860" height="{end + 12}" '
            'rx="12"/>\n' + "\n".join(made) + "\n</svg>\n")

def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--instructions", dest="measure", action="store_const",
                        const=instructions, default=microseconds,
                        help="count instructions under valgrind")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    for option, words in ("--rows", [*ROW]), ("--on", FRAMEWORKS):
        parser.add_argument(option, default=words, type=lambda text: text.split(","),
                            help=f"some of {','.join(words)}")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="a bar chart")
    options = parser.parse_args()
    result, unit = {}, options.measure.__name__
    rows = [row for row in ROWS if row.name in options.rows]
    names = [name for name in FRAMEWORKS if name in options.on]
    assert rows and names, "there is no such row or framework"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "static").mkdir()
        for name, text in FILES.items():
            Path(folder, name).write_text(text)
        found = taking_turns(options.measure, rows, names, options.quick, folder)
    print(f"Times as fast, median ± half the quartiles' distance; best {unit} of Flask.\n")
    show(Row(""), {name: {"text": name} for name in names})
    for row in rows:
        result[row.name] = {name: cell(row, name, found) for name in names}
        show(row, result[row.name])
    if any("times" in cell for cell in result[rows[0].name].values()):
        result["geometric mean"] = cells = {}
        for name in names:
            times = [result[row.name][name].get("times") for row in rows]
            mean = statistics.geometric_mean(list(filter(None, times)) or [1])
            cells[name] = {"times": mean, "text": f"{mean:,.2f}x"}
        show(Row("geometric mean", 5, 7), cells)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    if options.svg:
        options.svg.write_text(chart(result))

if __name__ == "__main__":
    main()
