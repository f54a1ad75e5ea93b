"""Tests of the applications: their answers, and what people see in a real browser."""
import io
import re
import urllib.request
from importlib import import_module

import pytest

from conftest import FOLDER, need, program, served

APPS = ["api", "chat", "echo", "login", "spa", "todo", "upload"]
ADA = {"name": "ada", "password": "correct horse"}
OTTO = {"name": "otto", "password": "correct horse"}
EMMA = {"title": "Emma", "author": "Jane Austen", "year": 1815}
GIF = b"GIF89a" + bytes(9)

@pytest.fixture
def client_of(tmp_path, monkeypatch):
    """Return the test client of an example that has only the data of this test."""
    def client(name):
        need("simple_websocket" if name == "echo" else "microflask")
        module = import_module(name)
        monkeypatch.setitem(module.app.config, "FOLDER", tmp_path / "kept")
        for data in ("accounts", "messages"):
            getattr(module, data, []).clear()
        if name == "api":
            monkeypatch.setattr(module, "books", {1: EMMA})
        return module.app.test_client()

    return client

@pytest.mark.parametrize("name", [*APPS, "deploy/app", "blog/__init__"])
def test_the_docstring_names_chapters_that_exist(name):
    docstring = (FOLDER / f"{name}.py").read_text().split('"""')[1]
    named = re.search(r"Read on in microflask\.py: (.+)\.\s*\Z", docstring, re.S)[1]
    framework = (FOLDER.parent / "microflask.py").read_text()
    chapters = re.findall(r"^# \d+\. (.+)$", framework, re.M)
    for start in named.replace("\n", " ").split("; "):
        assert any(chapter.startswith(start) for chapter in chapters), start

# (example, method, path, body or form, status, words); /books/1 is Emma.
ANSWERS = [
    ("api", "GET", "/books", None, 200, '"id":1'),
    ("api", "POST", "/books", EMMA, 201, '"url":"/books/'),
    ("api", "PATCH", "/books/1", {"year": None}, 200, "Jane Austen"),
    ("api", "POST", "/books", None, 415, '"code": 415'),
    ("api", "POST", "/books", {**EMMA, "title": "x" * 20_000}, 413, '"code": 413'),
    ("api", "POST", "/books", {**EMMA, "id": 7}, 400, "Send a JSON object"),
    ("chat", "POST", "/say", {"who": "Ada", "text": " "}, 400, "1 to 1000"),
    ("echo", "GET", "/echo", None, 403, ""),
    ("login", "POST", "/register", {**ADA, "name": "<b>"}, 400, "A name needs 2 to 30"),
    ("login", "POST", "/login", ADA, 400, "do not belong together"),
    ("login", "GET", "/desk", None, 302, "/login?next=/desk"),
    ("spa", "GET", "/mars", None, 200, "<!doctype html>"),
    ("todo", "POST", "/task/1", {}, 400, ""),
    ("upload", "POST", "/", {}, 400, "Choose a picture first."),
    ("upload", "GET", "/picture/..%2fkept", None, 404, ""),
]

@pytest.mark.parametrize("name, method, path, body, status, words", ANSWERS)
def test_an_answer(client_of, name, method, path, body, status, words):
    options = {} if body is None else {"json" if name == "api" else "data": body}
    answer = client_of(name).open(path, method=method, **options)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert name != "api" or answer.mimetype == "application/json"
    answer.close()

def test_the_list_of_tasks_never_outgrows_its_cookie(client_of):
    client = client_of("todo")
    for number in range(30):
        answer = client.post("/add", data={"text": f"{number} " + "\U0001f600ß" * 49})
        assert len(answer.headers["Set-Cookie"]) < 4096
    assert "The list is full." in client.get("/").text

# A group of files (name, data), the status, and the names that they are kept under.
@pytest.mark.parametrize("files, status, kept", [
    ([("a b.GIF", GIF), ("page.html", GIF)], 302, ["a_b.gif", "page.gif"]),
    ([("../../etc/passwd", GIF), ("...", GIF)], 302, ["etc_passwd.gif", "picture.gif"]),
    ([("good.gif", GIF), ("drawing.svg", b"<svg onload='alert(1)'/>")], 415, []),
    ([("fake.png", b"<script>alert(1)</script>")], 415, []),
    ([("big.jpg", b"\xff\xd8\xff" + b"x" * 9_000_000)], 413, []),
    ([("many.gif", GIF)] * 201, 409, []),
])
def test_a_file_is_taken_for_what_it_is(client_of, files, status, kept):
    client, folder = client_of("upload"), import_module("upload").folder()
    data = {"picture": [(io.BytesIO(data), name) for name, data in files]}
    assert client.post("/", data=data).status_code == status
    assert sorted(file.name[17:] for file in folder.iterdir()) == kept
    for file in folder.iterdir():
        shown = client.get(f"/picture/{file.name}")
        assert shown.data == GIF and shown.mimetype == "image/gif"
        assert "sandbox" in shown.headers["Content-Security-Policy"]
        shown.close()

@pytest.mark.parametrize("target, location", [
    ("/desk?a=1&b=%20", "/desk?a=1&b=%20"), ("", "/"), ("//elsewhere.example", "/"),
    ("/\\elsewhere.example", "/"), ("/\t/elsewhere.example", "/"),
    ("https://elsewhere.example/", "/"), ("/x\r\nSet-Cookie: a=b", "/"),
])
def test_next_stays_on_this_site(client_of, target, location):
    client = client_of("login")
    client.post("/register", data=ADA)
    answer = client.post("/login", query_string={"next": target}, data=ADA)
    assert (answer.status_code, answer.headers["Location"]) == (302, location)

def test_the_first_account_is_the_administrator_and_gives_roles(client_of):
    ada = client_of("login")
    otto = ada.application.test_client()
    assert "The first account becomes the" in ada.get("/register").text
    for client, form in [(ada, ADA), (otto, OTTO)]:
        client.post("/register", data=form)
        page = client.post("/login", data=form, follow_redirects=True)
        assert page.status_code == 200 and "The first account" not in page.text
    for client, name, role, status in [
            (otto, "otto", "admin", 403), (ada, "otto", "king", 400),
            (ada, "ada", "reader", 400), (ada, "otto", "writer", 302)]:
        answer = client.post(f"/people/{name}", data={"role": role})
        assert answer.status_code == status
    assert otto.get("/desk").status_code == 200        # at once, in the old session
    assert "is taken" in otto.post("/register", data={**ADA, "name": "ADA"}).text

@pytest.mark.parametrize("server", ["microflask", "gunicorn"])
def test_a_web_socket_echoes_text_and_bytes(server, tmp_path):
    simple_websocket = need("simple_websocket", server)
    command = ["gunicorn", "--chdir", FOLDER, "-k", "gthread", "--threads", "4",
               "--bind", "127.0.0.1:0", "echo:app"]
    if server == "microflask":
        command = ["microflask", "--app", FOLDER / "echo.py", "run", "--port", "0"]
    with served("-m", *command, cwd=tmp_path) as (url, _, log):
        for _ in range(6):      # more than threads: each must come back
            client = simple_websocket.Client.connect(
                f"ws{url[4:]}/echo", None, {"Origin": "http://127.0.0.1"})
            for message in ("Grüße", b"\0\xff"):
                client.send(message)
                assert client.receive(timeout=30) == message
            client.close()
            client.thread.join(10)
    assert "Traceback" not in log.read_text()

def test_nginx_passes_a_session_from_one_instance_to_the_other(tmp_path):
    need("gunicorn")
    program("nginx")
    with served(FOLDER / "deploy", "0", cwd=tmp_path) as (url, process, log):
        visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        visitor.addheaders = [("X-Forwarded-For", "6.6.6.6")]
        seen = []
        for _ in range(5):
            page = visitor.open(url, timeout=60).read().decode()
            seen.append(re.findall(r'id="(?:instance|visits)">(\w+)<', page))
        assert {instance for instance, _ in seen} == {"one", "two"}
        assert [visits for _, visits in seen] == ["1", "2", "3", "4", "5"]
        assert f"<td>{url}/</td>" in page and "<td>127.0.0.1</td>" in page
    assert process.returncode == 0 and "Traceback" not in log.read_text()

def shows(browser, selector, *texts):
    """Wait until the elements have these texts."""
    browser.wait_for(lambda driver: list(texts) == driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map(element => element.innerText.trim())", selector))

def enter(driver, **fields):
    """Type into fields, and press Enter in the last one."""
    for name, value in fields.items():
        driver.find_element("name", name).send_keys(value)
    driver.find_element("name", name).send_keys("\ue007")

def click(driver, text):
    """Click the button or link with this text."""
    path = f"//*[self::a or self::button][normalize-space()='{text}']"
    driver.find_element("xpath", path).click()

@pytest.mark.parametrize("name", [*APPS, "blog", "lent/step3"])
def test_a_page_fits_every_screen_and_the_keyboard(name, browser, serve, tmp_path):
    need("selenium", "simple_websocket")
    url = serve(name if name == "blog" else f"{name}.py", UPLOAD_FOLDER=str(tmp_path),
                BLOG_DATABASE=str(tmp_path / "blog"))
    for look in range(4):
        browser.open(url, dark=look % 2 == 1, phone=look > 1)
        assert browser.driver.execute_script("""
            return document.documentElement.scrollWidth <= innerWidth &&
                [...document.querySelectorAll("input, textarea, button, a")].every(
                    element => element.textContent.trim() || element.labels?.length)
        """)
    browser.driver.switch_to.active_element.send_keys("\ue004")     # Tab
    assert browser.driver.execute_script(
        "return getComputedStyle(document.activeElement).outlineStyle") == "solid"

def test_a_form_uploads_pictures(browser, serve, tmp_path):
    browser.open(serve("upload.py", UPLOAD_FOLDER=str(tmp_path / "kept")))
    for name, data, error in [("dot.gif", GIF, []),
                              ("x.gif", b"x", ["x.gif is not a GIF, JPEG or PNG."])]:
        (tmp_path / name).write_bytes(data)
        browser.driver.find_element("name", "picture").send_keys(str(tmp_path / name))
        click(browser.driver, "Upload")
        shows(browser, ".error", *error)
        shows(browser, ".gallery li", "dot.gif")

def test_a_web_socket_answers_a_page(browser, serve):
    need("simple_websocket")
    browser.open(serve("echo.py"))
    shows(browser, "#state", "Connected")
    enter(browser.driver, text="<b>Hello")
    shows(browser, "#log li", "<b>Hello", "<b>Hello")
    click(browser.driver, "Hang up")
    shows(browser, "#state", "Closed with code 1000")

def test_a_new_reader_sees_the_chat_so_far(browser, serve):
    url = serve("chat.py")
    browser.open(url)
    enter(browser.driver, who="Ada", text="Is anybody <b>there</b>?")
    shows(browser, ".mine", "Ada: Is anybody <b>there</b>?")
    browser.open(url)
    enter(browser.driver, who="Otto", text="Yes.")
    shows(browser, "#log li", "Ada: Is anybody <b>there</b>?", "Otto: Yes.")

def test_the_single_page_app_has_a_history(browser, serve):
    browser.open(serve("spa.py"))
    shows(browser, "h1", "Eight planets")
    click(browser.driver, "Mars")
    shows(browser, "h1", "Mars")
    browser.driver.back()
    shows(browser, "h1", "Eight planets")
    browser.driver.forward()
    browser.driver.refresh()
    shows(browser, "h1", "Mars")
