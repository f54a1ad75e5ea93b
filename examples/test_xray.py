"""Tests of the x-ray: it shows what runs, and changes nothing of it."""
import io
import sys
import threading
from pathlib import Path

import pytest

import microflask
import xray
from microflask import Flask

def examined(view):
    """Return the x-ray of an application of one view, and the view's steps."""
    app = Flask("small")
    app.root_path = str(Path(__file__).parent)
    app.add_url_rule("/", "view", view)
    found = xray.examine(app, xray.Asked())
    names = [found["functions"][call["function"]]["name"] for call in found["calls"]]
    return found, [(names[step[0]], *step[1:]) for step in found["steps"]]

@pytest.mark.parametrize("key, steps", [
    ("fixed", "send Flask.wsgi_app home Flask.process_response"), ("form", "note"),
    ("blueprint", "remember show sign"), ("missing", "not_here"), ("broken", "broken"),
    *((key, "") for key in xray.PRESETS)])
def test_a_preset_shows_its_steps_and_is_answered_as_usual(key, steps):
    found = xray.examine_preset(key)
    status, _, body = xray.send(
        xray.make_demo(), xray.make_environ(found["asked"], io.StringIO()))
    assert (found["status"], found["body"]) == (status, body.decode())
    assert not found["cut"] and not found["errors"]
    functions = found["functions"]
    assert {*steps.split()} <= {one["name"] for one in functions if one["step"]}
    for call, _, line, changes, _ in found["steps"]:
        function = functions[found["calls"][call]["function"]]
        assert 0 <= line - function["first"] < len(function["lines"])
    for function in functions:
        assert "&lt;span" not in "".join(function["lines"])
        chapter = xray.BOOK.chapter_of(function["first"])
        assert function["place"] in ("the application", "the server") or (
            function["place"] == f"{chapter.number}. {chapter.title}")

def test_the_steps_of_a_function_have_kinds_changes_and_values():
    def count():
        number = 1
        yield number
        del number
        raise KeyError("two")

    def view():
        try:
            return str(list(count()))
        except KeyError as error:
            return error.args[0]

    found, steps = examined(view)
    shown = {None: None, **{at: text for at, (text, _) in enumerate(found["values"])}}
    assert [(kind, [(name, shown[at]) for name, at in changes], shown[at])
            for name, kind, _, changes, at in steps if name == "count"] == [
        ("call", [], None), ("line", [], None), ("line", [("number", "1")], None),
        ("yield", [], "1"), ("call", [("number", "1")], None), ("line", [], None),
        ("line", [("number", None)], None), ("exception", [], "KeyError('two')"),
        ("raised", [], None)]
    assert found["body"] == "two"

@pytest.mark.parametrize("value, text", [
    (None, "None"), (-3, "-3"), ("a'b", '"a\'b"'), (b"raw", "b'raw'"),
    ([1, {"a": (2,)}], "[1, {'a': (...)}]"), (ValueError("no"), "ValueError('no')"),
    (list(range(9)), "[0, 1, 2, 3, 4, 5, ...]"), (Flask, "<type Flask>"),
    (microflask.MultiDict({"a": 1}), "MultiDict({'a': [1]})"),
    (microflask.LocalProxy(dict), "<LocalProxy>"), (Flask("one"), "<Flask>"),
    (microflask.Markup("<b>"), "Markup('<b>')"), ("the key", "<the secret key>")])
def test_a_value_is_described_in_short(value, text):
    assert xray.Writer(["the key"]).repr(value) == text

def test_a_recording_ends(monkeypatch):
    monkeypatch.setattr(xray, "SECONDS", 0.2)
    enough = threading.Event()
    assert "no answer within" in examined(lambda: enough.wait(60))[0]["errors"][0]
    enough.set()
    monkeypatch.setattr(xray, "SECONDS", 60)
    assert not examined(lambda: iter(lambda: "x\n", 0))[0]["errors"]
    long, _ = examined(lambda: str(sum(x for x in range(9999))))
    assert long["cut"] and long["body"] == "49985001"

def test_pages_show_presets_and_requests_of_your_own(tmp_path, monkeypatch):
    client = xray.app.test_client()
    assert "/preset/fixed" in client.get("/").text
    assert "404 NOT FOUND" in client.get("/preset/missing").text
    assert client.get("/preset/nobody").status_code == 404
    asked = {"method": "get", "path": "/shop/%C3%84da/3?a=b", "headers": "A: b"}
    assert "200 OK" in client.post("/request", data=asked).text
    for wrong in ({"path": "//x"}, {"method": "G T"}, {"headers": "no header"}):
        assert client.post("/request", data={**asked, **wrong}).status_code == 400
    other = {"Origin": "http://elsewhere.example"}
    assert client.post("/request", data=asked, headers=other).status_code == 403
    assert client.get("/", base_url="http://elsewhere.example").status_code == 400

    (tmp_path / "patient.py").write_text(
        "from microflask import Flask\nmade = Flask(__name__)\n"
        "@made.get('/')\ndef well():\n    return 'I am well'\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    client = xray.create_app(xray.load(f"{tmp_path}/patient.py:made")).test_client()
    assert "I am well" in client.post("/request", data={**asked, "path": "/"}).text

@pytest.mark.parametrize("phone", [False, True])
def test_keys_and_buttons_step_through_a_request(serve, browser, phone):
    from selenium.webdriver.common.keys import Keys
    url, find = serve("xray.py"), browser.driver.find_element

    def now(key):
        find("tag name", "body").send_keys(key)
        return find("id", "now").text

    for page in ("/", "/preset/visitor"):
        browser.open(url + page, dark=not phone, phone=phone)
        assert browser.driver.execute_script(
            "return document.documentElement.scrollWidth <= innerWidth")
    assert now(Keys.ARROW_DOWN) == "Flask.wsgi_app is called"
    assert "runs next" in now(Keys.ARROW_RIGHT)
    assert "send returns" in now(Keys.END)
    assert now(Keys.HOME) == "send is called"
    while now(Keys.ARROW_DOWN) != "visits is called":
        assert "start_response" not in find("id", "now").text
    assert "visits" in find("css selector", "#tree .here").text
    assert "def visits" in find("id", "source").text
    for _ in range(3):
        find("css selector", "[data-key=ArrowRight]").click()
    assert find("id", "now").text == "visits returns 'Visit 2'"
    few = find("id", "count").text.split()[-1]
    find("id", "all").click()
    assert int(find("id", "count").text.split()[-1]) > 2 * int(few)
