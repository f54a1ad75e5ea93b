"""Tests of the blog: the same visits on microflask and on Flask."""
import importlib
import re
import sys
import types

import pytest

from conftest import need

IDA = {"name": "ida", "password": "correct horse"}
OTTO = {"name": "otto", "password": "correct horse"}
POST = {"title": " First & <b> ", "text": "Line\n\n<i>line</i>"}

# (who, path, form or None for a GET, status after redirects, words of the page).
VISITS = [
    ("ida", "/", None, 200, "Nothing here yet."),
    ("ida", "/post/new", None, 200, "Please log in first."),
    ("ida", "/auth/register", {**IDA, "token": "0" * 32}, 400, "This form is too old."),
    ("ida", "/auth/register", None, 200, "Password, at least 8 characters"),
    ("ida", "/auth/register", IDA, 200, "Welcome, ida! Now log in."),
    ("ida", "/auth/register", {**IDA, "name": "IDA"}, 400, "is taken"),
    ("ida", "/auth/login", {**IDA, "password": "x"}, 400, "do not belong together"),
    ("ida", "/auth/login", IDA, 200, "Good to see you, ida."),
    ("ida", "/post/new", {"title": "", "text": "kept"}, 400, "kept</textarea>"),
    ("ida", "/post/new", POST, 200, "Your post is published."),
    ("otto", "/post/1", None, 200, "First &amp; &lt;b&gt;"),
    ("otto", "/post/1/edit", None, 200, "Please log in first."),
    ("otto", "/auth/register", OTTO, 200, "Welcome, otto!"),
    ("otto", "/auth/login", OTTO, 200, "Good to see you, otto."),
    ("otto", "/post/1/edit", POST, 403, "Only the author"),
    ("otto", "/post/1/delete", {}, 403, "Only the author"),
    ("ida", "/post/1/edit", {**POST, "title": "Better"}, 200, "<h1>Better</h1>"),
    ("otto", "/", None, 200, '<a href="/post/1">Better</a>'),
    ("ida", "/post/1/delete", None, 405, ""),
    ("ida", "/post/1/delete", {}, 200, "“Better” is deleted."),
    ("ida", "/post/1", None, 404, "There is no such post."),
    ("ida", "/auth/logout", {}, 200, "You are logged out."),
]

@pytest.fixture(params=["microflask", "flask"])
def app(request, monkeypatch, tmp_path):
    """Return a new blog with its own database, on one of the two frameworks."""
    flask = need(request.param)
    monkeypatch.setenv("BLOG_DATABASE", str(tmp_path / "blog.sqlite"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "blog"]:
        monkeypatch.delitem(sys.modules, name)
    if request.param == "flask":
        both = types.ModuleType("microflask")
        vars(both).update(vars(flask))
        vars(both).update(vars(need("werkzeug.security")))
        monkeypatch.setitem(sys.modules, "microflask", both)
    return importlib.import_module("blog").create_app()

def test_people_write_read_and_delete(app):
    clients, tokens = {"ida": app.test_client(), "otto": app.test_client()}, {}
    for who, path, form, status, words in VISITS:
        client = clients[who]
        if form is None:
            answer = client.get(path, follow_redirects=True)
        else:
            form = {"token": tokens.get(who, ""), **form}
            answer = client.post(path, data=form, follow_redirects=True)
        assert (answer.status_code, words in answer.text) == (status, True), path
        if found := re.search(r'name="token" value="(\w+)"', answer.text):
            tokens[who] = found[1]
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
        answer.close()
