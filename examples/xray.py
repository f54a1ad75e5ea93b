"""The x-ray: send one request through an application, and see its way through the code.

    python examples/xray.py                     # its own small application
    python examples/xray.py --app module:name   # yours, as on the command line

The page shows every function of microflask.py, and of the application, that the request
entered; its lines as they ran; the values that changed.  What a request does to your
application it does here, too: once for each x-ray.
"""
import argparse
import ast
import bisect
import contextvars
import datetime
import decimal
import difflib
import dis
import functools
import inspect
import io
import itertools
import keyword
import re
import secrets
import sys
import threading
import time
import tokenize
import types
import uuid
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import microflask  # noqa: E402
from microflask import (  # noqa: E402
    Blueprint, EnvironBuilder, Flask, Headers, LocalProxy, NoAppException, abort,
    flash, g, locate_app, redirect, render_template, request, session, url_for)

STEPS, VALUES, BODY, SECONDS = 6000, 12000, 100_000, 10     # where an x-ray ends
KEPT = 30       # so many x-rays are kept


# What is looked at: a small application, made anew for each x-ray


def make_demo(hooks=False):
    """Return an application that does a little of everything."""
    demo = Flask(__name__, template_folder="templates/xray_demo")
    demo.secret_key = "open to all, as this application keeps nothing"
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @demo.get("/")
    def home():
        return "Hello!"

    @demo.get("/hello/<name>")
    def hello(name):
        return f"Hello, {name}!"

    @demo.get("/square/<int(max=99):number>")
    def square(number):
        return {"number": number, "square": number * number}

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

    @demo.get("/old")
    def old():
        return redirect(url_for("hello", name="again"), 301)

    @demo.get("/stream")
    def stream():
        return (f"{number}\n" for number in (3, 2, 1))

    @demo.get("/secret")
    def secret():
        abort(403)

    @demo.errorhandler(403)
    def keep_out(error):
        return "Not for you.", 403

    @demo.get("/broken")
    def broken():
        return 1 / 0

    @shop.get("/<item>")
    def show(item):
        return f"One {item}"

    demo.register_blueprint(shop)
    if hooks:
        @demo.before_request
        def remember():
            g.visitor = request.headers.get("X-Visitor", "nobody")

        @demo.after_request
        def sign(response):
            response.headers["X-Seen"] = g.visitor
            return response

        @demo.teardown_request
        def forget(error):
            g.pop("visitor", None)
    return demo


class Preset(NamedTuple):
    """A request for the small application, and what it is to show."""
    title: str
    path: str
    shows: str
    method: str = "GET"
    headers: str = ""
    body: str = ""
    hooks: bool = False
    visitor: bool = False       # brings the cookie of a first visit along
    first: bool = False         # is the first request of the application


FORM = "Content-Type: application/x-www-form-urlencoded"
PRESETS = {
    "static": Preset("A fixed path", "/", "One look into a dict finds the view."),
    "dynamic": Preset("A path with a variable", "/hello/Ada",
                      "A dict finds what rules may match; an expression, the name."),
    "converter": Preset("A typed variable", "/square/12",
                        "The converter makes an int; a dict becomes JSON."),
    "form": Preset("A form", "/note", "The body is read when the view asks for it.",
                   "POST", FORM, "text=Buy+milk"),
    "new": Preset("A session begins", "/visits", "A signed cookie goes out."),
    "known": Preset("A session goes on", "/visits", "The cookie comes back, and its"
                    " signature is checked.", visitor=True),
    "template": Preset("A template", "/page", "Jinja at work, with url_for inside."),
    "redirect": Preset("A redirect", "/old", "url_for builds what routing reads."),
    "stream": Preset("A stream", "/stream", "The body is made while it is sent."),
    "blueprint": Preset("A blueprint", "/shop/tea", "A rule with a prefix."),
    "hooks": Preset("Hooks", "/hello/Ada", "Functions before, after, and at the end.",
                    headers="X-Visitor: Ida", hooks=True),
    "missing": Preset("404: no such path", "/nowhere", "No rule fits."),
    "method": Preset("405: not with this method", "/hello/Ada",
                     "The path is known, the method is not.", "DELETE"),
    "forbidden": Preset("403: a handler answers", "/secret",
                        "abort raises, a function of the application catches."),
    "broken": Preset("500: the view fails", "/broken",
                     "The exception climbs until the application catches it."),
    "first": Preset("The first request of all", "/page",
                    "What is made once, and kept.", first=True),
}
PAIRS = {
    "routes": ("A fixed path, a variable", "static", "dynamic"),
    "found": ("200 against 404", "dynamic", "missing"),
    "session": ("Without and with a session", "static", "new"),
    "cookie": ("A new visitor, a known one", "new", "known"),
    "once": ("The first request, a later one", "first", "template"),
    "hooked": ("Without and with hooks", "dynamic", "hooks"),
    "raised": ("A handler for 403, none for 404", "forbidden", "missing"),
}


def server(app, environ):
    """Do what a WSGI server does with a request (PEP 3333)."""
    answer, blocks, size = [], [], 0

    def start_response(status, headers, exc_info=None):
        answer[:] = [status, headers]
        return blocks.append

    body = app(environ, start_response)
    try:
        for block in body:
            blocks.append(block)
            size += len(block)
            if size > BODY:
                break       # as a client does that has had enough
    finally:
        if hasattr(body, "close"):
            body.close()
    return answer, b"".join(blocks)


# What is written of a value: what it is, without asking it


def type_name(kind):
    """Return the name of a class, without asking its metaclass."""
    return type.__dict__["__name__"].__get__(kind)


def home_of(kind):
    """Return the name of the module of a class, or ""."""
    module = type.__getattribute__(kind, "__module__")
    return module if type(module) is str else ""


def attributes(value):
    """Return the `__dict__` of an object, {} if it has none; nothing is computed."""
    for kind in type.__dict__["__mro__"].__get__(type(value)):
        found = type.__dict__["__dict__"].__get__(kind).get("__dict__")
        if found is not None:
            own = type(found) is types.GetSetDescriptorType
            return found.__get__(value) if own else {}
    return {}


PLAIN = {id(kind) for kind in (     # by id, as a metaclass may have a say in `in`
    type(None), bool, float, complex, type(...), type(NotImplemented), range,
    datetime.date, datetime.timedelta, decimal.Decimal, uuid.UUID)}


class Writer:
    """Writes values down, short and without calling anything of theirs.

    No `__repr__`, property or method of a value runs, no proxy is followed, nothing is
    compared: only exact built-in types are asked, and the `__dict__` of an object.
    """
    LONG, MANY, DEEP, PARTS = 160, 6, 2, 40

    def __init__(self, modules=(), secret_texts=()):
        self.modules = {"microflask", *modules}
        self.secret_texts = {self._start(text, type(text)) for text in secret_texts}
        self.secret_texts |= {text.encode() for text in self.secret_texts
                              if type(text) is str}

    def short(self, value, deep=0):
        """Return one line that describes a value."""
        try:
            text = self._describe(value, deep)
        except Exception as error:
            text = f"<a {type_name(type(value))}: {type_name(type(error))}>"
        return text if len(text) <= self.LONG else f"{text[:self.LONG]}…"

    def _describe(self, value, deep):
        kind = type(value)
        if kind is int:
            return repr(value) if value.bit_length() < 400 else "<a big int>"
        if id(kind) in PLAIN:
            return repr(value)
        if kind is datetime.datetime or kind is datetime.time:
            return repr(value.replace(tzinfo=None))     # a tzinfo may be anything
        if issubclass(kind, (str, bytes)):
            return self._text(value, kind)
        if issubclass(kind, (list, tuple, dict, set, frozenset)):
            return self._container(value, kind, deep)
        if issubclass(kind, type):
            return f"<class {type_name(value)}>"
        if kind is types.MethodType:
            return f"<method {self.short(value.__func__, deep + 1)}>"
        if kind is types.FunctionType or kind is types.BuiltinFunctionType:
            return f"<function {value.__name__}>"
        if kind is re.Pattern:
            return f"<pattern {value.pattern!r}>"
        if issubclass(kind, BaseException):
            args = BaseException.__dict__["args"].__get__(value)
            return f"{type_name(kind)}({self._items(args, tuple, deep)})"
        if issubclass(kind, LocalProxy):
            return "<a proxy, not followed>"
        return self._object(value, kind, deep)

    def _text(self, value, kind):
        base = str if issubclass(kind, str) else bytes
        plain = self._start(value, base)
        if plain in self.secret_texts:
            return "<the secret key, not shown>"
        quoted = repr(plain)
        return quoted if kind is base else f"{type_name(kind)}({quoted})"

    def _start(self, text, base):
        return base.__getitem__(text, slice(0, 2 * self.LONG))

    def _container(self, value, kind, deep):
        base = next(base for base in (list, tuple, dict, set, frozenset)
                    if issubclass(kind, base))
        size, marks = base.__len__(value), {
            list: "[]", tuple: "()", dict: "{}"}.get(base, "{}")
        inside = "…" if size and deep >= self.DEEP else self._items(value, base, deep)
        if base is tuple and size == 1:
            inside += ","
        if not size and base in (set, frozenset):
            marks, inside = ("", "") if kind is base else ("{}", "")
        text = f"{marks[:1]}{inside}{marks[1:]}"
        plain = kind is base and base is not frozenset and text
        return text if plain else f"{type_name(kind)}({text})"

    def _items(self, value, base, deep):
        items, texts = dict.items(value) if base is dict else base.__iter__(value), []
        for number, item in enumerate(items):
            if number == self.MANY:
                texts.append("…")
                break
            texts.append(": ".join(self.short(part, deep + 1) for part in item)
                         if base is dict else self.short(item, deep + 1))
        return ", ".join(texts)

    def _object(self, value, kind, deep):
        own, name = attributes(value), type_name(kind)
        if kind is re.Match:
            return f"<{name} {self.short(value[0])} {self.short(value.groups())}>"
        if issubclass(kind, microflask.Request) and "environ" in own:
            environ = own["environ"]
            return (f"<{name} {dict.get(environ, 'REQUEST_METHOD')}"
                    f" {dict.get(environ, 'PATH_INFO')}>")
        if issubclass(kind, microflask.Response):
            status = own.get("_status", microflask.Response._status)
            return f"<{name} {status}>"
        for base, attribute in DESCRIBED_BY.items():
            if issubclass(kind, base) and attribute in own:
                return f"<{name} {self.short(own[attribute], deep + 1)}>"
        return f"<{name}>"

    def parts(self, value):
        """Return ((name, line), ...) of what is inside of a value."""
        try:
            kind = type(value)
            if issubclass(kind, dict):
                first = itertools.islice(dict.items(value), self.PARTS)
                found = [(self.short(key), part) for key, part in first]
            elif issubclass(kind, (list, tuple)):
                base = list if issubclass(kind, list) else tuple
                first = itertools.islice(base.__iter__(value), self.PARTS)
                found = [(str(number), part) for number, part in enumerate(first)]
            else:
                found = []
            if home_of(kind) in self.modules and not issubclass(kind, LocalProxy):
                found += [(str.__add__(".", name), part)
                          for name, part in dict.items(attributes(value))]
            return tuple((name, self.short(part)) for name, part in found[:self.PARTS])
        except Exception:
            return ()


DESCRIBED_BY = {Flask: "name", Blueprint: "name", microflask.Rule: "rule",
                Headers: "_list", microflask.FileStorage: "filename"}


# What is recorded: the functions entered, their lines, the values


class Recorder:
    """Records what one thread does in some files, by `sys.settrace`.

    A step is [call, kind, line, nanoseconds so far, [(name, value)], value]; a call
    is a function entered; values stand once in a table.  The clock stands still while
    the recorder itself works.  One thing does differ for what is watched: Python lets
    a value that was dropped live until the next line.
    """
    def __init__(self, ranges, writer):
        self.ranges, self.writer = ranges, writer
        self.calls, self.steps, self.codes = [], [], []
        self.values = {}
        self.stack, self.seen, self._code_numbers = [], [], {}
        self.waiting = {}       # generators that have yielded: {frame: call}
        self.clock = self.left = 0
        self.is_off = self.is_cut = self.is_closing = False

    def run(self, function, *args):
        """Call a function and record it; what was traced before is traced again."""
        before = sys.gettrace()
        self.left = time.perf_counter_ns()
        sys.settrace(self._trace)
        try:
            return function(*args)
        finally:
            sys.settrace(before)
            self.is_off = True

    def _trace(self, frame, event, arg):
        self.clock += time.perf_counter_ns() - self.left
        try:
            if self.is_off:
                return None
            if event == "call" and not self._is_watched(frame.f_code):
                return None
            self._note(frame, event, arg)
            return self._trace
        except Exception:       # it must not reach what is watched
            self.is_off = self.is_cut = True
            return None
        finally:
            self.left = time.perf_counter_ns()

    def _is_watched(self, code):
        for first, last in self.ranges.get(code.co_filename, ()):
            if first <= code.co_firstlineno <= last:
                return True
        return False

    def _note(self, frame, event, arg):
        if len(self.steps) >= STEPS or len(self.values) >= VALUES:
            self.is_off = self.is_cut = True
            return
        if event == "call" or not self.stack or self.stack[-1][1] != id(frame):
            self._enter(frame)      # without a call: a generator is thrown into
        call, value = self.stack[-1][0], None
        if event == "return":
            event = self._leaving(frame, call)
            value = self._value(arg) if event in ("return", "yield") else None
        elif event == "exception":
            value, self.is_closing = self._value(arg[1]), arg[0] is GeneratorExit
        self.steps.append([call, event, frame.f_lineno, self.clock,
                           self._changes(frame, call), value])
        if event in ("return", "yield", "raised", "closed"):
            self.calls[call]["took"] += self.clock - self.calls[call]["entered"]
            self.calls[call]["raised"] = event == "raised"
            self.stack.pop()
            if event == "yield":
                self.waiting[id(frame)] = call

    def _leaving(self, frame, call):
        """Tell how a frame is left: return, yield, raised, or closed (a generator)."""
        name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        if name.startswith("RETURN"):
            return "return"
        raised = self.steps[-1][:2] == [call, "exception"]
        waits = name.startswith(("YIELD", "SEND", "RESUME"))
        if waits and not raised:
            return "yield"
        is_generator = frame.f_code.co_flags & inspect.CO_GENERATOR
        return "closed" if self.is_closing and is_generator else "raised"

    def _enter(self, frame):
        code, parent = frame.f_code, self.stack[-1][0] if self.stack else None
        number = self._code_numbers.setdefault(code, len(self.codes))
        if number == len(self.codes):
            self.codes.append(code)
        call = self.waiting.pop(id(frame), None)
        if call is None or (self.calls[call]["code"], self.calls[call]["parent"]) != (
                number, parent):
            call = len(self.calls)
            self.seen.append({})
            self.calls.append({"code": number, "parent": parent, "took": 0,
                               "depth": len(self.stack), "start": self.clock,
                               "raised": False, "via": self._via(frame)})
        self.calls[call]["entered"] = self.clock
        self.stack.append((call, id(frame)))

    def _via(self, frame):
        """Return the module between a function and its caller here, if there is one."""
        caller = frame.f_back
        if not self.stack or caller is None or self._is_watched(caller.f_code):
            return None
        name = caller.f_globals.get("__name__")
        return name if type(name) is str else None

    def _value(self, value):
        key = self.writer.short(value), self.writer.parts(value)
        return self.values.setdefault(key, len(self.values))

    def _changes(self, frame, call):
        seen, now = self.seen[call], {}
        for name, value in frame.f_locals.items():
            if name[:1] != "." and name[:2] != "__":
                now[name] = self._value(value)
        changes = [(name, number) for name, number in now.items()
                   if seen.get(name) != number]
        changes += [(name, None) for name in seen if name not in now]
        self.seen[call] = now
        return changes


def watched_ranges(app):
    """Return {file: [(first line, last line)]}: microflask.py, app, server."""
    everything = [(0, sys.maxsize)]
    ranges = {microflask.Flask.wsgi_app.__code__.co_filename: everything}
    for function in functions_of(app):
        for code in codes_of(function):
            ranges.setdefault(code.co_filename, everything)
    module = sys.modules.get(app.import_name)
    if getattr(module, "__file__", None):
        ranges.setdefault(module.__file__, everything)
    ranges[server.__code__.co_filename] = [
        lines_of(one) for one in (make_demo, server)]
    return ranges


def functions_of(app):
    """Yield the views, hooks and error handlers of an application."""
    for view in app.view_functions.values():
        kind = attributes(view).get("view_class")
        yield from [view] if kind is None else (
            type.__dict__["__dict__"].__get__(kind).values())
    for table in (app.before_request_funcs, app.after_request_funcs,
                  app.teardown_request_funcs):
        for functions in table.values():
            yield from functions
    for by_code in app.error_handler_spec.values():
        for by_class in by_code.values():
            yield from by_class.values()


def codes_of(function):
    """Yield the code of a function, and of what it wraps; other objects have none."""
    for _ in range(20):
        if type(function) is types.MethodType:
            function = function.__func__
        if type(function) is types.FunctionType:
            yield function.__code__
        function = attributes(function).get("__wrapped__")


@functools.cache
def lines_of(function):
    """Return (first line, last line) of a function."""
    lines, first = inspect.getsourcelines(function)
    return first, first + len(lines) - 1


# What is shown of the files: chapters, functions, coloured lines


class Source:
    """A Python file, read for showing parts of it."""
    BANNER = re.compile(r"^# -{40,}\n# (\d+)\. (.+)\n#$", re.M)

    def __init__(self, path):
        self.path = Path(path)
        try:
            text = self.path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (OSError, SyntaxError, ValueError):
            text, tree = "", ast.parse("")
        self.lines = colored(text)
        self.chapters = [(text.count("\n", 0, found.start()) + 1, int(found[1]),
                          re.sub(r" +\(skip.*", "", found[2]))
                         for found in self.BANNER.finditer(text)]
        self.functions = sorted(named_functions(tree))

    def chapter(self, line):
        """Return (number, title) of the chapter of a line, or None."""
        place = bisect.bisect(self.chapters, (line, sys.maxsize)) - 1
        return self.chapters[place][1:] if place >= 0 else None

    def around(self, code):
        """Return (name, first line, last line) of the function of a code object."""
        line, name, best = code.co_firstlineno, code.co_name, None
        for first, last, full in self.functions:
            if first <= line <= last:
                best = first, last, full        # the innermost comes last
        if best is None:
            last = max([line, *(end or 0 for _, _, end in code.co_lines())])
            return name, line, min(last, line + 400)
        first, last, full = best
        own = first == line and full.rpartition(".")[2] == name
        return full if own else f"{full}.{name}", first, last


def named_functions(tree, prefix=""):
    """Yield (first line, last line, qualified name) of all functions in a tree."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            full = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                first = min(line.lineno for line in (node, *node.decorator_list))
                yield first, node.end_lineno, full
            yield from named_functions(node, f"{full}.")
        else:
            yield from named_functions(node, prefix)


def colored(text):
    """Return the lines of a program, each as [(kind, text), ...]."""
    lines = text.splitlines()
    marks = [[] for _ in lines]
    before, is_fresh = "", True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = token_kind(token, before, is_fresh)
            if token.type not in (tokenize.COMMENT, tokenize.NL):
                is_fresh = token.type in (tokenize.NEWLINE, tokenize.INDENT,
                                          tokenize.DEDENT)
                before = token.string
            (first, start), (last, end) = token.start, token.end
            for number in range(first, last + 1) if kind else ():
                if number <= len(lines):
                    marks[number - 1].append((
                        start if number == first else 0,
                        end if number == last else len(lines[number - 1]), kind))
    except (tokenize.TokenError, SyntaxError):
        pass
    return [cut(line, own) for line, own in zip(lines, marks)]


def token_kind(token, before, is_fresh):
    """Return the colour of a token: a letter, or ""."""
    if token.type == tokenize.COMMENT:
        return "c"
    if token.type == tokenize.STRING or tokenize.tok_name[token.type][:7] == "FSTRING":
        return "c" if is_fresh else "s"
    if token.type == tokenize.NUMBER:
        return "n"
    if token.type == tokenize.NAME:
        if before in ("def", "class"):
            return "d"
        return "k" if keyword.iskeyword(token.string) else ""
    return "d" if token.string == "@" and is_fresh else ""


def cut(line, marks):
    """Cut a line at its marks (start, end, kind)."""
    pieces, place = [], 0
    for start, end, kind in marks:
        pieces += [("", line[place:start])] if start > place else []
        pieces += [(kind, line[start:end])] if end > start else []
        place = max(place, end)
    return pieces + ([("", line[place:])] if place < len(line) else [])


source_of = functools.lru_cache(maxsize=64)(Source)


def described(code):
    """Return what the page needs to know of a function."""
    source = source_of(code.co_filename)
    name, first, last = source.around(code)
    is_server = any(code.co_filename == server.__code__.co_filename and (
        low <= code.co_firstlineno <= high) for low, high in [lines_of(server)])
    chapter = source.chapter(first) if source.path.name == "microflask.py" else None
    title = "the server" if is_server else "the application"
    return {"name": name.removeprefix("make_demo."), "file": source.path.name,
            "first": first, "lines": dedented(source.lines[first - 1:last]),
            "chapter": chapter or (0, title)}


def dedented(lines):
    """Take the indent of the first line out of all of them."""
    margin = re.match(" *", lines[0][0][1])[0] if lines and lines[0] else ""
    return [[(line[0][0], line[0][1].removeprefix(margin)), *line[1:]] if line else line
            for line in lines]


# One x-ray


class Asked(NamedTuple):
    """A request to be made; `headers` are lines of text."""
    method: str
    path: str
    headers: str = ""
    body: str = ""

    def environ(self, app, log):
        """Return the environ a server would make; ValueError says what is wrong."""
        if not re.fullmatch(r"[A-Za-z]{1,20}", self.method):
            raise ValueError("A method is a word, such as GET.")
        if not re.match(r"/(?!/)", self.path) or len(self.path) > 2000:
            raise ValueError("A path begins with one slash: /hello.")
        headers = Headers()
        for line in filter(None, map(str.strip, self.headers.splitlines())):
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                raise ValueError(f"A header is a line like Name: value, not {line!r}.")
            headers.add(name, value.strip())
        builder = EnvironBuilder(
            app, self.path, method=self.method.upper(), headers=headers,
            data=self.body.replace("\r\n", "\n").encode(), errors_stream=log,
            environ_base={"REMOTE_ADDR": "127.0.0.1"})
        return builder.get_environ()


def prepare(preset):
    """Return (application, request) of a preset, ready to be looked at."""
    app = make_demo(preset.hooks)
    headers = preset.headers
    if preset.visitor:
        visit = Asked("GET", "/visits").environ(app, io.StringIO())
        answer, _ = apart(server, app, visit)
        headers += f"\nCookie: {Headers(answer[1])['Set-Cookie'].partition(';')[0]}"
    asked = Asked(preset.method, preset.path, headers.strip(), preset.body)
    if not preset.first:
        apart(server, app, asked.environ(app, io.StringIO()))
    return app, asked


def apart(function, *args):
    """Call a function outside of the request that is being answered here."""
    return contextvars.Context().run(function, *args)


def examine(app, asked, title=None):
    """Make a request once, and return all that the page shows of it, as a dict."""
    log, outcome = io.StringIO(), {"answer": None, "error": None}
    environ = asked.environ(app, log)
    keys = [app.secret_key, *(app.config["SECRET_KEY_FALLBACKS"] or ())]
    recorder = Recorder(watched_ranges(app), Writer(
        {app.import_name}, [key for key in keys if type(key) in (str, bytes)]))

    def work():
        try:
            outcome["answer"] = recorder.run(server, app, environ)
        except BaseException as error:
            outcome["error"] = f"{type_name(type(error))}: {error}"

    thread = threading.Thread(target=apart, args=(work,), daemon=True)
    thread.start()
    thread.join(SECONDS)
    recorder.is_off = True
    if thread.is_alive():
        outcome["error"] = f"There was no answer within {SECONDS} seconds."
    return {"title": title or f"{asked.method} {asked.path}", "asked": asked._asdict(),
            "answer": answer_shown(outcome["answer"]), "error": outcome["error"],
            "log": log.getvalue()[-5000:], **recording_shown(recorder)}


def answer_shown(answer):
    """Return status, headers and body of an answer as text."""
    if answer is None or not answer[0]:
        return None
    (status, headers), body = answer
    return {"status": status, "headers": [list(pair) for pair in headers],
            "body": body[:2000].decode(errors="replace"), "size": len(body)}


def recording_shown(recorder):
    """Return the recording as lists and dicts."""
    calls = [{name: call[name] for name in (
        "code", "parent", "depth", "start", "took", "raised", "via")}
        for call in recorder.calls]
    for number, _ in recorder.stack:    # not left: the recording was cut
        calls[number]["took"] = recorder.clock - recorder.calls[number]["entered"]
    return {"functions": [described(code) for code in recorder.codes], "calls": calls,
            "steps": recorder.steps, "values": list(recorder.values),
            "took": recorder.clock, "cut": recorder.is_cut}


def untraced(preset):
    """Return how many nanoseconds a request takes when nobody looks: the best of 20."""
    times, (app, asked) = [], prepare(preset)
    for _ in range(1 if preset.first else 20):
        environ = asked.environ(app, io.StringIO())
        began = time.perf_counter_ns()
        apart(server, app, environ)
        times.append(time.perf_counter_ns() - began)
    return min(times)


def aligned(left, right):
    """Return [[call on the left or None, call on the right or None], ...]."""
    def signs(xray):
        functions = xray["functions"]
        return [(functions[call["code"]]["name"], functions[call["code"]]["first"],
                 call["depth"]) for call in xray["calls"]]
    rows = []
    matcher = difflib.SequenceMatcher(None, signs(left), signs(right), autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            rows += [list(pair) for pair in zip(range(a, b), range(c, d))]
        else:
            rows += [[number, None] for number in range(a, b)]
            rows += [[None, number] for number in range(c, d)]
    return rows


# The pages


class Shelf:
    """The x-rays that are kept, the newest last."""
    def __init__(self):
        self._kept, self._lock = OrderedDict(), threading.Lock()

    def put(self, xray):
        """Keep an x-ray and return its name."""
        with self._lock:
            name = secrets.token_urlsafe(6)
            self._kept[name] = xray
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return name

    def get(self, name):
        """Return an x-ray, or answer 404."""
        with self._lock:
            found = self._kept.get(name)
        return abort(404) if found is None else found

    def titles(self):
        """Return [(name, title), ...], the newest first."""
        with self._lock:
            return [(name, self._kept[name]["title"]) for name in reversed(self._kept)]


def create_app(watched=None):
    """Return the tool, for an application or for the small one in this file."""
    app = Flask(__name__)
    app.config.update(TRUSTED_HOSTS=["localhost", "127.0.0.1"],
                      MAX_CONTENT_LENGTH=200_000)
    shelf, token = Shelf(), secrets.token_urlsafe(16)

    @app.before_request
    def only_from_here():
        """Refuse what another site's page sends: it would run requests here."""
        if request.method == "POST":
            origin = request.headers.get("Origin", request.host_url.rstrip("/"))
            sent = request.form.get("token", "")
            if origin != request.host_url.rstrip("/") or not (
                    secrets.compare_digest(sent.encode(), token.encode())):
                abort(403)

    @app.after_request
    def only_our_own(response):
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; base-uri 'none'; form-action 'self';"
            " frame-ancestors 'none'; object-src 'none'")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/")
    def index(asked=Asked("GET", "/"), problem=None):
        return render_template(
            "xray.html", presets=PRESETS if watched is None else {}, pairs=PAIRS,
            asked=asked, problem=problem, token=token, kept=shelf.titles(),
            name="the small application of examples/xray.py" if watched is None
            else watched.name)

    def look(preset):
        """X-ray a preset, and return the name of what is then on the shelf."""
        xray = examine(*prepare(preset), title=preset.title)
        return shelf.put({**xray, "untraced": untraced(preset)})

    @app.post("/preset")
    def preset():
        found = PRESETS.get(request.form["preset"]) or abort(400)
        return redirect(url_for("show", name=look(found)), 303)

    @app.post("/pair")
    def pair():
        _, left, right = PAIRS.get(request.form["pair"]) or abort(400)
        return redirect(url_for("compare", left=look(PRESETS[left]),
                                right=look(PRESETS[right])), 303)

    @app.post("/request")
    def ask():
        asked = Asked(*(request.form.get(name, "") for name in Asked._fields))
        try:
            if watched is not None:
                found = shelf.put(examine(watched, asked))
            else:
                found = look(Preset(f"{asked.method} {asked.path}", asked.path, "",
                                    asked.method, asked.headers, asked.body))
        except ValueError as error:
            return index(asked, str(error)), 400
        return redirect(url_for("show", name=found), 303)

    @app.get("/x/<name>")
    def show(name):
        kept = [(other, title) for other, title in shelf.titles() if other != name]
        return render_template("xray_one.html", xray=shelf.get(name), name=name,
                               kept=kept)

    @app.get("/compare")
    def compare():
        names = request.args["left"], request.args["right"]
        left, right = map(shelf.get, names)
        return render_template("xray_two.html", left=left, right=right, names=names,
                               rows=aligned(left, right))

    @app.errorhandler(404)
    def gone(error):
        return render_template("xray_gone.html"), 404

    return app


app = create_app()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="X-ray a request of an application.")
    parser.add_argument("--app", help="module:name, as on microflask's command line")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    try:
        app = create_app(options.app and locate_app(options.app))
    except NoAppException as error:
        sys.exit(f"Error: {error}")
    app.run(port=options.port)
