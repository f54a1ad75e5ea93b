"""The heart of the framework as a puzzle: its lines, shuffled, to be put in order.

    python examples/puzzle.py          http://127.0.0.1:5000

Each level is a method on the way of a request. Its lines are taken from microflask.py
as that stands, so the puzzle is always about the code that runs. Drag a line, or move
it with the arrow keys; the server checks the order, because only it knows the file.

Shows an API of JSON behind a page, and `inspect`. Two lines that could as well change
places are asked for in the file's order.

Read on in microflask.py: The application at work.
"""
import inspect
import io
import random
import textwrap
import tokenize

import microflask
from microflask import Flask, abort, redirect, render_template, request, url_for

app = Flask(__name__)

LEVELS = {
    "full_dispatch_request": microflask.Flask,
    "dispatch_request": microflask.Flask,
    "preprocess_request": microflask.Flask,
    "finalize_request": microflask.Flask,
    "process_response": microflask.Flask,
    "make_response": microflask.Flask,
    "handle_user_exception": microflask.Flask,
    "wsgi_app": microflask.Flask,
}


class Level:
    """A method: its head and docstring, and the lines of its body in their order."""

    def __init__(self, name, owner):
        self.name, self.title = name, f"{owner.__name__}.{name}"
        method = getattr(owner, name)
        self.doc = inspect.getdoc(method)
        lines, self.first = inspect.getsourcelines(method)
        text = textwrap.dedent("".join(lines))
        self.head, *body = statements(text)
        if body[0].lstrip().startswith('"""'):
            del body[0]
        margin = len(body[0]) - len(body[0].lstrip())
        self.lines = ["\n".join(line[margin:] for line in lines.split("\n"))
                      for lines in body]

    def shuffled(self, seed):
        """Return the lines in an order that the seed decides, and that is not right."""
        dice, lines = random.Random(seed), self.lines
        while lines == self.lines:
            lines = dice.sample(self.lines, len(self.lines))
        return lines


def statements(text):
    """Cut a program into lines; what stands in brackets over several stays together."""
    lines, first, found = text.splitlines(), None, []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            continue
        first = first or token.start[0]
        if token.type == tokenize.NEWLINE:
            found.append("\n".join(lines[first - 1:token.end[0]]))
            first = None
    return found


def in_order(given, wanted):
    """Tell of each line given whether it can stay: the most that follow one another
    as they should (the longest common subsequence)."""
    best = [[0] * (len(wanted) + 1) for _ in range(len(given) + 1)]
    for i in reversed(range(len(given))):
        for j in reversed(range(len(wanted))):
            best[i][j] = (best[i + 1][j + 1] + 1 if given[i] == wanted[j]
                          else max(best[i + 1][j], best[i][j + 1]))
    stays, i, j = [False] * len(given), 0, 0
    while i < len(given) and j < len(wanted):
        if given[i] == wanted[j]:
            stays[i] = True
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return stays


def level_of(name):
    return Level(name, LEVELS[name]) if name in LEVELS else abort(404)


def lines_of(level):
    """Return the lines that the browser sent: the level's own, in some order."""
    given = request.get_json()
    lines = given.get("lines") if isinstance(given, dict) else None
    if (not isinstance(lines, list) or not all(isinstance(line, str) for line in lines)
            or sorted(lines) != sorted(level.lines)):
        abort(400, "These are not the lines of this level: load the page again.")
    return lines


@app.get("/")
def start():
    return redirect(url_for("show", name=next(iter(LEVELS))))


@app.get("/<name>")
def show(name):
    level, names = level_of(name), list(LEVELS)
    seed = request.args.get("seed", default=1, type=int)
    after = next(iter(names[names.index(name) + 1:]), None)
    return render_template("puzzle.html", level=level, levels=names, seed=seed,
                           lines=level.shuffled(seed), after=after)


@app.post("/<name>/check")
def check(name):
    """Say which lines stand right: {"stays": [true, …], "solved": false}."""
    level = level_of(name)
    lines = lines_of(level)
    return {"stays": in_order(lines, level.lines), "solved": lines == level.lines}


@app.post("/<name>/hint")
def hint(name):
    """Say where the first line belongs that stands wrong: {"place": 3, "from": 7}."""
    level = level_of(name)
    lines = lines_of(level)
    if lines == level.lines:
        return {"place": None}
    place = [given == line for given, line in zip(lines, level.lines)].index(False)
    return {"place": place, "from": lines.index(level.lines[place], place)}


if __name__ == "__main__":
    app.run()
