"""The 27 exercises of the workshop: for each a test and its hints. check.py runs them.

A test gets the stage, which is a module. It says what it sent, what it expected, and
what came: `expect(sent, expected, came)` raises Wrong where the last two differ.
"""
import contextlib
import io
import json
import re
import sys
import threading
import time
import traceback
from collections import namedtuple

Exercise = namedtuple("Exercise", "number title hints test")
EXERCISES = {}

def exercise(number, title, *hints):
    """Add the test of an exercise (a decorator)."""
    def decorator(test):
        EXERCISES[number] = Exercise(number, title, hints, test)
        return test
    return decorator

class Wrong(Exception):
    """What came is not what was expected."""
    def __init__(self, sent, expected, came):
        super().__init__(sent, expected, came)
        self.sent, self.expected, self.came = sent, expected, came

def expect(sent, expected, came):
    if came != expected:
        raise Wrong(sent, repr(expected), repr(came))

def expect_error(sent, error, call, *words):
    """Expect that the call raises an error of this class, with these words in it."""
    expected = " with ".join([error.__name__, *map(repr, words)])
    try:
        came = f"no exception, but {call()!r}"
    except Wrong:
        raise
    except Exception as exception:
        if is_stub(exception):
            raise
        text = str(exception)
        if isinstance(exception, error) and all(word in text for word in words):
            return
        came = f"{type(exception).__name__}: {exception}"
    raise Wrong(sent, expected, came)

def is_stub(error):
    """Tell whether this is what the marked places raise."""
    return isinstance(error, NotImplementedError) and str(error).startswith("Exercise")

@contextlib.contextmanager
def doing(sent):
    """Let an exception know what was sent."""
    try:
        yield
    except Exception as error:
        error.sent = getattr(error, "sent", sent)
        raise

# A client that needs no server, and looks closely at what an application does

class Answer:
    """What an application answered."""
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = int(status[:3]), headers, body
        self.text = body.decode("utf-8", "replace")

    def all(self, name):
        """Return the values of a header field."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return ", ".join(self.all(name)) or None

class Body(io.BytesIO):
    """The body of a request on a connection that stays open: to read on is to wait."""
    def read(self, size=-1):
        return super().read(self.checked(size))

    def readline(self, size=-1):
        return super().readline(self.checked(size))

    def checked(self, size):
        left = len(self.getbuffer()) - self.tell()
        if size is None or size < 0 or size > left:
            raise Wrong(f"a body of {left} bytes", f"a read of {left} bytes at most",
                        f"read({'' if size is None or size < 0 else size}), which waits"
                        " for bytes that never come")
        return size

def environ_of(path="/", method="GET", body=b"", **more):
    """Return an environ as a server makes it (PEP 3333)."""
    path, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": query,
        "PATH_INFO": path.encode().decode("latin-1"), "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": Body(body),
        "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": False,
        "wsgi.run_once": False, **more,
    }

def checked_start(sent, started):
    """Return a start_response that takes only what PEP 3333 allows."""
    def start_response(status, headers, exc_info=None):
        if not (isinstance(status, str) and re.match("[1-5][0-9][0-9] ", status)):
            raise Wrong(sent, "a status such as '200 OK'", repr(status))
        for field in headers:
            if not (isinstance(field, tuple) and len(field) == 2
                    and all(isinstance(part, str) for part in field)):
                raise Wrong(sent, "header fields: tuples of two str", repr(field))
            if not field[1].isprintable():
                raise Wrong(sent, "header fields without line ends", repr(field))
        started[:] = [status, list(headers)]
        return started.append
    return start_response

def ask(app, path="/", method="GET", note="", **more):
    """Send a request to an application and return its Answer."""
    sent, started = f"{method} {path}{note}", []
    with doing(sent):
        chunks = app(environ_of(path, method, **more), checked_start(sent, started))
    if isinstance(chunks, (str, bytes)) or not hasattr(chunks, "__iter__"):
        raise Wrong(sent, "a list (or another iterable) of bytes", repr(chunks))
    chunks = list(chunks)
    for chunk in chunks:
        if not isinstance(chunk, bytes):
            raise Wrong(sent, "pieces of the body that are bytes", repr(chunk))
    if not started:
        raise Wrong(sent, "a call of start_response", "none")
    return Answer(*started, b"".join(chunks))

def expect_answers(app, *table):
    """Ask for each path (or "METHOD path"); expect this status and text in the body."""
    for sent, status, text in table:
        method, _, path = sent.rpartition(" ")
        answer = ask(app, path, method or "GET")
        expect(f"{method or 'GET'} {path}: the status", status, answer.status)
        if text not in answer.text:
            raise Wrong(f"{method or 'GET'} {path}", f"{text!r} in the body",
                        repr(answer.text))

# Stage 1

@exercise("1.1", "The path is UTF-8",
    "Each character of environ['PATH_INFO'] stands for a byte. Which codec turns the"
    " characters 0 to 255 into the bytes 0 to 255?",
    "str.encode makes bytes of text, bytes.decode makes text of bytes.",
    "path.encode('latin-1') are the bytes; .decode('utf-8', 'replace') reads them, and"
    " puts U+FFFD where they are no UTF-8.")
def path_is_utf8(stage):
    expect_answers(stage.app, ("/tea/pot", 200, "You asked for /tea/pot"),
                   ("/grüße", 200, "You asked for /grüße"),
                   ("/お茶", 200, "You asked for /お茶"))

@exercise("1.2", "HEAD: the header fields and no body",
    "environ['REQUEST_METHOD'] is 'GET', 'HEAD', 'POST' …",
    "Call start_response as before; what you return depends on the method.",
    "return [] if environ['REQUEST_METHOD'] == 'HEAD' else [body]")
def head_has_no_body(stage):
    get, head = ask(stage.app, "/tea"), ask(stage.app, "/tea", "HEAD")
    expect("GET /tea: the length of the body", int(get.get("Content-Length")),
           len(get.body))
    expect("HEAD /tea: the body", b"", head.body)
    expect("HEAD /tea: the header fields", get.headers, head.headers)

@exercise("1.3", "Middleware: an application around an application",
    "add_header returns a function of (environ, start_response): an application.",
    "That one calls app(environ, …) and returns what app returns. In the place of … is"
    " a function of yours, which calls the server's start_response.",
    "Give on a new list: [*headers, (name, value)]. The list of the application is its"
    " own; it may use it for the next request again.")
def middleware_adds_a_field(stage):
    fields = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"),
              ("Set-Cookie", "b=2")]
    def tea(environ, start_response):
        start_response("201 Created", fields)
        return [b"green ", b"tea"]
    wrapped = stage.add_header(tea, "X-Tea", "green")
    if not callable(wrapped):
        raise Wrong("add_header(app, 'X-Tea', 'green')", "an application: a function of"
                    " environ and start_response", repr(wrapped))
    for number in "first", "second":
        answer = ask(wrapped)
        expect(f"GET /, the {number} time: the status", 201, answer.status)
        expect(f"GET /, the {number} time: the body", b"green tea", answer.body)
        expect(f"GET /, the {number} time: the header fields, sorted",
               sorted([*fields[:3], ("X-Tea", "green")]), sorted(answer.headers))
    twice = stage.add_header(wrapped, "X-Pot", "blue")
    expect("add_header(add_header(app, …), 'X-Pot', 'blue'): X-Tea and X-Pot",
           ("green", "blue"), (ask(twice).get("X-Tea"), ask(twice).get("X-Pot")))

# Stage 2

def expect_same(attribute, table, make):
    for sent, expected in table:
        with doing(f"{sent!r}: request.{attribute}"):
            came = getattr(make(sent), attribute)
        expect(f"{sent!r}: request.{attribute}", expected, came)

@exercise("2.1", "The query as a dict",
    "The query is in environ['QUERY_STRING']; it may be missing. urllib.parse can read"
    " it.",
    "parse_qs(query, keep_blank_values=True) gives a list for each name.",
    "{name: values[0] for name, values in parse_qs(…).items()}")
def query_is_a_dict(stage):
    expect_same("args", [
        ("q=tea&page=2", {"q": "tea", "page": "2"}), ("", {}),
        ("q=", {"q": ""}), ("q=first&q=second", {"q": "first"}),
        ("q=green+tea%26milk", {"q": "green tea&milk"}), ("q=gr%C3%BCn", {"q": "grün"}),
    ], lambda query: stage.Request(environ_of("/?" + query)))
    environ = environ_of()
    del environ["QUERY_STRING"]
    expect("no QUERY_STRING at all: request.args", {}, stage.Request(environ).args)

@exercise("2.2", "The form as a dict",
    "environ['CONTENT_LENGTH'] is a str, or '', or missing: `int(… or 0)`. Read that"
    " many bytes, and make text of them.",
    "What a browser posts looks like a query. So what did you do in 2.1?",
    "self.environ['wsgi.input'].read(int(self.environ.get('CONTENT_LENGTH') or"
    " 0)).decode() goes into parse_qs as the query does.")
def form_is_a_dict(stage):
    expect_same("form", [
        (b"name=Ann&tea=green", {"name": "Ann", "tea": "green"}), (b"", {}),
        (b"name=", {"name": ""}), (b"name=Ann&name=Ida", {"name": "Ann"}),
        (b"text=gr%C3%BCner+Tee", {"text": "grüner Tee"}),
    ], lambda body: stage.Request(environ_of("/", "POST", body)))
    for length in {"CONTENT_LENGTH": ""}, {}:
        environ = environ_of("/", "POST")
        del environ["CONTENT_LENGTH"]
        sent = f"POST / with {length or 'no CONTENT_LENGTH'}: request.form"
        with doing(sent):
            came = stage.Request({**environ, **length}).form
        expect(sent, {}, came)

@exercise("2.3", "redirect(location)",
    "Make a Response, change its status or headers, and return it.",
    "response.headers is a list of (name, value). For the line ends: if '\\r' in"
    " location or '\\n' in location.",
    "response = Response(status=302)\n"
    "response.headers.append(('Location', location))")
def redirect_sends_on(stage):
    for location in "/login", "https://example.org/?a=1&b=2":
        answer = ask(stage.redirect(location))
        expect(f"redirect({location!r}): the status", 302, answer.status)
        expect(f"redirect({location!r}): Location", location, answer.get("Location"))
    for location in "/\r\nSet-Cookie: a=1", "/\nX: y", "/\rX: y":
        expect_error(f"redirect({location!r})", ValueError,
                     lambda: stage.redirect(location))

# Stage 3

@exercise("3.1", "build: from rule and values to a path",
    "re.sub takes a function for the replacement; it gets the match, and match[1] is"
    " the name of the variable.",
    "urllib.parse.quote(text, safe='') makes %20 of a space and %2F of a slash.",
    "re.sub(r'<(\\w+)>', lambda found: quote(str(values[found[1]]), safe=''), rule)")
def build_is_the_way_back(stage):
    for rule, values, path in [
        ("/hello/<name>", {"name": "Ann"}, "/hello/Ann"), ("/", {}, "/"),
        ("/hello/<name>", {"name": "Ann Lee"}, "/hello/Ann%20Lee"),
        ("/hello/<name>", {"name": "a/b?c"}, "/hello/a%2Fb%3Fc"),
        ("/<a>/to/<b>.html", {"a": "grün", "b": 2}, "/gr%C3%BCn/to/2.html"),
    ]:
        arguments = "".join(f", {name}={value!r}" for name, value in values.items())
        with doing(f"build({rule!r}{arguments})"):
            came = stage.build(rule, **values)
        expect(f"build({rule!r}{arguments})", path, came)

def expect_matches(stage, table):
    """Match each path against rules whose views are just names: "A", "B" …"""
    for rules, path, expected in table:
        named = ", ".join(f"{view} = {rule!r}" for rule, view in zip(rules, "ABC"))
        with doing(f"{path}, where {named}"):
            views = [(stage.compile_rule(rule), v) for rule, v in zip(rules, "ABC")]
            came = stage.match(views, path)
        expect(f"{path}, where {named}: (view, values)", expected, came)

@exercise("3.2", "<int:id> is a number",
    "First the pattern: <int:id> has to become (?P<id>[0-9]+). \\d would take digits"
    " of all scripts.",
    "re.sub(r'<(int:)?(\\w+)>', function, …): group 1 says whether it is a number. (One"
    " call, for a second would find the <id> in (?P<id>…).) compile_rule may return a"
    " pair: the pattern, and the names that are numbers.",
    "In match: for (pattern, numbers), view in rules: … and then int(value) if name in"
    " numbers else value, for each of found.groupdict().items().")
def int_is_a_number(stage):
    rule = "/post/<int:id>"
    expect_matches(stage, [
        ([rule], "/post/12", ("A", {"id": 12})),
        ([rule], "/post/007", ("A", {"id": 7})),
        ([rule], "/post/x", (None, {})), ([rule], "/post/1x", (None, {})),
        ([rule], "/post/-1", (None, {})), ([rule], "/post/١٢", (None, {})),
        (["/hello/<name>"], "/hello/12", ("A", {"name": "12"})),
        (["/<name>/<int:page>.html"], "/12/3.html", ("A", {"name": "12", "page": 3})),
    ])
    expect_answers(stage.app, ("/hello/Ann", 200, "Hello, Ann"), ("/post/x", 404, ""))

@exercise("3.3", "The rule with the fewest variables wins",
    "Do not return at the first rule that matches: the best of all that match is"
    " meant.",
    "len(found.groupdict()) is the number of variables. Or try the rules in another"
    " order: sorted(rules, key=…); among equals it keeps the order.",
    "A compiled pattern knows the number of its groups: pattern.groups.")
def fewest_variables_win(stage):
    expect_matches(stage, [
        (["/hello/<name>", "/hello/me"], "/hello/me", ("B", {})),
        (["/hello/me", "/hello/<name>"], "/hello/me", ("A", {})),
        (["/hello/<name>", "/hello/me"], "/hello/Ann", ("A", {"name": "Ann"})),
        (["/<a>/<b>", "/hello/<name>"], "/hello/Ann", ("B", {"name": "Ann"})),
        (["/<a>", "/<b>"], "/x", ("A", {"a": "x"})),
        (["/<a>", "/b"], "/c/d", (None, {})),
    ])

# Stage 4

@exercise("4.1", "A dict is JSON, None is a mistake",
    "isinstance(result, dict); json.dumps makes text of it.",
    "Response(…, content_type='application/json')",
    "For None: raise TypeError('the view returned None: is there a `return`?')")
def dict_is_json(stage):
    app, data = stage.App(), {"tea": ["green", "schwarz"], "ok": True, "n": None}
    app.route("/json")(lambda request: data)
    app.route("/none")(lambda request: None)
    app.route("/text")(lambda request: "text")
    app.route("/made")(lambda request: stage.Response("made", 201))
    answer = ask(app, "/json", note=", whose view returns a dict")
    expect("GET /json, whose view returns a dict: Content-Type", "application/json",
           answer.get("Content-Type"))
    try:
        came = json.loads(answer.body)
    except ValueError:
        came = answer.text
    expect("GET /json, whose view returns a dict: the body as JSON", data, came)
    expect_error("GET /none, whose view returns None", TypeError,
                 lambda: ask(app, "/none").text)
    expect_answers(app, ("/text", 200, "text"), ("/made", 201, "made"))

@exercise("4.2", "url_for: from a view's name to its path",
    "In `route` you have the rule and the view, and its name is view.__name__: note"
    " which rule belongs to which name.",
    "A dict in __init__: self.endpoints = {}. With exercise 3.1 the rest is one line.",
    "return build(self.endpoints[endpoint], **values). A KeyError is a LookupError,"
    " and its text is the key that is missing.")
def url_for_builds(stage):
    app = stage.App()
    @app.route("/")
    def index(request):
        return app.url_for("hello", name="Ann")
    @app.route("/hello/<name>")
    def hello(request, name):
        return name
    expect("url_for('index')", "/", app.url_for("index"))
    expect("url_for('hello', name='Ann Lee')", "/hello/Ann%20Lee",
           app.url_for("hello", name="Ann Lee"))
    expect_error("url_for('helo')", LookupError, lambda: app.url_for("helo"), "helo")
    expect_answers(app, ("/", 200, "/hello/Ann"), ("/hello/Ida", 200, "Ida"))

@exercise("4.3", "A decorator of your own",
    "loud(view) returns a new function, which calls view and changes its result.",
    "The new function gets whatever the view gets: def shouted(*args, **kwargs).",
    "@functools.wraps(view) above `def shouted` gives it the name of the view.")
def loud_shouts(stage):
    app = stage.App()
    @app.route("/")
    @stage.loud
    def index(request):
        return "tea?"
    @app.route("/hello/<name>")
    @stage.loud
    def hello(request, name):
        return f"hello, {name}!"
    expect("the name of a view below @loud", "hello", getattr(hello, "__name__", hello))
    expect("index(request)", "TEA?", index(stage.Request(environ_of())))
    expect_answers(app, ("/", 200, "TEA?"), ("/hello/Ann", 200, "HELLO, ANN!"))

# Stage 5

@exercise("5.1", "A page of your own for an error",
    "As in `route`: a function in a function. Note handler under status in a dict.",
    "Where the HTTPError is caught: is there a handler for error.response.status? Then"
    " what it returns is the answer.",
    "result = handler(error), and then: return result if isinstance(result, Response)"
    " else Response(result, error.response.status)")
def errors_have_pages(stage):
    app = stage.App()
    def gone(error):
        return f"nothing here: {type(error).__name__}"
    expect("what @app.errorhandler(404) makes of its function: the function",
           gone, app.errorhandler(404)(gone))
    app.errorhandler(403)(lambda error: stage.Response("log in first", 401))
    for status in 403, 404, 410:
        def fail(request, status=status):
            raise stage.HTTPError(status)
        app.route(f"/{status}")(fail)
    app.route("/")(lambda request: "fine")
    expect_answers(app, ("/", 200, "fine"), ("/404", 404, "nothing here: HTTPError"),
                   ("/no/rule", 404, "nothing here: HTTPError"),
                   ("/403", 401, "log in first"), ("/410", 410, "Gone"))

@exercise("5.2", "A bug in a view is a 500",
    "After `except HTTPError` comes another one: `except Exception`.",
    "traceback.print_exc() writes the traceback to stderr.",
    "What is sent is the response of HTTPError(500).")
def bugs_are_500(stage):
    app = stage.App()
    @app.route("/bug")
    def bug(request):
        return 1 / len("")
    @app.route("/teapot")
    def teapot(request):
        raise stage.HTTPError(418)
    terminal = sys.stderr = io.StringIO()
    try:
        answer = ask(app, "/bug", note=", whose view divides by zero")
    finally:
        sys.stderr = sys.__stderr__
    expect("GET /bug, whose view divides by zero: the status", 500, answer.status)
    for word in "division", "ZeroDivisionError", "Traceback", ".py":
        if word in answer.text:
            raise Wrong("GET /bug", f"nothing of the bug in the body, such as {word!r}",
                        repr(answer.text))
    if "ZeroDivisionError" not in terminal.getvalue():
        raise Wrong("GET /bug", "the traceback on stderr",
                    repr(terminal.getvalue()) + " there")
    expect_answers(app, ("/teapot", 418, "Teapot"), ("/nowhere", 404, ""))

@exercise("5.3", "405: not with this method",
    "Keep the methods with the rule: (pattern, view, methods). `match` wants pairs, so"
    " give it a list of pairs.",
    "First match among the rules that take request.method. If there is none, look for"
    " rules that match the path whatever the method: one is enough for a 405.",
    "error = HTTPError(405); error.response.headers.append(('Allow', ',"
    " '.join(methods)))")
def methods_are_checked(stage):
    app = stage.App()
    app.route("/read")(lambda request: "read")
    with doing("app.route('/form', methods=('GET', 'HEAD'))"):
        app.route("/form", methods=("GET", "HEAD"))(lambda request: "the form")
    app.route("/form", methods=("POST",))(lambda request: "thanks")
    app.route("/<any>", methods=("DELETE",))(lambda request, any: "deleted " + any)
    expect_answers(app, ("GET /read", 200, "read"), ("HEAD /read", 200, ""),
                   ("POST /read", 405, ""), ("GET /form", 200, "the form"),
                   ("POST /form", 200, "thanks"), ("DELETE /form", 200, "deleted form"),
                   ("POST /no/where", 404, ""), ("GET /other", 405, ""))
    for path, methods in [("/form", "DELETE GET HEAD POST"), ("/other", "DELETE"),
                          ("/read", "DELETE GET HEAD")]:
        allow = ask(app, path, "PUT").get("Allow") or ""
        expect(f"PUT {path}: the methods in Allow, sorted", methods.split(),
               sorted(set(allow.replace(",", " ").split())))

# Stage 6

def in_threads(app, *paths):
    """Ask for several paths at once, each in its own thread; return the answers."""
    answers = {}
    def work(path):
        try:
            answers[path] = ask(app, path)
        except Exception as error:
            answers[path] = error
    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3)
    for path in paths:
        if isinstance(answers.get(path), Exception):
            raise answers[path]
    return [answers[path] for path in paths]

@exercise("6.1", "Outside of a request: a clear error",
    "current.get() raises the LookupError. It is called in Proxy.__getattr__, as"
    " self._find().",
    "try: … except LookupError: raise RuntimeError(…) from None",
    "Only the look-up belongs into the `try`: an attribute that the request does not"
    " have is an AttributeError as before.")
def outside_is_explained(stage):
    expect_error("request.path, outside of a request", RuntimeError,
                 lambda: stage.request.path, "outside of a request")
    app = stage.App()
    app.route("/path")(lambda: stage.request.path)
    app.route("/typo")(lambda: stage.request.pth)
    expect_answers(app, ("/path", 200, "/path"))
    expect_error("request.pth, in a request", AttributeError,
                 lambda: ask(app, "/typo").text, "pth")

@exercise("6.2", "What is set belongs to the request",
    "def __setattr__(self, name, value): setattr(…, name, value), but on which object?",
    "On self._find(). Now __init__ fails: its self._find = find is such a call, too.",
    "In __init__: object.__setattr__(self, '_find', find)")
def setting_goes_through(stage):
    app, both = stage.App(), threading.Barrier(2, timeout=2)
    @app.route("/set/<name>")
    def set_user(name):
        both.wait()
        stage.request.user = name
        both.wait()
        return f"{name} is {stage.request.user}"
    @app.route("/get")
    def get_user():
        return getattr(stage.request, "user", "nobody")
    for name, answer in zip(["Ann", "Bob"], in_threads(app, "/set/Ann", "/set/Bob")):
        expect(f"/set/Ann and /set/Bob at once set request.user: GET /set/{name}",
               f"{name} is {name}", answer.text)
    expect("then GET /get: request.user, which nobody has set", "nobody",
           ask(app, "/get").text)

@exercise("6.3", "Take the context along into a thread",
    "contextvars.copy_context() is a copy of all that the ContextVars hold at this"
    " moment; its method run(function, *args) calls a function in there.",
    "Copy when `carry` is called, not when the thread runs: by then it is too late.",
    "context = contextvars.copy_context(), and then return a function of *args that"
    " does `return context.run(function, *args)`.")
def context_is_carried(stage):
    app, done = stage.App(), threading.Event()
    def work(came, more):
        try:
            came.append(more + stage.request.path)
        except Exception as error:
            came.append(error)
    @app.route("/work/<name>")
    def view(name):
        came = []
        thread = threading.Thread(target=stage.carry(work), args=(came, "in "))
        thread.start()
        thread.join(2)
        done.set()
        return str(came)
    for path in "/work/Ann", "/work/Bob":
        expect(f"GET {path}, whose view reads request.path in a thread: what came",
               str(["in " + path]), ask(app, path).text)
    expect("carry(len)('four')", 4, stage.carry(len)("four"))

# Stage 7

def expect_pages(stage, render, table):
    for template, values, expected in table:
        stage.templates["check.html"] = template
        with doing(f"{template!r} with {values}"):
            came = render("check.html", **values)
        expect(f"{template!r} with {values}", expected, came)

class Tea:
    name, leaf = "<Assam>", {"colour": "black & brown"}

    def __repr__(self):
        return "Tea()"

class Html:
    def __html__(self):
        return "<b>bold</b>"

    def __str__(self):
        return "not this"

    def __repr__(self):
        return "Html('<b>bold</b>')"

@exercise("7.1", "Dots in the holes",
    "\\w does not match a dot: the pattern has to, as in [\\w.]+",
    "hole[1].split('.') are the steps. The first is in `values`; each further one is"
    " an attribute of what you have, or an item.",
    "for step in steps: value = getattr(value, step) if hasattr(value, step) else"
    " value[step]")
def dots_are_steps(stage):
    expect_pages(stage, stage.render_template, [
        ("Hi {{ name }}!", {"name": "<Ann>"}, "Hi &lt;Ann&gt;!"),
        ("{{ tea.name }}", {"tea": Tea()}, "&lt;Assam&gt;"),
        ("{{tea.name}}, {{tea.cup}}", {"tea": {"name": "Assam", "cup": 2}}, "Assam, 2"),
        ("{{ tea.leaf.colour }}", {"tea": Tea()}, "black &amp; brown"),
        ("{{ a }}.{{ b }}", {"a": 1, "b": 2}, "1.2"),
    ])

@exercise("7.2", "HTML that says so is not escaped",
    "hasattr(value, '__html__')",
    "In `fill`: if the value has the method, return what it returns; else escape as"
    " before.",
    "value.__html__() if hasattr(value, '__html__') else escape(str(value))")
def html_stays_html(stage):
    expect_pages(stage, stage.render_template, [
        ("{{ text }}", {"text": Html()}, "<b>bold</b>"),
        ("{{ text }}", {"text": "<b>bold</b>"}, "&lt;b&gt;bold&lt;/b&gt;"),
        ("{{ a }} {{ b }}", {"a": Html(), "b": 1 < 2}, "<b>bold</b> True"),
    ])

@exercise("7.3", "Jinja in its place",
    "jinja2.Environment(loader=jinja2.DictLoader(templates), autoescape=True); its"
    " method get_template(name) gives a template, and that has render(values).",
    "What all templates can use is in the dict environment.globals.",
    "jinja = jinja2.Environment(…); jinja.globals['request'] = request. Once is"
    " enough: outside of the function.")
def jinja_renders(stage):
    expect_pages(stage, stage.render_jinja, [
        ("Hi {{ name }}!", {"name": "<Ann>"}, "Hi &lt;Ann&gt;!"),
        ("{% for tea in teas %}({{ tea.name }}){% endfor %}", {"teas": [Tea(), Tea()]},
         "(&lt;Assam&gt;)(&lt;Assam&gt;)"),
        ("{{ text }}", {"text": Html()}, "<b>bold</b>"),
    ])
    stage.templates["where.html"] = "you are at {{ request.path }}"
    app = stage.App()
    app.route("/here")(lambda: stage.render_jinja("where.html"))
    app.route("/there")(lambda: stage.render_jinja("where.html"))
    expect_answers(app, ("/here", 200, "you are at /here"),
                   ("/there", 200, "you are at /there"))

# Stage 8

class Browser:
    """Somebody who keeps the session's cookie and sends it along."""
    def __init__(self, app, cookie=None):
        self.app, self.cookie = app, cookie

    def get(self, path="/", note=""):
        sent = f"theme=dark; session={self.cookie}" if self.cookie else "theme=dark"
        answer = ask(self.app, path, note=note, HTTP_COOKIE=sent)
        for field in answer.all("Set-Cookie"):
            name, _, value = field.partition(";")[0].partition("=")
            if name == "session":
                self.cookie = value
        return answer.text

def counter(stage):
    """Return an application that counts visits in the session."""
    app = stage.App()
    @app.route("/")
    def index():
        stage.session.update(visits=stage.session.get("visits", 0) + 1)
        return str(stage.session.get("visits"))
    @app.route("/look")
    def look():
        return str(stage.session.get("visits", "no session"))
    return app

def expect_counts(browser, sent, *expected):
    note = f", where the session counts the visits{sent}"
    for number in expected:
        expect(f"GET /{note}", str(number), browser.get("/", note))

def expect_forgery_fails(stage):
    app = counter(stage)
    browser = Browser(app)
    expect_counts(browser, "", 1, 2)
    good = browser.cookie
    for place in 2, len(good) // 2, len(good) - 1:
        other = "A" if good[place] != "A" else "B"
        forged = good[:place] + other + good[place + 1:]
        expect(f"GET /look with a cookie in which character {place} was changed",
               "no session", Browser(app, forged).get("/look"))
    for forged in "", "x", ".", "é.é", good.partition(".")[0], "e30=.":
        expect(f"GET /look with the cookie {forged!r}", "no session",
               Browser(app, forged).get("/look"))
    expect("GET /look with the true cookie", "2", Browser(app, good).get("/look"))

@exercise("8.1", "session[\"visits\"] += 1",
    "Both are methods of the class Proxy, written like __getattr__.",
    "def __getitem__(self, key): return self._find()[key]",
    "def __setitem__(self, key, value): self._find()[key] = value")
def session_has_items(stage):
    app = stage.App()
    @app.route("/")
    def index():
        if not stage.session.get("visits"):
            stage.session["visits"] = 0
        stage.session["visits"] += 1
        return str(stage.session["visits"])
    @app.route("/missing")
    def missing():
        return stage.session["nothing"]
    expect_counts(Browser(app), " with session['visits'] += 1", 1, 2, 3)
    expect_error("session['nothing']", KeyError, lambda: ask(app, "/missing").text,
                 "nothing")
    expect_forgery_fails(stage)

@exercise("8.2", "Old keys still open",
    "Only load_session changes: dump_session goes on to use keys[0].",
    "Is the signature the one that any of the keys makes? any(… for key in keys)",
    "any(hmac.compare_digest(signature, sign(payload, key)) for key in keys)")
def old_keys_open(stage):
    app = counter(stage)
    old, new, other = b"the old key", b"the new key", b"somebody else's"
    stage.keys[:] = [old]
    browser = Browser(app)
    expect_counts(browser, "", 1, 2)
    stage.keys[:] = [new, old]
    before = browser.cookie
    expect_counts(browser, ", after keys[:] = [new, old]", 3)
    stage.keys[:] = [new]
    expect_counts(browser, ", after keys[:] = [new], with the last answer's cookie", 4)
    expect("GET /look with a cookie that a key signed which is no longer in keys",
           "no session", Browser(app, before).get("/look"))
    stage.keys[:] = [other, new, old]
    expect_counts(browser, ", after keys[:] = [another, new, old]", 5)
    expect_forgery_fails(stage)

@exercise("8.3", "A session that ends",
    "dump_session: put the time and the session into the JSON, as a list of two."
    " load_session: take them apart again.",
    "json.dumps([time.time(), session]), and back: then, session = json.loads(…)",
    "return session if time.time() - then <= max_age else {}")
def sessions_end(stage):
    app, clock, true_time = counter(stage), [1_000_000.0], time.time
    def fake_time():
        return clock[0]
    time.time = fake_time
    if getattr(stage, "time", None) is true_time:       # from time import time
        stage.time = fake_time
    try:
        stage.max_age = 100
        browser = Browser(app)
        expect_counts(browser, "", 1, 2)
        clock[0] += 99
        expect("GET /look, 99 seconds later, with max_age = 100", "2",
               browser.get("/look"))
        expect_counts(browser, ", 99 seconds later, with max_age = 100", 3)
        copied = browser.cookie
        clock[0] += 99
        expect_counts(browser, ", another 99 seconds later", 4)
        clock[0] += 2
        expect("GET /look with a cookie signed 101 seconds ago, with max_age = 100",
               "no session", Browser(app, copied).get("/look"))
        expect_forgery_fails(stage)
    finally:
        time.time = true_time

# Stage 9

@exercise("9.1", "after_request: functions that see each Response",
    "A list in __init__, and a decorator that appends to it, as before_request does.",
    "In __call__, after self.answer(): for each function, response ="
    " function(response). Is the session saved before or after that? After: a function"
    " may change it.",
    "for hook in reversed(self.after): response = hook(response)")
def after_request_sees_all(stage):
    app = stage.App()
    @app.after_request
    def first(response):
        response.headers.append(("X-Seen", "first"))
        return response
    @app.after_request
    def second(response):
        response.headers.append(("X-Seen", "second"))
        return response
    expect("what @app.after_request makes of a function", "second",
           getattr(second, "__name__", second))
    app.route("/")(lambda: "fine")
    for path, status in ("/", 200), ("/nowhere", 404):
        answer = ask(app, path)
        expect(f"GET {path}: the status", status, answer.status)
        expect(f"GET {path}: X-Seen, to which two functions add", "second, first",
               answer.get("X-Seen"))
    @app.after_request
    def replace(response):
        return stage.make_response("replaced")
    expect_answers(app, ("/", 200, "replaced"))

@exercise("9.2", "teardown_request: functions that clean up",
    "In __call__ there is a `finally` already. What happens there happens always.",
    "To know the exception: error = None before the `try`, and `except Exception as"
    " exception: error = exception`, followed by `raise`.",
    "Call the functions before current.reset(token), so that they still have a"
    " request.")
def teardown_is_always(stage):
    app, calls = stage.App(), []
    @app.teardown_request
    def clean(error):
        calls.append((stage.request.path, type(error).__name__))
    app.route("/")(lambda: "fine")
    app.route("/bug")(lambda: 1 / len(""))
    expect_answers(app, ("/", 200, "fine"), ("/nowhere", 404, ""))
    expect("GET / and GET /nowhere: the calls of a teardown function, each with"
           " (request.path, type of its argument)",
           [("/", "NoneType"), ("/nowhere", "NoneType")], calls)
    expect_error("GET /bug, whose view divides by zero", ZeroDivisionError,
                 lambda: ask(app, "/bug").text)
    expect("GET /bug: the call of the teardown function", ("/bug", "ZeroDivisionError"),
           calls[-1])
    expect_answers(app, ("/", 200, "fine"))

@exercise("9.3", "A hook for a blueprint's own views",
    "The blueprint knows its views: in `route` it may note another function in the"
    " place of the view, one that calls the hooks first.",
    "That function gets **values. If a hook returns something that is not None, this"
    " is the answer; else view(**values) is.",
    "self.hooks = [] in __init__. The function goes through the list when it is"
    " called, not when it is made: a hook may be added after the view.")
def hooks_of_a_blueprint(stage):
    app = stage.App()
    admin, shop = stage.Blueprint("/admin"), stage.Blueprint("/shop")
    calls = []
    admin.route("/<page>")(lambda page: f"admin {page}")
    @admin.before_request
    def guard():
        calls.append(stage.request.path)
        if stage.request.path == "/admin/secret":
            return stage.make_response("not you")
    @shop.before_request
    def closed():
        return "the shop is closed"
    shop.route("/tea")(lambda: "tea")
    app.route("/admin/public/page")(lambda: "for all")
    app.route("/")(lambda: "home")
    app.register(admin)
    app.register(shop)
    expect_answers(app, ("/admin/users", 200, "admin users"),
                   ("/admin/secret", 200, "not you"), ("/shop/tea", 200, "closed"),
                   ("/admin/public/page", 200, "for all"), ("/", 200, "home"),
                   ("/admin/no/where", 404, ""))
    expect("the paths for which the hook of the blueprint /admin was called",
           ["/admin/users", "/admin/secret"], calls)

def run(number, stage):
    """Return None if the exercise is solved, or else a dict that says what is wrong."""
    try:
        EXERCISES[number].test(stage)
    except Wrong as wrong:
        return {"sent": wrong.sent, "expected": wrong.expected, "came": wrong.came}
    except BaseException as error:
        return describe(error, stage.__file__)

def describe(error, path):
    """Say in a dict what was raised, and where in the file of the stage."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return {
        "sent": getattr(error, "sent", None), "begun": not is_stub(error),
        "came": traceback.format_exception_only(error)[-1].strip(),
        "line": lines[-1] if lines else None,
    }
