"""Stage 6: the context, and `request` as a global.

Every view was given the request, and each function it calls would need it, too. One
global name would be easier. But two requests may be at work at once, each in a thread.
A ContextVar has a value of its own in each thread (and in each task of asyncio). So the
name `request` is not the request but a proxy that looks up the current one each time.

Run it:    python examples/workshop/stage6_context.py
Try it:    curl http://127.0.0.1:5000/slow/Ann & curl http://127.0.0.1:5000/slow/Bob
Check it:  python examples/workshop/check.py 6
Grown up in microflask.py: "Signals and proxies", "Context"
"""
import time
from contextvars import ContextVar, copy_context
from html import escape

from parts import HTTPError, Request, compile_rule, make_response, match, serve

# Exercise 6.1: outside of a request, `request.path` is a LookupError that says nothing.
# Make it a RuntimeError with the words "outside of a request".

# Exercise 6.2: `request.user = "Ann"` sets it on the proxy, and all threads see it! It
# belongs to the current request: add __setattr__. (__init__ will call that, too.)
class Proxy:
    """Stands for the object that `find` returns at this moment."""
    def __init__(self, find):
        object.__setattr__(self, "_find", find)

    def __getattr__(self, name):        # for names that the proxy itself does not have
        return getattr(self._found(), name)

    def __setattr__(self, name, value):
        setattr(self._found(), name, value)

    def _found(self):
        try:
            return self._find()
        except LookupError:
            raise RuntimeError("`request` was used outside of a request") from None

current = ContextVar("current")
request = Proxy(current.get)

# Exercise 6.3: in a thread that a view starts there is no request. Return a function
# that does what `function` does, in the context in which `carry` was called, so that
# threading.Thread(target=carry(function)) has one. See contextvars.copy_context.
def carry(function):
    context = copy_context()
    def carried(*args, **kwargs):
        return context.copy().run(function, *args, **kwargs)
    return carried

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

def shout():
    return escape(request.path.upper())         # nobody gave it the request

@app.route("/")
def index():
    return "<p>Two at once: /slow/Ann and /slow/Bob</p>\n"

@app.route("/slow/<name>")
def slow(name):
    before = shout()
    time.sleep(2)
    return f"<h1>{escape(name)}: {before} is still {shout()}</h1>\n"

if __name__ == "__main__":
    serve(app)
