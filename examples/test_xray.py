"""Tests of the x-ray; from the top level: python -m pytest examples/test_xray.py."""
import io
import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent)]

import microflask  # noqa: E402
import xray  # noqa: E402
from microflask import Flask, request, session  # noqa: E402
from test_microflask import devserver_process  # noqa: E402


def looked_at(name):
    """The x-ray of a preset."""
    preset = xray.PRESETS[name]
    return xray.examine(*xray.prepare(preset), title=preset.title)


def small_app(view, **config):
    """An application of one view, at every path."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="never shown to anybody", **config)
    app.add_url_rule("/", "view", view, methods=["GET", "POST"])
    return app


def answered(view, asked=xray.Asked("GET", "/"), **config):
    """The x-ray of a request to an application of one view."""
    return xray.examine(small_app(view, **config), asked)


def names_in(found):
    return [found["functions"][call["code"]]["name"] for call in found["calls"]]


# It never changes what it watches


def plain(name):
    """The answer to a preset that nobody watches, written as the x-ray writes it."""
    app, asked = xray.prepare(xray.PRESETS[name])
    return xray.answer_shown(xray.server(app, asked.environ(app, io.StringIO())))


@pytest.mark.parametrize("name", xray.PRESETS)
def test_the_answer_is_the_same_as_when_nobody_watches(name):
    for _ in range(5):      # a session's cookie holds the second
        before, watched, after = plain(name), looked_at(name), plain(name)
        assert watched["error"] is None and not watched["cut"]
        if before == after:
            break
    assert watched["answer"] == before == after


@pytest.mark.parametrize("outcome", [None, ValueError("no"), SystemExit(3)])
def test_what_was_traced_before_is_traced_again(outcome):
    def work():
        if outcome:
            raise outcome

    def other(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(other)
    try:
        recorder = xray.Recorder({__file__: [(0, sys.maxsize)]}, xray.Writer())
        if outcome is None:
            recorder.run(work)
        else:
            with pytest.raises(type(outcome)):
                recorder.run(work)
        assert sys.gettrace() is other
    finally:
        sys.settrace(before)
    assert [call["raised"] for call in recorder.calls] == [outcome is not None]


def test_what_nobody_asked_for_is_not_computed():
    """A view that holds the request, and asks it for nothing."""
    seen = {}

    def view():
        asked, context = request._get_current_object(), microflask._context.get()
        proxies = [request, session, microflask.g]
        body = asked.environ["wsgi.input"]      # within the validator's, if it is there
        seen.update(attributes=set(vars(asked)), session=context._session,
                    read=getattr(body, "input", body).tell(), many=len(proxies))
        return "ok"

    asked = xray.Asked("POST", "/", xray.FORM, "a=1")
    app = small_app(view)
    microflask.run_wsgi_app(app, asked.environ(app, None))
    untouched, found = dict(seen), xray.examine(app, asked)
    assert seen == untouched and seen["session"] is None and seen["read"] == 0
    assert "form" not in seen["attributes"]
    assert "Vary" not in dict(found["answer"]["headers"])


class Meddler:
    """Whatever of it is asked for, it remembers that it was asked."""
    asked = []

    def _remember(self, *args, **kwargs):
        Meddler.asked.append(args)
        raise RuntimeError("I was asked")

    for _name in ("repr str eq hash bool len iter getitem contains getattr call format"
                  " bytes int float index dir fspath enter get").split():
        locals()[f"__{_name}__"] = _remember
    __class__ = property(_remember)


def meddling(base):
    """An instance of a built-in's subclass whose methods are a Meddler's."""
    own = {name: value for name, value in vars(Meddler).items()
           if name not in ("__dict__", "__weakref__", "asked", "__hash__", "__class__")}
    return type("Sly", (base,), {**own, "__hash__": base.__hash__})


SLY = [Meddler(), [Meddler()], {"key": Meddler()}, (Meddler(),), Meddler().__init__,
       meddling(list)([1, 2]), meddling(dict)(a=1), meddling(str)("text"),
       meddling(tuple)((1,)), meddling(bytes)(b"raw"), meddling(BaseException)("why"),
       microflask.LocalProxy(Meddler._remember)]


@pytest.mark.parametrize("number", range(len(SLY)))
def test_a_value_is_written_down_without_asking_it(number):
    writer = xray.Writer({__name__})
    Meddler.asked.clear()
    assert writer.short(SLY[number])
    writer.parts(SLY[number])
    assert Meddler.asked == []


def test_a_view_that_is_an_object_is_not_asked():
    class Odd:
        __name__ = "odd"
        asked = []

        def __getattr__(self, name):
            self.asked.append(name)
            raise AttributeError(name)

        def __call__(self):
            return "odd"

    app = small_app(Odd())
    microflask.run_wsgi_app(app, xray.Asked("GET", "/").environ(app, None))
    Odd.asked.clear()
    assert xray.examine(app, xray.Asked("GET", "/"))["answer"]["body"] == "odd"
    assert Odd.asked == []


WRITTEN = [
    (None, "None"), (True, "True"), (-3, "-3"), (1.5, "1.5"), ("a'b", '"a\'b"'),
    (b"raw", "b'raw'"), ([1, "a"], "[1, 'a']"), ((1,), "(1,)"), ({}, "{}"),
    ({"a": [1]}, "{'a': [1]}"), (set(), "set()"), ({1}, "{1}"),
    (frozenset({1}), "frozenset({1})"), ([[[]]], "[[[]]]"), ([[[1]]], "[[[…]]]"),
    (list(range(9)), "[0, 1, 2, 3, 4, 5, …]"), (10 ** 5000, "<a big int>"),
    (len, "<function len>"), (int, "<class int>"), (ValueError(), "ValueError()"),
    (ValueError("no"), "ValueError('no')"),
    (microflask.Markup("<b>"), "Markup('<b>')"), (request, "<a proxy, not followed>"),
    (microflask.Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/x"}),
     "<Request GET /x>"),
    (microflask.Response(status=404), "<Response 404 NOT FOUND>"),
    (microflask.MultiDict([("a", 1)]), "MultiDict({'a': [1]})"),
    (Flask("one"), "<Flask 'one'>"), (object(), "<object>"),
    ("the key itself", "<the secret key, not shown>"),
    ({"key": b"the key itself"}, "{'key': <the secret key, not shown>}"),
]


@pytest.mark.parametrize("value, text", WRITTEN, ids=[text for _, text in WRITTEN])
def test_a_value_is_written_short(value, text):
    assert xray.Writer(secret_texts=["the key itself"]).short(value) == text


def test_a_long_value_is_cut():
    writer = xray.Writer()
    for value in ("x" * 10 ** 6, list(range(10 ** 6)), dict.fromkeys(range(10 ** 5))):
        assert len(writer.short(value)) <= writer.LONG + 1
        assert len(writer.parts(value)) <= writer.PARTS


# What is recorded


PASSES = [      # preset, functions it enters, functions it does not
    ("static", "Flask.wsgi_app AppContext.push home", "Rule.values"),
    ("dynamic", "Rule.values hello", "home Map.bind_to_environ"),
    ("converter", "NumberConverter.to_python square", "hello"),
    ("form", "Request.form note", "page"),
    ("new", "SecureCookieSessionInterface.save_session", "home"),
    ("template", "render_template _AppServices.url_for page", "hello"),
    ("hooks", "remember sign forget", "home"),
    ("missing", "_AppServices.handle_http_exception", "hello"),
    ("broken", "_AppServices.handle_exception broken", "hello"),
]


@pytest.mark.parametrize("name, entered, spared", PASSES)
def test_the_functions_on_the_way_are_shown(name, entered, spared):
    names = names_in(looked_at(name))
    assert set(entered.split()) - set(names) == set()
    assert set(spared.split()) & set(names) == set()


def test_functions_are_nested_lines_are_theirs_and_times_add_up():
    found = looked_at("template")
    calls, functions = found["calls"], found["functions"]
    inner = [0] * len(calls)
    for number, call in enumerate(calls):
        if call["parent"] is not None:
            parent = calls[call["parent"]]
            assert call["depth"] == parent["depth"] + 1
            assert parent["start"] <= call["start"]
            inner[call["parent"]] += call["took"]
    assert all(call["took"] >= sum_ for call, sum_ in zip(calls, inner))
    assert calls[0]["took"] <= found["took"]
    clock = 0
    for call, kind, line, when, changes, value in found["steps"]:
        function = functions[calls[call]["code"]]
        assert 0 <= line - function["first"] < len(function["lines"])
        assert clock <= when
        clock = when
    kinds = {kind for _, kind, *_ in found["steps"]}
    assert kinds >= {"call", "line", "return"}


def test_a_changed_value_stands_in_the_step_after_its_line():
    def view():
        number = 1
        number = number + 41
        del number
        return "done"

    found = answered(view)
    view_call = names_in(found).index(view.__qualname__.replace(".<locals>", ""))
    own = [step for step in found["steps"] if step[0] == view_call]
    texts = [[(name, number if number is None else found["values"][number][0])
              for name, number in step[4]] for step in own]
    assert texts == [[], [], [("number", "1")], [("number", "42")], [("number", None)],
                     []]
    assert own[-1][1] == "return" and found["values"][own[-1][5]][0] == "'done'"


def test_the_chapters_are_those_of_the_file():
    text = Path(microflask.__file__).read_text()
    chapters = dict(re.findall(r"^# (\d+)\. (.+?)(?: +\(skip.*)?$\n^#$", text, re.M))
    seen = {}
    for name in ("form", "template", "missing"):
        for function in looked_at(name)["functions"]:
            number, title = function["chapter"]
            seen[function["name"]] = number
            if function["file"] == "microflask.py":
                assert chapters[str(number)] == title
                shown = "".join(text for _, text in function["lines"][0])
                assert shown == text.splitlines()[function["first"] - 1].strip()
            else:
                assert number == 0 and title in ("the application", "the server")
    assert [title for _, title in sorted(
        (seen[name], name) for name in ("Flask.wsgi_app", "AppContext.push", "note"))
    ] == ["note", "AppContext.push", "Flask.wsgi_app"]


def test_an_exception_is_seen_where_it_is_raised_and_where_it_passes():
    found = looked_at("broken")
    raised = [name for name, call in zip(names_in(found), found["calls"])
              if call["raised"]]
    assert raised == ["Flask.full_dispatch_request", "Flask.dispatch_request", "broken",
                      "_AppServices.handle_user_exception"]
    assert any(kind == "exception" and found["values"][value][0].startswith("ZeroDiv")
               for _, kind, _, _, _, value in found["steps"])


def generators():
    """Generators that are run on, dropped, closed, thrown into, and nested."""
    def count(many):
        try:
            for number in range(many):
                yield number
        except (GeneratorExit, KeyError):
            yield from () if many % 2 else ()
            raise

    def outer():
        yield from count(2)

    def view():
        dropped, closed, thrown = count(3), count(3), count(3)
        for one in (dropped, closed, thrown):
            next(one)
        del dropped, one
        closed.close()
        try:
            thrown.throw(KeyError("x"))
        except KeyError:
            pass
        return f"{list(count(3))} {list(outer())} {sum(x for x in range(3))}"
    return view


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 tells a tracer less"
                    " of generators: one that yields from another seems to start again")
def test_generators_are_followed_however_they_end():
    view = generators()
    found = answered(view)
    assert found["answer"]["body"] == view() == "[0, 1, 2] [0, 1] 3"
    names = [name.rpartition(".")[2] for name in names_in(found)]
    calls, depths = found["calls"], [call["depth"] for call in found["calls"]]
    home = names.index("view")
    how = {}
    for call, kind, *_ in found["steps"]:
        how.setdefault(call, []).append(kind)
    inner = [(names[number], depths[number] - depths[home],
              [kind for kind in how[number] if kind in ("yield", "raised", "closed",
                                                        "return")])
             for number in range(home + 1, len(names))]
    assert ("count", 1, ["yield", "closed"]) in inner
    assert ("count", 1, ["yield", "raised"]) in inner
    whole = [("count", 1, ["yield"] * 3 + ["return"]),
             ("outer", 1, ["yield"] * 2 + ["return"]),
             ("count", 2, ["yield"] * 2 + ["return"]),
             ("<genexpr>", 1, ["yield"] * 3 + ["return"])]
    assert [one for one in inner if one in whole] == whole
    assert how[home][-1] == how[0][-1] == "return"
    assert [number for number, call in enumerate(calls) if call["raised"]] == [
        home + 1 + inner.index(("count", 1, ["yield", "raised"]))]


def test_a_long_request_is_recorded_to_a_limit_and_answered_whole():
    def view():
        total = 0
        for number in range(20_000):
            total += number
        return str(total)

    found = answered(view)
    assert found["cut"] and len(found["steps"]) == xray.STEPS
    assert found["answer"]["body"] == str(sum(range(20_000)))


def test_a_request_without_an_answer_is_left_alone(monkeypatch):
    monkeypatch.setattr(xray, "SECONDS", 0.2)

    def view():
        time.sleep(0.6)
        return "late"

    found = answered(view)
    assert "no answer within" in found["error"] and found["answer"] is None
    assert names_in(found)[-1].endswith("view")
    time.sleep(0.5)


def test_an_exception_that_the_application_lets_through_is_told():
    found = answered(lambda: 1 / 0, TESTING=True)
    assert found["error"] == "ZeroDivisionError: division by zero"
    assert found["answer"] is None


def test_the_secret_key_is_not_on_the_page():
    def view():
        session["a"] = request._get_current_object()._remember = 1
        key = microflask.current_app.secret_key
        return "ok" if key else ""

    found = answered(view)
    assert "the secret key, not shown" in json.dumps(found)
    assert "never shown to anybody" not in json.dumps(found)


def test_a_comparison_keeps_every_call_of_both_in_order():
    for _, left, right in xray.PAIRS.values():
        left, right = looked_at(left), looked_at(right)
        rows = xray.aligned(left, right)
        for side, found in enumerate((left, right)):
            numbers = [row[side] for row in rows if row[side] is not None]
            assert numbers == list(range(len(found["calls"])))
        both = [row for row in rows if None not in row]
        assert both and all(names_in(left)[a] == names_in(right)[b] for a, b in both)


# The pages


@pytest.fixture
def client():
    return xray.create_app().test_client()


def token_of(client):
    return re.search(r'name="token" value="([\w-]+)"', client.get("/").text)[1]


def send(client, to, **form):
    form["token"] = token_of(client)
    return client.post(to, data=form, follow_redirects=True)


def test_every_preset_and_pair_has_its_page(client):
    for name, preset in xray.PRESETS.items():
        page = send(client, "/preset", preset=name)
        assert page.status_code == 200
        assert str(microflask.escape(preset.title)) in page.text
    for name, (_, left, _) in xray.PAIRS.items():
        page = send(client, "/pair", pair=name)
        assert page.status_code == 200 and page.request.path == "/compare"
        assert str(microflask.escape(xray.PRESETS[left].title)) in page.text


def test_a_request_of_your_own_runs_once():
    ran = []
    app = small_app(lambda: str(ran.append(request.form["a"])))
    client = xray.create_app(app).test_client()
    assert 'name="preset"' not in client.get("/").text
    page = send(client, "/request", method="post", path="/", headers=xray.FORM,
                body="a=7")
    assert page.status_code == 200 and ran == ["7"] and "200 OK" in page.text


def test_any_application_is_named_as_on_the_command_line(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    command = [xray.__file__, "--app", "mine:make('Ida')", "--port", 0]
    with devserver_process(tmp_path, *command) as (process, port, log):
        client = microflask.Client(forwarding(f"http://127.0.0.1:{port}"))
        page = send(client, "/request", method="POST", path="/who?x=1",
                    headers=xray.FORM, body="a=b")
    assert page.status_code == 200 and "POST /who?x=1" in page.text
    found = json.loads(re.search(r'id="xray">(.*?)</script>', page.text)[1])
    assert json.loads(found["answer"]["body"]) == {"who": "Ida", "a": "b", "x": "1"}
    own = [one for one in found["functions"] if one["file"] == "mine.py"]
    assert [one["name"] for one in own] == ["count", "make.who"]


MINE = """
from microflask import Flask, request

def make(name):
    app = Flask(__name__)
    app.before_request(count)

    @app.post("/who")
    def who():
        return {"who": name, "a": request.form["a"], "x": request.args["x"]}

    return app

def count():
    pass
"""


def forwarding(url):
    """A WSGI application that asks a server: the test client over a real socket."""
    def app(environ, start_response):
        body = environ["wsgi.input"].read()
        made = urllib.request.Request(
            url + environ["PATH_INFO"], body or None, method=environ["REQUEST_METHOD"])
        if "CONTENT_TYPE" in environ:
            made.add_header("Content-Type", environ["CONTENT_TYPE"])
        with opener.open(made, timeout=20) as answer:
            start_response(f"{answer.status} OK", answer.getheaders())
            return [answer.read()]

    class NoRedirect(urllib.request.HTTPErrorProcessor):
        def http_response(self, made, answer):
            return answer

    opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))
    return app


REFUSED = [
    (dict(method="GET /"), "A method is a word"), (dict(method=""), "A method is"),
    (dict(path="hello"), "begins with one slash"), (dict(path="//evil/x"), "one slash"),
    (dict(path="/" + "x" * 3000), "one slash"), (dict(headers="What"), "Name: value"),
    (dict(headers="A b: c"), "Name: value"),
]


@pytest.mark.parametrize("change, words", REFUSED)
def test_what_is_no_request_is_said_beside_the_form(client, change, words):
    page = send(client, "/request", **{"method": "GET", "path": "/", **change})
    assert page.status_code == 400 and words in page.text
    value = next(iter(change.values()))
    assert str(microflask.escape(value)) in page.text


def test_only_its_own_pages_can_make_it_run_a_request(client):
    form = {"preset": "static", "token": token_of(client)}
    assert client.post("/preset", data={"preset": "static"}).status_code == 403
    assert client.post("/preset", data={**form, "token": "é"}).status_code == 403
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        answer = client.post("/preset", data=form, headers={"Origin": origin})
        assert answer.status_code == 403
    answer = client.post("/preset", data=form, headers={"Origin": "http://localhost"})
    assert answer.status_code == 303
    assert client.get("/preset").status_code == 405
    hosts = [("evil.example", 400), ("127.0.0.1:5000", 200)]
    for host, code in hosts:
        assert client.get("/", headers={"Host": host}).status_code == code


def test_old_xrays_are_forgotten(client, monkeypatch):
    monkeypatch.setattr(xray, "KEPT", 2)
    first = send(client, "/preset", preset="static").request.path
    assert client.get(first).status_code == 200
    for _ in range(2):
        send(client, "/preset", preset="static")
    gone = client.get(first)
    assert gone.status_code == 404 and "Only the latest" in gone.text
    assert client.get("/compare?left=a&right=b").status_code == 404


def test_an_application_that_is_not_there_is_said_in_a_line(tmp_path):
    command = [sys.executable, xray.__file__, "--app", "nowhere:app"]
    ran = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True,
                         timeout=20)
    assert ran.returncode == 1
    assert re.fullmatch(r"Error: Could not import 'nowhere'.*\n", ran.stderr)


# In the browser


def at_work(browser):
    """What the page of one request shows now."""
    return browser.run("""
        const text = selector => document.querySelector(selector)?.textContent ?? "";
        const row = document.querySelector("#source .here");
        return {line: row && Number(row.dataset.line), code: row && row.innerText,
                ran: document.querySelectorAll("#source .ran").length,
                call: text("#tree .here"), step: text("#count"), now: text("#now"),
                function: text("#function"), values: text("#values"),
                changed: [...document.querySelectorAll("#values .changed .name")]
                    .map(name => name.innerText)}""")


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains
    ActionChains(browser.driver).send_keys(*keys).perform()


def in_view(browser, selector):
    """Whether an element, whole, is within the pane that scrolls it."""
    return browser.run("""
        const row = document.querySelector(arguments[0]), pane = row.parentElement;
        const [a, b] = [row.getBoundingClientRect(), pane.getBoundingClientRect()];
        return a.top >= b.top - 1 && a.bottom <= b.bottom + 1""", selector)


def fits(browser):
    """Whether nothing sticks out sideways."""
    return browser.run("return document.documentElement.scrollWidth <= innerWidth")


def choose(browser, url, value, **look):
    browser.open(url, **look)
    browser.find(f"button[value={value}]").click()
    browser.wait_for(lambda: browser.all("#tree .call.here"))


def test_a_request_is_stepped_through_with_the_arrow_keys(browser, serve):
    from selenium.webdriver.common.keys import Keys
    choose(browser, serve("xray.py"), "dynamic")
    steps = len(json.loads(browser.find("#xray").get_attribute("textContent"))["steps"])
    begin = at_work(browser)
    assert begin["step"] == f"1 of {steps}" and begin["now"] == "server is entered"
    assert begin["ran"] == 0 and "def server(app, environ):" in begin["code"]
    press(browser, Keys.ARROW_RIGHT)
    first = at_work(browser)
    assert first["line"] > begin["line"] and first["step"] == f"2 of {steps}"
    press(browser, Keys.ARROW_RIGHT)
    second = at_work(browser)
    assert second["line"] > first["line"] and second["ran"] == 1
    assert second["changed"] and "changed" not in first["changed"]
    press(browser, Keys.ARROW_LEFT)
    assert at_work(browser) == first
    press(browser, Keys.ARROW_DOWN)     # to the next function
    assert "Flask.__call__" in at_work(browser)["call"]
    press(browser, Keys.ARROW_RIGHT)
    for _ in range(3):      # over its calls
        if not at_work(browser)["now"].startswith("Flask.__call__ returns"):
            browser.find("body").send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert at_work(browser)["now"].startswith("Flask.__call__ returns")
    press(browser, Keys.ARROW_LEFT)     # back is into the last function called
    assert "wsgi_app" in at_work(browser)["function"]
    press(browser, Keys.END)
    end = at_work(browser)
    assert end["step"] == f"{steps} of {steps}" and "server returns" in end["now"]
    assert "Hello, Ada!" in end["values"]
    press(browser, Keys.ARROW_RIGHT)
    assert at_work(browser) == end
    press(browser, Keys.HOME)
    assert at_work(browser) == begin
    assert browser.errors() == []


def test_the_pane_follows_and_a_step_has_its_address(browser, serve):
    from selenium.webdriver.common.keys import Keys
    choose(browser, serve("xray.py"), "known")
    seen = set()
    for _ in range(14):
        press(browser, *[Keys.ARROW_DOWN] * 7, Keys.ARROW_RIGHT)
        seen.add(at_work(browser)["function"])
        assert in_view(browser, "#source .here") and in_view(browser, "#tree .here")
    assert len(seen) > 8
    here = at_work(browser)
    number = here["step"].partition(" ")[0]
    browser.wait_for(lambda: browser.driver.current_url.endswith(f"#{number}"))
    browser.driver.refresh()
    browser.wait_for(lambda: at_work(browser)["step"] == here["step"])
    assert at_work(browser) == here
    row = browser.wait_for(lambda: next(
        row for row in browser.all("#tree .call") if "visits" in row.text))
    row.click()
    assert at_work(browser)["now"] == "visits is entered"
    assert "the application" in at_work(browser)["function"]
    browser.run("const at = document.querySelector('#place'); at.value = 100;"
                "at.dispatchEvent(new Event('input'))")
    assert at_work(browser)["step"].startswith("101 of")
    assert browser.errors() == []


def test_the_answer_and_what_was_logged_are_at_hand(browser, serve):
    choose(browser, serve("xray.py"), "broken")
    browser.find(".more summary").click()
    shown = browser.find(".more").text
    assert "GET /broken" in shown and "500 INTERNAL SERVER ERROR" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert browser.errors() == []


def test_two_requests_stand_side_by_side(browser, serve):
    from selenium.webdriver.common.keys import Keys
    choose(browser, serve("xray.py"), "found")
    press(browser, Keys.ARROW_RIGHT)
    assert browser.find("#now").text == "Other lines ran."
    sides = [browser.find(f"#source-{side}") for side in ("left", "right")]
    ran = [[row.get_attribute("data-line") for row in
            side.find_elements("css selector", ".ran")] for side in sides]
    assert ran[0] and ran[1] and ran[0] != ran[1]
    browser.find("#tree .call.left").click()
    assert browser.find("#now").text == "Only the left request comes here."
    assert "does not come here" in sides[1].text and "def " in sides[0].text
    browser.find("#tree .call.right").click()
    assert "does not come here" in sides[0].text
    browser.find("#ends-right a").click()
    browser.wait_for(lambda: at_work(browser)["line"])
    assert "404" in browser.find("h1").text
    assert not at_work(browser)["step"].startswith("1 of")
    assert browser.errors() == []


LOOKS = [(dark, phone) for dark in (False, True) for phone in (False, True)]


def test_it_looks_well_by_day_and_by_night_on_a_desktop_and_a_phone(browser, serve):
    from selenium.webdriver.common.keys import Keys
    url = serve("xray.py")
    for dark, phone in LOOKS:
        name = f"{'dark' if dark else 'light'}-{'phone' if phone else 'desktop'}"
        browser.open(url, dark=dark, phone=phone)
        assert fits(browser)
        browser.picture(f"xray-{name}-choice")
        choose(browser, url, "known", dark=dark, phone=phone)
        press(browser, *[Keys.ARROW_DOWN] * 23, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        assert fits(browser)
        browser.picture(f"xray-{name}-one")
        if phone:       # the buttons stay at hand
            low = browser.find("[data-go=on]").rect
            seen = browser.run("return [scrollY, innerHeight]")
            assert low["y"] - seen[0] + low["height"] <= seen[1]
        before = at_work(browser)["step"]
        browser.find("[data-go=on]").click()
        assert at_work(browser)["step"] != before
        choose(browser, url, "cookie", dark=dark, phone=phone)
        press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        assert fits(browser)
        browser.picture(f"xray-{name}-two")
        shade = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", shade)[:3])) < 300) == dark
    assert browser.errors() == []


def test_the_keys_write_in_a_field_and_step_elsewhere(browser, serve):
    from selenium.webdriver.common.keys import Keys
    url = serve("xray.py")
    browser.open(url)
    field = browser.find("[name=path]")
    field.clear()
    field.send_keys("/hello/Bob", Keys.ENTER)       # the form is sent by keyboard
    browser.wait_for(lambda: browser.all("#tree .call.here"))
    assert browser.find("h1").text == "GET /hello/Bob"
    browser.open(f"{url}/")
    browser.find("button[value=static]").send_keys(Keys.ENTER)
    browser.wait_for(lambda: browser.all("#tree .call.here"))
    other = browser.find("select[name=right]")
    other.send_keys(Keys.ARROW_DOWN)
    assert at_work(browser)["step"].startswith("1 of")
    browser.find(".against button").send_keys(Keys.ENTER)
    browser.wait_for(lambda: browser.all("#ends-left dt"))
    assert "GET /hello/Bob" in browser.find("h1").text
    assert browser.errors() == []
