"""Tests of the workshop; from the top level: python -m pytest examples/workshop."""
import ast
import contextlib
import doctest
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(HERE))

import check  # noqa: E402

README = (HERE / "README.md").read_text("utf-8")
TEXTS = {name: (HERE / name).read_text("utf-8") for name in check.STAGES}
EACH_STAGE = pytest.mark.parametrize("name", TEXTS)

def run(*command, cwd=None):
    """Run a command for five minutes at most, and return what comes."""
    return subprocess.run(list(map(str, command)), encoding="utf-8", cwd=cwd,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=300)

def run_check(*arguments):
    return run(sys.executable, "-X", "utf8", HERE / "check.py", *arguments)

def solved(name, right="", wrong=""):
    """Return a stage with its solution pasted in, perhaps with a mistake."""
    solution = (HERE / "solutions" / name).read_text("utf-8")
    assert right in solution
    before, mark, after = TEXTS[name].partition("\n# Try it\n")
    solution = solution.replace(right, wrong) if right else solution
    return f"{before}\n{solution}{mark}{after}"

class Served:
    """A stage that runs in a process, on a port that was free."""
    def __init__(self, path):
        # A process in the background ignores SIGINT, and the ones it starts do so, too.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, path, "0"], stdin=subprocess.DEVNULL, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        signal.signal(signal.SIGINT, before)
        self.url = self.process.stdout.readline().split(" ")[0]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """Press Ctrl-C. The stage ends quietly."""
        self.process.send_signal(signal.SIGINT)
        try:
            log = self.process.communicate(timeout=20)[1]
        finally:
            self.process.kill()
        assert self.process.returncode == 0 and "Traceback" not in log

@EACH_STAGE
def test_the_head_of_a_stage_names_the_students_copy_and_the_chapters(name):
    """It gives the numbers and titles of chapters that microflask.py has."""
    text, number = ast.get_docstring(ast.parse(TEXTS[name])), name[5]
    assert text.startswith(f"Stage {number}: ")
    assert f"\nRun it:    python3 mine/{name}\nTry it:    curl " in text
    assert f"\nCheck it:  python3 mine/check.py {number}\nIt grows into th" in text
    chapters = re.findall(r"^    (\d+\. .+)$", text, re.MULTILINE)
    banners = re.findall(r"^# (\d+\. .+)$",
                         (TOP / "microflask.py").read_text("utf-8"), re.MULTILINE)
    assert chapters
    for chapter in chapters:
        assert any(banner.startswith(chapter) for banner in banners), chapter
    numbers = ", ".join(chapter.partition(".")[0] for chapter in chapters)
    assert re.search(rf"^\| {number} \| `{name}` \| .* \| {numbers} \|$", README,
                     re.MULTILINE)

@EACH_STAGE
def test_the_names_of_a_stage_are_those_of_microflask(name):
    """Except those of functions in functions, of exercises, and of itsdangerous."""
    grown = (TOP / "microflask.py").read_text("utf-8")
    for node in ast.walk(ast.parse(TEXTS[name].partition("\n# Try it\n")[0])):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name not in {
                "add_header", "decorator", "fill", "BadSignature", "URLSafeSerializer",
                "get_signature"}:
            assert re.search(rf"\b{node.name}\b", grown), node.name

def test_a_stage_imports_earlier_ones_as_they_were(tmp_path):
    shutil.copytree(HERE, tmp_path / "examples" / "workshop")
    mine = shutil.copytree(HERE, tmp_path / "mine")
    for name in check.STAGES[:-1]:
        (mine / name).write_text("this is broken", "utf-8")
    done = run(sys.executable, mine / "check.py", "9")
    assert done.stdout.count("to do") == 2 and done.stderr == ""

def test_flake8_finds_nothing():
    pytest.importorskip("flake8")
    assert run(sys.executable, "-m", "flake8", "--isolated", "--max-line-length=88",
               "--ignore=E127,E128,E301,E302,E305,E306,E731,W503", HERE).stdout == ""

def test_a_port_that_is_taken_is_one_line():
    with Served(HERE / "stage1_wsgi.py") as served:
        port = served.url.rpartition(":")[2]
        done = run(sys.executable, HERE / "stage5_errors.py", port)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"Port {port}: Address already in use. Is another")

def test_the_stages_have_20_open_exercises_and_the_solutions_none(tmp_path):
    for name in TEXTS:
        (tmp_path / name).write_text(solved(name), "utf-8")
    for folder, status, boxes in (HERE, 1, 0), (tmp_path, 0, 20):
        done = run_check("--in", folder, "--seconds", 60)
        assert (done.returncode, done.stderr) == (status, "")
        assert done.stdout.startswith(f"The stages in {folder}:\n")
        assert done.stdout.count("[x]") == boxes
        assert done.stdout.endswith(f"\n  {boxes} of 20 solved\n")

@pytest.mark.parametrize("number, right, wrong, words", [
    ("1.1", '.encode("latin-1")', '.encode("utf-8")', "sent GET /grüße expected"),
    ("1.3", "[*headers, (name, value)]", "headers.append((name, value)) or headers",
     "GET / again"),
    ("2.2", ".read(length)", ".read()", "'next': 'request'"),
    ("3.2", "[0-9]+", "\\\\d+", "/post/١٢"),
    ("7.2", ", autoescape=True", "", "came 'Hi <Ann>!'"),
    ("8.2", "if age <=", "if 0 <=", "expected '200 empty' came '200 2'"),
    ("9.1", "in reversed(self.after", "in list(self.after", "came ['first', 'second']"),
    ("9.2", 'startswith(f"{self.name}.")', 'startswith("")', "the shop is closed"),
])
def test_half_a_solution_is_told_apart(tmp_path, number, right, wrong, words):
    path = tmp_path / check.STAGES[int(number[0]) - 1]
    path.write_text(solved(path.name, right, wrong), "utf-8")
    came = check.check(number, path, 30)
    assert words in " ".join(f"{key} {value}" for key, value in came.items())

@pytest.mark.parametrize("first, words", [
    ("", "[x] 1.1"),
    ("def f(:", "came SyntaxError: invalid syntax (stage1_wsgi.py, line 1)"),
    ("print('my', 1); 1 / 0", "division by zero (stage1_wsgi.py, line 1) printed my 1"),
    ("import re; re.match('(a+)+b', 'a' * 99)",
     "no end within 3 seconds. Does it wait, or loop? (stage1_wsgi.py, line 1)"),
    ("import threading, time; threading.Thread(target=time.sleep, args=[99]).start()",
     "[x] 1.1"),
])
def test_a_program_of_any_kind_gets_an_answer(tmp_path, first, words):
    path = tmp_path / "stage1_wsgi.py"
    path.write_text(f"{first}\n{solved(path.name)}", "utf-8")
    limit = 3 if "seconds" in words else 30
    done = run_check("1.1", "--in", tmp_path, "--seconds", limit)
    assert (done.returncode, done.stderr) == (int("[x]" not in words), "")
    assert words in " ".join(done.stdout.split())

def test_an_open_exercise_has_a_place_and_a_hint():
    assert re.search(r"to do     stage3_router.py, line \d+\n      hint      \w",
                     run_check("3.1").stdout)

def sh(command, url, folder):
    """Run a command of the manual with this Python, and the server at this URL."""
    for before, after in [("python3 ", f"'{sys.executable}' "), ("curl ", "curl -sS "),
                          ("http://127.0.0.1:5000", url)]:
        command = command.replace(before, after)
    done = run("sh", "-c", f"{command}\nwait", cwd=folder)
    assert done.stderr.replace(">>> ", "").strip() == "", command
    return done.stdout

def test_the_commands_of_the_readme_and_the_stages_work(tmp_path):
    """Each line of its sh blocks, and of "Run it" and "Try it"."""
    shutil.copytree(HERE, tmp_path / "examples" / "workshop")
    commands = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).splitlines()
    for text in TEXTS.values():
        commands += re.findall(r"^(?:Run|Try) it:    (.*)$", text, re.MULTILINE)
    output, url = "", ""
    with contextlib.ExitStack() as stack:
        for command in commands:
            if re.fullmatch(r"python3 mine/stage\w+\.py", command):
                stack.close()
                url = stack.enter_context(Served(tmp_path / command[8:])).url
            else:
                output += sh(command, url, tmp_path)
    for words in ["0 of 20 solved", "You asked for /tea/pot\n", "[ ] 3.2",
                  "<h1>GET /grüße</h1>", "Hello, Ann!", "404 Not Found", "&lt;b&gt;",
                  "/SLOW/ANN is still /SLOW/ANN", "number 1", "who know the key"]:
        assert words in output, words

def test_stage_6_mixes_requests_up_with_the_plain_global_of_the_readme(tmp_path):
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    lines = re.search("```python\n(.*?)```", README, re.DOTALL)[1]
    text = TEXTS["stage6_context.py"].replace("(request.", "(the_request.")
    text = text.replace("        context = App", lines + "        context = App")
    (tmp_path / "plain.py").write_text(text, "utf-8")
    with Served(tmp_path / "plain.py") as served:
        curl = re.search(r"^Try it:    (.*)$", text, re.MULTILINE)[1]
        pages = sh(curl, served.url, tmp_path)
    assert pages.count("is still") == 2
    assert not ("is still /SLOW/ANN" in pages and "is still /SLOW/BOB" in pages)

def test_the_python_sessions_of_the_readme_are_true():
    test = doctest.DocTestParser().get_doctest(
        README.replace("```", ""), {}, "README", "README.md", 0)
    assert len(test.examples) == 8
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0
