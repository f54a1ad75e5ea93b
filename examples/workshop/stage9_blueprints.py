"""Stage 9: blueprints and hooks.

You can write a part of an application before there is an application: a blueprint
records calls, and app.register_blueprint makes them. A hook is a function that the
application calls at a fixed moment. If a before_request hook returns a value, that is
the response, and no view runs.

Both application and blueprint need `route`, so it moves to a class Scaffold. It calls
add_url_rule, and each of them has its own.

Run it:    python3 mine/stage9_blueprints.py
Try it:    curl -i 'http://127.0.0.1:5000/admin/?key=tea'
Check it:  python3 mine/check.py 9
It grows into these chapters of microflask.py:
    12. What application and blueprint share; blueprints
    13. The application: from environ to response
"""
from parts import run_simple
from parts.stage5_errors import HTTPException, abort
from parts.stage6_context import Flask, request

class Scaffold:
    """What application and blueprint share. Each adds rules in its own way."""
    def route(self, rule):
        """Return a decorator that adds a view. The endpoint is the view's name."""
        def decorator(f):
            self.add_url_rule(rule, f.__name__, f)
            return f
        return decorator

class Flask(Scaffold, Flask):
    """The application, with hooks and blueprints."""
    def __init__(self):
        super().__init__()
        self.before_request_funcs = []

    def before_request(self, f):
        """Call `f()` before each view. If it returns a value, that is the response."""
        self.before_request_funcs.append(f)
        return f

    # Exercise 9.1: @app.after_request. Its function gets each Response, even of a 404,
    # and returns it or another one. The function that came last is called first.
    def after_request(self, f):
        raise NotImplementedError("Exercise 9.1: functions that see each Response")

    def register_blueprint(self, blueprint):
        """Make the calls that a blueprint has recorded."""
        for function in blueprint.deferred_functions:
            function(self)

    def preprocess_request(self):
        """Call the before_request functions, until one returns a value."""
        for f in self.before_request_funcs:
            rv = f()
            if rv is not None:
                return rv

    def full_dispatch_request(self):
        """Return the Response of a hook, of the view, or to an HTTPException."""
        try:
            rv = self.preprocess_request()
            if rv is None:
                rv = self.dispatch_request()
            return self.make_response(rv)
        except HTTPException as error:
            return error.get_response()

class Blueprint(Scaffold):
    """A part of an application: calls to make when it is registered."""
    def __init__(self, name, url_prefix=""):
        self.name = name
        self.url_prefix = url_prefix
        self.deferred_functions = []

    def record_once(self, f):
        """Call `f(app)` when the blueprint is registered."""
        self.deferred_functions.append(f)

    def add_url_rule(self, rule, endpoint, view_func):
        """Add a view later. Path and endpoint begin with prefix and name."""
        self.record_once(lambda app: app.add_url_rule(
            self.url_prefix + rule, f"{self.name}.{endpoint}", view_func))

    # Exercise 9.2: @admin.before_request is a hook for the views of this blueprint. It
    # does not run for another view, even if its path begins alike. For the view `users`
    # of the blueprint "admin", request.url_rule.endpoint is "admin.users".
    def before_request(self, f):
        raise NotImplementedError("Exercise 9.2: a hook for some of the views")

# Try it

app = Flask()
admin = Blueprint("admin", url_prefix="/admin")

@app.before_request
def guard():
    key = request.environ.get("QUERY_STRING")
    if request.path.startswith("/admin") and key != "key=tea":
        abort(403)

@app.route("/")
def index():
    return "<p>This page is for everybody.</p>\n"

@admin.route("/")
def users():
    return "<p>This page is for people who know the key.</p>\n"

app.register_blueprint(admin)

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, app)
