"""Tests of the blog; from the top level: python -m pytest examples/blog."""
import importlib
import re
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from blog import create_app, kept_key  # noqa: E402

PASSWORD = "correct horse"


@pytest.fixture
def app(tmp_path):
    """A blog with an empty database of its own."""
    return create_app({
        "TESTING": True, "SECRET_KEY": "dev", "DATABASE": str(tmp_path / "blog.sqlite"),
    })


class Reader:
    """Somebody with a browser: a test client that sends the form's token along."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path):
        return self.client.get(path, follow_redirects=True)

    def post(self, path, follow=True, **form):
        page = self.client.get("/auth/login").text
        form["token"] = re.search(r'name="token" value="(\w+)"', page)[1]
        return self.client.post(path, data=form, follow_redirects=follow)

    def enter(self, name):
        self.post("/auth/register", name=name, password=PASSWORD)
        return self.post("/auth/login", name=name, password=PASSWORD)


@pytest.fixture
def reader(app):
    """Somebody who is not logged in."""
    return Reader(app)


@pytest.fixture
def ida(app):
    """A member, logged in."""
    ida = Reader(app)
    ida.enter("ida")
    return ida


def test_an_empty_blog_says_so_and_offers_the_two_doors(reader):
    page = reader.get("/")
    assert page.status_code == 200
    assert "Nothing here yet" in page.text
    assert 'href="/auth/login"' in page.text and 'href="/auth/register"' in page.text


def test_register_then_log_in_then_log_out(reader):
    answer = reader.post(
        "/auth/register", follow=False, name=" ida ", password=PASSWORD
    )
    assert (answer.status_code, answer.location) == (302, "/auth/login")
    answer = reader.post("/auth/login", follow=False, name="IDA", password=PASSWORD)
    assert (answer.status_code, answer.location) == (302, "/")
    assert '<span class="who">ida</span>' in reader.get("/").text
    answer = reader.post("/auth/logout")
    assert "You are logged out." in answer.text
    assert 'class="who"' not in answer.text


@pytest.mark.parametrize("name, password, complaint", [
    ("", PASSWORD, "A name has"),
    ("x", PASSWORD, "A name has"),
    ("a b", PASSWORD, "A name has"),
    ("<b>", PASSWORD, "A name has"),
    ("x" * 31, PASSWORD, "A name has"),
    ("otto", "short", "A password has"),
    ("ida", PASSWORD, "is taken"),
    ("Ida", PASSWORD, "is taken"),
])
def test_registering_is_refused(ida, name, password, complaint):
    answer = ida.post("/auth/register", name=name, password=password)
    assert answer.status_code == 400
    assert complaint in answer.text


@pytest.mark.parametrize("name, password", [
    ("ida", "wrong horse"), ("ida", ""), ("nobody", PASSWORD), ("' OR 1=1 --", "x"),
])
def test_logging_in_is_refused_without_saying_what_was_wrong(
    ida, reader, name, password
):
    answer = reader.post("/auth/login", name=name, password=password)
    assert answer.status_code == 400
    assert "do not belong together" in answer.text
    assert 'class="who"' not in reader.get("/").text


def test_the_database_holds_no_password(app, ida):
    assert PASSWORD.encode() not in Path(app.config["DATABASE"]).read_bytes()


def test_logging_in_starts_a_fresh_session(reader):
    reader.post("/auth/register", name="ida", password=PASSWORD)
    with reader.client.session_transaction() as session:
        before = session["token"]
    reader.post("/auth/login", name="ida", password=PASSWORD)
    reader.get("/post/new")
    with reader.client.session_transaction() as session:
        assert session["token"] != before


def test_a_session_of_a_deleted_member_is_nobody(app, ida):
    with sqlite3.connect(app.config["DATABASE"]) as db:
        db.execute("DELETE FROM member")
    db.close()
    assert ida.get("/").status_code == 200
    assert 'class="who"' not in ida.get("/").text


@pytest.mark.parametrize("path", [
    "/auth/register", "/auth/login", "/auth/logout", "/post/new", "/post/1/edit",
    "/post/1/delete", "/nowhere",
])
@pytest.mark.parametrize("token", [None, "", "0" * 32, "é"])
def test_a_post_without_the_right_token_is_refused(ida, path, token):
    ida.post("/post/new", title="Still", text="here")
    form = {"name": "eve", "password": PASSWORD, "title": "Not", "text": "mine"}
    if token is not None:
        form["token"] = token
    assert ida.client.post(path, data=form).status_code == 400
    assert '<span class="who">ida</span>' in ida.get("/").text
    assert "<h1>Still</h1>" in ida.get("/post/1").text


def test_a_token_of_another_session_is_refused(ida, reader):
    page = reader.get("/auth/login").text
    token = re.search(r'name="token" value="(\w+)"', page)[1]
    assert ida.client.post("/auth/logout", data={"token": token}).status_code == 400


def test_write_edit_and_delete_a_post(ida, reader):
    answer = ida.post("/post/new", follow=False, title=" First ", text="Line\n\nline")
    assert (answer.status_code, answer.location) == (302, "/post/1")
    page = reader.get("/post/1").text
    assert "<h1>First</h1>" in page and "Line\n\nline" in page and "ida," in page
    assert "edited" not in page and "/edit" not in page and "/delete" not in page

    assert 'value="First"' in ida.get("/post/1/edit").text
    answer = ida.post("/post/1/edit", follow=False, title="Better", text="words")
    assert (answer.status_code, answer.location) == (302, "/post/1")
    page = reader.get("/post/1").text
    assert "<h1>Better</h1>" in page and "words" in page and "edited" in page
    assert '<a href="/post/1">Better</a>' in reader.get("/").text

    answer = ida.post("/post/1/delete", follow=False)
    assert (answer.status_code, answer.location) == (302, "/")
    assert "is deleted" in ida.get("/").text
    assert reader.get("/post/1").status_code == 404
    assert "Nothing here yet" in reader.get("/").text


@pytest.mark.parametrize("title, text, complaint", [
    (" ", "words", "A title has"),
    ("x" * 121, "words", "A title has"),
    ("Title", "\n", "without words"),
])
@pytest.mark.parametrize("path", ["/post/new", "/post/1/edit"])
def test_a_bad_post_comes_back_as_it_was_typed(ida, path, title, text, complaint):
    ida.post("/post/new", title="Old", text="old")
    answer = ida.post(path, title=title, text=text)
    assert answer.status_code == 400
    assert complaint in answer.text
    assert f'value="{title}"' in answer.text
    assert "<textarea" in answer.text and f">\n{text}</textarea>" in answer.text
    assert "<h1>Old</h1>" in ida.get("/post/1").text


def test_a_form_without_its_fields_is_a_bad_request(ida):
    answer = ida.post("/post/new", text="no title at all")
    assert answer.status_code == 400
    assert "could not be read" in answer.text


@pytest.mark.parametrize("method, path", [
    ("GET", "/post/new"), ("POST", "/post/new"), ("GET", "/post/1/edit"),
    ("POST", "/post/1/edit"), ("POST", "/post/1/delete"),
])
def test_who_is_not_logged_in_is_sent_to_the_login_page(ida, reader, method, path):
    ida.post("/post/new", title="Mine", text="words")
    if method == "GET":
        answer = reader.client.get(path)
    else:
        answer = reader.post(path, follow=False, title="Yours", text="words")
    assert (answer.status_code, answer.location) == (302, "/auth/login")
    assert "Please log in first." in reader.get("/auth/login").text
    assert "<h1>Mine</h1>" in reader.get("/post/1").text


@pytest.mark.parametrize("path", ["/post/1/edit", "/post/1/delete"])
def test_only_the_author_may_change_a_post(app, ida, path):
    ida.post("/post/new", title="Mine", text="words")
    otto = Reader(app)
    otto.enter("otto")
    answer = otto.post(path, title="Yours", text="words")
    assert answer.status_code == 403
    assert "Only the author" in answer.text
    if path.endswith("edit"):
        assert otto.get(path).status_code == 403
    page = otto.get("/post/1").text
    assert "<h1>Mine</h1>" in page and "/edit" not in page and "/delete" not in page


@pytest.mark.parametrize("path", [
    "/nowhere", "/post/1", "/post/0", "/post/x", "/post/" + "9" * 30, "/post/-1",
    "/post/1/edit", "/static/none.css", "/static/../db.py",
])
def test_what_is_not_there_is_a_page_with_status_404(ida, path):
    answer = ida.get(path)
    assert answer.status_code == 404
    assert "Nothing is written on this page." in answer.text


@pytest.mark.parametrize("path", [
    "/", "/auth/register", "/auth/login", "/post/1", "/post/new", "/post/1/edit",
])
def test_head_is_answered_as_get_without_a_body(ida, path):
    ida.post("/post/new", title="Mine", text="words")
    answer = ida.client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")


def test_deleting_wants_a_post_request(ida):
    ida.post("/post/new", title="Mine", text="words")
    answer = ida.get("/post/1/delete")
    assert answer.status_code == 405
    assert set(answer.allow) == {"POST", "OPTIONS"}


def test_a_body_over_the_limit_is_refused(ida):
    assert ida.post("/post/new", title="Long", text="x" * 1_000_001).status_code == 413


def test_what_people_write_is_escaped_everywhere(ida):
    evil = "<script>alert('\"&')</script>"
    ida.post("/post/new", title=evil, text=evil)
    for path in ("/", "/post/1", "/post/1/edit"):
        page = ida.get(path).text
        assert "<script" not in page and "&lt;script&gt;" in page
    assert "<script" not in ida.post("/post/1/delete").text


def test_a_message_is_shown_once(ida):
    ida.post("/post/new", follow=False, title="News", text="words")
    assert "Your post is published." in ida.get("/post/1").text
    assert "Your post is published." not in ida.get("/post/1").text


def test_posts_are_listed_newest_first_on_pages(ida, reader):
    for number in range(1, 7):
        ida.post("/post/new", title=f"Post {number}", text="words")
    first, second = reader.get("/").text, reader.get("/?page=2").text
    assert re.findall(r">Post (\d)<", first) == ["6", "5", "4", "3", "2"]
    assert re.findall(r">Post (\d)<", second) == ["1"]
    assert 'href="/?page=2" rel="next"' in first and 'rel="prev"' not in first
    assert 'href="/?page=1" rel="prev"' in second and 'rel="next"' not in second


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "9" * 30])
def test_an_odd_page_number_is_no_error(reader, page):
    assert reader.get("/?page=" + page).status_code == 200


@pytest.mark.parametrize("name, mimetype", [
    ("style.css", "text/css"), ("icon.svg", "image/svg+xml"),
])
def test_static_files_are_served(reader, name, mimetype):
    file = Path(__file__).parent / "static" / name
    with reader.get("/static/" + name) as answer:
        assert (answer.status_code, answer.mimetype) == (200, mimetype)
        assert answer.data == file.read_bytes()


def test_every_answer_says_what_a_page_may_load(reader):
    for path in ("/", "/nowhere", "/static/style.css"):
        with reader.get(path) as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_session_cookie_is_for_this_site_only(reader):
    cookie = reader.get("/auth/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_init_db_makes_missing_tables_and_keeps_what_is_there(app, ida):
    db = sqlite3.connect(app.config["DATABASE"])
    db.execute("DROP TABLE post")
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0
    assert app.config["DATABASE"] in result.output
    assert db.execute("SELECT count(*) FROM post").fetchone() == (0,)
    assert db.execute("SELECT name FROM member").fetchall() == [("ida",)]
    db.close()


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    path = tmp_path / "blog.key"
    key = kept_key(path)
    assert len(key) == 64 and kept_key(path) == key
    assert [entry.name for entry in tmp_path.iterdir()] == ["blog.key"]
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o077 == 0


def test_the_instance_folder_and_the_environment_set_the_blog_up(
    tmp_path, monkeypatch
):
    shutil.copytree(Path(__file__).parent, tmp_path / "lamp")
    monkeypatch.syspath_prepend(tmp_path)
    instance = tmp_path / "instance"
    instance.mkdir()
    instance.joinpath("blog.cfg").write_text("SESSION_COOKIE_NAME = 'lamp'\n")
    monkeypatch.setenv("BLOG_MAX_CONTENT_LENGTH", "77")
    app = importlib.import_module("lamp").create_app()
    assert app.config["DATABASE"] == str(instance / "blog.sqlite")
    assert app.config["SECRET_KEY"] == instance.joinpath("blog.key").read_text()
    assert app.config["MAX_CONTENT_LENGTH"] == 77
    assert app.config["SESSION_COOKIE_NAME"] == "lamp"
