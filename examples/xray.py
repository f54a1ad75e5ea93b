"""The x-ray: send one request through an application, and see its way through the code.

    python examples/xray.py                             # its own small application
    python examples/xray.py --app examples/api.py       # yours: a file, or module:name

You see the steps of the request (`wsgi_app`, the methods it calls, your functions),
each line as it runs, and the values that change. "Every function" adds what these
steps call in microflask.py. Each x-ray really sends the request to the application.

Shows `sys.settrace`, and what a WSGI server does (PEP 3333).
"""
import argparse
import contextlib
import contextvars
import dis
import functools
import importlib
import inspect
import io
import re
import reprlib
import sys
import threading
import types
from collections import namedtuple
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes
from wsgiref.util import setup_testing_defaults

import source
from microflask import (
    Blueprint, Flask, LocalProxy, abort, flash, g, redirect, render_template, request,
    session, url_for)

STEPS, BLOCKS, SECONDS, PARTS = 6000, 1000, 10, 25      # where an x-ray ends
MANY = 4        # what so many functions call is a helper, and no step of its own
BOOK = source.book()    # the file as it runs here, though you may change it

def make_demo():
    """Return an application that does a little of everything."""
    demo = Flask(__name__, template_folder="templates/xray_demo")
    demo.secret_key = "known to all, as this application has no secrets"
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @demo.get("/")
    def home():
        return "Hello!"

    @demo.get("/page")
    def page():
        return render_template("page.html", fruit=["apple", "pear"])

    @demo.post("/note")
    def note():
        flash(f"Noted: {request.form['text']}")
        return redirect(url_for("page"))

    @demo.get("/visits")
    def visits():
        session["visits"] = session.get("visits", 0) + 1
        return f"Visit {session['visits']}"

    @demo.errorhandler(404)
    def not_here(error):
        return "Nothing is here.", 404

    @demo.get("/broken")
    def broken():
        return 1 / 0

    @shop.before_request
    def remember():
        g.visitor = request.headers.get("User-Agent", "nobody")

    @shop.after_request
    def sign(response):
        response.headers["X-Seen"] = g.visitor
        return response

    @shop.get("/<item>/<int:number>")
    def show(item, number):
        return {"item": item, "number": number}

    demo.register_blueprint(shop)
    return demo

Asked = namedtuple("Asked", "method path headers body", defaults=("GET", "/", "", ""))

PRESETS = {     # key -> (title, request)
    "fixed": ("A fixed path: one look into a dict", Asked()),
    "form": ("A form: a body to read", Asked("POST", "/note", body="text=Buy+milk")),
    "session": ("A session begins: a cookie is set", Asked(path="/visits")),
    "visitor": ("A session goes on: the cookie comes back", Asked(path="/visits")),
    "template": ("A template, with url_for inside", Asked(path="/page")),
    "blueprint": ("Variables, a blueprint's hooks, JSON", Asked(path="/shop/tea/2")),
    "missing": ("404: no rule matches, a handler answers", Asked(path="/nowhere")),
    "method": ("405: the path matches, the method does not", Asked("DELETE", "/page")),
    "broken": ("500: a bug, and how far it climbs", Asked(path="/broken")),
}

def send(app, environ):
    """Do what a WSGI server does with a request: return status, headers and body."""
    answer, blocks = [], []

    def start_response(status, headers, exc_info=None):
        answer[:] = status, headers
        return blocks.append

    body = app(environ, start_response)
    try:
        blocks += islice(body, BLOCKS)
    finally:
        if hasattr(body, "close"):
            body.close()
    return (*answer, b"".join(blocks))

def make_environ(asked, log):
    """Return the environ that a server makes of a request."""
    if not re.fullmatch(r"[A-Za-z]+ /(?!/).*", f"{asked.method} {asked.path}"):
        raise ValueError("A request has a method like GET and a path like /hello.")
    path, _, query = asked.path.partition("?")
    body = asked.body.replace("\r\n", "\n").encode()
    environ = {"SCRIPT_NAME": "", "REQUEST_METHOD": asked.method.upper(),
               "QUERY_STRING": query,
               "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
               "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost",
               "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
               "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
               "wsgi.errors": log}
    setup_testing_defaults(environ)
    for line in filter(None, map(str.strip, asked.headers.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(f"A header is a line like Name: value, not {line!r}.")
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.strip()
    return environ

# What is recorded

class Writer(reprlib.Repr):
    """Describes values, short and without calling anything of theirs."""
    def __init__(self, secrets=()):
        super().__init__()
        self.maxlevel, self.maxstring, self.maxlist, self.maxdict = 2, 100, 6, 6
        self.secrets = {key for key in secrets if type(key) in (str, bytes)}

    def repr_str(self, value, level):
        is_secret = value in self.secrets
        return "<the secret key>" if is_secret else super().repr_str(value, level)

    repr_bytes = repr_str

    def repr_instance(self, value, level):
        """Describe what is no plain string, number or container."""
        kind = type(value)
        if kind in (type(None), bool, float, type(...)):
            return repr(value)
        for base in (str, bytes, dict, list, tuple):
            if issubclass(kind, base):      # such as Markup and MultiDict
                plain = base(dict.items(value) if base is dict else
                             base.__getitem__(value, slice(self.maxstring)))
                return f"{kind.__name__}({self.repr1(plain, level)})"
        if issubclass(kind, BaseException):
            args = self.repr1([*BaseException.args.__get__(value)], level)
            return f"{kind.__name__}({args[1:-1]})"
        is_named = issubclass(kind, (type, types.FunctionType, types.MethodType))
        return f"<{kind.__name__}{f' {value.__name__}' if is_named else ''}>"

    def parts(self, value):
        """Return the pairs (name, description) of what is inside a value."""
        kind, found = type(value), []
        if issubclass(kind, dict):
            found += [(self.repr(key), part) for key, part in dict.items(value)]
        if kind in (list, tuple):
            found += enumerate(value)
        if not issubclass(kind, (type, types.ModuleType, LocalProxy)):
            with contextlib.suppress(AttributeError):
                own = object.__getattribute__(value, "__dict__")
                found += [(f".{name}", part) for name, part in own.items()]
        return tuple((name, self.repr(part)) for name, part in found[:PARTS])

class Recorder:
    """Records the functions that a thread enters, their lines and their values.

    A step is [call, kind, line, [(name, value), ...], value]; a value is its number in
    the table of values.
    """
    def __init__(self, app, writer):
        self.folder, self.writer = app.root_path, writer
        self.codes, self.values, self.calls, self.steps = {}, {}, [], []
        self.stack = []         # of (frame, call, {name: value} as it was)
        self.is_off = False

    def is_watched(self, code):
        file = code.co_filename
        return file in (str(source.FILE), __file__) or (
            file.startswith(self.folder) and file.endswith(".py")
            and "site-packages" not in file and code.co_name != "<module>")

    def trace(self, frame, event, arg):
        if self.is_off or event == "call" and not self.is_watched(frame.f_code):
            return None
        self.note(frame, event, arg)
        self.is_off = len(self.steps) >= STEPS
        return self.trace

    def note(self, frame, event, arg):
        if not self.stack or self.stack[-1][0] is not frame:
            code = self.codes.setdefault(frame.f_code, len(self.codes))
            parent = self.stack[-1][1] if self.stack else None
            self.stack.append((frame, len(self.calls), {}))
            self.calls.append({"function": code, "parent": parent})
        _, call, seen = self.stack[-1]
        if event == "return":
            event = self.way_out(frame, arg, call)
        if event in ("return", "yield", "raised"):
            self.stack.pop()
        value = arg[1] if event == "exception" else arg
        self.steps.append([
            call, event, frame.f_lineno, self.changes(frame, seen),
            None if event in ("call", "line", "raised") else self.number(value)])

    def way_out(self, frame, value, call):
        """Tell how a function is left: Python calls all of it a return."""
        name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        if name.startswith("RETURN"):
            return "return"
        is_yield = value is not None or name.startswith(("YIELD", "SEND", "RESUME"))
        is_yield &= self.steps[-1][:2] != [call, "exception"]
        return "yield" if is_yield else "raised"

    def number(self, value):
        try:
            shown = self.writer.repr(value), self.writer.parts(value)
        except Exception:       # it must not reach the application
            shown = f"<{type(value).__name__}>", ()
        return self.values.setdefault(shown, len(self.values))

    def changes(self, frame, seen):
        """Return [(name, value), ...] of what changed, with None for what is gone."""
        now = {name: self.number(value) for name, value in frame.f_locals.items()
               if name[:1] != "."}
        changed = [(name, now.get(name)) for name in {**seen, **now}
                   if now.get(name) != seen.get(name)]
        seen.clear()
        seen.update(now)
        return changed

# What is shown

@functools.lru_cache(maxsize=1)
def way(book):
    """Return the definitions of wsgi_app and of the methods on a request's way."""
    start = book.names.find("wsgi_app")
    chapter, found = book.chapter_of(start.line), [start]
    functions = [one for one in book.names.known.values()
                 if one.kind in ("method", "function")]
    for step in found:
        for line, column in sorted(book.names.links):
            used, _ = book.names.links[line, column]
            call = used.name.rpartition(".")[2] + "("
            is_called = book.lines[line - 1].startswith(call, column)
            is_near = step is start or book.chapter_of(used.line) is chapter
            if step.line < line <= step.end and is_called and is_near and (
                    used.kind == "method" and used not in found and MANY > sum(any(
                        one.line < use <= one.end for use in used.uses)
                        for one in functions)):
                found.append(used)
    return found

@functools.lru_cache(maxsize=32)
def painted(path):
    return source.paint(Path(path).read_text(encoding="utf-8"))

def described(code):
    """Return what the page needs to know about a function."""
    lines, first = inspect.getsourcelines(code)
    ends = [first + len(lines) - 1, *(line or 0 for _, _, line in code.co_lines())]
    margin = len(lines[0]) - len(lines[0].lstrip())
    name = getattr(code, "co_qualname", code.co_name)       # since Python 3.11
    is_ours = code.co_filename == str(source.FILE)
    chapter = BOOK.chapter_of(first) if is_ours else None
    place = f"{chapter.number}. {chapter.title}" if chapter else (
        "the server" if code is send.__code__ else "the application")
    return {"name": name.rpartition("<locals>.")[2], "first": first, "place": place,
            "chapter": chapter.number if chapter else 0,
            "step": not is_ours or any(
                code.co_firstlineno <= step.line <= ends[0] for step in way(BOOK)),
            "lines": [re.sub(rf"^((?:<span[^>]*>)?) {{{margin}}}", r"\1", str(line))
                      for line in painted(code.co_filename)[first - 1:max(ends)]]}

def examine(app, asked):
    """Send a request, and return all that the page shows of it, as a dict."""
    log, answer, errors = io.StringIO(), [], []
    environ = make_environ(asked, log)
    keys = [app.secret_key, *(app.config.get("SECRET_KEY_FALLBACKS") or ())]
    recorder = Recorder(app, Writer(keys))

    def work():
        sys.settrace(recorder.trace)
        try:
            answer.extend(send(app, environ))
        except BaseException as problem:
            errors.append(f"{type(problem).__name__}: {problem}")
        sys.settrace(None)

    context = contextvars.Context()     # outside of the request that is answered here
    thread = threading.Thread(target=context.run, args=(work,), daemon=True)
    thread.start()
    thread.join(SECONDS)
    recorder.is_off = True
    if thread.is_alive():
        errors.append(f"There was no answer within {SECONDS} seconds.")
    status, headers, body = answer or ("no answer", [], b"")
    return {"asked": asked, "status": status, "headers": headers, "errors": errors,
            "body": body[:2000].decode(errors="replace"), "log": log.getvalue()[-5000:],
            "calls": recorder.calls, "values": [*recorder.values],
            "functions": [*map(described, recorder.codes)],
            "steps": recorder.steps, "cut": len(recorder.steps) >= STEPS}

def examine_preset(key):
    """X-ray a preset on a new application, after the same request went through once."""
    title, asked = PRESETS[key]
    app, context = make_demo(), contextvars.Context()
    _, headers, _ = context.run(send, app, make_environ(asked, io.StringIO()))
    cookie = dict(headers).get("Set-Cookie", "").partition(";")[0]
    if key == "visitor":
        asked = asked._replace(headers=f"Cookie: {cookie}")
    return {"title": title, **examine(app, asked)}

# The pages

def create_app(watched=None):
    """Return the tool, for an application or for the small one in this file."""
    app = Flask(__name__)
    app.config.update(TRUSTED_HOSTS=["localhost", "127.0.0.1"])
    shown = {} if watched else PRESETS

    @app.before_request
    def only_from_here():
        """Refuse forms of other sites: they would send requests to your application."""
        here = request.host_url.rstrip("/")
        if request.method == "POST" and request.headers.get("Origin", here) != here:
            abort(403)

    @app.get("/")
    def index(asked=Asked(), problem=None):
        return render_template("xray.html", presets=shown, asked=asked, problem=problem,
                               name=watched and watched.name)

    @app.get("/preset/<key>")
    def preset(key):
        if key not in shown:
            abort(404)
        return render_template("xray_one.html", xray=examine_preset(key))

    @app.post("/request")
    def ask():
        asked = Asked(*(request.form.get(name, "") for name in Asked._fields))
        try:
            xray = examine(watched or make_demo(), asked)
        except ValueError as error:
            return index(asked, str(error)), 400
        return render_template("xray_one.html", xray={"title": "Your request", **xray})

    return app

def load(name):
    """Return the application that module:name or file.py:name names or makes."""
    path, _, name = name.partition(":")
    sys.path.insert(0, str(Path(path).resolve().parent))
    module = importlib.import_module(Path(path).stem if path[-3:] == ".py" else path)
    found = getattr(module, name or "app")
    return found() if inspect.isfunction(found) else found

app = create_app()

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", help="a file, or module:name")
    name = parser.parse_args().app
    create_app(name and load(name)).run()
