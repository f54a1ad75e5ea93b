"""The 20 exercises of the workshop: for each a test and a hint. check.py runs them.

A test gets the stage, a module. `expect(sent, expected, call)` compares what it expects
with what the call returns, and raises Wrong if they differ.
"""
import importlib.util
import io
import json
import operator
import sys
import time
import traceback
from collections import namedtuple
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

Exercise = namedtuple("Exercise", "title hint test")
EXERCISES = {}

def exercise(number, title, hint):
    """Add the test of an exercise (a decorator)."""
    def decorator(test):
        EXERCISES[number] = Exercise(title, hint, test)
        return test
    return decorator

class Wrong(Exception):
    """The answer is not the expected one."""

def named(error):
    """Return the class and the text of an exception."""
    return traceback.format_exception_only(error)[-1].strip()

def expect(sent, expected, call, same=operator.eq):
    """Expect that the call returns this value."""
    try:
        came = call()
    except Exception as error:
        raise Wrong(sent, repr(expected), named(error)) from error
    if not same(came, expected):
        raise Wrong(sent, repr(expected), repr(came))

def expect_error(sent, expected, word, call):
    """Expect that the call raises this exception, with this word in its text."""
    cause = None
    try:
        came = f"no exception, but {call()!r}"
    except Exception as error:
        if isinstance(error, expected) and word in str(error):
            return
        came, cause = named(error), error
    raise Wrong(sent, f"{expected.__name__} with {word!r}", came) from cause

def run(number, path):
    """Load a stage, and run a test. Return what is wrong as a dict, or None."""
    spec = importlib.util.spec_from_file_location("stage", path)
    stage = importlib.util.module_from_spec(spec)
    wrong = {"broken": True}
    try:
        spec.loader.exec_module(stage)
        wrong = {}
        EXERCISES[number].test(stage)
        return None
    except Wrong as error:
        wrong.update(zip(("sent", "expected", "came"), error.args))
        cause = error.__cause__
    except BaseException as error:
        wrong["came"] = named(error)
        cause = error
    frames = traceback.extract_tb(cause.__traceback__) if cause else []
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    if isinstance(cause, SyntaxError) and cause.filename == str(path):
        lines.append(cause.lineno)
    return {**wrong, "stub": isinstance(cause, NotImplementedError),
            "line": lines[-1] if lines else None}

# A client that needs no server. wsgiref's validator checks what an application does.

Answer = namedtuple("Answer", "headers body page")

def environ_of(path="/", method="GET", **more):
    """Return an environ as a server makes it."""
    path, _, query = path.partition("?")
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": query,
               "PATH_INFO": path.encode().decode("latin-1"), **more}
    setup_testing_defaults(environ)
    return environ

def ask(app, path="/", method="GET", **more):
    """Send a request to an application, and return its Answer."""
    started = []
    def start_response(status, headers, exc_info=None):
        started[:] = status[:3], list(headers)
        return started.append
    chunks = validator(app)(environ_of(path, method, **more), start_response)
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()
    status, headers = started
    return Answer(headers, body, f"{status} {body.decode('utf-8', 'replace')}")

def field(app, name, *arguments, **more):
    """Return the values of a header field in the answer of an application."""
    headers = ask(app, *arguments, **more).headers
    return [value for key, value in headers if key.lower() == name.lower()]

def expect_pages(app, *table):
    """Ask for each "METHOD path". Expect that status and body begin like this."""
    for sent, expected in table:
        method, path = sent.split(" ", 1)
        expect(sent, expected, lambda: ask(app, path, method).page, str.startswith)

def app_with(stage, **views):
    """Return an application with some views: app_with(stage, tea=f) has /tea."""
    app = stage.Flask()
    for name, view in views.items():
        view.__name__ = name
        app.route(f"/{name}")(view)
    return app

@exercise("1.1", "The path is UTF-8",
    "path.encode('latin-1') are the bytes. Decode them as UTF-8, with 'replace'.")
def path_is_utf8(stage):
    for path in "/tea/pot", "/grüße", "/お茶":
        expect_pages(stage.wsgi_app, (f"GET {path}", f"200 You asked for {path}"))

@exercise("1.2", "HEAD: the header fields and no body",
    "Call start_response as before. Only the value that you return is different.")
def head_has_no_body(stage):
    get, head = ask(stage.wsgi_app, "/tea"), ask(stage.wsgi_app, "/tea", "HEAD")
    expect("HEAD /tea: the body", b"", lambda: head.body)
    expect("HEAD /tea: the header fields", get.headers, lambda: head.headers)

@exercise("1.3", "Middleware: an application around an application",
    "Your start_response calls the one of the server with [*headers, (name, value)].")
def middleware_adds_a_field(stage):
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1")]
    def tea(environ, start_response):
        start_response("201 Created", headers)
        return [b"green ", b"tea"]
    app = stage.add_header(stage.add_header(tea, "X-Tea", "green"), "X-Pot", "blue")
    expect("GET /", "201 green tea", lambda: ask(app).page)
    expect("GET / again: all header fields, sorted",
           [*headers[:2], ("X-Pot", "blue"), ("X-Tea", "green")],
           lambda: sorted(ask(app).headers))

@exercise("2.1", "The query as a dict",
    "urllib.parse.parse_qs(query, keep_blank_values=True) gives a list for each name.")
def query_is_a_dict(stage):
    for query, expected in [
        ("q=tea&page=2", {"q": "tea", "page": "2"}), ("", {}), ("q=", {"q": ""}),
        ("q=first&q=second", {"q": "first"}), ("q=gr%C3%BCn", {"q": "grün"}),
        ("q=green+tea%26milk", {"q": "green tea&milk"}),
    ]:
        request = stage.Request(environ_of(f"/?{query}"))
        expect(f"request.args for /?{query}", expected, lambda: request.args)

@exercise("2.2", "The form as a dict",
    "Read int(self.environ.get('CONTENT_LENGTH') or 0) bytes. Then go on as in 2.1.")
def form_is_a_dict(stage):
    for body, length, expected in [
        (b"name=Ann&tea=green", 18, {"name": "Ann", "tea": "green"}), (b"", 0, {}),
        (b"name=Ann&name=", 14, {"name": "Ann"}), (b"name=", 5, {"name": ""}),
        (b"text=gr%C3%BCner+Tee", 20, {"text": "grüner Tee"}), (b"", "", {}),
    ]:
        environ = environ_of("/", "POST", CONTENT_LENGTH=str(length))
        environ["wsgi.input"] = io.BytesIO(body + b"&next=request")
        request = stage.Request(environ)
        expect(f"request.form for {body} and CONTENT_LENGTH {str(length)!r}", expected,
               lambda: request.form)
    bare = stage.Request(environ_of("/", "POST"))
    expect("request.form without CONTENT_LENGTH", {}, lambda: bare.form)

@exercise("2.3", "redirect(location)",
    "Make a Response(status=302), append to its headers, and return it.")
def redirect_sends_on(stage):
    for location in "/login", "https://example.org/?a=1&b=2":
        sent, app = f"redirect({location!r})", stage.redirect(location)
        expect(sent, "302 ", lambda: ask(app).page, str.startswith)
        expect(f"{sent}: Location", [location], lambda: field(app, "Location"))
    for location in "/\r\nSet-Cookie: a=1", "/\nX: y", "/\rX: y":
        expect_error(f"redirect({location!r})", ValueError, "",
                     lambda: stage.redirect(location))

@exercise("3.1", "build: from the values to a path",
    "re.sub takes a function of the match. See urllib.parse.quote(value, safe='').")
def build_is_the_way_back(stage):
    for rule, values, path in [
        ("/hello/<name>", {"name": "Ann"}, "/hello/Ann"), ("/", {}, "/"),
        ("/hello/<name>", {"name": "Ann Lee"}, "/hello/Ann%20Lee"),
        ("/hello/<name>", {"name": "a/b?c"}, "/hello/a%2Fb%3Fc"),
        ("/<a>/to/<b>.html", {"a": "grün", "b": 2}, "/gr%C3%BCn/to/2.html"),
    ]:
        expect(f"Rule({rule!r}, 'view').build({values})", path,
               lambda: stage.Rule(rule, "view").build(values))

@exercise("3.2", "<int:id> is a number",
    "Let one re.sub(r'<(int:)?(\\w+)>', function, ...) write (?P<id>[0-9]+) for it.")
def int_is_a_number(stage):
    number = "/post/<int:id>"
    for rule, path, expected in [
        (number, "/post/12", {"id": 12}), (number, "/post/007", {"id": 7}),
        (number, "/post/x", None), (number, "/post/1x", None),
        (number, "/post/-1", None), (number, "/post/١٢", None),
        ("/hello/<name>", "/hello/12", {"name": "12"}),
        ("/<name>/<int:page>.html", "/12/3.html", {"name": "12", "page": 3}),
    ]:
        expect(f"Rule({rule!r}, 'view').match({path!r})", expected,
               lambda: stage.Rule(rule, "view").match(path))

@exercise("4.1", "A dict is JSON, None is a mistake",
    "json.dumps makes text of a dict. The Response needs another content_type.")
def dict_is_json(stage):
    data = {"tea": ["green", "schwarz"], "ok": True, "n": None}
    app = app_with(stage, json=lambda request: data, none=lambda request: None,
                   made=lambda request: stage.Response("made", 201),
                   text=lambda request: "text")
    expect("GET /json, whose view returns a dict: Content-Type", ["application/json"],
           lambda: field(app, "Content-Type", "/json"))
    expect("GET /json, whose view returns a dict: the body, read as JSON", data,
           lambda: json.loads(ask(app, "/json").body))
    expect_error("GET /none, whose view returns None", TypeError, "return",
                 lambda: ask(app, "/none").page)
    expect_pages(app, ("GET /text", "200 text"), ("GET /made", "201 made"))

@exercise("4.2", "url_for: from an endpoint to a path",
    "Look through self.url_map.rules for the rule that has the endpoint.")
def url_for_builds(stage):
    app = app_with(stage, tea=lambda request: app.url_for("hello", name="Ann"))
    app.add_url_rule("/hello/<name>", "hello", lambda request, name: name)
    expect("url_for('tea')", "/tea", lambda: app.url_for("tea"))
    expect("url_for('hello', name='Ann Lee')", "/hello/Ann%20Lee",
           lambda: app.url_for("hello", name="Ann Lee"))
    expect_error("url_for('helo')", LookupError, "helo", lambda: app.url_for("helo"))
    expect_pages(app, ("GET /tea", "200 /hello/Ann"), ("GET /hello/Ida", "200 Ida"))

@exercise("5.1", "A page of your own for an error",
    "errorhandler works like route. It stores f in self.error_handler_spec[code].")
def errors_have_pages(stage):
    app = app_with(stage, gone=lambda request: stage.abort(410),
                   closed=lambda request: stage.abort(403))
    def nothing(error):
        return f"nothing here: {type(error).__name__}"
    expect("what @app.errorhandler(404) returns: the function", nothing,
           lambda: app.errorhandler(404)(nothing))
    app.errorhandler(403)(lambda error: stage.Response("log in first", 401))
    expect_pages(app, ("GET /no/rule", "404 nothing here: HTTPException"),
                 ("GET /closed", "401 log in first"), ("GET /gone", "410 <h1>Gone"))

@exercise("5.2", "A bug in a view is a 500",
    "traceback.print_exception(error), then the response to HTTPException(500).")
def bugs_are_500(stage):
    app = app_with(stage, bug=lambda request: 1 / len(""))
    sys.stderr = io.StringIO()
    sent = "GET /bug, whose view divides by zero"
    expect(sent, "500 ", lambda: ask(app, "/bug").page, str.startswith)
    expect(f"{sent}: is it in the body? is it in stderr?", (False, True),
           lambda: tuple("ZeroDivisionError" in text for text in (
               ask(app, "/bug").page, sys.stderr.getvalue())))
    expect_pages(app, ("GET /nowhere", "404 "))

@exercise("6.1", "Outside of a request: a clear error",
    "_context.get() raises the LookupError, where __getattr__ calls the function.")
def outside_is_explained(stage):
    expect_error("request.path, outside of a request", RuntimeError,
                 "outside of request context", lambda: stage.request.path)
    app = app_with(stage, path=lambda: stage.request.path,
                   typo=lambda: stage.request.pth)
    expect_pages(app, ("GET /path", "200 /path"))
    expect_error("request.pth, in a request", AttributeError, "pth",
                 lambda: ask(app, "/typo").page)

@exercise("6.2", "An attribute that you set belongs to the request",
    "In __init__: object.__setattr__(self, '_get_current_object', local)")
def setting_goes_through(stage):
    def login():
        stage.request.user = "Ann"
        return stage.request.user
    app = app_with(stage, login=login, look=lambda: (
        getattr(stage.request, "user", "nobody")))
    expect_pages(app, ("GET /login", "200 Ann"), ("GET /look", "200 nobody"))

class Tea:
    name, leaf = "<Assam>", {"colour": "black & brown"}

@exercise("7.1", "Dots in the gaps",
    "The expression must match dots: [\\w.]+. Then take a step for each part.")
def dots_are_steps(stage):
    for template, context, expected in [
        ("Hi {{ name }}!", {"name": "<Ann>"}, "Hi &lt;Ann&gt;!"),
        ("{{ tea.name }}", {"tea": Tea()}, "&lt;Assam&gt;"),
        ("{{tea.name}}, {{tea.cup}}", {"tea": {"name": "Assam", "cup": 2}}, "Assam, 2"),
        ("{{ tea.leaf.colour }}", {"tea": Tea()}, "black &amp; brown"),
        ("{{ a }}.{{ b }}", {"a": 1, "b": 2}, "1.2"),
    ]:
        stage.templates["check.html"] = template
        expect(f"{template!r} with {', '.join(context)}", expected,
               lambda: stage.render_template("check.html", **context))

@exercise("7.2", "Jinja in its place",
    "env = jinja2.Environment(loader=jinja2.DictLoader(templates), autoescape=True)")
def jinja_renders(stage):
    stage.templates["name.html"] = "{{ name }}"
    for source, context, expected in [
        ("Hi {{ name }}!", {"name": "<Ann>"}, "Hi &lt;Ann&gt;!"),
        ("{% for tea in teas %}{{ tea }}{% endfor %}", {"teas": "<>"}, "&lt;&gt;"),
        ("{% include 'name.html' %}!", {"name": "<Ann>"}, "&lt;Ann&gt;!"),
    ]:
        expect(f"{source!r} with {', '.join(context)}", expected,
               lambda: stage.render_template_string(source, **context))
    def view():
        return stage.render_template_string("you are at {{ request.path }}")
    expect_pages(app_with(stage, here=view), ("GET /here", "200 you are at /here"))

def visit(app, path, expected, cookie="", note=""):
    """Expect a page, and return the session's cookie that the browser has then."""
    answers = []
    def page():
        cookies = f"theme=dark; session={cookie}"
        answers.append(ask(app, path, HTTP_COOKIE=cookies))
        return answers[0].page
    expect(f"GET {path}{note}", f"200 {expected}", page)
    for name, value in answers[0].headers:
        if name == "Set-Cookie":
            cookie = value.removeprefix("session=").partition(";")[0]
    return cookie

def counter(stage):
    """Return an application that counts visits, and a cookie. Forged ones are empty."""
    def count():
        stage.session.update(visits=stage.session.get("visits", 0) + 1)
        return str(stage.session.get("visits"))
    def look():
        return str(stage.session.get("visits", "empty"))
    app = app_with(stage, count=count, look=look)
    good = visit(app, "/count", 2, visit(app, "/count", 1), " for the second time")
    for place in 2, len(good) // 2, len(good) - 1:
        other = "A" if good[place] != "A" else "B"
        visit(app, "/look", "empty", good[:place] + other + good[place + 1:],
              f" with a cookie whose character {place} was changed")
    for forged in "x", ".", "é.é", good.partition(".")[0], "e30=.":
        visit(app, "/look", "empty", forged, f" with the cookie {forged!r}")
    return app, good

@exercise("8.1", "session[\"visits\"] += 1",
    "Both are methods of the class LocalProxy, like __getattr__.")
def session_has_items(stage):
    counter(stage)
    def count():
        if not stage.session.get("visits"):
            stage.session["visits"] = 0
        stage.session["visits"] += 1
        return str(stage.session["visits"])
    app = app_with(stage, count=count, missing=lambda: stage.session["nothing"])
    note = ", whose view does session['visits'] += 1"
    visit(app, "/count", 2, visit(app, "/count", 1, "", note), f"{note}, again")
    expect_error("session['nothing']", KeyError, "nothing",
                 lambda: ask(app, "/missing").page)

@exercise("8.2", "A session that ends",
    "Sign a list of two, [time.time(), session]. Take it apart in open_session.")
def sessions_end(stage):
    now = [1_000_000.0]
    time.time = lambda: now[0]      # the process ends after this test
    if not hasattr(getattr(stage, "time", time), "sleep"):
        stage.time = time.time      # the stage has done `from time import time`
    app, cookie = counter(stage)
    app.config["PERMANENT_SESSION_LIFETIME"] = 100
    now[0] += 99
    new = visit(app, "/count", 3, cookie, ", 99 of 100 seconds later")
    now[0] += 2
    visit(app, "/look", 3, new, ", 2 seconds after that")
    visit(app, "/look", "empty", cookie, ", 101 of 100 seconds later")

@exercise("9.1", "after_request: functions that see each Response",
    "Keep a list, as before_request does. Call the functions in reversed order.")
def after_request_sees_all(stage):
    app = app_with(stage, fine=lambda: "fine")
    def first(response):
        response.headers.append(("X-Seen", "first"))
        return response
    def second(response):
        response.headers.append(("X-Seen", "second"))
        return response
    expect("what @app.after_request returns: the function", [first, second],
           lambda: [app.after_request(f) for f in (first, second)])
    for path in "/fine", "/nowhere":
        expect(f"GET {path}: X-Seen, which two functions add", ["second", "first"],
               lambda: field(app, "X-Seen", path))
    app.after_request(lambda response: app.make_response("replaced"))
    expect_pages(app, ("GET /fine", "200 replaced"))

@exercise("9.2", "A hook for a blueprint's own views",
    "Does request.url_rule.endpoint start with self.name + '.'? url_rule may be None.")
def hooks_of_a_blueprint(stage):
    app, calls = app_with(stage, fine=lambda: "fine"), []
    admin = stage.Blueprint("admin", url_prefix="/admin")
    shop = stage.Blueprint("shop", url_prefix="/shop")
    def guard():
        calls.append(stage.request.path)
        return "not you" if stage.request.path == "/admin/secret" else None
    admin.add_url_rule("/<page>", "page", lambda page: f"admin {page}")
    admin.before_request(guard)
    shop.before_request(lambda: "the shop is closed")
    shop.add_url_rule("/tea", "tea", lambda: "tea")
    app.add_url_rule("/admin/public/page", "public", lambda: "for all")
    app.register_blueprint(admin)
    app.register_blueprint(shop)
    expect_pages(app, ("GET /admin/users", "200 admin users"),
                 ("GET /admin/secret", "200 not you"), ("GET /admin/a/b", "404 "),
                 ("GET /fine", "200 fine"), ("GET /shop/tea", "200 the shop is closed"),
                 ("GET /admin/public/page", "200 for all"))
    expect("the paths for which the hook of the blueprint admin ran",
           ["/admin/users", "/admin/secret"], lambda: calls)
