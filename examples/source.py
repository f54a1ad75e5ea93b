"""The annotated source: microflask.py as a book, with its prose beside its code.

    python examples/source.py          http://127.0.0.1:5000

A name leads to its definition, and a definition to the lines that use it: `ast` finds
out what each name means. Your browser remembers which chapters you have read, and the
page tells you how long the rest takes.

Shows how to cache a result until its source changes: the key is the time of the change.
"""
import ast
import functools
import io
import itertools
import keyword
import re
import textwrap
import tokenize
from collections import namedtuple
from inspect import cleandoc
from pathlib import Path

import microflask
from microflask import Flask, Markup, abort, escape, render_template, request

app = Flask(__name__)

FILE = Path(microflask.__file__)
LINES_AN_HOUR = 800     # with care
HOUR = [1, 2, 4, 7, 8, 13]      # the hour's path, unless the title page has stars
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFS = (*FUNCTIONS, ast.ClassDef)
# An attribute of this name may as well belong to a str, a dict, a file or a pattern.
COMMON = {name for kind in (str, bytes, dict, list, set, tuple, io.BytesIO, re.Pattern,
                            re.Match, BaseException, property) for name in dir(kind)}

# What a name means

Definition = namedtuple("Definition", "name kind line end uses")   # uses: set of lines
Chapter = namedtuple("Chapter", "number title part start end")      # 0: the title page

def own_nodes(node):
    """Yield the nodes below a node, without what is in functions and classes there."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*DEFS, ast.Lambda, ast.comprehension)):
            yield from own_nodes(child)

def local_names(function):
    """Return the names that a function binds, those of functions in it included."""
    inside = list(ast.walk(function))[1:]
    return {node.arg for node in inside if isinstance(node, ast.arg)}.union(
        (node.id for node in inside if is_stored(node, ast.Name)),
        (node.name for node in inside if isinstance(node, (*DEFS, ast.ExceptHandler))))

def is_stored(node, kind):
    return isinstance(node, kind) and isinstance(node.ctx, ast.Store)

def name_of(node):
    return getattr(node, "id", "")      # "" for what is not a plain name

class Names(ast.NodeVisitor):
    """The definitions of a module, and the places in its text that mean them."""
    def __init__(self, tree, lines):
        self.lines = lines
        self.links = {}         # (line, column) -> (definition, is it there?)
        self.known = {}         # qualified name -> definition
        self.bases = {}         # class -> names of its bases
        self.members = {"": {}}     # class -> {name: definition}; "" is the module
        self.define_all(tree, "")
        self.owner, self.locals = "", set()     # where the visit is
        self.visit(tree)

    def define_all(self, node, owner):
        """Enter what a module or class defines, and the attributes of `self`."""
        for child in own_nodes(node):
            if isinstance(child, ast.ClassDef):
                self.define(owner, child.name, "class", child)
                self.bases[child.name] = [*map(name_of, child.bases)]
                self.members[child.name] = {}
                self.define_all(child, child.name)
            elif isinstance(child, FUNCTIONS):
                kind = "method" if owner else "function"
                self.define(owner, child.name, kind, child)
            elif is_stored(child, ast.Name):
                kind = "attribute" if owner else "constant"
                self.define(owner, child.id, kind, child)
        for child in ast.walk(node) if owner else ():
            if (is_stored(child, ast.Attribute) and name_of(child.value) == "self"
                    and not self.member(owner, child.attr)):
                self.define(owner, child.attr, "attribute", child)

    def define(self, owner, name, kind, node):
        line, column = self.place(node, name)
        is_new = name not in self.members[owner]    # or the setter of a property, say
        if is_new:
            full = f"{owner}.{name}".lstrip(".")
            self.known[full] = self.members[owner][name] = Definition(
                full, kind, line, node.end_lineno, set())
        self.links[line, column] = self.members[owner][name], is_new

    def place(self, node, name):
        """Return line and column of a name, which may be the end of a node."""
        if isinstance(node, DEFS):
            return node.lineno, self.lines[node.lineno - 1].index(f" {name}") + 1
        line = self.lines[node.end_lineno - 1].encode()
        return node.end_lineno, len(line[:node.end_col_offset].decode()) - len(name)

    def family(self, owner):
        """Return a class and those of its bases that are in this file."""
        return [owner, *(name for base in self.bases.get(owner, ())
                         for name in self.family(base))]

    def member(self, owner, name):
        """Return what an attribute of a class means, or None."""
        for kind in self.family(owner):
            if name in self.members.get(kind, ()):
                return self.members[kind][name]
        return None

    def only(self, name):
        """Return the only member of this name in the file, or None."""
        found = [members[name] for owner, members in self.members.items()
                 if owner and name in members]
        return found[0] if len(found) == 1 and name not in COMMON else None

    def find(self, text):
        """Return what `run()` or `Flask.run` in the prose means, or None."""
        name = text.partition("(")[0]
        return self.known.get(name) or self.only(name.rpartition(".")[2])

    def class_of(self, node):
        """Return the class of a value: AppContext for a variable `context`, say."""
        name = name_of(node) or getattr(node, "attr", "")
        if name_of(node) in ("self", "cls"):
            return self.owner
        wanted = "Flask" if name[-3:] == "app" else name.title().replace("_", "")
        found = [kind for kind in self.members
                 if kind.endswith(wanted) and not kind.startswith("_")]
        return wanted if wanted in found else found[0] if len(found) == 1 else None

    def visit_ClassDef(self, node):
        around, self.owner = self.owner, node.name
        self.generic_visit(node)
        self.owner = around

    def visit_FunctionDef(self, node):
        around, self.locals = self.locals, self.locals | local_names(node)
        self.generic_visit(node)
        self.locals = around

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_Name(self, node):
        if node.id not in self.locals:
            self.link(self.members[""].get(node.id), node, node.id)

    def visit_Attribute(self, node):
        self.visit(node.value)
        owner = self.class_of(node.value)
        found = self.member(owner, node.attr) if owner else self.only(node.attr)
        self.link(found, node, node.attr)

    def link(self, definition, node, name):
        place = self.place(node, name)
        if definition and not self.links.setdefault(place, (definition, False))[1]:
            definition.uses.add(node.end_lineno)

# What a line looks like

def tokens(text):
    return tokenize.generate_tokens(io.StringIO(text).readline)

def colour(kind, text):
    """Return the CSS class of a token, or None."""
    if "STRING" in tokenize.tok_name[kind]:     # FSTRING_START and others, since 3.12
        return "t"
    return {tokenize.COMMENT: "c", tokenize.NUMBER: "t"}.get(kind) or (
        "k" if keyword.iskeyword(text) else None)

def paint(text, links={}):
    """Return the lines of a program as HTML; `links` is {(line, column): start tag}."""
    lines = text.splitlines()
    painted, done = [""] * len(lines), [0] * len(lines)
    for kind, string, start, end, _ in tokens(text):
        tag, css = links.get(start) if string else None, colour(kind, string)
        for at in range(start[0] - 1, end[0] if tag or css else 0):
            first = start[1] if at == start[0] - 1 else 0
            last = end[1] if at == end[0] - 1 else len(lines[at])
            wrap = f"{tag}%s</a>" if tag else f'<span class="{css}">%s</span>'
            painted[at] += (escape(lines[at][done[at]:first])
                            + Markup(wrap) % lines[at][first:last])
            done[at] = last
    return [Markup(html) + line[end:] for html, line, end in zip(painted, lines, done)]

# The file as a book

class Book:
    """A Python file: its chapters, its prose, its names."""
    RULE = re.compile(r"# ?[-=#]{10,}$")

    def __init__(self, text):
        self.lines, self.tree = text.splitlines(), ast.parse(text)
        heads = list(self.find_chapters())
        ends = [*(start - 1 for *_, start in heads[1:]), len(self.lines)]
        self.chapters = [Chapter(*head, end) for head, end in zip(heads, ends)]
        stars = re.findall(r"\* ?(\d+)  ", ast.get_docstring(self.tree) or "")
        self.hour = [*map(int, stars)] or HOUR
        self.names = Names(self.tree, self.lines)
        self.prose = dict(self.find_prose(text))    # first line -> (last line, text)
        self.starts = {      # first lines of rows
            min(part.lineno for part in (node, *node.decorator_list))
            for node in ast.walk(self.tree) if isinstance(node, DEFS)
            and (node.col_offset == 0 or ast.get_docstring(node))}
        self.painted = paint(text, {
            place: self.tag(*link) for place, link in self.names.links.items()})

    def find_chapters(self):
        """Yield the chapters; each starts at a rule above a line `# 7. Sessions`."""
        start, part = 1, ""
        yield 0, "Title page", part, start
        for number, line in enumerate(self.lines[1:], 2):
            head = re.match(r"# (?:(\d+)\. |(?=Part \w+: ))(.+?)(?:  .*)?$", line)
            if head and self.RULE.match(self.lines[number - 2]):
                start, part = (start, part) if part else (number - 1, "")
                if head[1]:
                    yield int(head[1]), head[2].replace("`", ""), part, start
                part = "" if head[1] else head[2]

    def find_prose(self, text):
        """Yield (first line, (last line, text)) of docstrings and comments."""
        for node in ast.walk(self.tree):
            is_documented = isinstance(node, (*DEFS, ast.Module))
            if is_documented and (doc := ast.get_docstring(node)):
                yield node.body[0].lineno, (node.body[0].end_lineno, doc)
        comments = [token.start[0] for token in tokens(text)
                    if token.type == tokenize.COMMENT and token.start[1] == 0
                    and not re.match("# (flake8|mypy|ruff):", token.string)]
        for _, block in itertools.groupby(
                enumerate(comments), lambda pair: pair[1] - pair[0]):
            numbers = [number for _, number in block]
            lines = [self.lines[number - 1] for number in numbers]
            yield numbers[0], (numbers[-1], "\n".join(
                "" if self.RULE.match(line) else line[2:] for line in lines).strip())

    def line(self, number):
        """Return a line without the space around it."""
        return self.lines[number - 1].strip() if number <= len(self.lines) else ""

    def chapter_of(self, line):
        """Return the chapter of a line."""
        return next(chapter for chapter in self.chapters if line <= chapter.end)

    def href(self, line):
        """Return the address of a line; all pages lie in one folder."""
        return f"./{self.chapter_of(line).number or ''}#L{line}"

    def tag(self, definition, is_there):
        return (f'<a class="d" href="uses?of={definition.name}"'
                f' data-uses="{len(definition.uses) or ""}">' if is_there
                else f'<a href="{self.href(definition.line)}">')

    def rows(self, chapter):
        """Yield the rows of a chapter: (is it an opening?, prose, numbers of lines)."""
        prose, code, empty, number = [], [], [], chapter.start
        while number <= chapter.end:
            end, text = self.prose.get(number, (number, None))
            if code and (number in self.starts or text and (
                    self.lines[number - 1].startswith("#"))):
                yield False, prose, code
                prose, code, empty = [], [], []
            if text and (number == 1 or re.match(r"\d+\. |Part \w+: ", text)):
                yield True, [(number, text)], []
            elif text is not None:
                prose.append((number, text))
            elif code and not self.line(number):
                empty.append(number)
            elif self.line(number):
                code, empty = [*code, *empty, number], []
            number = end + 1
        yield False, prose, code

    def words(self, text):
        """Return prose as HTML: headings, paragraphs and indented examples."""
        made, blocks = [], re.split(r"\n\s*\n", cleandoc(text))
        for is_example, group in itertools.groupby(
                blocks, lambda block: block.startswith("  ")):
            if is_example:
                shown = textwrap.dedent("\n\n".join(group))
                made.append(Markup("<pre>%s</pre>") % self.inline(shown))
            for block in group:
                head = re.match(r"(?:\d+\. |Part \w+: ).+", block)
                if head:
                    made.append(Markup("<h1>%s</h1>") % self.inline(head[0].strip()))
                made.append(Markup("<p>%s</p>") % self.inline(
                    block[head.end():] if head else block))
        return Markup("\n").join(made)

    def inline(self, text):
        """Return words as HTML; what looks like code and means a name is a link."""
        made = []
        code = r"(`[^`]+`|\b\w+[a-z][A-Z]\w+\b|\b[a-z]+_\w+)"
        for at, part in enumerate(re.split(code, text)):    # code has the odd places
            html, name = escape(part.strip("`")), part.strip("`")
            if at % 2 and (definition := self.names.find(name)):
                html = Markup('<a href="%s">%s</a>') % (
                    self.href(definition.line), name)
            made.append(Markup("<code>%s</code>") % html if part[:1] == "`" else html)
        return Markup("").join(made)

# The application

@functools.lru_cache(maxsize=1)
def read(path, changed):
    return Book(path.read_text(encoding="utf-8"))

def book():
    return read(FILE, FILE.stat().st_mtime_ns)

@app.template_filter()
def minutes(lines):
    """How long the reading of so many lines takes."""
    return round(lines * 60 / LINES_AN_HOUR)

@app.context_processor
def for_every_page():
    return {"book": book(), "file": FILE.name}

@app.get("/")
@app.get("/<int:number>")
def chapter(number=0):
    volume = book()
    found = [one for one in volume.chapters if one.number == number]
    here = found[0] if found else abort(404)
    before = [one for one in volume.chapters if one.start < here.start]
    after = [one for one in volume.chapters if one.start > here.start]
    return render_template("source.html", here=here, before=before, after=after)

@app.get("/uses")
def uses():
    """Where a name is defined, and the lines that use it."""
    found = book().names.known.get(request.args["of"]) or abort(404)
    return render_template("source_found.html", title=found.name,
                           lines=[found.line, *sorted(found.uses - {found.line})])

@app.get("/find")
def find():
    """List the lines that hold all words of a query."""
    query = request.args["q"].strip()
    words = query.lower().split()
    lines = [number for number, text in enumerate(book().lines, 1)
             if words and all(word in text.lower() for word in words)]
    return render_template("source_found.html", title=query or "Find", query=query,
                           lines=lines[:60])

if __name__ == "__main__":
    app.run()
