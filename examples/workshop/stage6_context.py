"""Stage 6: the context, and `request` without passing it along.

Until now every view gets the request as an argument, and each function that it calls
may need it, too. One global name is easier. But the server runs several requests at
once, each in its own thread. A ContextVar has its own value in every thread and in
every task of asyncio. `request` is a proxy: whenever you use it, it asks the ContextVar
for the current context, and passes your access on to that context's request.

Run it:    python3 mine/stage6_context.py
Try it:    curl http://127.0.0.1:5000/slow/Ann & curl http://127.0.0.1:5000/slow/Bob
Check it:  python3 mine/check.py 6
It grows into this chapter of microflask.py:
    4. Context: `request` without passing it along
"""
import time
from contextvars import ContextVar
from html import escape

from parts import run_simple
from parts.stage2_request import Request
from parts.stage5_errors import Flask, HTTPException, abort

# Exercise 6.1: Outside of a request, `request.path` raises a LookupError that explains
# nothing. Raise a RuntimeError with the words "outside of request context" instead.

# Exercise 6.2: `request.user = "Ann"` sets an attribute of the proxy, which all threads
# share. It belongs to the current request: write __setattr__. (Python calls that for
# the assignment in __init__, too.)
class LocalProxy:
    """Stands for the object that a function returns at this moment."""
    def __init__(self, local):
        self._get_current_object = local

    def __getattr__(self, name):        # for names that the proxy itself does not have
        return getattr(self._get_current_object(), name)

_context = ContextVar("context")
current_app = LocalProxy(lambda: _context.get().app)
request = LocalProxy(lambda: _context.get().request)

class AppContext:
    """The application and the request that a thread works on."""
    def __init__(self, app, request):
        self.app = app
        self.request = request

    def push(self):
        """Make this the current context, and find the rule for the request."""
        self.token = _context.set(self)
        rule, values = self.app.url_map.match(self.request.path)
        self.request.url_rule = rule
        self.request.view_args = values

    def pop(self):
        """Make the context before this one the current context again."""
        _context.reset(self.token)

class Flask(Flask):
    """The application, with a context for each request."""
    def dispatch_request(self):
        """Call the view whose rule matches, and return what it returns."""
        if request.url_rule is None:
            abort(404)
        return self.view_functions[request.url_rule.endpoint](**request.view_args)

    def full_dispatch_request(self):
        """Return the Response of the view, or the one to its HTTPException."""
        try:
            return self.make_response(self.dispatch_request())
        except HTTPException as error:
            return error.get_response()

    def wsgi_app(self, environ, start_response):
        """Answer a request: the WSGI application."""
        context = AppContext(self, Request(environ))
        context.push()
        try:
            response = self.full_dispatch_request()
            return response(environ, start_response)
        finally:
            context.pop()

# Try it

app = Flask()

def shout():
    return escape(request.path.upper())         # nobody passed the request to it

@app.route("/")
def index():
    return "<p>Ask for two pages at once: /slow/Ann and /slow/Bob</p>\n"

@app.route("/slow/<name>")
def slow(name):
    before = shout()
    time.sleep(2)
    return f"<h1>{escape(name)}: {before} is still {shout()}</h1>\n"

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, app)
