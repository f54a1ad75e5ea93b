"""Stage 8: signed sessions.

HTTP forgets you between two requests; a cookie is what the browser repeats each time.
So the session is in a cookie. Its owner can read it; but with it goes a signature, an
HMAC, which nobody can make without the key. Change one letter, and it no longer fits.
itsdangerous, the package that Flask uses, does the same, and notes the time as well.

Run it:    python examples/workshop/stage8_sessions.py
Try it:    curl -c jar -b jar http://127.0.0.1:5000/ (three times)
Check it:  python examples/workshop/check.py 8
Grown up in microflask.py: "Sessions and flashed messages"
"""
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from parts import (
    HTTPError, Request, compile_rule, current, make_response, match, render_template,
    serve, templates,
)

# Exercise 8.1: `session["visits"] += 1` is a TypeError: Python looks for __getitem__
# and __setitem__ in the class only, never with __getattr__. Add the two.
class Proxy:
    """Stands for the object that `find` returns at this moment."""
    def __init__(self, find):
        self._find = find

    def __getattr__(self, name):        # for names that the proxy itself does not have
        return getattr(self._find(), name)

    def __getitem__(self, key):
        return self._find()[key]

    def __setitem__(self, key, value):
        self._find()[key] = value

request = Proxy(current.get)
session = Proxy(lambda: current.get().session)

def get_cookie(environ, name):
    """Return the value of a cookie that the request brings, or ""."""
    for pair in environ.get("HTTP_COOKIE", "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value
    return ""

# Exercise 8.2: keys are changed, and the sessions should outlive that. keys[0], the new
# one, signs; a signature by any of the others is good, too.

# Exercise 8.3: who copies a cookie can use it for ever. Put time.time() into what is
# signed; a session that was signed more than `max_age` seconds ago is empty. (Set the
# global max_age = 3600; the check changes it.)

max_age = 3600
keys = [b"change me: who knows this can sign"]

def sign(payload, key):
    """Return what only the owner of the key can compute (RFC 2104)."""
    return hmac.new(key, payload, "sha256").hexdigest().encode()

def dump_session(session):
    """Return a cookie's value: the session as JSON in Base64, a dot, a signature."""
    payload = urlsafe_b64encode(json.dumps([time.time(), session]).encode())
    return (payload + b"." + sign(payload, keys[0])).decode()

def load_session(cookie):
    """Return the session of a cookie; an empty one if the signature is not ours."""
    payload, _, signature = cookie.encode().partition(b".")
    if not any(hmac.compare_digest(signature, sign(payload, key)) for key in keys):
        return {}
    signed_at, session = json.loads(urlsafe_b64decode(payload))
    return session if time.time() - signed_at <= max_age else {}

def save_session(session, response):
    """Give the session to the browser: it sends the cookie along from now on."""
    cookie = f"session={dump_session(session)}; Path=/; HttpOnly; SameSite=Lax"
    response.headers.append(("Set-Cookie", cookie))

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

# An application, to try it

app = App()
templates["index.html"] = "<h1>Visit number {{ visits }}</h1>\n"

@app.route("/")
def index():
    session.update(visits=session.get("visits", 0) + 1)
    return render_template("index.html", visits=session.get("visits"))

if __name__ == "__main__":
    serve(app)
