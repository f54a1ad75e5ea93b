"""Stage 7: templates.

HTML between the lines of Python is hard to read, and one forgotten `escape` lets a
visitor put a script into your page. A template is a text with holes, {{ like }} this
one. What fills a hole is escaped, always: here nobody can forget it. This engine has
five lines; Jinja, the one of Flask, compiles each template to a Python function.

Run it:    python examples/workshop/stage7_templates.py
Try it:    curl 'http://127.0.0.1:5000/hello/<b>'
Check it:  python examples/workshop/check.py 7
Grown up in microflask.py: "Templates"
"""
import re
from html import escape

from parts import (
    HTTPError, Request, compile_rule, current, make_response, match, request, serve,
)

templates = {}      # name -> text

# Exercise 7.1: {{ user.name }} is the attribute `name` of the value `user`; if it has
# none, user["name"]. {{ a.b.c }} goes on like that.

# Exercise 7.2: a value that is HTML already says so: its method __html__() returns the
# HTML. Put that in as it is. Everything else is escaped, as before.
def render_template(name, /, **values):
    """Fill the holes of a template with values; what is HTML in them becomes text."""
    def fill(hole):
        return escape(str(values[hole[1]]))
    return re.sub(r"{{ *(\w+) *}}", fill, templates[name])

# Exercise 7.3: let Jinja do it (pip install jinja2), with loops, blocks and all. Its
# Environment gets a loader for the dict `templates`, and autoescape=True. A template
# can use `request` without being given it.
def render_jinja(name, /, **values):
    raise NotImplementedError("Exercise 7.3: the same with jinja2")

class App:
    """An application: its rules, and the way of a request."""
    def __init__(self):
        self.rules = []

    def route(self, rule):
        """Add a view for the rule (a decorator)."""
        def decorator(view):
            self.rules.append((compile_rule(rule), view))
            return view
        return decorator

    def answer(self):
        """Return the Response to the current request."""
        try:
            view, values = match(self.rules, request.path)
            if view is None:
                raise HTTPError(404)
            return make_response(view(**values))
        except HTTPError as error:
            return error.response

    def __call__(self, environ, start_response):
        token = current.set(Request(environ))
        try:
            return self.answer()(environ, start_response)
        finally:
            current.reset(token)

# An application, to try it

app = App()
templates["index.html"] = "<p>Say hello: <a href='/hello/Ann'>to Ann</a></p>\n"
templates["hello.html"] = "<title>{{ name }}</title>\n<h1>Hello, {{ name }}!</h1>\n"

@app.route("/")
def index():
    return render_template("index.html")

@app.route("/hello/<name>")
def hello(name):
    return render_template("hello.html", name=name)

if __name__ == "__main__":
    serve(app)
