"""Stage 3: the router.

One function for all paths soon becomes too long. A rule such as "/hello/<name>" becomes
a regular expression: each variable is a group with a name. The map tries its rules one
after the other. The first rule that matches the whole path counts. It has an endpoint,
the name of the view: the function that makes the response. The groups of the expression
hold the values of the variables, which become the arguments of the view.

Run it:    python3 mine/stage3_router.py
Try it:    curl -i http://127.0.0.1:5000/hello/Ann
Check it:  python3 mine/check.py 3
It grows into these chapters of microflask.py:
    1. Rules: how a path becomes a regular expression
    2. The map: which rule matches, and the URL back
"""
import re
from html import escape

from parts import run_simple
from parts.stage2_request import Request, Response

# Exercise 3.2: "/post/<int:id>" matches digits only (0 to 9), and its value is an int.
# Start in __init__. `match` must know which of the variables are numbers.
class Rule:
    """A rule such as "/hello/<name>", and the endpoint that it leads to."""
    def __init__(self, rule, endpoint):
        self.rule = rule
        self.endpoint = endpoint
        pattern = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", re.escape(rule))
        self.regex = re.compile(pattern)

    def match(self, path):
        """Return the values of the variables, or None if the path does not match."""
        found = self.regex.fullmatch(path)
        return found.groupdict() if found else None

    # Exercise 3.1: The way back. Rule("/hello/<name>", "hello").build({"name": "A B"})
    # returns "/hello/A%20B". A value may be a number. It has no slash: "/" becomes %2F.
    def build(self, values):
        raise NotImplementedError("Exercise 3.1: from the values to a path")

class Map:
    """All rules of an application."""
    def __init__(self):
        self.rules = []

    def add(self, rule):
        """Add a Rule."""
        self.rules.append(rule)

    def match(self, path):
        """Return the first rule that matches, and the values of its variables."""
        for rule in self.rules:
            values = rule.match(path)
            if values is not None:
                return rule, values
        return None, {}

# Try it

def index(request):
    return Response('<p>Say hello: <a href="/hello/Ann">to Ann</a></p>\n')

def hello(request, name):
    return Response(f"<h1>Hello, {escape(name)}!</h1>\n")

url_map = Map()
url_map.add(Rule("/", "index"))
url_map.add(Rule("/hello/<name>", "hello"))
view_functions = {"index": index, "hello": hello}

def wsgi_app(environ, start_response):
    """Find the view for the path, and let it answer."""
    request = Request(environ)
    rule, values = url_map.match(request.path)
    if rule is None:
        response = Response("Not Found\n", 404)
    else:
        response = view_functions[rule.endpoint](request, **values)
    return response(environ, start_response)

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, wsgi_app)
