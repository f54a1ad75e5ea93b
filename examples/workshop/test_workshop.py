"""Tests of the workshop; from the top level: python -m pytest examples/workshop."""
import ast
import doctest
import http.client
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(HERE))

import check  # noqa: E402
import exercises  # noqa: E402

STAGES = [HERE / name for name in check.STAGES]
BY_NUMBER = pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
DEMO = "# An application, to try it"

def run(*arguments, script=HERE / "check.py"):
    """Run check.py as a user does, for a minute at most."""
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)], encoding="utf-8",
        capture_output=True, timeout=60, env={**os.environ, "PYTHONUTF8": "1"})

# The stages

def names(path):
    """Return the names, with methods, that a file defines before its application."""
    found, text = set(), path.read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(
                part, ast.FunctionDef) and not check.is_exercise(part)}
        if not check.is_exercise(node):
            found |= {name for name, other in check.defined(path).items()
                      if other.lineno == node.lineno}
    demo = text[:text.find(DEMO)].count("\n") if DEMO in text else 10_000
    last = text[:text.find("# What serves it")].count("\n")
    return found - {name for name, node in check.defined(path).items()
                    if demo < node.lineno < (last if last > demo else 10_000)}

def bare(node):
    """Return a definition without its exercises, as text to be compared."""
    if isinstance(node, ast.ClassDef):
        node.body = [part for part in node.body if not check.is_exercise(part)]
    return ast.dump(node)

def sections():
    """Return {4: {"make_response"}, ...}: what parts.py says that each stage built."""
    text, found = (HERE / "parts.py").read_text("utf-8"), {}
    for name, node in check.defined(HERE / "parts.py").items():
        above = "\n".join(text.splitlines()[:node.lineno])
        stage = int(re.findall(r"^# Stage (\d)$", above, re.MULTILINE)[-1])
        found.setdefault(stage, set()).add(name)
    return found

NEW = {     # the one idea, in names
    1: "Server serve",
    2: "Request Request.__init__ Response Response.__init__ Response.__call__",
    3: "compile_rule match",
    4: "make_response App App.__init__ App.route App.answer App.__call__",
    5: "HTTPError HTTPError.__init__",
    6: "Proxy Proxy.__init__ Proxy.__getattr__ current request",
    7: "templates render_template",
    8: "session get_cookie keys sign dump_session load_session save_session",
    9: "App.before_request App.register Blueprint Blueprint.__init__ Blueprint.route",
}

@pytest.mark.parametrize("number", NEW)
def test_a_stage_has_what_the_stages_before_it_have_and_one_idea_more(number):
    parts = {name for stage, found in sections().items() for name in found
             if stage < number and number > 4}
    methods = {name for name in names(HERE / "parts.py") if name.split(".")[0] in parts}
    expected = " ".join(NEW[stage] for stage in range(1, number + 1)).split()
    assert names(STAGES[number - 1]) | parts | methods == set(expected)

def test_parts_holds_what_the_stages_built_word_for_word():
    for number, found in sections().items():
        stage = check.defined(STAGES[number - 1])
        for name in found:
            part = check.defined(HERE / "parts.py")[name]
            assert bare(part) == bare(stage[name]), name

def test_a_stage_imports_only_what_earlier_ones_built():
    built = sections()
    for number, path in enumerate(STAGES, 1):
        taken = {alias.name for node in ast.parse(path.read_text("utf-8")).body
                 if isinstance(node, ast.ImportFrom) and node.module == "parts"
                 for alias in node.names}
        assert taken <= {name for stage in range(1, number) for name in built[stage]}
        assert bool(taken) == (number > 4)

@BY_NUMBER
def test_a_stage_has_at_most_120_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 120

@BY_NUMBER
def test_a_stage_names_the_chapters_that_are_its_grown_up_form(path):
    banners = re.findall(r"^# -+\n# \d+\. (.+?)(?:  \(skip.*\))?\n",
                         (TOP / "microflask.py").read_text("utf-8"), re.MULTILINE)
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    titles = re.findall('"([^"]+)"', text.partition("Grown up in microflask.py:")[2])
    assert titles and set(titles) <= set(banners)

@BY_NUMBER
def test_a_stage_says_how_to_run_and_to_check_it(path):
    text, number = path.read_text("utf-8"), path.name[5]
    assert text.startswith(f'"""Stage {number}: ')
    assert f"Run it:    python examples/workshop/{path.name}\n" in text
    assert "Try it:    curl " in text
    assert f"Check it:  python examples/workshop/check.py {number}\n" in text

@BY_NUMBER
def test_a_stage_marks_its_three_exercises_in_order_with_a_few_lines_each(path):
    text, number = path.read_text("utf-8"), path.name[5]
    marks = re.findall(r"^ *# Exercise (\d\.\d): ((?:.*\n *#)*.*)", text, re.MULTILINE)
    assert [mark for mark, _ in marks] == [f"{number}.{n}" for n in (1, 2, 3)]
    for mark, comment in marks:
        assert len(comment.splitlines()) <= 3, mark
    for stub in re.findall(r"(\d\.\d): .*\n(?: *#.*\n)*(?: *@.*\n)* *def .*\n"
                           r" *raise NotImplementedError\(\"Exercise (\d\.\d): ", text):
        assert stub[0] == stub[1]

def test_the_folder_is_flake8_clean():
    done = subprocess.run([sys.executable, "-m", "flake8", str(HERE)], cwd=TOP,
                          capture_output=True, text=True, timeout=60)
    assert done.stdout + done.stderr == ""

# The stages, served

class Served:
    """A stage that runs in a process, on a port that was free."""
    def __init__(self, path, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, str(path), *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.timer = threading.Timer(30, self.process.kill)
        self.timer.start()
        self.url = urlsplit(self.process.stdout.readline().split(" ")[0])

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.url.port, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.timer.cancel()
        self.process.kill()
        self.process.communicate(timeout=10)

@pytest.mark.parametrize("number, table", [
    (1, [("/tea/pot", 200, "You asked for /tea/pot\n")]),
    (2, [("/gr%C3%BC%C3%9Fe", 200, "<h1>GET /grüße</h1>\n"),
         ("/%FF%3Cb%3E", 200, "<h1>GET /\ufffd&lt;b&gt;</h1>\n")]),
    (3, [("/", 200, "to Ann"), ("/hello/Ann", 200, "<h1>Hello, Ann!</h1>\n"),
         ("/hello/", 404, "Not Found\n"), ("/hello/a/b", 404, "Not Found\n")]),
    (4, [("/", 200, "to Ann"), ("/hello/%3Cb%3E", 200, "<h1>Hello, &lt;b&gt;!</h1>\n"),
         ("/hello/a/b", 404, "Not Found\n")]),
    (5, [("/", 200, "How old"), ("/age/Ann", 200, "<h1>Ann is 41</h1>\n"),
         ("/age/Bob", 404, "<h1>Not Found</h1>\n"), ("/x", 404, "Not Found")]),
    (6, [("/", 200, "Two at once"), ("/x", 404, "<h1>Not Found</h1>\n")]),
    (7, [("/", 200, "to Ann"), ("/hello/Ann", 200, "<h1>Hello, Ann!</h1>\n"),
         ("/hello/%3Cimg%20src=x%20onerror=alert(1)%3E", 200,
          "<h1>Hello, &lt;img src=x onerror=alert(1)&gt;!</h1>\n")]),
    (8, [("/", 200, "<h1>Visit number 1</h1>\n"), ("/x", 404, "<h1>Not Found</h1>\n")]),
    (9, [("/admin/", 403, "<h1>Forbidden</h1>\n"), ("/login/Ann", 200, "you may see"),
         ("/x", 404, "<h1>Not Found</h1>\n")]),
])
def test_a_stage_answers_over_http_and_ends_quietly(number, table):
    with Served(STAGES[number - 1], "0") as served:
        for path, status, text in table:
            came, body, headers = served.get(path)
            assert (came, text in body) == (status, True), (path, body)
            assert int(headers["Content-Length"]) == len(body.encode())
            if number > 1:
                came, body, headers = served.get(path, "HEAD")
                assert (came, body) == (status, "")
        served.process.send_signal(signal.SIGINT)
        out, log = served.process.communicate(timeout=10)
        assert served.process.returncode == 0
        assert "Traceback" not in log

def test_stage_6_answers_two_requests_at_once_each_with_its_own():
    answers = {}
    with Served(STAGES[5], "0") as served:
        def visit(name):
            answers[name] = served.get(f"/slow/{name}")[1]
        threads = [threading.Thread(target=visit, args=[who]) for who in ("Ann", "Bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(15)
    for name, path in ("Ann", "/SLOW/ANN"), ("Bob", "/SLOW/BOB"):
        assert answers[name] == f"<h1>{name}: {path} is still {path}</h1>\n"

def test_stage_8_counts_and_a_forged_cookie_starts_again():
    with Served(STAGES[7], "0") as served:
        cookie = "theme=dark"
        for visit in 1, 2, 3:
            _, body, headers = served.get("/", Cookie=cookie)
            assert f"number {visit}<" in body
            cookie, *attributes = headers["Set-Cookie"].split("; ")
            assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax"]
        for forged in "session=A" + cookie[9:], cookie[:-1], cookie[:-64], "session=":
            assert "number 1<" in served.get("/", Cookie=forged)[1]
        assert served.get("/x", Cookie=cookie)[2]["Set-Cookie"] is None

def test_stage_9_lets_in_who_is_logged_in():
    with Served(STAGES[8], "0") as served:
        cookie = served.get("/login/Ann")[2]["Set-Cookie"].partition(";")[0]
        status, body, headers = served.get("/admin/", Cookie=cookie)
        assert (status, body) == (200, "<h1>This is for Ann</h1>\n")
        assert headers["Set-Cookie"] is None

def test_a_port_that_is_taken_is_one_line():
    with Served(STAGES[0], "0") as served:
        done = run(served.url.port, script=STAGES[4])
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {served.url.port}: Address already in use. Is")
    assert done.stderr.count("\n") == 1

# The exercises

@pytest.fixture(scope="module")
def boxes():
    """The picture of the stages, and that of the solutions: {"1.1": solved, ...}."""
    def picture(folder, status):
        done = run("--in", folder)
        assert (done.returncode, done.stderr) == (status, "")
        rows = re.findall(r"^  (\d)  stage\1_\w+\.py +(.*)$", done.stdout, re.MULTILINE)
        return {f"{number}.{n}": box == "[x]" for number, row in rows
                for n, box in enumerate(re.findall(r"\[.\]", row), 1)}
    return picture(HERE, 1), picture(HERE / "solutions", 0)

@pytest.mark.parametrize("number", exercises.EXERCISES)
def test_an_exercise_fails_before_and_passes_after(boxes, number):
    before, after = boxes
    assert (before[number], after[number]) == (False, True)

def test_there_are_three_exercises_for_each_stage_with_three_hints(boxes):
    expected = [f"{stage}.{n}" for stage in range(1, 10) for n in (1, 2, 3)]
    assert list(exercises.EXERCISES) == list(boxes[0]) == expected
    assert all(len(exercise.hints) == 3 for exercise in exercises.EXERCISES.values())

@BY_NUMBER
def test_a_solution_keeps_all_that_the_stage_has(path):
    assert names(path) <= names(HERE / "solutions" / path.name)

@pytest.mark.parametrize("number, right, wrong, words", [
    ("1.1", '.encode("latin-1")', '.encode("utf-8")', "sent GET /grüße expected"),
    ("1.1", '[body]', '[body.decode()]', "expected pieces of the body that are bytes"),
    ("1.2", "return [] if", "return [body] if", "HEAD /tea: the body expected b''"),
    ("1.3", "[*headers, (name, value)]", "headers.append((name, value)) or headers",
     "GET /, the second time"),
    ("2.1", "keep_blank_values=True", "keep_blank_values=False", "{'q': ''}"),
    ("2.2", ".read(length)", ".read()", "came read(), which waits for bytes"),
    ("2.2", " or 0)", ")", "POST / with {'CONTENT_LENGTH': ''}"),
    ("2.3", 'or "\\n" in', 'or "\\t" in', "expected ValueError came no exception"),
    ("3.1", ', safe=""', "", "expected '/hello/a%2Fb%3Fc' came '/hello/a/b%3Fc'"),
    ("3.2", "[0-9]+", "\\\\d+", "/post/١٢"),
    ("3.3", "sorted(rules, key=lambda rule: rule[0][0].groups)", "rules",
     "A = '/hello/<name>', B = '/hello/me'"),
    ("4.1", "raise TypeError(", "return Response(", "expected TypeError came no"),
    ("4.2", "self.endpoints[endpoint]", "self.endpoints.get(endpoint)", "'helo'"),
    ("4.3", "    @functools.wraps(view)\n", "", "expected 'hello' came 'shouted'"),
    ("5.1", "Response(result, status)", "Response(result)", "404 came 200"),
    ("5.2", "traceback.print_exc()", "pass", "the traceback on stderr came '' there"),
    ("5.2", "return self.answer_error(HTTPError(500))",
     "return Response(traceback.format_exc(), 500)", "nothing of the bug"),
    ("5.3", "allowed.update(methods)", "allowed = set(methods)", "methods in Allow"),
    ("6.1", "except LookupError", "except KeyError", "outside of a request"),
    ("6.2", "setattr(self._found(), name, value)",
     "object.__setattr__(self, name, value)", "at once set request.user"),
    ("6.3", "context.copy().run(function, ", "function(", "in a thread"),
    ("7.1", "if hasattr(value, step) ", "if True ", "AttributeError"),
    ("7.2", 'value.__html__() if hasattr(value, "__html__") else ', "", "'not this'"),
    ("7.3", ", autoescape=True", "", "came 'Hi <Ann>!'"),
    ("7.3", 'jinja.globals["request"] = request', "", "request"),
    ("8.1", "def __setitem__", "def setitem", "TypeError"),
    ("8.2", "for key in keys)", "for key in keys[:1])", "keys[:] = [new, old]"),
    ("8.2", "hmac.compare_digest(signature, sign(payload, key))", "True", "JSONDecod"),
    ("8.3", "<= max_age", "<= 3600", "no session"),
    ("9.1", "reversed(self.after)", "self.after", "came 'first, second'"),
    ("9.2", "            error = exception\n", "", "ZeroDivisionError"),
    ("9.3", "        return result\n                return view",
     "        pass\n                return view", "'not you' in the body"),
])
def test_half_a_solution_is_told_apart(tmp_path, number, right, wrong, words):
    name = check.STAGES[int(number[0]) - 1]
    text = (HERE / "solutions" / name).read_text("utf-8")
    assert right in text
    (tmp_path / name).write_text(text.replace(right, wrong), "utf-8")
    spec = importlib.util.spec_from_file_location("stage", tmp_path / name)
    stage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stage)
    came = exercises.run(number, stage)
    assert words in " ".join(f"{key} {value}" for key, value in came.items())

# check.py

@pytest.fixture
def mine(tmp_path):
    """A function that writes a stage 1 of one's own, and checks it."""
    def written(first, *arguments):
        path = tmp_path / "stage1_wsgi.py"
        path.write_bytes(first + (HERE / "solutions" / path.name).read_bytes())
        limit = ["--seconds", 4] * (b"while" in first)
        return run(*(arguments or ["1.1"]), "--in", tmp_path, *limit)
    return written

@pytest.mark.parametrize("first, status, words", [
    (b"", 0, "[x] 1.1"),
    (b"def f(:\n", 1, "stage1_wsgi.py, line 1: invalid syntax: def f(:\n"),
    (b"  x = 1\n", 1, "stage1_wsgi.py, line 1: unexpected indent: x = 1\n"),
    (b"x = '\xff'\n", 1, "stage1_wsgi.py"),
    (b"x = '\0'\n", 1, "stage1_wsgi.py"),
    (b"1 / 0\n", 1, "ZeroDivisionError: division by zero (stage1_wsgi.py, line 1)"),
    (b"import nonsense\n", 1, "No module named 'nonsense' (stage1_wsgi.py, line 1)"),
    (b"input()\n", 1, "EOFError"),
    (b"raise SystemExit(3)\n", 1, "SystemExit: 3 (stage1_wsgi.py, line 1)"),
    (b"import os; os._exit(3)\n", 1, "an end of the process, with status 3"),
    (b"\nprint('my', 1); 1 / 0\n", 1, "printed   my 1\n"),
    (b"while True: print('x' * 1000)\n", 1, "no end within 4 seconds"),
    (b"import threading, time\nthreading.Thread(target=time.sleep, args=[9]).start()\n",
     0, "[x] 1.1"),
])
def test_a_program_of_any_kind_gets_an_answer(mine, first, status, words):
    done = mine(first)
    assert (done.returncode, done.stderr) == (status, "")
    assert words in re.sub(r"\n {16}", " ", done.stdout)
    if b"while" in first:
        assert "(stage1_wsgi.py, line 1)" in done.stdout

def test_a_syntax_error_is_one_line(mine):
    assert mine(b"x = (\n", "1").stdout.count("\n") == 1

def test_a_file_that_is_not_there_is_one_line(tmp_path):
    done = run("3", "--in", tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f"There is no stage3_router.py in {tmp_path}.\n"

def test_a_stage_that_is_broken_does_not_hide_the_others(tmp_path):
    for path in STAGES[:2]:
        shutil.copy(HERE / "solutions" / path.name, tmp_path)
    (tmp_path / "stage3_router.py").write_text("def")
    done = run("--in", tmp_path)
    assert done.returncode == 1
    assert "stage3_router.py, line 1: invalid syntax: def\n" in done.stdout
    assert "6 of 27 solved" in done.stdout

@pytest.mark.parametrize("arguments, shown, more", [
    ([], 1, 1), (["--hints", 2], 2, 1), (["--hints", 3], 3, 0), (["--hints", 0], 0, 1),
])
def test_hints_come_one_by_one(arguments, shown, more):
    done = run("3.1", *arguments)
    assert done.stdout.count("\n      hint ") == shown
    assert done.stdout.count("more: --hints") == more
    assert re.search(r"to do     stage3_router.py, line \d+\n", done.stdout)

@pytest.mark.parametrize("arguments", [["0"], ["10"], ["3.4"], ["x"], ["--diff"]])
def test_what_is_no_exercise_is_refused(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "check.py: error: " in done.stderr

@pytest.mark.skipif(os.name != "posix", reason="there is no pty")
@pytest.mark.parametrize("environ, coloured", [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals(environ, coloured):
    import pty
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    try:
        subprocess.run([sys.executable, str(HERE / "check.py"), "1.1"], stdout=theirs,
                       stderr=theirs, env=clean | environ, timeout=60)
        os.set_blocking(ours, False)
        shown = os.read(ours, 100_000)
        assert b"1.1" in shown and (b"\033[31m" in shown) == coloured
    finally:
        os.close(ours)
        os.close(theirs)
    assert "\033" not in run("1.1").stdout

@pytest.mark.parametrize("number", range(2, 10))
def test_the_difference_of_two_stages_is_the_new_idea(number, capsys):
    check.show_diff(number)
    lines = capsys.readouterr().out.splitlines()
    added = "\n".join(line[1:] for line in lines if line.startswith("+"))
    for name in {name.split(".")[-1] for name in NEW[number].split()}:
        assert re.search(rf"\b{name}\b", added), name
    earlier = {name for stage in range(1, number) for name in NEW[stage].split()}
    for name in re.findall(r"^(?:def|class) (\w+)", added, re.MULTILINE):
        assert name not in earlier
    assert not re.search("Exercise|^.import|^.from ", "\n".join(lines), re.MULTILINE)

def test_there_is_nothing_before_stage_1():
    done = run("1", "--diff")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing before stage 1" in done.stderr

# The README

README = (HERE / "README.md").read_text("utf-8")

def test_the_commands_of_the_readme_do_what_it_says(tmp_path):
    shutil.copytree(HERE, tmp_path / "examples" / "workshop",
                    ignore=shutil.ignore_patterns("__pycache__"))
    commands = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).splitlines()
    out = []
    for command in commands:
        command = command.replace("python3 ", f"'{sys.executable}' ")
        if "stage1_wsgi.py" in command:
            with Served(tmp_path / "mine" / "stage1_wsgi.py", "0") as served:
                out.append(served.get("/tea/pot")[1])
        else:
            done = subprocess.run(["sh", "-c", command], cwd=tmp_path, encoding="utf-8",
                                  capture_output=True, timeout=60)
            assert done.stderr == ""
            out.append(done.stdout)
    copy, picture, page, first, bare = out
    assert (copy, page) == ("", "You asked for /tea/pot\n")
    assert "0 of 27 solved" in picture and "[ ] 1.1" in first
    assert bare.startswith("200 OK [(")
    assert bare.endswith("[b'You asked for /tea\\n']\n")

def test_the_python_session_of_the_readme_is_true():
    names = vars(importlib.import_module("stage3_router")).copy()
    test = doctest.DocTestParser().get_doctest(
        README.replace("```", ""), names, "README", "README.md", 0)
    assert len(test.examples) > 1
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0

def test_the_plan_takes_two_hours_and_knows_the_files():
    minutes = [int(minute) for minute in re.findall(r"^\| (\d+) \|", README.partition(
        "## Two hours")[2], re.MULTILINE)]
    assert minutes == sorted(set(minutes))
    assert minutes[0] == 0 and 110 < minutes[-1] < 120
    for name in re.findall(r"`(\w+\.py)`", README):
        assert (HERE / name).is_file() or (TOP / name).is_file(), name
    for path in STAGES:
        assert f"| `{path.name}` |" in README
