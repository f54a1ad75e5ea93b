"""A test of the blog: the same visits to three servers, one of them on Flask."""
import http.client
import re
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from conftest import need, served

HERE = Path(__file__).resolve().parent
IDA = {"name": "ida", "password": "correct horse"}
OTTO = {"name": "otto", "password": "correct horse"}
POST = {"title": " First & <b> ", "text": "Line\n\n<i>line</i>"}

# (who, path, form or None for a GET, status after redirects, words of the page).
# Without words, the text is the framework's own.
VISITS = [
    ("ida", "/", None, 200, "Nothing here yet."),
    ("ida", "/post/new", None, 200, "Please log in first."),
    ("ida", "/auth/register", {**IDA, "token": "0" * 32}, 400, "This form is too old."),
    ("ida", "/auth/register", None, 200, "Password, at least 8 characters"),
    ("ida", "/auth/register", {**IDA, "name": "<b>"}, 400, "A name has"),
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
    ("ida", f"/post/{'9' * 30}", None, 404, "There is no such post."),
    ("ida", "/post/0/edit", POST, 404, "There is no such post."),
    ("ida", "/static/icon.svg", None, 200, "<svg"),
    ("ida", "/auth/logout", {}, 200, "You are logged out."),
]

GUNICORN = f"""
import sys, types
if "flask" in sys.argv[1]:
    import flask, werkzeug.security
    sys.modules["microflask"] = types.ModuleType("microflask")
    vars(sys.modules["microflask"]).update({{**vars(flask), **vars(werkzeug.security)}})
from gunicorn.app.wsgiapp import run
sys.argv[1:] = ["--chdir", {str(HERE.parent)!r}, "-w", "2", "-b", "127.0.0.1:0",
    "--access-logfile", "-", "--access-logformat", "worker %(p)s", "blog:create_app()"]
run()
"""

def visit(url):
    """Make all visits; return the answers without what differs each time."""
    cookies, tokens, answers = {"ida": "", "otto": ""}, {}, []
    for who, path, form, status, words in VISITS:
        body = None if form is None else urlencode({"token": tokens.get(who), **form})
        while path:
            connection = http.client.HTTPConnection(url.partition("//")[2], timeout=60)
            connection.request("GET" if body is None else "POST", path, body, {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": cookies[who]})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            headers = {name: ", ".join(sorted(value.split(", ")))
                       for name, value in answer.getheaders()
                       if name not in ("Date", "Server", "Connection", "Accept-Ranges")}
            if cookie := answer.getheader("Set-Cookie"):
                cookies[who] = cookie.partition(";")[0]
                headers["Set-Cookie"] = cookie.partition(";")[2]
            if found := re.search(r'name="token" value="(\w+)"', text):
                tokens[who] = found[1]
                text = text.replace(found[1], "TOKEN")
            path, body = headers.get("Location"), None
            if path or not words:
                text = headers["Content-Length"] = None
            answers.append([who, answer.status, headers, text])
        assert answer.status == status and words in (text or ""), answers[-1]
    return answers

def test_the_same_visits_to_three_servers(tmp_path):
    need("gunicorn", "flask")
    answers = {}
    for name, command in {
            "microflask": ["-m", "microflask", "--app", HERE, "run", "--port", "0"],
            "gunicorn": ["-c", GUNICORN, "gunicorn"],
            "flask": ["-c", GUNICORN, "flask"]}.items():
        with served(*command, cwd=tmp_path, SECRET_KEY="the same for both workers",
                    BLOG_DATABASE=str(tmp_path / name)) as (url, _, log):
            for _ in range(2000 if name != "microflask" else 0):
                if len(set(re.findall(r"worker <(\d+)", log.read_text()))) == 2:
                    break       # both workers take part
                urllib.request.urlopen(url).close()
            answers[name] = visit(url)
            assert "Traceback" not in log.read_text()
    for ours, theirs, flask in zip(*answers.values(), strict=True):
        assert ours == theirs == flask
