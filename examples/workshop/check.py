"""Check the exercises of the workshop.

    python examples/workshop/check.py               how far you are
    python examples/workshop/check.py 3             the three exercises of stage 3
    python examples/workshop/check.py 3.2           one exercise
    python examples/workshop/check.py 3 --hints 2   with two hints for each
    python examples/workshop/check.py 3 --in DIR    of the copies in a folder
    python examples/workshop/check.py 4 --diff      what stage 4 adds to stage 3

The exit status is 0 if all that was checked is solved. The exercises run in another
process, and each has ten seconds (or --seconds N).
"""
import argparse
import ast
import difflib
import faulthandler
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import exercises

HERE = Path(__file__).resolve().parent
STAGES = [path.name for path in sorted(HERE.glob("stage[1-9]_*.py"))]
COLOURS = {"green": "32", "red": "31", "grey": "90", "bold": "1"}

def colour(name, text):
    """Colour a text, on a terminal only (and see no-color.org)."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{COLOURS[name]}m{text}\033[0m"

# In a process of its own: the exercises of a stage

class Printed:
    """Takes what a stage prints, and keeps the beginning."""
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text[:500 - len(self.text)]

    def flush(self):
        pass

def work(path, results, seconds, *numbers):
    """Run the tests of exercises; write what comes of each into a file of its own."""
    sys.path[:0] = [os.path.dirname(path)]
    for number in numbers:
        sys.stdout = printed = Printed()
        where = open(os.path.join(results, f"{number}.where"), "w")
        faulthandler.dump_traceback_later(float(seconds), exit=True, file=where)
        spec = importlib.util.spec_from_file_location("stage", path)
        stage = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(stage)
        except BaseException as error:
            wrong = exercises.describe(error, path)
        else:
            wrong = exercises.run(number, stage)
        faulthandler.cancel_dump_traceback_later()
        if wrong:
            wrong["printed"] = printed.text
        Path(results, number).write_text(json.dumps(wrong), "utf-8")
    os._exit(0)                 # threads that are left over do not matter

# Here: run them, and tell what came

def broken(path):
    """Return a line about a file that is missing, or no Python; None if all is well."""
    if not path.is_file():
        return f"There is no {path.name} in {path.parent}."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(path.read_bytes(), str(path), "exec")
    except SyntaxError as error:
        place, line = f"{path.name}, line {error.lineno}", (error.text or "").strip()
        return ": ".join(filter(None, [place, error.msg, line]))
    except ValueError as error:         # a NUL, before Python 3.12
        return f"{path.name}: {error}"

def check(numbers, folder, seconds):
    """Return what is wrong with each of these exercises of a stage: a dict, or None."""
    path = folder / STAGES[int(numbers[0][0]) - 1]
    wrong, left = {}, list(numbers)
    with tempfile.TemporaryDirectory() as results:
        while left:
            try:
                status = subprocess.run(
                    [sys.executable, __file__, "--work", path, results, str(seconds),
                     *left],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, timeout=seconds * len(left) + 10,
                ).returncode
            except subprocess.TimeoutExpired:
                status = "none"
            while left and Path(results, left[0]).is_file():
                number = left.pop(0)
                wrong[number] = json.loads(Path(results, number).read_text("utf-8"))
            if left:            # the process ended in this one: go on with the next
                number = left.pop(0)
                wrong[number] = ended(path, Path(results, f"{number}.where"), status,
                                      seconds)
    return wrong

def ended(path, where, status, seconds):
    """Say in a dict how an exercise came to an end that had no result."""
    trace = where.read_text("utf-8", "replace") if where.is_file() else ""
    if not trace:
        return {"came": f"an end of the process, with status {status}"}
    lines = re.findall(rf'{re.escape(path.name)}", line (\d+)', trace)
    return {"came": f"no end within {seconds:g} seconds: does it wait, or go round in"
                    " circles?", "line": int(lines[0]) if lines else None}

def check_all(numbers, folder, seconds):
    """Check exercises of several stages, a few stages at once."""
    stages = [[n for n in numbers if n[0] == stage]
              for stage in sorted({n[0] for n in numbers})]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        checked = pool.map(lambda stage: check(stage, folder, seconds), stages)
        return {number: wrong for stage in checked for number, wrong in stage.items()}

def indented(label, text):
    """Print a label and a text, which may be long."""
    first, rest = f"      {label:<10}", " " * 16
    for line in str(text).splitlines() or [""]:
        print(textwrap.fill(line, 88, initial_indent=first, subsequent_indent=rest,
                            break_on_hyphens=False))
        first = rest

def explain(number, wrong, path, hints):
    """Print an exercise, and what is wrong with it."""
    title, known = exercises.EXERCISES[number].title, exercises.EXERCISES[number].hints
    if not wrong:
        print(colour("green", f"  [x] {number}  {title}"))
        return
    print(colour("red", f"  [ ] {number}  {title}"))
    if not wrong.get("begun", True):
        indented("to do", f"{path.name}, line {wrong['line']}")
    else:
        place = f" ({path.name}, line {wrong['line']})" if wrong.get("line") else ""
        for label in "sent", "expected":
            if wrong.get(label):
                indented(label, wrong[label])
        indented("came", wrong["came"] + place)
        if wrong.get("printed"):
            indented("printed", wrong["printed"])
    for hint in known[:hints]:
        indented("hint", hint)
    if hints < len(known):
        indented("", colour("grey", f"more: --hints {hints + 1}"))

def picture(solved):
    """Print nine rows of three boxes."""
    for stage, name in enumerate(STAGES, 1):
        boxes = [colour("green", "[x]") if solved[f"{stage}.{n}"] else "[ ]"
                 for n in (1, 2, 3)]
        print(f"  {stage}  {name:<22}", *boxes)
    print(f"\n  {sum(solved.values())} of {len(solved)} solved")

# What one stage adds to the other

def defined(path):
    """Return the name of each definition at the top of a file, with its node."""
    names = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node
    return names

def is_exercise(node):
    """Tell whether this is a function that an exercise asks for."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(part, ast.Raise) and "Exercise " in ast.dump(part)
        for part in node.body)

def core(path, without=()):
    """Return the lines of a stage but its docstring, imports, exercises, some names."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    nodes = [tree.body[0], *(node for node in ast.walk(tree) if is_exercise(node)
                             or isinstance(node, (ast.Import, ast.ImportFrom)))]
    nodes += [node for name, node in defined(path).items() if name in without]
    hidden = set()
    for node in nodes:
        first = min(n.lineno for n in [node, *getattr(node, "decorator_list", [])])
        hidden.update(range(first, node.end_lineno + 1))
    lines, inside = [], False
    for number, line in enumerate(source.splitlines(), 1):
        is_comment = line.strip().startswith("#")
        inside = is_comment and (inside or "# Exercise" in line)
        if not (inside or number in hidden or not line and lines[-1:] in ([], [""])):
            lines.append(line)
    return lines

def show_diff(stage):
    """Print what a stage adds to the one before."""
    if stage == 1:
        sys.exit("There is nothing before stage 1: show the file.")
    old, new = HERE / STAGES[stage - 2], HERE / STAGES[stage - 1]
    was, now = defined(old), defined(new)
    moved = defined(HERE / "parts.py").keys() - now.keys()
    back = {name for name in now.keys() - was.keys() for earlier in STAGES[:stage - 2]
            if name in defined(HERE / earlier)}
    diff = difflib.unified_diff(core(old, moved), core(new, back), old.name, new.name,
                                n=2, lineterm="")
    for line in diff:
        print(colour({"+": "green", "-": "red"}.get(line[:1], "grey"), line))

def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Check the exercises of the workshop.",
        epilog="The exit status is 0 if all that was checked is solved.")
    parser.add_argument("what", nargs="?", help="a stage (3) or an exercise (3.2)")
    parser.add_argument("--in", dest="folder", type=Path, default=HERE,
                        help="the folder with your copies of the stages")
    parser.add_argument("--hints", type=int, default=1, metavar="N",
                        help="show N hints for what is not solved (1)")
    parser.add_argument("--seconds", type=float, default=10, metavar="N",
                        help="the time that an exercise has (10)")
    parser.add_argument("--diff", action="store_true",
                        help="show what this stage adds to the one before")
    options = parser.parse_args()
    options.numbers = [number for number in exercises.EXERCISES
                       if options.what in (None, number, number[0])]
    if not options.numbers:
        parser.error(f"{options.what!r} is no stage (1 to 9), no exercise (1.1 to 9.3)")
    if options.diff and options.what is None:
        parser.error("--diff needs a stage: check.py 4 --diff")
    return options

def main():
    """Check what the command line names; return the exit status."""
    options = arguments()
    if options.diff:
        return show_diff(int(options.what[0]))
    folder = options.folder.resolve()
    paths = {n: folder / STAGES[int(n[0]) - 1] for n in options.numbers}
    for path in dict.fromkeys(paths.values()):
        if problem := broken(path):
            print(colour("red", problem))
            paths = {number: p for number, p in paths.items() if p != path}
    wrong = check_all(list(paths), folder, options.seconds)
    if options.what is None:
        picture({number: wrong.get(number, True) is None for number in options.numbers})
    else:
        for number, path in paths.items():
            explain(number, wrong[number], path, options.hints)
    return any(wrong.get(number, True) for number in options.numbers)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    sys.stdout.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):      # check.py 4 --diff | head
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
