"""Stage 8: signed sessions.

HTTP forgets you between two requests. A cookie is a text that the browser sends again
with each request, so we keep the session in a cookie. Its owner can read it, but cannot
change it: a signature (an HMAC, RFC 2104) goes with it, and nobody can compute that
without the secret key. If you change one letter, the signature does not fit any more.
Flask uses the package itsdangerous, which does the same and signs the time, too.

Run it:    python3 mine/stage8_sessions.py
Try it:    curl -c jar -b jar http://127.0.0.1:5000/    # three times
Check it:  python3 mine/check.py 8
It grows into these chapters of microflask.py:
    6. The words of HTTP: options, dates, cookies
    10. Sessions and flashed messages
"""
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from parts import run_simple
from parts.stage2_request import Request
from parts.stage6_context import AppContext, Flask, LocalProxy, _context

# Exercise 8.1: `session["visits"] += 1` raises a TypeError. Python looks for
# __getitem__ and __setitem__ in the class, and does not ask __getattr__. Write both.
class LocalProxy(LocalProxy):
    """The proxy of stage 6."""

session = LocalProxy(lambda: _context.get().session)

def parse_cookie(header):
    """Return the cookies in a header as a dict: {"a": "1", "b": "2"} for "a=1; b=2"."""
    pairs = [pair.strip().partition("=") for pair in header.split(";")]
    return {name: value for name, _, value in pairs}

class BadSignature(Exception):
    """The signature does not fit the data."""

class URLSafeSerializer:
    """Signs data with a key, so that it can travel through a client."""
    def __init__(self, secret_key):
        self.secret_key = secret_key

    def get_signature(self, payload):
        """Return what only the owner of the key can compute."""
        return hmac.new(self.secret_key.encode(), payload, "sha256").hexdigest()

    def dumps(self, obj):
        """Return the object as JSON in Base64, a dot, and the signature."""
        payload = urlsafe_b64encode(json.dumps(obj).encode())
        return f"{payload.decode()}.{self.get_signature(payload)}"

    def loads(self, signed):
        """Return the object, or raise BadSignature."""
        payload, _, signature = signed.encode().partition(b".")
        if not hmac.compare_digest(signature, self.get_signature(payload).encode()):
            raise BadSignature(signed)
        return json.loads(urlsafe_b64decode(payload))

# Exercise 8.2: If somebody copies a cookie, it works for ever. Sign time.time(), too. A
# session that was signed more than PERMANENT_SESSION_LIFETIME seconds ago is empty.
class SecureCookieSessionInterface:
    """Keeps the session in a signed cookie."""
    def open_session(self, app, request):
        """Return the session of a request. Without a good signature it is empty."""
        cookies = parse_cookie(request.environ.get("HTTP_COOKIE", ""))
        try:
            serializer = URLSafeSerializer(app.config["SECRET_KEY"])
            return serializer.loads(cookies.get("session", ""))
        except BadSignature:
            return {}

    def save_session(self, app, session, response):
        """Give the session to the browser, which sends it with the next requests."""
        value = URLSafeSerializer(app.config["SECRET_KEY"]).dumps(session)
        cookie = f"session={value}; Path=/; HttpOnly; SameSite=Lax"
        response.headers.append(("Set-Cookie", cookie))

class Flask(Flask):
    """The application, with a session for each browser."""
    session_interface = SecureCookieSessionInterface()

    def __init__(self):
        super().__init__()
        self.config = {
            "SECRET_KEY": "change me: who knows this key can sign",
            "PERMANENT_SESSION_LIFETIME": 31 * 24 * 60 * 60,
        }

    def wsgi_app(self, environ, start_response):
        """Answer a request: the WSGI application."""
        context = AppContext(self, Request(environ))
        context.session = self.session_interface.open_session(self, context.request)
        before = json.dumps(context.session)
        context.push()
        try:
            response = self.full_dispatch_request()
            if json.dumps(context.session) != before:
                self.session_interface.save_session(self, context.session, response)
            return response(environ, start_response)
        finally:
            context.pop()

# Try it

app = Flask()

@app.route("/")
def index():
    session.update(visits=session.get("visits", 0) + 1)
    return f"<h1>Visit number {session.get('visits')}</h1>\n"

if __name__ == "__main__":
    run_simple("127.0.0.1", 5000, app)
