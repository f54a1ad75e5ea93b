"""microflask as a book: its own source, prose beside code, every name a link.

    python examples/source.py          http://127.0.0.1:5000

What you read is made from microflask.py itself whenever that changes: `ast` tells which
name means what, `tokenize` gives the colours, and the prose is what stands there, the
openings of the chapters, the docstrings, the comments. Nothing is kept beside it: all
lines of all pages, put together, are the file.

A name in the code leads to its definition, and a definition to the lines that use it.
The keys: / searches, n and p turn the page, m marks a chapter as read.

Shows how to serve what was computed once for as long as its source does not change: the
file's time of change is the key under which a cache keeps the result.
"""
import ast
import builtins
import functools
import io
import itertools
import keyword
import os
import re
import tokenize
from pathlib import Path

import microflask
from microflask import Flask, Markup, abort, escape, redirect, render_template, request

app = Flask(__name__)

FILE = Path(microflask.__file__)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SKIP = "(skip on first reading)"
# A method of this name may as well be one of str, dict, a file or a pattern.
COMMON = {name for kind in (str, bytes, dict, list, set, tuple, io.BytesIO, re.Pattern,
                            re.Match, BaseException, property, type(os), type(abort))
          for name in dir(kind)}
# What these names mean wherever a type is not written down.
SPEAKING = {"app": "Flask", "current_app": "Flask", "request": "Request",
            "response": "Response", "context": "AppContext", "blueprint": "Blueprint",
            "url_map": "Map", "url_adapter": "MapAdapter", "headers": "Headers",
            "g": "_AppCtxGlobals"}


# Names: what is defined where, and used where

class Definition:
    """A name and where it is defined; `uses` are the lines that mean it."""

    def __init__(self, name, kind, line, column, doc=None):
        self.name, self.kind, self.line, self.column = name, kind, line, column
        self.short = name.rpartition(".")[2]
        self.doc = (doc or "").split("\n\n")[0].replace("\n", " ")
        self.uses = []
        self.type = None        # the name of the class that it is known to give


class Scope:
    """Names that are bound in a module, class, function or comprehension."""

    def __init__(self, kind, name="", bound=None):
        self.kind, self.name, self.bound = kind, name, bound or {}
        self.types = {}


def parts(node):
    """Walk through what stands in a scope, not into the scopes in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*FUNCTIONS, *LOOPS, ast.ClassDef, ast.Lambda)):
            yield from parts(child)


def bound_names(node):
    """Return the names that a function or comprehension binds for itself."""
    names, others = set(), set()
    arguments = getattr(node, "args", None)
    if isinstance(arguments, ast.arguments):
        names |= {child.arg for child in ast.walk(arguments)
                  if isinstance(child, ast.arg)}
    for child in parts(node):
        if isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Load):
            names.add(child.id)
        elif isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            names.add(child.name)
        elif isinstance(child, ast.ExceptHandler) and child.name:
            names.add(child.name)
        elif isinstance(child, ast.alias):
            names.add((child.asname or child.name).partition(".")[0])
        elif isinstance(child, (ast.Global, ast.Nonlocal)):
            others |= set(child.names)
    return names - others


class Names:
    """The definitions of a module, and the places in its text that mean them."""

    def __init__(self, text):
        self.lines = text.splitlines()
        self.links = {}         # line -> {column: (definition, is the definition)}
        self.definitions = {}   # qualified name -> Definition
        self.bases = {}         # class -> names of its bases
        self.members = {}       # class -> {name: Definition}
        self.by_short = {}      # name of a member -> its definitions
        self.extents = {}       # class -> (first line, last line)
        self.scopes = [Scope("module")]
        self.starts = set()     # first lines of what stands in a row of its own
        tree = ast.parse(text)
        self.define_all(tree, self.scopes[0].bound, "")
        for members in self.members.values():
            for definition in members.values():
                self.by_short.setdefault(definition.short, []).append(definition)
        self.visit_all(ast.iter_child_nodes(tree))

    # First round: definitions

    def define(self, where, prefix, name, kind, line, column, doc=None):
        if name not in where:
            made = Definition(prefix + name, kind, line, column, doc)
            where[name] = self.definitions[prefix + name] = made
            self.links.setdefault(line, {})[column] = made, True
        return where[name]

    def define_all(self, node, where, prefix):
        """Enter what a module or a class defines, and what is in it."""
        in_class = isinstance(node, ast.ClassDef)
        for child in parts(node):
            if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
                self.define_block(child, where, prefix, in_class)
            elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                kind = "attribute" if in_class else "constant"
                self.define(where, prefix, child.id, kind, *self.place(child))
            elif isinstance(child, ast.alias) and not in_class:
                name = (child.asname or child.name).partition(".")[0]
                column = self.lines[child.lineno - 1].rindex(
                    name, 0, child.end_col_offset)
                self.define(where, prefix, name, "import", child.lineno, column)

    def define_block(self, node, where, prefix, in_class):
        is_class = isinstance(node, ast.ClassDef)
        kind = "class" if is_class else "method" if in_class else "function"
        column = self.lines[node.lineno - 1].index(
            node.name, node.col_offset + len("class" if is_class else "def"))
        doc = ast.get_docstring(node)
        if node.name in where:      # a property's setter, or one of two versions
            return self.link(where[node.name], node.lineno, column)
        made = self.define(where, prefix, node.name, kind, node.lineno, column, doc)
        if is_class:
            made.type = node.name
            self.extents[node.name] = node.lineno, node.end_lineno
            self.bases[node.name] = [
                base.id for base in node.bases if isinstance(base, ast.Name)]
            members = self.members.setdefault(node.name, {})
            self.define_all(node, members, f"{prefix}{node.name}.")
            for method in node.body:
                if isinstance(method, FUNCTIONS):
                    self.define_attributes(method, node.name, members)
        else:
            made.type = self.annotated(node.returns)
        return None

    def define_attributes(self, method, owner, members):
        """Enter the attributes that a method gives to `self` for the first time."""
        me = self.own_name(method)
        for node in ast.walk(method):
            if (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
                    and isinstance(node.value, ast.Name) and node.value.id == me
                    and not self.member(owner, node.attr)):
                self.define(members, owner + ".", node.attr, "attribute",
                            *self.place(node))

    @staticmethod
    def own_name(method):
        """Return what a method calls its object; None if it has none."""
        arguments = method.args.posonlyargs + method.args.args
        static = any(isinstance(decorator, ast.Name) and decorator.id == "staticmethod"
                     for decorator in method.decorator_list)
        return arguments[0].arg if arguments and not static else None

    def place(self, node):
        """Return line and column of a name, or of the attribute at a node's end."""
        if isinstance(node, ast.Attribute):
            line = self.lines[node.end_lineno - 1].encode()
            end = len(line[:node.end_col_offset].decode())
            return node.end_lineno, end - len(node.attr)
        line = self.lines[node.lineno - 1].encode()
        return node.lineno, len(line[:node.col_offset].decode())

    # What a name means

    def family(self, owner):
        """Return a class and its bases, nearest first, as far as they stand here."""
        found = [owner]
        for base in self.bases.get(owner, ()):
            found += [name for name in self.family(base) if name not in found]
        return found

    def member(self, owner, name, above=False):
        """Return what an attribute of a class means; None if that is not known."""
        for ancestor in self.family(owner)[above:]:
            if name in self.members.get(ancestor, ()):
                return self.members[ancestor][name]
        below = [members[name] for heir, members in self.members.items()
                 if name in members and owner in self.family(heir)]
        return below[0] if len(below) == 1 and not above else None

    def annotated(self, node):
        """Return the class that an annotation names; None if it is not from here."""
        if isinstance(node, ast.BinOp):
            return self.annotated(node.left) or self.annotated(node.right)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return node.id if isinstance(node, ast.Name) else None

    def look_up(self, name):
        """Return (scope, definition) of a name that stands in the present scope."""
        for scope in reversed(self.scopes):
            if name in scope.bound and (
                    scope.kind != "class" or scope is self.scopes[-1]):
                return scope, scope.bound[name]
        return None, None

    def type_of(self, node):
        """Return the name of the class of an expression's value; None if unknown."""
        if isinstance(node, ast.Name):
            scope, definition = self.look_up(node.id)
            known = scope.types.get(node.id) if scope else None
            known = known or (definition.type if definition else None)
            return known if known in self.members else SPEAKING.get(node.id)
        if isinstance(node, ast.Attribute):
            found = self.meaning(node)
            known = found.type if found else None
            return known if known in self.members else SPEAKING.get(node.attr)
        if isinstance(node, ast.Call):
            found = self.meaning(node.func)
            return found.type if found else None
        return None

    def meaning(self, node):
        """Return the definition that a name or an attribute means, or None."""
        if isinstance(node, ast.Name):
            return self.look_up(node.id)[1]
        if not isinstance(node, ast.Attribute):
            return None
        value = node.value
        if (isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
                and value.func.id == "super"):
            owners = [scope.name for scope in self.scopes if scope.kind == "class"]
            return self.member(owners[-1], node.attr, above=True) if owners else None
        base = self.meaning(value)
        if base and base.kind == "import" or isinstance(value, ast.Constant):
            return None
        owner = self.type_of(value)
        if owner in self.members:
            return self.member(owner, node.attr)
        known = self.by_short.get(node.attr, ())
        return known[0] if len(known) == 1 and node.attr not in COMMON else None

    def find(self, text, line):
        """Return what `run` or `Flask.run` in the prose of a line means, or None."""
        name = text.partition("(")[0]
        for owner, (start, end) in self.extents.items():
            if start <= line <= end and (member := self.member(owner, name)):
                return member
        if name in self.definitions:
            return self.definitions[name]
        known = self.by_short.get(name.rpartition(".")[2], ())
        return known[0] if len(known) == 1 and known[0].short not in COMMON else None

    # Second round: uses

    def visit_all(self, nodes):
        for node in nodes:
            self.visit(node)

    def visit(self, node):
        here = self.scopes[-1]
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            first = min(part.lineno for part in (node, *node.decorator_list))
            if here.kind == "module" or ast.get_docstring(node):
                self.starts.add(first)
            if here.bound.get(node.name, here) is None:     # defined in a function
                del here.bound[node.name]
                self.define_block(node, here.bound, here.name + ".", False)
        inside = self.scope_of(node)
        if inside:
            self.scopes.append(inside)
        self.visit_all(ast.iter_child_nodes(node))
        if inside:
            self.scopes.pop()
        elif isinstance(node, (ast.Name, ast.Attribute)):
            self.use(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            self.learn(node)

    def scope_of(self, node):
        """Return the scope that a node opens, or None."""
        above = self.scopes[-1]
        name = ".".join(filter(None, (above.name, getattr(node, "name", None))))
        if isinstance(node, ast.ClassDef):
            return Scope("class", name, self.members.get(node.name))
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, *LOOPS)):
            return None
        scope = Scope("function", name, dict.fromkeys(bound_names(node)))
        arguments = getattr(node, "args", None)
        for argument in ast.walk(arguments) if arguments else ():
            if isinstance(argument, ast.arg):
                scope.types[argument.arg] = self.annotated(argument.annotation)
        if isinstance(node, FUNCTIONS) and above.kind == "class":
            scope.types[self.own_name(node)] = above.name.rpartition(".")[2]
        return scope

    def use(self, node):
        """Enter that a name or an attribute means a definition."""
        definition = self.meaning(node)
        if definition:
            self.link(definition, *self.place(node))

    def link(self, definition, line, column):
        found = self.lines[line - 1][column:column + len(definition.short)]
        if found == definition.short:   # not so in a few f-strings before Python 3.12
            known = self.links.setdefault(line, {}).setdefault(
                column, (definition, False))
            if known == (definition, False):
                definition.uses.append(line)

    def learn(self, node):
        """Note of what class a variable is, as far as its assignment tells."""
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        kind = self.annotated(getattr(node, "annotation", None))
        if kind not in self.members:
            kind = self.type_of(node.value) if node.value else None
        if kind not in self.members:
            return
        if isinstance(target, ast.Name) and self.scopes[-1].kind == "function":
            self.scopes[-1].types[target.id] = kind
        else:
            definition = self.meaning(target)
            if definition and definition.kind not in ("class", "function", "method"):
                definition.type = definition.type or kind


# Colours: what the tokens are

def token_kind(kind, text):
    """Return the CSS class of a token, or None."""
    if kind == tokenize.NAME:
        return ("k" if keyword.iskeyword(text) else "me" if text in ("self", "cls") else
                "b" if hasattr(builtins, text) else None)
    if "STRING" in tokenize.tok_name[kind]:     # FSTRING_START and others, since 3.12
        return "t"
    return {tokenize.COMMENT: "c", tokenize.NUMBER: "t"}.get(kind)


def colours(text):
    """Return {line: [(start, end, CSS class)]} of a program's text."""
    found = {}
    lines = text.splitlines()
    for kind, string, start, end, _ in tokenize.generate_tokens(
            io.StringIO(text).readline):
        css = token_kind(kind, string)
        for line in range(start[0], end[0] + 1) if css else ():
            found.setdefault(line, []).append((
                start[1] if line == start[0] else 0,
                end[1] if line == end[0] else len(lines[line - 1]), css))
    return found


# Pages: prose beside code

class Chapter:
    """A chapter of the file: from its opening to the line before the next one."""

    def __init__(self, number, title, start, end):
        self.number, self.start, self.end = number, start, end
        self.skip = SKIP in title
        self.title = title.replace(SKIP, "").strip()
        self.sections = []      # (line, title) of the headings in it


class Book:
    """A file of Python cut into chapters, and each chapter into rows."""

    def __init__(self, text):
        self.text, self.lines = text, text.splitlines()
        self.names, self.colours = Names(text), colours(text)
        self.chapters = list(self.find_chapters())
        self.prose = self.find_prose()      # line -> (last line, kind)
        self.path = [chapter for chapter in self.chapters if not chapter.skip]
        for line, (_, kind) in self.prose.items():
            if kind == "section":
                self.chapter_of(line).sections.append((line, self.bare(line)))

    def find_chapters(self):
        heads = [number for number in range(2, len(self.lines))
                 if re.fullmatch(r"# -{20,}", self.lines[number - 2])
                 and re.match(r"# \d+\. ", self.lines[number - 1])]
        ends = [head - 2 for head in heads] + [len(self.lines)]
        yield Chapter(0, "Title page", 1, ends[0])
        for head, end in zip(heads, ends[1:]):
            number, _, title = self.lines[head - 1][2:].partition(". ")
            yield Chapter(int(number), title, head - 1, end)

    def chapter_of(self, line):
        """Return the chapter that a line stands in."""
        return next(chapter for chapter in self.chapters if line <= chapter.end)

    def find_prose(self):
        """Return {first line: (last line, kind)} of docstrings and comments."""
        found = {}
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module)) and (
                    ast.get_docstring(node)):
                doc = node.body[0]
                found[doc.lineno] = doc.end_lineno, (
                    "opening" if doc.lineno == 1 else "doc")
        openings = {chapter.start for chapter in self.chapters[1:]}
        last, start = 0, None
        for line, spans in sorted(self.colours.items()):
            if spans[0][2] != "c" or self.lines[line - 1][:spans[0][0]].strip():
                continue
            start = start if line == last + 1 and line not in openings else line
            found[start] = line, "opening" if start in openings else "comment"
            last = line
        for line, (end, kind) in found.items():
            alone = line == end and not self.line(end + 1)
            if kind == "comment" and alone and self.lines[line - 1].startswith(" "):
                found[line] = end, "section"
        return found

    def line(self, number):
        """Return a line without the spaces around it; nothing beyond the end."""
        return self.lines[number - 1].strip() if number <= len(self.lines) else ""

    def bare(self, number):
        """Return a comment without its mark."""
        return self.line(number).lstrip("# ")

    def rows(self, chapter):
        """Cut a chapter into rows: (kind, prose blocks, lines of code)."""
        row, number = ("", [], []), chapter.start
        while number <= chapter.end:
            end, kind = self.prose.get(number, (number, None))
            after_comment = bool(row[1]) and not row[2]
            starts = kind in ("opening", "section", "comment") or (
                number in self.names.starts and not after_comment)
            if starts or row[0] in ("opening", "section") and self.line(number):
                if row[1] or row[2]:
                    yield row
                row = (kind or "", [], [])
            if kind:
                row[1].append((number, end))
            else:
                row[2].append(number)
            number = end + 1
        yield row


class Page:
    """Makes the HTML of one chapter of a book; `root` is where the app is mounted."""

    def __init__(self, book, chapter, root):
        self.book, self.chapter, self.root = book, chapter, root

    def href(self, line):
        chapter = self.book.chapter_of(line)
        if chapter is self.chapter:
            return f"#L{line}"
        return f"{self.root}/{chapter.number or ''}#L{line}"

    def anchor(self, definition, is_definition, text):
        if not is_definition:
            return f'<a href="{self.href(definition.line)}">{text}</a>'
        return (f'<a class="d" href="{self.root}/name/{definition.name}"'
                f' data-uses="{len(set(definition.uses))}">{text}</a>')

    def html(self):
        return Markup("".join(map(self.row, self.book.rows(self.chapter))))

    def row(self, row):
        kind, prose, code = row
        kind = kind if kind in ("opening", "section") else "row"
        words = "".join(self.words(*block, kind) for block in prose)
        if kind != "row":
            rest = "".join(map(self.blank, code))
            return f'<div class="{kind}">{words}{rest}</div>'
        shown = [number for number in code if self.book.line(number)] or [0]
        lines = "".join(
            self.code(number) if shown[0] <= number <= shown[-1] else self.blank(number)
            for number in code)
        return (f'<section class="row"><div class="prose">{words}</div>'
                f'<pre class="code">{lines}</pre></section>')

    @staticmethod
    def blank(number):
        return f'<i class="m" id="L{number}">\n</i>'

    def code(self, number):
        """Return a line of code with its colours and links."""
        line = self.book.lines[number - 1]
        links = self.book.names.links.get(number, {})
        spans = {start: (end, css)
                 for start, end, css in self.book.colours.get(number, ())}
        cuts = {0, len(line), *links, *spans, *(end for end, _ in spans.values()),
                *(start + len(link[0].short) for start, link in links.items())}
        cuts = sorted(cuts)
        made, css, until = [], None, 0
        for start, end in zip(cuts, cuts[1:]):
            if start in spans:
                until, css = spans[start]
            text = str(escape(line[start:end]))
            if start in links:
                text = self.anchor(*links[start], text)
            elif css and start < until:
                text = f'<span class="{css}">{text}</span>'
            made.append(text)
        indent = len(line) - len(line.lstrip())
        return (f'<span class="l" id="L{number}" style="--i:{indent}">'
                f'<a class="n" tabindex="-1" aria-hidden="true" href="#L{number}"'
                f' data-n="{number}"></a>'
                f'{"".join(made)}\n</span>')

    # Prose: its marks (#, quotes, spaces) stay in the page, but are not shown

    def words(self, start, end, kind):
        """Return a docstring or a comment as headings, paragraphs and examples."""
        lines, margin = [], None
        for number in range(start, end + 1):
            mark, text, tail = re.fullmatch(
                r'(\s*(?:[rf]?"""|# ?-{20,}|#)? ?)(.*?)((?:""")?)',
                self.book.lines[number - 1]).groups()
            if margin is None:
                margin = len(mark) - len(mark.lstrip())
            if text and not mark.strip():       # an indented line of a docstring
                mark, text = mark[:margin], mark[margin:] + text
            tag = ("blank" if not text else "pre" if text.startswith("  ") else
                   "h1" if re.match(r"\d+\. ", text) and kind == "opening" else
                   "h2" if kind == "section" else "p")
            lines.append([tag, number, mark, text, tail])
        for before, line, after in zip(lines, lines[1:], lines[2:]):
            if before[0] == after[0] == "pre" and line[0] == "blank":
                line[0] = "pre"     # an example may have empty lines in it
        return "".join(self.block(tag, list(group)) for tag, group in
                       itertools.groupby(lines, lambda line: line[0]))

    def block(self, tag, lines):
        """Return lines of prose as one element."""
        hidden = min((len(text) - len(text.lstrip()) for *_, text, _ in lines if text),
                     default=0)
        html = ""
        for _, number, mark, text, tail in lines:
            # a word that goes on in the next line is shown without a gap
            end = "\n</i>" if re.search(r"\w-$", text) else "</i>\n"
            html += (f'<span id="L{number}"><i class="m">{mark}{text[:hidden]}</i>'
                     f'{self.inline(text[hidden:], number)}'
                     f'<i class="m">{escape(tail)}{end}</span>')
        tag, marks = ("i", ' class="m"') if tag == "blank" else (tag, "")
        return f"<{tag}{marks}>{html}</{tag}>"

    def inline(self, text, number):
        """Return a line of prose; what looks like code, and means a name, is a link."""
        code, made = r"(`[^`]+`|\b\w+[a-z][A-Z]\w+\b|\b[a-z]+_\w+)", []
        for at, part in enumerate(re.split(code, text)):    # code has the odd places
            name = part.strip("`")
            definition = self.book.names.find(name, number) if at % 2 else None
            html = str(escape(name))
            if definition:
                html = f'<a href="{self.href(definition.line)}">{html}</a>'
            if part[:1] == "`":
                html = f'<i class="m">`</i><code>{html}</code><i class="m">`</i>'
            made.append(html)
        skip = f'<span class="skips">{SKIP}</span>'
        return "".join(made).replace(SKIP, skip)


# The application

@functools.lru_cache(maxsize=1)
def read(stamp):
    """Return the book as the file stands; `stamp` is when that was written."""
    return Book(FILE.read_text(encoding="utf-8"))


def book():
    return read(FILE.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def page(volume, number, root):
    return Page(volume, volume.chapters[number], root).html()


@app.context_processor
def for_every_page():
    volume = book()
    elsewhere = Page(volume, None, request.script_root)
    return {"book": volume, "file": FILE.name, "link": elsewhere.href, "uses": ()}


@app.template_filter()
def marked(text):
    """What stands in `backquotes` is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@app.get("/")
@app.get("/<int:number>")
def chapter(number=0):
    volume = book()
    if number >= len(volume.chapters):
        abort(404)
    here = volume.chapters[number]
    around = {"before": volume.chapters[number - 1] if number else None,
              "after": next(iter(volume.chapters[number + 1:]), None),
              "onward": next((chapter for chapter in volume.path
                              if chapter.number > number), None)}
    return render_template("source.html", here=here, **around,
                           text=page(volume, number, request.script_root))


@app.get("/name/<name>")
def name(name):
    """Where a name is defined, and the lines that use it."""
    volume = book()
    definition = volume.names.definitions.get(name)
    if definition is None:
        abort(404)
    return render_template("source_name.html", definition=definition,
                           uses=sorted({*definition.uses} - {definition.line}))


@app.get("/line/<int:number>")
def line(number):
    """Go to a line, wherever it stands."""
    volume = book()
    if not 0 < number <= len(volume.lines):
        abort(404)
    return redirect(Page(volume, None, request.script_root).href(number))


@app.get("/search")
def search():
    query = request.args.get("q", "").strip()
    if match := re.fullmatch(r"[lL]?(\d+)", query):
        if 0 < int(match[1]) <= len(book().lines) and "part" not in request.args:
            return line(int(match[1]))
    names, lines = found = look_for(book(), query)
    return render_template("source_search.html", query=query, names=names[:12],
                           uses=lines[:40], counts=[len(part) for part in found])


def look_for(volume, query):
    """Return the definitions and the lines with all words of a query, best first."""
    words = query.lower().split()
    if not words:
        return [], []
    names = [definition for name, definition in volume.names.definitions.items()
             if definition.kind != "import" and all(
                 word in name.lower() for word in words)]
    names.sort(key=lambda definition: (
        definition.short.lower() != words[-1], definition.name.lower() != query.lower(),
        not definition.short.lower().startswith(words[-1]), definition.line))
    if match := re.fullmatch(r"l?(\d+)", query.lower()):
        number = int(match[1])
        return [], [number] if 0 < number <= len(volume.lines) else []
    return names, [number for number, text in enumerate(volume.lines, 1)
                   if all(word in text.lower() for word in words)]


if __name__ == "__main__":
    app.run()
