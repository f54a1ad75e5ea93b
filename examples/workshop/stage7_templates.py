"""Stage 7: templates.

HTML between lines of Python is hard to read, and one forgotten `escape` lets a visitor
put a script into your page. A template is a text with gaps such as {{ name }}. Every
value that fills a gap is escaped, so nobody can forget it. This engine is a function of
three lines. Jinja, which Flask uses, compiles each template to a Python function.

Run it:    python3 mine/stage7_templates.py
Try it:    curl 'http://127.0.0.1:5000/hello/<b>'
Check it:  python3 mine/check.py 7
It grows into this chapter of microflask.py:
    11. Templates
"""
import re
from html import escape

from parts import run_simple
from parts.stage6_context import Flask, request

templates = {}      # name -> text

# Exercise 7.1: {{ user.name }} is the attribute `name` of the value `user`. If there is
# none, it is user["name"]. Allow more dots: {{ a.b.c }}.

def render_template(template_name, /, **context):
    """Return a template's text with its gaps filled from `context`, escaped."""
    def fill(gap):
        return escape(str(context[gap[1]]))
    return re.sub(r"{{ *(\w+) *}}", fill, templates[template_name])

# Exercise 7.2: Let Jinja render the text (pip install jinja2). Its Environment gets a
# loader for the dict `templates`, and autoescape=True. A template can use `request`
# although nobody passed it.
def render_template_string(source, /, **context):
    raise NotImplementedError("Exercise 7.2: the same with Jinja")

# Try it

app = Flask()
templates["index.html"] = "<p>You are at {{ path }}. Go to /hello/ and your name.</p>\n"
templates["hello.html"] = "<title>{{ name }}</title>\n<h1>Hello, {{ name }}!</h1>\n"

@app.route("/")
def index():
    return render_template("index.html", path=request.path)

@app.route("/hello/<name>")
def hello(name):
    return render_template("hello.html", name=name)

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, app)
