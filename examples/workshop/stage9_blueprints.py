"""Stage 9: blueprints and hooks.

A part of an application can be written before there is one: a blueprint notes calls,
and app.register makes them. A hook is a function in a list that is called at a fixed
moment: what a before_request hook returns is the answer, and no view is called.

Run it:    python examples/workshop/stage9_blueprints.py
Try it:    curl -i http://127.0.0.1:5000/admin/
Check it:  python examples/workshop/check.py 9
Grown up in microflask.py: "What applications and blueprints share", "Blueprints"
"""
import json

from parts import (
    HTTPError, Request, compile_rule, current, get_cookie, load_session, make_response,
    match, render_template, request, save_session, serve, session, templates,
)

class App:
    """An application: its rules, its hooks, and the way of a request."""
    def __init__(self):
        self.rules = []
        self.hooks = []

    def route(self, rule):
        """Add a view for the rule (a decorator)."""
        def decorator(view):
            self.rules.append((compile_rule(rule), view))
            return view
        return decorator

    # Exercise 9.1: @app.after_request. Its function gets each Response, errors too, and
    # returns it or another one. The function that came last is called first.
    def after_request(self, hook):
        raise NotImplementedError("Exercise 9.1: functions that see each Response")

    # Exercise 9.2: @app.teardown_request. Its function is called at the end, even if a
    # view failed by a bug: with that exception, or with None. The exception goes on up.
    def teardown_request(self, hook):
        raise NotImplementedError("Exercise 9.2: functions that clean up")

    def before_request(self, hook):
        """Call a function before each view (a decorator)."""
        self.hooks.append(hook)
        return hook

    def register(self, blueprint):
        """Make the calls that a blueprint has noted."""
        for call in blueprint.calls:
            call(self)

    def answer(self):
        """Return the Response to the current request."""
        try:
            for hook in self.hooks:
                result = hook()
                if result is not None:
                    return make_response(result)
            view, values = match(self.rules, request.path)
            if view is None:
                raise HTTPError(404)
            return make_response(view(**values))
        except HTTPError as error:
            return error.response

    def __call__(self, environ, start_response):
        context = Request(environ)
        context.session = load_session(get_cookie(environ, "session"))
        before = json.dumps(context.session)
        token = current.set(context)
        try:
            response = self.answer()
            if json.dumps(context.session) != before:
                save_session(context.session, response)
            return response(environ, start_response)
        finally:
            current.reset(token)

class Blueprint:
    """A part of an application: calls that are made when it is registered."""
    def __init__(self, prefix):
        self.prefix = prefix
        self.calls = []

    def route(self, rule):
        """Add a view later, under the prefix (a decorator)."""
        def decorator(view):
            self.calls.append(lambda app: app.route(self.prefix + rule)(view))
            return view
        return decorator

    # Exercise 9.3: @admin.before_request is a hook for this blueprint's own views, not
    # for all paths that begin alike, and not for the views of other blueprints.
    def before_request(self, hook):
        raise NotImplementedError("Exercise 9.3: a hook for some of the views")

# An application, to try it

app = App()
templates["admin.html"] = "<h1>This is for {{ name }}</h1>\n"
admin = Blueprint("/admin")

@admin.route("/")
def index():
    return render_template("admin.html", name=session.get("name"))

@app.before_request
def guard():
    if request.path.startswith("/admin") and not session.get("name"):
        raise HTTPError(403)

@app.route("/login/<name>")
def login(name):
    session.update(name=name)
    return "<p>Now you may see <a href='/admin/'>the admin's page</a></p>\n"

app.register(admin)

if __name__ == "__main__":
    serve(app)
