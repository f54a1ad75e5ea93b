"""The examples: what their servers answer, and what people see in a real Chromium."""
import contextlib
import importlib
import io
import json
import os
import random
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import urllib.request
import zlib
from pathlib import Path
from uuid import UUID

import pytest
import simple_websocket

import api
import chat
import echo
import login
import routing
import spa
import todo
import upload
from test_microflask import devserver_process, program

FOLDER = Path(__file__).resolve().parent
APPS = ["api", "chat", "echo", "login", "routing", "spa", "todo", "upload"]
CHAPTERS = re.findall(
    r"^# \d+\. (.+?)(?:  \(.*\))?$",
    (FOLDER.parent / "microflask.py").read_text(), re.M)


@pytest.fixture(autouse=True)
def kept_here(tmp_path, monkeypatch):
    """What the examples keep is kept in the test's own folder."""
    monkeypatch.setitem(api.app.config, "DATABASE", str(tmp_path / "api.sqlite"))
    monkeypatch.setitem(login.app.config, "DATABASE", str(tmp_path / "login.sqlite"))
    monkeypatch.setitem(upload.app.config, "FOLDER", str(tmp_path / "pictures"))
    monkeypatch.setattr(chat, "room", chat.Room())
    monkeypatch.setenv("API_DATABASE", str(tmp_path / "served-api.sqlite"))
    monkeypatch.setenv("LOGIN_DATABASE", str(tmp_path / "served-login.sqlite"))
    monkeypatch.setenv("UPLOAD_FOLDER", str(tmp_path / "served-pictures"))
    monkeypatch.delenv("SECRET_KEY", raising=False)


class Visitor:
    """A test client that sends the session's token along with each form."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, **form):
        with self.client.session_transaction() as session:
            form["token"] = session.setdefault("token", "t0ken")
        return self.client.post(path, data=form, follow_redirects=True)


def picture(width=40, height=30, color=(250, 180, 60)):
    """A PNG, a slope of one colour; not compressed, so that its size is no surprise."""
    rows = b"".join(
        b"\0" + bytes(value * (x + 2 * y) // (width + 2 * height)
                      for x in range(width) for value in color)
        for y in range(height))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


# What is common to all


@pytest.mark.parametrize("name", [*APPS, "deploy/app"])
def test_the_docstring_names_chapters_that_are_there(name):
    text = (FOLDER / f"{name}.py").read_text()
    docstring = re.match(r'r?"""(.+?)"""', text, re.S)[1]
    named = re.search(r"Read on in microflask\.py: (.+)\.\s*\Z", docstring, re.S)[1]
    assert set(re.split(r";\s+", named.replace("\n", " "))) <= set(CHAPTERS)
    if name in APPS:
        assert f"python examples/{name}.py" in docstring


@pytest.mark.parametrize("name", APPS)
def test_a_page_loads_nothing_from_elsewhere_and_finds_all_it_names(name):
    client = importlib.import_module(name).app.test_client()
    page = client.get("/")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    loaded = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]*)"', page.text)
    assert "/static/style.css" in loaded
    for url in loaded:
        with client.get(url) as answer:
            assert url.startswith("/") and answer.status_code == 200
    page.close()


def test_the_stylesheet_loads_nothing():
    assert not re.search(r"url\(|@import", (FOLDER / "static/style.css").read_text())


# Chat


def events(client, **headers):
    """The answer with the events, and an iterator over their fields, as dicts."""
    answer = client.get("/events", headers=headers)
    text = (piece.decode() for piece in answer.iter_encoded())
    return answer, (dict(re.findall(r"^(\w+): (.*)$", piece, re.M)) for piece in text)


def say(client, text, name="Ada"):
    return client.post("/say", data={"name": name, "text": text})


def test_an_event_stream_begins_with_what_was_said_and_goes_on():
    client = chat.app.test_client()
    assert say(client, "first").status_code == 204
    answer, stream = events(client)
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert next(stream) == {"retry": "1000"}
    first = next(stream)
    assert json.loads(first["data"]) == {
        "id": int(first["id"]), "name": "Ada", "text": "first"}
    assert next(stream) == {"event": "readers", "data": "1"}
    say(client, "second")
    assert json.loads(next(stream)["data"])["text"] == "second"
    answer.close()
    assert chat.room.readers == 0


def test_a_reader_who_comes_back_gets_only_what_was_missed():
    client = chat.app.test_client()
    for text in ("first", "second", "third"):
        say(client, text)
    seen = chat.room.messages[0]["id"]
    answer, stream = events(client, **{"Last-Event-ID": str(seen)})
    next(stream)
    assert [json.loads(next(stream)["data"])["text"] for _ in range(2)] == [
        "second", "third"]
    assert next(stream)["event"] == "readers"
    answer.close()


def test_a_reader_gets_a_sign_of_life_when_nothing_is_said(monkeypatch):
    monkeypatch.setattr(chat, "PATIENCE", 0.05)
    answer = chat.app.test_client().get("/events")
    pieces = answer.iter_encoded()
    assert [next(pieces) for _ in range(3)][2] == b": still here\n\n"
    answer.close()


@pytest.mark.parametrize("form, status", [
    ({"name": "Ada", "text": "x" * 1000}, 204),
    ({"name": "Ada", "text": "x" * 1001}, 400),
    ({"name": "Ada", "text": "  "}, 400),
    ({"name": "x" * 31, "text": "hello"}, 400),
    ({"name": "", "text": "hello"}, 400),
    ({"name": "Ada"}, 400),
    ({"name": "Ada", "text": "x" * 20_000}, 413),
])
def test_a_message_is_checked(form, status):
    answer = chat.app.test_client().post("/say", data=form)
    assert (answer.status_code, len(chat.room.messages)) == (status, status == 204)


def test_a_message_of_several_lines_is_one_event():
    client = chat.app.test_client()
    say(client, "one\n\nid: 7\ndata: two")
    answer, stream = events(client)
    next(stream)
    assert json.loads(next(stream)["data"])["text"] == "one\n\nid: 7\ndata: two"
    answer.close()


# Echo

HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "http://localhost"}


@pytest.mark.parametrize("changed, status", [
    ({"Origin": "http://elsewhere.example"}, 403),
    ({"Origin": None}, 403),
    ({"Sec-WebSocket-Key": None}, 400),
    ({"Upgrade": None}, 400),
])
def test_only_a_handshake_from_our_own_page_is_taken(changed, status):
    headers = {k: v for k, v in {**HANDSHAKE, **changed}.items() if v is not None}
    assert echo.app.test_client().get("/echo", headers=headers).status_code == status


def test_without_simple_websocket_page_and_answer_say_what_is_missing(monkeypatch):
    monkeypatch.setattr(echo, "simple_websocket", None)
    client = echo.app.test_client()
    assert "pip install simple-websocket" in client.get("/").text
    answer = client.get("/echo", headers=HANDSHAKE)
    assert answer.status_code == 501
    assert "pip install simple-websocket" in answer.text


def test_the_web_socket_is_served_by_gunicorn_too(tmp_path):
    port, log = free_ports(), tmp_path / "log.txt"
    command = [sys.executable, "-m", "gunicorn", "--chdir", FOLDER, "-k", "gthread",
               "--threads", "4", "--bind", f"127.0.0.1:{port}", "echo:app"]
    with open(log, "w") as output, subprocess.Popen(
            command, stderr=output, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(FOLDER.parent)}) as process:
        try:
            until = time.monotonic() + 20
            while "Booting worker" not in log.read_text():
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.05)
            for _ in range(6):      # more than threads: each gives its own back
                client = simple_websocket.Client.connect(
                    f"ws://127.0.0.1:{port}/echo", None, {"Origin": "http://127.0.0.1"})
                for message in ("Grüße", b"\0\xff"):
                    client.send(message)
                    assert client.receive(timeout=5) == message
                client.close()
                client.thread.join(5)
        finally:
            process.terminate()
            process.wait(10)
    assert "Traceback" not in log.read_text()


# Routing

PATHS = [
    ("/hello/Ada", 200, "Hello, Ada!"),
    ("/hello/A", 404, "Which"),
    ("/hello/%3Cb%3E", 200, "Hello, &lt;b&gt;!"),
    ("/square/12", 200, "The square of 12 is 144."),
    ("/square/1000001", 404, ""),
    ("/square/-1", 404, ""),
    ("/circle/2.0", 200, "12.57"),
    ("/circle/2", 404, ""),
    ("/file/a/b/c.txt", 200, "has 2 folders above it"),
    ("/red", 200, "Red is a fine colour."),
    ("/pink", 404, ""),
    (f"/thing/{UUID(int=7)}", 200, "is 7."),
    ("/day/2031-05-04", 200, "4 May 2031 is a Sunday."),
    ("/day/2031-02-30", 404, ""),
    ("/day/9999-12-31", 200, "is a Friday."),
    ("/sorted/pear+apple", 200, "In order: apple, pear."),
    ("/news/", 200, "News, page 1."),
    ("/news/1", 308, "/news/"),
    ("/news", 308, "/news/"),
    ("/news/3", 200, "News, page 3."),
    ("/order", 405, ""),
]


@pytest.mark.parametrize("path, status, words", PATHS)
def test_each_converter_takes_what_it_should(path, status, words):
    answer = routing.app.test_client().get(path)
    assert answer.status_code == status
    if status == 308:
        assert answer.location == f"http://localhost{words}"
    elif status == 200:
        assert words in answer.text
    elif status == 405:
        assert set(answer.allow) == {"OPTIONS", "POST"}


def test_each_example_link_leads_to_its_own_rule():
    client = routing.app.test_client()
    with routing.app.test_request_context():
        examples = routing.examples()
    assert set(examples) == {
        rule.endpoint for rule in routing.app.url_map.iter_rules()
        if rule.arguments} - {"static"}
    for endpoint, path in examples.items():
        page = client.get(path)
        here = re.search(r'class="here".*?</tr>', page.text, re.S)
        assert page.status_code == 200 and f"<td>{endpoint}</td>" in here[0]


@pytest.mark.parametrize("path, method, words", [
    ("/square/7", "GET", "number = 7"),
    ("square/7", "GET", "number = 7"),
    ("/day/2031-05-04", "GET", "day = datetime.date(2031, 5, 4)"),
    ("/sorted/a+b", "GET", "words = [&#39;a&#39;, &#39;b&#39;]"),
    ("/order", "POST", "no values"),
    ("/order", "GET", "405, a rule matches, but for OPTIONS, POST"),
    ("/news/1", "GET", "308, on to http://localhost/news/"),
    ("/square/x", "GET", "404, no rule matches"),
    ("/echo/<b>", "GET", "404, no rule matches"),
    ("//elsewhere.example/", "GET", "404, no rule matches"),
])
def test_a_path_can_be_tried(path, method, words):
    answer = routing.app.test_client().get(
        "/", query_string={"path": path, "method": method})
    assert answer.status_code == 200
    tried = re.search(r'id="tried">(.*?)</p>', answer.text, re.S)[1]
    assert words in re.sub(r"<.*?>", "", tried)


# To do


def test_a_task_is_added_done_and_taken_away():
    visitor = Visitor(todo.app)
    page = visitor.post("/add", text="Read chapter 16")
    assert [answer.status_code for answer in page.history] == [302]
    assert "Added “Read chapter 16”." in page.text and "1 open of 1" in page.text
    assert "Added" not in visitor.get("/").text
    page = visitor.post("/task/1/done")
    assert 'aria-checked="true"' in page.text and "0 open of 1" in page.text
    assert 'aria-checked="false"' in visitor.post("/task/1/open").text
    visitor.post("/task/1/done")
    assert "Taken away: 1." in visitor.post("/tidy").text


@pytest.mark.parametrize("path, form, status, words", [
    ("/add", {"text": "  "}, 200, "A task needs some words."),
    ("/add", {"text": "<b>&"}, 200, "&lt;b&gt;&amp;"),
    ("/add", {}, 400, ""),
    ("/task/9/done", {}, 404, ""),
    ("/task/1/other", {}, 404, ""),
])
def test_odd_forms_of_the_list(path, form, status, words):
    answer = Visitor(todo.app).post(path, **form)
    assert answer.status_code == status and words in answer.text
    assert "<b>&" not in answer.text


@pytest.mark.parametrize("app", [todo.app, login.app])
@pytest.mark.parametrize("form", [
    {}, {"token": ""}, {"token": "é"}, {"token": "0" * 32}])
def test_a_form_without_the_sessions_token_is_refused(app, form):
    client = app.test_client()
    client.get("/")
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods:
            path = re.sub("<int.*?>", "1", rule.rule)
            path = re.sub("<any.*?>", "done", path)
            assert client.post(path, data={"text": "x", **form}).status_code == 400


def test_the_list_never_outgrows_its_cookie():
    visitor = Visitor(todo.app)
    for number in range(60):
        page = visitor.post("/add", text=f"{number} " + "\U0001f600ß" * 49)
        cookie = visitor.client.get_cookie("session")
        assert len(cookie.value) < 4000
    assert "The list is full." in page.text


# API


def test_a_book_lives():
    client = api.app.test_client()
    emma = {"title": "Emma", "author": "Jane Austen", "year": 1815}
    made = client.post("/books", json=emma)
    assert (made.status_code, made.location) == (201, "/books/1")
    assert made.json == {"id": 1, "url": "/books/1", **emma}
    assert client.get("/books/1").json == made.json
    changed = client.patch("/books/1", json={"year": 1816})
    assert changed.json == {**made.json, "year": 1816}
    put = client.put("/books/1", json={"title": "Emma", "author": "J. A."})
    assert put.json == {**made.json, "author": "J. A.", "year": None}
    gone = client.delete("/books/1")
    assert (gone.status_code, gone.data) == (204, b"")
    assert client.get("/books/1").status_code == 404
    assert client.post("/books", json=emma).json["id"] == 2


GOOD = {"title": "Emma", "author": "Jane Austen"}

MISTAKES = [
    ("GET", "/books/1", None, 404, "There is no book 1."),
    ("GET", "/nowhere", None, 404, ""),
    ("DELETE", "/books", None, 405, ""),
    ("POST", "/books", "{", 400, ""),
    ("POST", "/books", None, 415, ""),
    ("POST", "/books", [], 400, "The body must be a JSON object."),
    ("POST", "/books", {}, 400, "author must be a text of 1 to 200 characters; title"),
    ("POST", "/books", {**GOOD, "title": " "}, 400, "title must be a text"),
    ("POST", "/books", {**GOOD, "title": 7}, 400, "title must be a text"),
    ("POST", "/books", {**GOOD, "title": "\ud800"}, 400, "title must be a text"),
    ("POST", "/books", {**GOOD, "year": "1815"}, 400, "year must be a whole number"),
    ("POST", "/books", {**GOOD, "year": True}, 400, "year must be a whole number"),
    ("POST", "/books", {**GOOD, "id": 7}, 400, "id is not known"),
    ("PATCH", "/books/1", {"year": 2000}, 404, "There is no book 1."),
    ("PATCH", "/books/1", {"title": None}, 400, "title must be a text"),
    ("PUT", "/books/1", {"title": "Emma"}, 400, "author must be a text"),
    ("POST", "/books", {**GOOD, "title": "x" * 20_000}, 413, ""),
]


@pytest.mark.parametrize("method, path, body, status, words", MISTAKES)
def test_every_error_is_json(method, path, body, status, words):
    options = {"json": body} if isinstance(body, (dict, list)) else {}
    if isinstance(body, str):
        options = {"data": body, "content_type": "application/json"}
    answer = api.app.test_client().open(path, method=method, **options)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert answer.json["code"] == status and words in answer.json["description"]
    assert status != 405 or "POST" in answer.headers["Allow"]


def test_a_long_list_comes_in_pages():
    client = api.app.test_client()
    for number in range(5):
        client.post("/books", json={**GOOD, "title": f"Volume {number}"})
    url, pages = "/books?limit=2", []
    while url:
        answer = client.get(url).json
        pages.append([book["id"] for book in answer["books"]])
        url = answer.get("next")
    assert pages == [[1, 2], [3, 4], [5]]
    for query in ("limit=0", "limit=-1", "limit=x", f"after={'9' * 30}", "after=-7"):
        assert client.get(f"/books?{query}").status_code == 200


def test_what_the_client_has_is_not_sent_again():
    client = api.app.test_client()
    etag = client.get("/books").headers["ETag"]
    assert client.get("/books", headers={"If-None-Match": etag}).status_code == 304
    client.post("/books", json=GOOD)
    assert client.get("/books", headers={"If-None-Match": etag}).status_code == 200


# Upload


def sent(client, *files, json=True):
    data = {"picture": [(io.BytesIO(data), name) for data, name in files]}
    accept = {"Accept": "application/json" if json else "text/html"}
    return client.post("/", data=data, headers=accept)


@pytest.mark.parametrize("data, name, status, kept", [
    (picture(), "sun.png", 201, "sun.png"),
    (b"GIF89a...", "a b.GIF", 201, "a_b.gif"),
    (b"\xff\xd8\xff\xe0", "photo.jpeg", 201, "photo.jpg"),
    (picture(), "page.html", 201, "page.png"),
    (picture(), "../../etc/passwd", 201, "etc_passwd.png"),
    (picture(), "...", 201, "picture.png"),
    (b"<svg onload='alert(1)'/>", "drawing.svg", 415, None),
    (b"<script>alert(1)</script>", "fake.png", 415, None),
    (b"", "empty.png", 415, None),
    (b"\xff\xd8\xff" + b"x" * 9_000_000, "big.jpg", 413, None),
])
def test_a_file_is_taken_for_what_it_is(data, name, status, kept):
    client = upload.app.test_client()
    answer = sent(client, (data, name))
    assert answer.status_code == status
    files = [path.name.partition("-")[2] for path in upload.folder().iterdir()]
    assert files == ([kept] if kept else [])
    if kept:
        [entry] = answer.json["pictures"]
        with client.get(entry["url"]) as shown:
            assert shown.data == data
            assert shown.mimetype == f"image/{kept[-3:].replace('jpg', 'jpeg')}"
            assert shown.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in shown.headers["Content-Security-Policy"]
    else:
        assert answer.json["error"]


def test_one_bad_file_and_none_is_kept():
    client = upload.app.test_client()
    answer = sent(client, (picture(), "good.png"), (b"bad", "bad.png"), json=False)
    assert answer.status_code == 415
    assert "bad.png is no GIF, JPEG or PNG." in answer.text
    assert not list(upload.folder().iterdir())


def test_without_a_script_the_form_works_as_well():
    client = upload.app.test_client()
    answer = sent(client, (picture(), "one.png"), (picture(), "two.png"), json=False)
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/").text.count("<figure>") == 2
    assert client.post("/").status_code == 400


def test_the_gallery_has_an_end(monkeypatch):
    monkeypatch.setitem(upload.app.config, "ROOM", 2)
    client = upload.app.test_client()
    one = (picture(), "one.png")
    assert [sent(client, *[one] * number).status_code for number in (1, 2, 1, 1)] == [
        201, 409, 201, 409]


@pytest.mark.parametrize("path", [
    "/picture/none.png", "/picture/..%2fapi.sqlite", "/picture/%2fetc%2fpasswd",
    "/picture/",
])
def test_nothing_but_pictures_can_be_fetched(path):
    assert upload.app.test_client().get(path).status_code == 404


# Single-page app


@pytest.mark.parametrize("path, status, mimetype", [
    ("/", 200, "text/html"),
    ("/planet/mars", 200, "text/html"),
    ("/any/other/path", 200, "text/html"),
    ("/static/spa/app.js", 200, "text/javascript"),
    ("/static/spa/none.js", 404, "application/json"),
    ("/api/planets", 200, "application/json"),
    ("/api/planets/mars", 200, "application/json"),
    ("/api/planets/pluto", 404, "application/json"),
    ("/api/none", 404, "application/json"),
    ("/api/", 404, "application/json"),
])
def test_each_path_is_the_pages_or_the_apis(path, status, mimetype):
    with spa.app.test_client().get(path) as answer:
        assert (answer.status_code, answer.mimetype) == (status, mimetype)


# Login


def entered(name, password="correct horse"):
    """A visitor who has registered and logged in; the first of all is an admin."""
    visitor = Visitor(login.app)
    visitor.post("/register", name=name, password=password)
    page = visitor.post("/login", name=name, password=password)
    assert f"Good to see you, {name}." in page.text
    return visitor


def test_passwords_are_stored_as_hashes_only():
    entered("ada")
    with contextlib.closing(sqlite3.connect(login.app.config["DATABASE"])) as db:
        [(stored,)] = db.execute("SELECT password FROM account")
    assert stored.startswith("scrypt:") and "correct horse" not in stored


def test_each_role_opens_its_pages():
    ada, otto, nobody = entered("ada"), entered("otto"), Visitor(login.app)
    pages = {"/": 0, "/news": 1, "/desk": 2, "/accounts": 3}
    for visitor, level in [(ada, 3), (otto, 1)]:
        statuses = {path: visitor.get(path).status_code for path in pages}
        assert statuses == {p: 200 if n <= level else 403 for p, n in pages.items()}
    for path, needed in pages.items():
        assert nobody.get(path).status_code == (302 if needed else 200)
    assert otto.post("/accounts/2", role="admin").status_code == 403
    assert ada.post("/accounts/2", role="editor").status_code == 200
    assert otto.get("/desk").status_code == 200        # at once, in the old session
    assert ada.post("/accounts/2", role="king").status_code == 400
    assert ada.post("/accounts/1", role="reader").status_code == 400


@pytest.mark.parametrize("name, password, words", [
    ("x", "correct horse", "A name has 2 to 30 letters"),
    ("a b", "correct horse", "A name has 2 to 30 letters"),
    ("<b>", "correct horse", "A name has 2 to 30 letters"),
    ("otto", "short", "A password has at least 10 characters."),
    ("ADA", "correct horse", "The name ADA is taken."),
])
def test_an_account_is_checked(name, password, words):
    entered("ada")
    answer = Visitor(login.app).post("/register", name=name, password=password)
    assert answer.status_code == 400 and words in answer.text


@pytest.mark.parametrize("name, password", [
    ("ada", "wrong horse"), ("nobody", "correct horse"), ("' OR 1=1 --", "x"), ("", ""),
])
def test_a_wrong_name_and_a_wrong_password_sound_the_same(name, password):
    entered("ada")
    visitor = Visitor(login.app)
    answer = visitor.post("/login", name=name, password=password)
    assert answer.status_code == 400 and "do not belong together" in answer.text
    assert visitor.get("/news").status_code == 302


@pytest.mark.parametrize("target, location", [
    ("/desk", "/desk"),
    ("/desk?a=1&b=%20", "/desk?a=1&b=%20"),
    ("", "/"),
    ("desk", "/"),
    ("//elsewhere.example", "/"),
    ("/\\elsewhere.example", "/"),
    ("/\t/elsewhere.example", "/"),
    ("\\\\elsewhere.example", "/"),
    ("https://elsewhere.example/", "/"),
    ("https:elsewhere.example", "/"),
    ("javascript:alert(1)", "/"),
    ("/x\r\nSet-Cookie: a=b", "/"),
])
def test_next_never_leads_to_another_site(target, location):
    visitor = entered("ada")
    with visitor.client.session_transaction() as session:
        form = {"name": "ada", "password": "correct horse", "token": session["token"]}
    answer = visitor.client.post("/login", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.location) == (302, location)


def test_a_login_begins_a_new_session_and_a_logout_ends_it():
    visitor = Visitor(login.app)
    visitor.post("/register", name="ada", password="correct horse")
    with visitor.client.session_transaction() as session:
        session["planted"] = "before"
    visitor.post("/login", name="ada", password="correct horse")
    with visitor.client.session_transaction() as session:
        assert "planted" not in session and session["account"] == 1
    visitor.post("/logout")
    assert visitor.get("/news").status_code == 302
    cookie = visitor.client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


# In a real browser


LOOKS = [(False, False), (True, False), (False, True), (True, True)]


def looked_at(browser, url, name):
    """Show the page in light and dark, on desktop and phone; each time it fits.

    The tab key leads to something, and one can see to what.
    """
    for dark, phone in LOOKS:
        browser.open(url, dark=dark, phone=phone)
        browser.wait_for(lambda: browser.all("h1"))
        fits(browser)
        browser.picture(f"{name}-{'dark' if dark else 'light'}"
                        f"-{'phone' if phone else 'desktop'}")
    press(browser, "\ue004")
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle"
                       " + document.activeElement.matches('a, button, input')"
                       ) == "solidtrue"


def fits(browser):
    """Nothing is wider than the window, and all that one can use has a name."""
    width, window = browser.run(
        "return [document.documentElement.scrollWidth, innerWidth]")
    assert width <= window
    assert len(browser.all("h1")) == 1
    assert not browser.run(
        "return [...document.querySelectorAll('input, select, textarea, button, a')]"
        ".filter(e => e.type !== 'hidden' && !e.textContent.trim() && !e.labels?.length"
        " && !e.querySelector('img[alt]')).map(e => e.outerHTML)")


def press(browser, *keys):
    """Press keys, wherever the focus is."""
    from selenium.webdriver import ActionChains
    ActionChains(browser.driver, 0).send_keys(*keys).perform()


def focused(browser):
    return browser.run("return document.activeElement.textContent.trim()"
                       " || document.activeElement.name")


def fill(browser, **fields):
    for name, value in fields.items():
        browser.find(f"[name={name}]").send_keys(value)


def texts(browser, selector):
    """The texts of all elements, in one step: no page can change in between."""
    return browser.run("return [...document.querySelectorAll(arguments[0])]"
                       ".map(element => element.innerText.trim())", selector)


def text(browser, selector):
    """The text of the first element, or an empty one."""
    return next(iter(texts(browser, selector)), "")


@contextlib.contextmanager
def second_window(browser):
    """A window beside the first; it is closed, and the first is there again."""
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("window")
    try:
        yield lambda: browser.driver.switch_to.window(first)
    finally:
        for handle in browser.driver.window_handles:
            if handle != first:
                browser.driver.switch_to.window(handle)
                browser.driver.close()
        browser.driver.switch_to.window(first)


def test_two_windows_of_the_chat_see_each_others_messages(browser, serve):
    url = serve("chat.py")
    browser.open(url)
    fill(browser, name="Ada", text="Is anybody <b>there</b>?\n")
    with second_window(browser) as to_first:
        browser.open(url, dark=True, phone=True)
        browser.wait_for(lambda: texts(browser, "#messages p") == [
            "Is anybody <b>there</b>?"])
        fill(browser, name="Otto", text="Yes, I am. And the message before came here"
             " though it was said before I was.\n")
        browser.wait_for(lambda: len(texts(browser, "#messages .mine")) == 1)
        assert text(browser, "#state") == "2 are here"
        fits(browser)
        browser.picture("chat-dark-phone")
        to_first()
        browser.wait_for(lambda: texts(browser, "#messages .by") == ["Ada", "Otto"])
        assert browser.run("return document.activeElement.name") == "text"
        browser.picture("chat-light-desktop")
    fill(browser, text="Where did you go?\n")
    browser.wait_for(lambda: len(browser.all("#messages .mine")) == 2)
    fits(browser)
    assert not browser.errors()


def test_the_chat_comes_back_when_its_server_does(browser, tmp_path):
    command = [
        FOLDER.parent / "microflask.py", "--app", FOLDER / "chat.py", "run", "-p"]
    with devserver_process(tmp_path, *command, 0) as (_, port, _):
        browser.open(f"http://127.0.0.1:{port}")
        fill(browser, name="Ada", text="before\n")
        browser.wait_for(lambda: texts(browser, "#messages p") == ["before"])
    browser.wait_for(lambda: "lost" in text(browser, "#state"))
    with devserver_process(tmp_path, *command, port):
        browser.wait_for(lambda: text(browser, "#state") == "Only you are here", 15)
        fill(browser, text="after\n")
        browser.wait_for(lambda: texts(browser, "#messages p") == ["before", "after"])
        browser.driver.get("about:blank")


def test_the_web_socket_says_everything_back(browser, serve):
    url = serve("echo.py")
    looked_at(browser, url, "echo-empty")
    browser.open(url)
    browser.wait_for(lambda: text(browser, "#state") == "Connected")
    for words in ("x" * 1000, "Hello?", "<i>Grüße</i> \U0001f600"):
        browser.run("document.querySelector('[name=text]').value = arguments[0]", words)
        browser.find("form button").click()
        browser.wait_for(lambda: texts(browser, ".theirs")[-1:] == [words])
    assert texts(browser, ".theirs") == texts(browser, ".mine")
    fits(browser)
    browser.picture("echo-light-desktop")
    browser.find("#close").click()
    browser.wait_for(lambda: text(browser, "#state") == "Closed with code 1000")
    browser.find("#again").click()
    browser.wait_for(lambda: text(browser, "#state") == "Connected")
    too_long = "socket.send('x'.repeat(70000))"
    browser.run(too_long)
    browser.wait_for(lambda: text(browser, "#state") == "Closed with code 1009")
    assert not browser.errors()


def test_a_path_is_tried_in_the_browser(browser, serve):
    url = serve("routing.py")
    looked_at(browser, url, "routing")
    browser.open(url)
    fill(browser, path="/day/2031-05-04\n")
    browser.wait_for(lambda: browser.all("tr.here"))
    assert "datetime.date(2031, 5, 4)" in text(browser, "#tried")
    fits(browser)
    browser.picture("routing-tried-light-desktop")
    browser.find("tr.here a").click()
    browser.wait_for(lambda: text(browser, "h1") == "4 May 2031 is a Sunday.")
    looked_at(browser, browser.driver.current_url, "routing-day")
    assert not browser.errors()


def test_the_list_is_kept_by_keyboard_alone(browser, serve):
    url = serve("todo.py")
    tab, enter, space = "\ue004", "\ue007", " "
    looked_at(browser, url, "todo-empty")
    browser.open(url)
    for number, words in enumerate(["Read chapter 16", "Water the plants", "Sleep"], 1):
        browser.wait_for(lambda: focused(browser) == "text")     # it has the focus
        press(browser, words, enter)
        browser.wait_for(lambda: len(browser.all(".tick")) == number)
    browser.wait_for(lambda: focused(browser) == "text")
    press(browser, tab, tab, tab)
    assert focused(browser) == "Water the plants"
    press(browser, space)
    browser.wait_for(lambda: browser.all("[aria-checked=true]"))
    looked_at(browser, url, "todo")
    browser.open(url)
    browser.wait_for(lambda: focused(browser) == "text")
    press(browser, *[tab] * 5)
    assert focused(browser) == "Take away what is done"
    press(browser, enter)
    browser.wait_for(lambda: texts(browser, ".tick") == ["Read chapter 16", "Sleep"])
    assert text(browser, ".flash") == "Taken away: 1."
    assert not browser.errors()


def test_the_api_is_asked_from_its_page(browser, serve):
    url = serve("api.py")
    browser.open(url)

    def asked(line, status):
        browser.driver.find_element("xpath", f"//button[text()='{line}']").click()
        browser.wait_for(lambda: text(browser, "#status") == status)
        return json.loads(text(browser, "#answer"))

    assert asked("List", "200 OK") == {"books": []}
    assert asked("Add", "201 CREATED")["url"] == "/books/1"
    assert asked("Change", "200 OK")["year"] == 1816
    assert not browser.errors()
    mistake = asked("A mistake", "400 BAD REQUEST")
    assert "title must be a text" in mistake["description"]
    fits(browser)
    browser.picture("api-mistake-light-desktop")
    assert all(" 400 " in error for error in browser.errors())
    looked_at(browser, url, "api")
    assert not browser.errors()


def test_pictures_are_uploaded_with_a_progress_bar(browser, serve, tmp_path):
    url = serve("upload.py")
    colors = {"dawn": (250, 170, 60), "sea": (40, 130, 220), "wood": (60, 170, 90)}
    for name, color in colors.items():
        (tmp_path / f"{name}.png").write_bytes(picture(480, 360, color))
    looked_at(browser, url, "upload-empty")
    browser.open(url)
    chosen = "\n".join(str(tmp_path / f"{name}.png") for name in colors)
    browser.find("[type=file]").send_keys(chosen)

    def throttle(rate):
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": False, "latency": 0, "downloadThroughput": -1,
            "uploadThroughput": rate})

    throttle(1_000_000)
    try:
        browser.find("form button").click()
        def part():
            return browser.find("progress").get_property("value")

        seen = [browser.wait_for(part)]
        while seen[-1] < 100 and len(seen) < 1000:
            seen.append(part())
            if 30 < seen[-1] < 70:
                browser.picture("upload-progress")
        assert seen == sorted(seen) and [p for p in seen if 10 < p < 90]
    finally:
        throttle(-1)
    browser.wait_for(lambda: len(browser.all("#gallery img")) == 3)
    browser.wait_for(lambda: browser.run(
        "return [...document.images].every(i => i.complete && i.naturalWidth === 480)"))
    assert text(browser, "#count") == "3"
    looked_at(browser, url, "upload")
    assert texts(browser, "figcaption") == ["wood.png", "sea.png", "dawn.png"]
    assert not browser.errors()
    fake = tmp_path / "fake.png"
    fake.write_text("no picture")
    browser.find("[type=file]").send_keys(str(fake))
    browser.find("form button").click()
    browser.wait_for(lambda: text(browser, "#error") == (
        "fake.png is no GIF, JPEG or PNG."))
    huge = tmp_path / "huge.png"
    huge.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(9_000_000))
    browser.find("[type=file]").clear()
    browser.find("[type=file]").send_keys(str(huge))
    browser.find("form button").click()
    browser.wait_for(lambda: text(browser, "#error") == "That is too much at once.")
    browser.picture("upload-error")


def test_the_single_page_app_has_a_history(browser, serve):
    url = serve("spa.py")
    looked_at(browser, url, "spa")
    browser.open(url)
    browser.wait_for(lambda: browser.all(".cards a"))
    browser.run("window.mark = 'not loaded again'")
    browser.driver.find_element("link text", "Mars").click()
    browser.wait_for(lambda: texts(browser, "h1") == ["Mars"])
    assert browser.driver.current_url == f"{url}/planet/mars"
    assert browser.driver.title == "Mars · Planets"
    assert focused(browser) == "Mars"
    browser.driver.back()
    browser.wait_for(lambda: texts(browser, "h1") == ["Eight planets"])
    browser.driver.forward()
    browser.wait_for(lambda: texts(browser, "h1") == ["Mars"])
    assert browser.run("return window.mark") == "not loaded again"
    browser.driver.refresh()
    browser.wait_for(lambda: texts(browser, "h1") == ["Mars"])
    assert browser.run("return window.mark") is None
    looked_at(browser, f"{url}/planet/mars", "spa-mars")
    browser.open(f"{url}/no/such/page")
    browser.wait_for(lambda: texts(browser, "h1") == ["Nothing here"])
    assert not browser.errors()


def test_accounts_roles_and_a_safe_next_in_the_browser(browser, serve):
    url = serve("login.py")
    looked_at(browser, f"{url}/login?next=//elsewhere.example/", "login-form")

    def submit(path, **fields):
        browser.open(url + path)
        fill(browser, **fields)
        browser.find(".sheet button").click()

    def log_out():
        browser.find("nav button").click()
        browser.wait_for(lambda: text(browser, ".flash") == "You are logged out.")

    for name in ("ada", "otto"):
        submit("/register", name=name, password="correct horse")
        browser.wait_for(lambda: browser.driver.current_url == f"{url}/login")
    submit("/login?next=//elsewhere.example/", name="otto", password="correct horse")
    browser.wait_for(lambda: browser.driver.current_url == f"{url}/")
    assert not browser.errors()
    browser.open(f"{url}/desk")
    assert text(browser, "h1") == "Forbidden"
    browser.errors()        # Chromium counts the 403 as one
    log_out()
    browser.open(f"{url}/accounts")
    assert browser.driver.current_url == f"{url}/login?next=/accounts"
    fill(browser, name="ada", password="correct horse")
    browser.find(".sheet button").click()
    browser.wait_for(lambda: texts(browser, "h1") == ["Accounts"])
    browser.find("button[value=editor]").click()
    browser.wait_for(lambda: texts(browser, "td strong") == ["editor"])
    looked_at(browser, f"{url}/accounts", "login-accounts")
    log_out()
    submit("/login?next=/desk", name="otto", password="correct horse")
    browser.wait_for(lambda: texts(browser, "h1") == ["The editors' desk"])
    assert not browser.errors()


# Deployment


def free_ports():
    """The first of three ports in a row that are free."""
    for _ in range(1000):
        first = random.randrange(20_000, 30_000)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + 3):
                    sock = stack.enter_context(socket.socket())
                    sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first


def answer_of(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def test_nginx_carries_a_session_from_one_instance_to_the_other(browser, tmp_path):
    program("nginx")
    port = free_ports()
    url = f"http://127.0.0.1:{port}"
    with devserver_process(tmp_path, FOLDER / "deploy", port) as (process, _, log):
        instances = [f"http://127.0.0.1:{port + number}/health" for number in (1, 2)]
        browser.wait_for(lambda: all(map(answer_of, instances)), 20)
        browser.wait_for(lambda: answer_of(f"{url}/health"))
        seen = []
        for number in range(6):
            browser.open(url)
            seen.append((text(browser, "#instance"), text(browser, "#visits")))
            if number % 2:
                answer_of(f"{url}/health")      # lest both turns be of the same
        assert {name for name, _ in seen} == {"one", "two"}
        assert [int(visits) for _, visits in seen] == [1, 2, 3, 4, 5, 6]
        assert f"{url}/" in texts(browser, "td")
        lie = answer_of(f"{url}/health", **{"X-Forwarded-For": "6.6.6.6"})
        assert lie["from"] == "127.0.0.1"
        looked_at(browser, url, "deploy")
        assert not browser.errors()
    assert process.returncode == 0, log.read_text()
    assert not any(map(answer_of, [f"{url}/health", *instances]))
    assert "Traceback" not in log.read_text()


def test_an_instance_does_not_start_without_a_key(tmp_path):
    ended = subprocess.run(
        [sys.executable, FOLDER / "deploy" / "app.py"], cwd=tmp_path, timeout=20,
        env={"PYTHONPATH": str(FOLDER.parent)}, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1 and ended.stderr.startswith("Set SECRET_KEY")
