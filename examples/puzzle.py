"""The heart of the framework as a puzzle: put the shuffled lines in order.

    python examples/puzzle.py          http://127.0.0.1:5000

Each level is a method on the way of a request, as microflask.py has it now. You can
derive the order. Where two lines do not depend on each other, both orders are right.
Click a line and the place where it belongs, or move it with the arrow keys.

Only the server knows the order: the page sends it the lines as JSON.
"""
import ast
import random
import textwrap
import tokenize
from difflib import SequenceMatcher

import source
from microflask import Flask, abort, redirect, render_template, request, url_for
from xray import way

app = Flask(__name__)

SIZES = range(4, 23)        # lines of a level
ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
ACTS = (ast.Call, ast.Await, ast.Yield, ast.Delete, ast.Assert, ast.Import)

class Level:
    """A method: its head, its docstring, and the lines of its body in their order."""
    def __init__(self, name, text):
        method = ast.parse(text).body[0]
        self.name, self.doc = name, ast.get_docstring(method) or ""
        self.texts = dict(statements(text))     # number -> line
        self.head = self.texts[method.lineno]
        self.body = method.body[bool(self.doc):]
        self.lines = self.nearest([*self.texts.values()])

    def shuffled(self, seed):
        """Return the lines in an order that the seed decides, and that is wrong."""
        dice = random.Random(seed)
        orders = [dice.sample(self.lines, len(self.lines)) for _ in range(20)]
        return next(order for order in orders if order != self.nearest(order))

    def nearest(self, given, block=None):
        """Return the right order, of a block or all, that is nearest to one given."""
        left, found = list(block or self.body), []
        while left:
            free = [statement for at, statement in enumerate(left) if all(
                independent(before, statement) for before in left[:at])]
            first = min(free, key=lambda free: given.index(self.texts[free.lineno]))
            left.remove(first)
            found += self.lines_of(first, given)
        return found

    def lines_of(self, statement, given):
        """Return the lines of a statement; blocks in it are in order."""
        blocks = {block[0].lineno: block
                  for node in (statement, *getattr(statement, "handlers", ()))
                  for field in ("body", "orelse", "finalbody")
                  if isinstance(block := getattr(node, field, None), list) and block}
        found, end = [], 0
        for number in range(statement.lineno, statement.end_lineno + 1):
            if number in blocks:
                found += self.nearest(given, blocks[number])
                end = blocks[number][-1].end_lineno
            elif number in self.texts and number > end:
                found.append(self.texts[number])
        return found

def statements(text):
    """Yield (number, text) of lines; what goes on in brackets stays together."""
    lines, first = text.splitlines(), None
    for token in source.tokens(text):
        if token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            first = first or token.start[0]
        if token.type == tokenize.NEWLINE:
            yield first, "\n".join(lines[first - 1:token.end[0]])
            first = None

def independent(one, other):
    """Tell whether two statements do the same whichever runs first."""
    def names(statement, kinds):
        return {ast.unparse(node) for node in ast.walk(statement)
                if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))
                and isinstance(node.ctx, kinds)}

    def has(statement, kinds):
        return any(isinstance(node, kinds) for node in ast.walk(statement))

    if isinstance(one, ENDS) or isinstance(other, ENDS):
        return False
    for this, that in ((one, other), (other, one)):
        if has(this, ACTS) and has(that, (*ACTS, ast.Attribute, ast.Subscript)):
            return False        # a call may change what an attribute is
        if has(this, ENDS) and has(that, (*ACTS, *ENDS)):
            return False        # what does nothing else may as well run before a return
        if names(this, ast.Store) & names(that, (ast.Store, ast.Load)):
            return False
    return True

def levels():
    """Return {name: level} of the methods on a request's way, the short ones first."""
    book = source.book()
    made = [Level(step.name, textwrap.dedent(
        "\n".join(book.lines[step.line - 1:step.end]))) for step in way(book)]
    made.sort(key=lambda level: len(level.lines))
    return {level.name: level for level in made if len(level.lines) in SIZES}

@app.get("/")
def start():
    return redirect(url_for("show", name=next(iter(levels()))))

@app.get("/<name>")
def show(name):
    found = levels()
    level, names = found.get(name) or abort(404), list(found)
    seed = request.args.get("seed", default=1, type=int)
    after = next(iter(names[names.index(name) + 1:]), None)
    return render_template("puzzle.html", level=level, levels=names, seed=seed,
                           lines=level.shuffled(seed), after=after)

@app.post("/<name>/check")
def check(name):
    """Say which lines can stay where they are."""
    level = levels().get(name) or abort(404)
    given = request.get_json()
    if not isinstance(given, list) or sorted(map(str, given)) != sorted(level.lines):
        abort(400, "These are not the lines of this level: load the page again.")
    wanted = level.nearest(given)
    runs = SequenceMatcher(None, given, wanted, autojunk=False).get_matching_blocks()
    stays = {run.a + at for run in runs for at in range(run.size)}
    return [at in stays for at in range(len(given))]

if __name__ == "__main__":
    app.run()
