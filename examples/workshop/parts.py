"""What the stages 1 to 8 built, as it was there: stages 5 to 9 import it from here."""
import hmac
import json
import re
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from contextvars import ContextVar
from html import escape
from http import HTTPStatus
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

# Stage 1

class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, for a browser may open one and then say nothing."""
    daemon_threads = True

def serve(app):
    """Serve an application on port 5000, or on the port in the command line."""
    port = int(sys.argv[1]) if sys.argv[1:] else 5000
    try:
        server = make_server("127.0.0.1", port, app, Server)
    except OSError as error:
        sys.exit(f"Port {port}: {error.strerror}. Is another stage still running?")
    print(f"http://127.0.0.1:{server.server_port} (Ctrl-C ends it)", flush=True)
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()

# Stage 2

class Request:
    """A face for the environ."""
    def __init__(self, environ):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO") or "/"      # its bytes, as Latin-1
        self.path = path.encode("latin-1").decode("utf-8", "replace")

class Response:
    """Status, header fields and body; called as an application, it answers."""
    def __init__(self, body="", status=200, content_type="text/html; charset=utf-8"):
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = [("Content-Type", content_type)]

    def __call__(self, environ, start_response):
        length = ("Content-Length", str(len(self.body)))
        status = f"{self.status} {HTTPStatus(self.status).phrase}"
        start_response(status, [*self.headers, length])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]

# Stage 3

def compile_rule(rule):
    """Return a pattern with a group for each variable of the rule: "/hello/<name>"."""
    return re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", re.escape(rule)))

def match(rules, path):
    """Return the view of the first rule that matches, and the rule's variables."""
    for pattern, view in rules:
        if found := pattern.fullmatch(path):
            return view, found.groupdict()
    return None, {}

# Stage 4

def make_response(result):
    """Return what a view returned as a Response."""
    return result if isinstance(result, Response) else Response(result)

# Stage 5

class HTTPError(Exception):
    """An error that is an answer: raise HTTPError(404)."""
    def __init__(self, status):
        super().__init__(status)
        self.response = Response(f"<h1>{HTTPStatus(status).phrase}</h1>\n", status)

# Stage 6

class Proxy:
    """Stands for the object that `find` returns at this moment."""
    def __init__(self, find):
        self._find = find

    def __getattr__(self, name):        # for names that the proxy itself does not have
        return getattr(self._find(), name)

current = ContextVar("current")
request = Proxy(current.get)

# Stage 7

templates = {}      # name -> text

def render_template(name, /, **values):
    """Fill the holes of a template with values; what is HTML in them becomes text."""
    def fill(hole):
        return escape(str(values[hole[1]]))
    return re.sub(r"{{ *(\w+) *}}", fill, templates[name])

# Stage 8

session = Proxy(lambda: current.get().session)

def get_cookie(environ, name):
    """Return the value of a cookie that the request brings, or ""."""
    for pair in environ.get("HTTP_COOKIE", "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value
    return ""

keys = [b"change me: who knows this can sign"]

def sign(payload, key):
    """Return what only the owner of the key can compute (RFC 2104)."""
    return hmac.new(key, payload, "sha256").hexdigest().encode()

def dump_session(session):
    """Return a cookie's value: the session as JSON in Base64, a dot, a signature."""
    payload = urlsafe_b64encode(json.dumps(session).encode())
    return (payload + b"." + sign(payload, keys[0])).decode()

def load_session(cookie):
    """Return the session of a cookie; an empty one if the signature is not ours."""
    payload, _, signature = cookie.encode().partition(b".")
    if not hmac.compare_digest(signature, sign(payload, keys[0])):
        return {}
    return json.loads(urlsafe_b64decode(payload))

def save_session(session, response):
    """Give the session to the browser: it sends the cookie along from now on."""
    cookie = f"session={dump_session(session)}; Path=/; HttpOnly; SameSite=Lax"
    response.headers.append(("Set-Cookie", cookie))
