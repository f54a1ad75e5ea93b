"""microflask: a whole web framework with Flask's face, in one file that you can read.

    from microflask import Flask

    app = Flask(__name__)

    @app.get("/")
    def hello():
        return "Hello, World!"

Save these lines as app.py beside this file and run `python microflask.py run`.  What it
has works as in Flask 3.1, session cookies too.  Chapters rest mostly on earlier ones.
Those with a star take an hour or two: they lead a request to your view and back.

    Part one: the framework        * 7 The request            Part two: the workbench
    * 1 Rules                      * 8 The response           14 Bodies, multipart forms
    * 2 The map                      9 Configuration, JSON    15 Files, preferences
      3 Errors that are answers     10 Sessions               16 Class views, passwords
    * 4 Context                     11 Templates              17 Testing
      5 Many values; headers        12 Blueprints             18 Server and reloader
      6 The words of HTTP          *13 The application        19 Debugger 20 Commands

License: 0BSD. Do what you like with it; there is no warranty.
"""
# flake8: noqa: E302, E305
# mypy: ignore-errors
# ruff: noqa: BLE001, TRY004, UP017, B018, B039, S102, SIM115, RUF100
from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import importlib
import io
import json as json_library
import operator as op
import os
import pkgutil
import re
import secrets
import sys
import threading
import time
import zlib
from calendar import timegm
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar, copy_context
from datetime import date, datetime, timedelta, timezone
from functools import partialmethod
from http import HTTPStatus
from itertools import chain, groupby
from posixpath import normpath
from types import SimpleNamespace
from typing import Any, Generic, NoReturn, TypeVar, overload
from urllib.parse import quote, unquote, unquote_to_bytes, urlencode, urljoin, urlsplit
from wsgiref.util import FileWrapper, setup_testing_defaults

try:
    from markupsafe import Markup, escape
except ImportError:
    sys.exit("microflask needs: pip install jinja2 markupsafe itsdangerous")

__version__ = "2.0"
T = TypeVar("T")
D = TypeVar("D")
V = TypeVar("V")

# ====================
# Part one: the framework

# ----------
# 1. Rules: how a path becomes a regular expression
# A rule such as `/user/<name>/post/<int:id>` is fixed text with variables. Each has a
# converter: a regular expression for its text, and methods that turn the text into a
# value and back. So the same rule can match a path and build one.

def _quote_path(text):
    return quote(text, safe="!$&'()*+,/:;=@")       # RFC 3986 section 3.3

class ValidationError(ValueError):
    """Raise this in a converter if a value does not fit: the client gets a 404."""

class BaseConverter:
    """The type of a variable; this one is any text without a slash. Subclass it, and
    add the class to `app.url_map.converters`. Lower weights are tried first, and
    `part_isolating = False` says that the text can contain a slash."""
    regex = r"[^/\0\n]+"
    weight = 100
    part_isolating = True

    def __init__(self, map):
        self.map = map

    def to_python(self, value: str):
        return value

    def to_url(self, value) -> str:
        return _quote_path(str(value))

class PathConverter(BaseConverter):
    """`<path:name>`: any text, slashes included, but not at its start."""
    regex = r"[^/\0\n][^\0\n]*?"
    weight = 200
    part_isolating = False

class IntegerConverter(BaseConverter):
    """`<int:id>`: ASCII digits, as an int."""
    regex = "[0-9]{1,300}"      # int() refuses more than 4,300 digits
    weight = 50

    def to_python(self, value):
        return int(value)

    def to_url(self, value):
        return str(int(value))

class UUIDConverter(BaseConverter):
    """`<uuid:key>`: a uuid.UUID."""
    regex = "[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"

    def to_python(self, value):
        from uuid import UUID
        return UUID(value)

_VARIABLE = re.compile(r"<(?:([a-zA-Z_]\w*):)?([a-zA-Z_]\w*)>", re.ASCII)
# Variables that share a segment, or follow a <path:>, can split a text in many ways.
# Their number (0, 1 ... 5 or more) limits how long a path may be.
_LONGEST_PATHS = (65536, 65536, 3000, 200, 80, 40)

class Rule:
    """A path with variables, and the endpoint that it leads to. With `strict_slashes`
    the rule `/a/` redirects the path `/a`, and the rule `/b` does not match `/b/`.
    `defaults` are values that are not in the path."""
    regex = None     # compiled when it is first used

    def __init__(self, string, defaults=None, methods=None, endpoint="",
                 strict_slashes=None):
        if not string.startswith("/"):
            raise ValueError(f"The rule {string!r} must start with a slash.")
        self.rule = string
        self.endpoint = endpoint
        self.defaults = dict(defaults or {})
        self.strict_slashes = strict_slashes
        self.is_branch = string.endswith("/")
        self.methods = {name.upper() for name in methods or ("GET",)}
        self.provide_automatic_options = "OPTIONS" not in self.methods
        self.methods.add("OPTIONS")
        if "GET" in self.methods:
            self.methods.add("HEAD")
        # Whose hooks run: None for the application, then the endpoint's blueprint.
        blueprint = endpoint.rpartition(".")[0]
        self.owners = (None, blueprint) if blueprint else (None,)

    def bind(self, map):
        if self.strict_slashes is None:
            self.strict_slashes = map.strict_slashes
        self.parts = []         # fixed texts and (variable, converter) pairs
        self.shape = []         # for each segment its text, or None if it has variables
        self.weight = []        # sorts the rule among others
        self.converters = {}
        self.has_path = False
        open_variables = 0
        for segment in self.rule[1:].removesuffix("/").split("/"):
            pieces = _VARIABLE.split(segment)   # text, kind, name, text, kind ...
            texts = pieces[::3]
            weights = []
            self.parts.append("/" + texts[0])
            for kind, name, text in zip(pieces[1::3], pieces[2::3], texts[1:]):
                kind = kind or "default"
                if name in self.converters:
                    raise self._error(f"uses the variable {name!r} twice", f"{name}>")
                if kind not in map.converters:
                    raise LookupError(f"The converter {kind!r} does not exist.")
                converter = self.converters[name] = map.converters[kind](map)
                self.parts += [(name, converter), text]
                weights.append(converter.weight)
                self.has_path |= not converter.part_isolating
            fixed = "".join(texts)
            if "<" in fixed:
                raise self._error("has a malformed variable", "<")
            self.shape.append(None if weights else segment)
            # By segment: fixed text first, then longer text, lower weight. So
            # `/user/me` is tried before `/user/v<int:x>`, `/user/<int:x>`, `/user/<x>`.
            self.weight.append((bool(weights), -len(fixed), weights))
            if len(weights) > 1 or self.has_path:
                open_variables += len(weights)
        if self.is_branch and self.rule != "/":
            self.parts.append("/")
        self.arguments = {*self.converters, *self.defaults}
        self.longest_path = _LONGEST_PATHS[min(open_variables, 5)]

    def _error(self, problem, text):
        column = self.rule.rindex(text)
        return ValueError(f"The rule {self.rule!r} {problem}, at column {column + 1}:\n"
                          f"    {self.rule}\n    {' ' * column}^")

    def match(self, path):
        """Return the variables' values or None; the path has no slash at its start."""
        if not self.converters:     # the map has compared the path
            return dict(self.defaults)
        if self.regex is None:
            pattern = ""
            for part in self.parts:
                if isinstance(part, str):
                    pattern += re.escape(part)
                else:
                    pattern += f"(?P<{part[0]}>{part[1].regex})"
            self.regex = re.compile(pattern.strip("/") + r"\Z", re.DOTALL)
        match = self.regex.match(path) if len(path) <= self.longest_path else None
        if match is None:
            return None
        values = dict(self.defaults)
        for name, converter in self.converters.items():
            values[name] = converter.to_python(match[name])
        return values

    def __str__(self):
        return self.rule

    def suits(self, values):        # can they build the path?
        known = self.defaults | values
        return self.arguments <= known.keys() and known == known | self.defaults

    def build(self, values):
        path = ""
        for part in self.parts:
            if isinstance(part, str):
                path += _quote_path(part)
            else:
                path += part[1].to_url(values[part[0]])
        return path

# ----------
# 2. The map: which rule matches, and the URL back
# Matching should not slow down when rules are added. A rule without variables is
# found in one dict. The others are grouped by shape: how many segments a rule has, and
# which of them are fixed. Each shape has a dict from the fixed texts to the few rules
# that have them, and only these try their regular expressions, by their weight.

class Map:
    """All rules of an application. `converters` maps names to classes of converters."""
    strict_slashes = True

    def __init__(self):
        self.converters = {
            "default": BaseConverter, "string": BaseConverter, "path": PathConverter,
            "int": IntegerConverter, "uuid": UUIDConverter}
        self._by_endpoint = {}
        self._is_sorted = False

    def add(self, rule):
        rule.bind(self)
        self._by_endpoint.setdefault(rule.endpoint, []).append(rule)
        self._is_sorted = False

    def iter_rules(self, endpoint: str | None = None) -> Iterator[Rule]:
        if endpoint is not None:
            return iter(self._by_endpoint.get(endpoint, ()))
        return chain.from_iterable(self._by_endpoint.values())

    def update(self):
        # fixed: {path: rules}; shapes: {number of segments (None: <path:>): {places
        # of fixed segments: {their texts: rules}}}. Rules are sorted: (rank, rule).
        fixed = {}
        shapes = {}
        rules = sorted(
            self.iter_rules(), key=lambda r: r.weight + [(2, r.is_branch)])
        for rank, rule in enumerate(rules):
            texts = rule.shape
            count = len(texts)
            if rule.has_path:       # use only what stands before the first variable
                texts = texts[:texts.index(None)]
                count = None
            if None in rule.shape:
                places = tuple(at for at, text in enumerate(texts) if text)
                group = shapes.setdefault(count, {}).setdefault(places, {})
                key = tuple(texts[place] for place in places)
            else:
                group = fixed
                key = "/".join(texts)
            group.setdefault(key, []).append((rank, rule))
        self._fixed = fixed
        self._shapes = shapes
        self._is_sorted = True

    def _candidates(self, path):
        yield from self._fixed.get(path, ())
        segments = path.split("/")
        found = []
        for count in len(segments), None:
            for places, rules in self._shapes.get(count, {}).items():
                if not places or places[-1] < len(segments):
                    key = tuple(map(segments.__getitem__, places))
                    found += rules.get(key, ())
        yield from sorted(found)

    def match(self, path, method):
        """Return (rule, values of its variables).
        Raises NotFound, MethodNotAllowed, or RequestRedirect with the path to use."""
        if not self._is_sorted:
            self.update()
        path = path.lstrip("/")
        key = path.removesuffix("/")
        has_slash = key != path or not path
        allowed = set()
        for _, rule in self._candidates(key):
            needs_slash = rule.is_branch and rule.strict_slashes and not has_slash
            if has_slash and rule.strict_slashes and not (
                    rule.is_branch or rule.has_path):
                continue
            try:        # a <path:> at the end keeps its last slash
                values = rule.match(
                    path if rule.has_path and not rule.is_branch else key)
            except ValidationError:
                raise NotFound from None
            if values is None:
                continue
            if method in rule.methods:
                if needs_slash:
                    raise RequestRedirect(_quote_path(f"/{path}/"))
                return rule, values
            if not needs_slash:
                allowed |= rule.methods
        if allowed:
            raise MethodNotAllowed(sorted(allowed))
        if "//" in path:
            path = "/" + re.sub("/+", "/", path)
            self.match(path, method)        # or an error
            raise RequestRedirect(_quote_path(path))
        raise NotFound

    def build(self, endpoint, values):
        """Return path and query for an endpoint; raise BuildError if there is none.
        Values that the rule does not use go into the query; None is left out."""
        values = {name: value for name, value in values.items() if value is not None}
        for rule in sorted(self.iter_rules(endpoint), key=lambda r: -len(r.arguments)):
            if rule.suits(values):
                path = "/" + rule.build(rule.defaults | values).lstrip("/")
                query = {name: value for name, value in values.items()
                         if name not in rule.arguments}
                query = urlencode(query, doseq=True, safe="!$'()*,/:;?@")
                return f"{path}?{query}" if query else path
        raise BuildError(self, endpoint, values)

class BuildError(LookupError):
    """`url_for`: no rule of the endpoint takes these values."""
    def __init__(self, map, endpoint, values):
        rule = next(map.iter_rules(endpoint), None)
        if rule is None:
            tip = did_you_mean(endpoint, {each.endpoint for each in map.iter_rules()})
        else:
            missing = rule.arguments - values.keys() - rule.defaults.keys()
            tip = f" Did you forget to specify values {sorted(missing)}?"
        super().__init__(f"Could not build url for endpoint {endpoint!r} with values "
                         f"{sorted(values)}.{tip}")
        self.endpoint = endpoint
        self.values = values

def did_you_mean(word, words):
    from difflib import get_close_matches
    near = get_close_matches(word, words, 1)
    return f" Did you mean {near[0]!r}?" if near else ""

# ----------
# 3. Errors that are answers
# `abort(404)` raises an exception, and the exception knows the response to send. So any
# function, however deep, can end a request. The usual error codes have classes.

HTTP_STATUS_CODES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large", 414: "Request URI Too Long",   # in Flask's words
    416: "Requested Range Not Satisfiable", 418: "I'm a teapot",
    422: "Unprocessable Entity"}

class HTTPException(Exception):
    """An error that is a response: raise it, or use `abort`. A subclass sets `code` and
    `description`, the text of the page. With `response` it is exactly that response."""
    code: int | None = None
    description: Any = None
    response = None

    def __init__(self, description=None, response=None):
        if description is not None:
            self.description = description
        self.response = response

    name = property(lambda self: HTTP_STATUS_CODES.get(self.code, "Unknown Error"))

    def get_body(self, environ=None):
        text = str(escape(self.description or "")).replace("\n", "<br>")
        return ("<!doctype html>\n<html lang=en>\n"
                f"<title>{self.code} {self.name}</title>\n"
                f"<h1>{self.name}</h1>\n<p>{text}</p>\n")

    def get_headers(self, environ=None):
        return [("Content-Type", "text/html; charset=utf-8")]

    def get_response(self, environ=None) -> Response:
        return self.response or _from_app("response_class", Response)(
            self.get_body(), self.code, self.get_headers())

    def __str__(self):
        return f"{self.code or '???'} {self.name}: {self.description}"

class BadRequest(HTTPException):
    code = 400
    description = "The server could not understand this request."

class Unauthorized(HTTPException):
    code = 401
    description = "You must log in to see this page."

class Forbidden(HTTPException):
    code = 403
    description = "You are not allowed to do this."

class NotFound(HTTPException):
    code = 404
    description = "There is nothing at this address. Is it spelled right?"

class MethodNotAllowed(HTTPException):
    code = 405
    description = "This address does not accept this method."

    def __init__(self, valid_methods=None, description=None, response=None):
        super().__init__(description, response)
        self.valid_methods = valid_methods

    def get_headers(self, environ=None):
        headers = super().get_headers()
        if self.valid_methods:
            headers.append(("Allow", ", ".join(self.valid_methods)))
        return headers

class InternalServerError(HTTPException):
    code = 500
    description = "The server failed. It is not your fault."

    def __init__(self, description=None, response=None, original_exception=None):
        super().__init__(description, response)
        self.original_exception = original_exception

default_exceptions = {
    error.code: error for error in HTTPException.__subclasses__()}

for _code in (
        406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424,
        428, 429, 431, 451, 501, 502, 503, 504, 505):
    _phrase = HTTP_STATUS_CODES[_code]
    default_exceptions[_code] = type(re.sub(r"\W", "", _phrase.title()), (
        HTTPException,), {"code": _code, "description": f"{_phrase}."})

(Conflict, RequestEntityTooLarge, UnsupportedMediaType, UnprocessableEntity,
 TooManyRequests, ServiceUnavailable) = [
    default_exceptions[_code] for _code in (409, 413, 415, 422, 429, 503)]

class BadRequestKeyError(BadRequest, KeyError):
    """A form, query or cookie lacks a key: a 400, explained in debug mode."""
    def __init__(self, key=None):
        self.args = (key,)
        if current_app and current_app.debug:
            self.description = str(self)

    def __str__(self):
        key = self.args[0]
        text = f"400 Bad Request: the key {key!r} is missing."
        if request and key in vars(request).get("form", ()):
            text += (" The form has a text of this name. If it is a file, write <form "
                     'method=post enctype="multipart/form-data">.')
        return text

class RequestRedirect(HTTPException):
    """The router's redirect to the right address, `new_url`."""
    code = 308

    def __init__(self, new_url):
        self.new_url = new_url

    def get_response(self, environ=None):
        return redirect(self.new_url, 308)

def abort(code, *args, **kwargs) -> NoReturn:
    """End the request with an error: a code, an exception, or a response.
    Other arguments go to the exception: `abort(404, "No such user.")`."""
    if isinstance(code, (BaseException, type)):
        raise code
    if isinstance(code, Response):
        raise HTTPException(response=code)
    if code not in default_exceptions:
        raise LookupError(f"abort({code!r}): there is no exception for this code")
    raise default_exceptions[code](*args, **kwargs)

# ----------
# 4. Context: `request` without passing it along
# `request` is global, and yet every thread and every task sees its own. Behind the name
# is a LocalProxy. Each time you use it, it asks a ContextVar (PEP 567) for the context
# of the current thread or task, and uses the object there. The context is one
# object: application, request, session and `g`, set when a request comes.

class cached_property(Generic[T]):      # functools' takes a lock in Python 3.10, 3.11
    """A property that is computed once; the value then is a plain attribute."""
    def __init__(self, fget: Callable[[Any], T]):
        self.fget = fget
        self.__doc__ = fget.__doc__

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, obj, owner=None) -> T:
        value = self.fget(obj)
        object.__setattr__(obj, self.name, value)   # obj.__dict__ would be slower
        return value

class _Missing:     # reading it raises an error
    def __init__(self, what, remedy):
        self.message = f"Working outside of {what} context.\n\n{remedy}"

    def __get__(self, context, owner=None):
        raise RuntimeError(self.message)

class _NoContext:
    """What the ContextVar holds until a context is pushed."""
    has_app = has_request = False
    app = g = app_context = _Missing(
        "application", "Wrap the code in `with app.app_context():`.")
    request = session = _Missing(
        "request", "Move it into a view, or into `with app.test_request_context():`.")

_context = ContextVar("microflask.context", default=_NoContext())

def _on_object(function):       # do to the object what is done to its proxy
    return lambda self, *args, **kwargs: function(
        self._get_current_object(), *args, **kwargs)

def _unless_unbound(function, value):
    def method(self):
        try:
            return function(self._get_current_object())
        except RuntimeError:
            return value
    return method

class LocalProxy:
    """An object that stands for another one, which is looked up at each use: `local`
    is a function that returns it, or a ContextVar; `name` picks an attribute of it."""
    __slots__ = ("_get_current_object",)

    def __init__(self, local, name=None):
        find = local.get if isinstance(local, ContextVar) else local
        object.__setattr__(self, "_get_current_object", find if name is None else (
            lambda: getattr(find(), name)))

    def __getattr__(self, name):
        return getattr(self._get_current_object(), name)

    # Python looks for these in the class, not with __getattr__.
    __setattr__ = _on_object(setattr)
    __delattr__ = _on_object(delattr)
    __getitem__ = _on_object(op.getitem)
    __setitem__ = _on_object(op.setitem)
    __delitem__ = _on_object(op.delitem)
    __contains__ = _on_object(op.contains)
    __iter__ = _on_object(iter)
    __len__ = _on_object(len)
    __str__ = _on_object(str)
    __eq__ = _on_object(op.eq)
    __hash__ = _on_object(hash)
    __call__ = _on_object(lambda f, *args, **kwargs: f(*args, **kwargs))
    __reduce__ = _on_object(op.methodcaller("__reduce_ex__", 4))  # for copy
    __bool__ = _unless_unbound(bool, False)
    __repr__ = _unless_unbound(repr, "<LocalProxy unbound>")
    __class__ = property(_unless_unbound(type, None))     # for isinstance()

# Annotated for editors as what they stand for.
current_app: Flask = LocalProxy(_context, "app")
g: _AppCtxGlobals = LocalProxy(_context, "g")
request: Request = LocalProxy(_context, "request")
session: SecureCookieSession = LocalProxy(_context, "session")
app_ctx: AppContext = LocalProxy(_context, "app_context")

class _AppCtxGlobals(SimpleNamespace):
    """The type of `g`: attributes that live as long as the application context."""
    def get(self, name, default=None):
        return vars(self).get(name, default)

    def pop(self, name, *default):
        return vars(self).pop(name, *default)

    def setdefault(self, name, default=None):
        return vars(self).setdefault(name, default)

    def __contains__(self, name):
        return name in vars(self)

class AppContext(_NoContext):
    """All that belongs to a request, or to `with app.app_context():`. A request in
    an active context of the same application shares its `g` and teardown."""
    has_app = True
    was_pushed = False
    flashes = None
    streams = 0         # bodies that still use the context: see stream_with_context
    outer = None        # the context whose `g` it shares
    app_context = property(lambda self: self.outer or self)

    def __init__(self, app, request=None):
        self.app = app
        self.tokens = []
        self.is_own = request is not None       # not a borrowed request
        if self.is_own:
            self.request = request
            self.has_request = True

    @cached_property
    def g(self):
        return self.outer.g if self.outer else _AppCtxGlobals()

    @property
    def session(self):      # using it makes the response vary
        self.request.session.accessed = True
        return self.request.session

    def push(self):
        outer = _context.get()
        self.tokens.append(_context.set(self))
        if self.was_pushed:
            return
        self.was_pushed = True
        if self.is_own:
            if outer.has_app and outer.app is self.app:
                self.outer = outer.app_context
            self.app.open_session(self.request)
            self.app.match_request(self.request)
        elif outer.has_request:
            self.request = outer.request
            self.has_request = True

    def pop(self, exc=None):
        token = self.tokens.pop()
        try:
            self.teardown(exc)
        finally:
            _context.reset(token)

    def teardown(self, exc=None):
        """Run the teardown functions, unless somebody still uses the context."""
        if self.tokens or self.streams:
            return
        try:
            if self.is_own:
                self.app.do_teardown_request(exc)
                self.request.close()
        finally:
            if self.outer is None:
                self.app.do_teardown_appcontext(exc)

    def __enter__(self):
        self.push()
        return self

    def __exit__(self, exc_type, exc, traceback):
        self.pop(exc)

def has_app_context() -> bool:
    return _context.get().has_app

def has_request_context() -> bool:
    return _context.get().has_request

def _from_app(name, default):       # its attribute, or a default if there is none
    context = _context.get()
    return getattr(context.app, name) if context.has_app else default

def stream_with_context(generator_or_function):
    """Keep `request` and `session` for a generator, or for a generator function that it
    decorates. The teardown functions run when the body of the response is closed."""
    if callable(generator_or_function):
        return functools.wraps(generator_or_function)(lambda *args, **kwargs: (
            stream_with_context(generator_or_function(*args, **kwargs))))
    iterator = iter(generator_or_function)
    context = _context.get()
    context.request         # or an error that says what is missing
    context.streams += 1
    run = copy_context().run        # calls a function in this context

    def steps():
        error = None
        try:
            yield       # start it now: else close() skips the finally
            while (piece := run(next, iterator, context)) is not context:
                yield piece
        except Exception as e:
            error = e
            raise
        finally:
            context.streams -= 1
            try:
                run(getattr(iterator, "close", bool))
            finally:
                run(context.teardown, error)

    body = steps()
    next(body)
    return body

try:        # signals tell other code what happens
    from blinker import Signal
except ImportError:
    class Signal:
        receivers = ()      # nobody can listen without Blinker

request_started = Signal()
request_finished = Signal()
request_tearing_down = Signal()
got_request_exception = Signal()
template_rendered = Signal()
message_flashed = Signal()

# ----------
# 5. Many values under one name; headers
# A query, a form and the headers can hold one name several times. A MultiDict keeps a
# list for each key and shows its first value. Headers keep their order and ignore case.
# Request data is immutable: it is what the client sent, so changing it is an error.

def _converted(value, default, type):
    try:
        return value if type is None else type(value)
    except (ValueError, TypeError):
        return default

def _pairs(mapping):
    if not mapping:
        return []
    if isinstance(mapping, MultiDict):
        return list(mapping.items(multi=True))
    if not hasattr(mapping, "items"):
        return list(mapping)
    return [
        (key, item)
        for key, value in mapping.items()
        for item in (value if isinstance(value, list) else [value])]

class MultiDict(dict[str, V]):
    """A dict that can hold several values for a key, and shows the first.
    A missing key raises BadRequestKeyError: the client gets a 400. `get` and `getlist`
    can convert: `get("page", 1, type=int)` returns 1 if there is no number."""
    def __init__(self, mapping=()):
        for key, value in _pairs(mapping):
            dict.setdefault(self, key, []).append(value)

    def __getitem__(self, key: str) -> V:
        values = dict.get(self, key)
        if not values:
            raise BadRequestKeyError(key)
        return values[0]

    def __setitem__(self, key, value):
        self.setlist(key, [value])

    @overload
    def get(self, key: str, default: None = None) -> V | None: ...
    @overload
    def get(self, key: str, default: D) -> V | D: ...
    @overload
    def get(self, key: str, default: D, type: Callable[..., T]) -> T | D: ...
    @overload
    def get(self, key: str, *, type: Callable[..., T]) -> T | None: ...

    def get(self, key, default=None, type=None):
        values = dict.get(self, key)
        return _converted(values[0], default, type) if values else default

    def getlist(self, key: str, type=None) -> list[V]:
        values = dict.get(self, key, ())
        if type is None:
            return list(values)
        missing = object()
        values = [_converted(value, missing, type) for value in values]
        return [value for value in values if value is not missing]

    def add(self, key, value):
        dict.setdefault(self, key, []).append(value)

    def setlist(self, key, values):
        dict.__setitem__(self, key, list(values))

    def update(self, mapping=(), **values):
        for key, value in _pairs(mapping) + _pairs(values):
            self.add(key, value)

    def pop(self, key, *default):
        values = dict.pop(self, key, None) or default
        if not values:
            raise BadRequestKeyError(key)
        return values[0]

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def items(self, multi=False):
        return (
            (key, value)
            for key, values in dict.items(self)
            for value in (values if multi else values[:1]))

    def values(self):
        return (value for _, value in self.items())

    def __iter__(self):     # without it dict(request.args) has lists
        return dict.__iter__(self)

    def to_dict(self, flat=True):
        return dict(self.items()) if flat else {key: self.getlist(key) for key in self}

    def copy(self):
        return MultiDict(self)

    def __reduce__(self):       # how copy and pickle make it again
        return type(self), (_pairs(self),)

def _immutable(self, *args, **kwargs):
    raise TypeError(f"{type(self).__name__} is immutable: change a copy() of it")

class ImmutableMultiDict(MultiDict[V]):
    """A MultiDict that the client filled: change a `copy()` of it."""
    __setitem__ = __delitem__ = add = setlist = update = _immutable
    pop = popitem = setdefault = clear = __ior__ = _immutable

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")      # RFC 9110 section 5.6.2
_HEADER = re.compile(_TOKEN.pattern + r"\n[\t\x20-\x7e\x80-\xff]*")

@functools.lru_cache(maxsize=200)
def _quote_url(url):
    return quote(url, safe="%!#$&'()*+,/:;=?@[]~")

def _header(name, value):
    name = str(name)
    value = str(value)
    if not _HEADER.fullmatch(f"{name}\n{value}"):
        raise ValueError(f"{name!r}: {value!r} is not a header: a name is a token, a "
                         "value is Latin-1 without line breaks.")
    return name, _quote_url(value) if name.lower() == "location" else value

class Headers:
    """The headers of a message: ordered, and the case of names does not matter. Create
    it from pairs or a dict (its lists are several values). What you set is checked."""
    def __init__(self, defaults=()):
        self._list = [_header(*pair) for pair in _pairs(defaults)] if defaults else []

    def __len__(self):
        return len(self._list)

    def items(self):
        return iter(self._list)

    __iter__ = items

    def keys(self):
        return [name for name, _ in self._list]

    def getlist(self, name: str) -> list[str]:
        name = name.lower()
        return [value for key, value in self._list if key.lower() == name]

    def get(self, name: str, default=None, type=None):
        name = name.lower()
        for key, value in self._list:
            if key.lower() == name:
                return _converted(value, default, type)
        return default

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name):
        return self.get(name) is not None

    def add(self, name, value):
        self._list += [_header(name, value)]

    def set(self, name, value):
        pair = _header(name, value)
        self.remove(name)
        self._list.append(pair)

    def extend(self, headers):
        self._list += [_header(*pair) for pair in _pairs(headers)]

    def update(self, headers):
        pairs = _pairs(headers)
        for name, _ in pairs:
            self.remove(name)
        self.extend(pairs)

    def remove(self, name):
        name = name.lower()
        self._list[:] = [pair for pair in self._list if pair[0].lower() != name]

    __setitem__ = set
    __delitem__ = remove

_PLAIN_KEYS = ("CONTENT_TYPE", "CONTENT_LENGTH")    # the others begin with HTTP_

class EnvironHeaders(Headers):
    """The headers of a request, from the environ (PEP 3333); immutable."""
    def __init__(self, environ):
        self._list = tuple(         # so changes fail
            (key.removeprefix("HTTP_").replace("_", "-").title(), value)
            for key, value in environ.items()
            if key[:5] == "HTTP_" or value and key in _PLAIN_KEYS)

# ----------
# 6. The words of HTTP: options, dates, cookies
# Header values are small languages. The parsers read whatever a client sends: they
# never raise, their time is proportional to the length, and they leave out what they
# cannot read. What we write ourselves is checked. (RFC 9110, RFC 6265)

_LIST_ITEM = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.?)*(?:"|\Z))+')
_OPTION = re.compile(
    r';[ \t]*([^\s;="]+)=("(?:[^"\\]|\\.)*"[ \t]*|[^;"]*)(?=;|\Z)')

def _unquote(text):
    if text[:1] == text[-1:] == '"':
        text = text[1:-1]
        if "\\" in text:
            return re.sub(r"\\(.)", r"\1", text)
    return text

def parse_list_header(value: str) -> list[str]:
    items = [item.strip() for item in _LIST_ITEM.findall(value)]
    return [_unquote(item) for item in items if item]

def parse_options_header(value: str | None) -> tuple[str, dict[str, str]]:
    """Parse `text/html; Charset="utf-8"` to ("text/html", {"charset": "utf-8"})."""
    main, semicolon, rest = (value or "").partition(";")
    options = {}
    for name, text in _OPTION.findall(semicolon + rest):
        options[name.lower()] = _unquote(text.strip()).replace("%22", '"')
    return main.strip(), options

def _seconds(value):
    return int(value.total_seconds()) if isinstance(value, timedelta) else value

@functools.lru_cache(maxsize=200)
def _format_date(when):
    from email.utils import formatdate
    return formatdate(when, usegmt=True)

def http_date(when=None) -> str:
    """Return a date as HTTP writes it (RFC 9110 section 5.6.7). The default is now.
    `when` is seconds since 1970, a date, or a datetime; without a zone that is UTC."""
    if isinstance(when, datetime):
        when = timegm(when.utctimetuple())
    elif isinstance(when, date):
        when = timegm(when.timetuple())
    return _format_date(int(time.time() if when is None else when))

def parse_date(value: str | None) -> datetime | None:
    if not value:
        return None
    from email.utils import parsedate_to_datetime
    try:
        when = parsedate_to_datetime(value)
        when = when.replace(tzinfo=when.tzinfo or timezone.utc)
        return when.astimezone(timezone.utc)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None

_COOKIE = re.compile(       # a pair, or anything else up to the semicolon
    r'[ \t]*([^ \t=";,]+)[ \t]*(?:=[ \t]*(?:("(?:[^\\"]|\\.)*"|[^ \t";]+)[ \t]*)?)?'
    r"(?:;|\Z)|[^;]*(?:;|\Z)")
_COOKIE_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_COOKIE_PLAIN = re.compile(r"[\w!#$%&'()*+\-./:<=>?@\[\]^`{|}~]*", re.ASCII)

def parse_cookie(header: str | None) -> ImmutableMultiDict[str]:
    text = (header or "").encode("latin-1", "replace").decode(errors="replace")
    found = ImmutableMultiDict()
    for name, value in _COOKIE.findall(text):
        if value[:1] == '"':
            value = _COOKIE_ESCAPE.sub(
                lambda match: bytes([int(match[1], 8)]) if match[1][1:] else match[1],
                value[1:-1].encode()).decode(errors="replace")
        if name:
            MultiDict.add(found, name, value)       # its own refuses changes
    return found

def dump_cookie(key, value="", max_age=None, expires=None, path="/", domain=None,
                secure=False, httponly=False, samesite=None, partitioned=False) -> str:
    """Return a Set-Cookie value; raise ValueError if a part would break the header."""
    max_age = _seconds(max_age)
    if expires is None and max_age is not None:
        expires = time.time() + max_age
    if expires is not None and not isinstance(expires, str):
        expires = http_date(expires)
    if domain:
        domain = domain.partition(":")[0].lstrip(".").encode("idna").decode("ascii")
    samesite = samesite and samesite.title()
    if samesite not in (None, "Strict", "Lax", "None"):
        raise ValueError("SameSite must be Strict, Lax or None")
    if not _COOKIE_PLAIN.fullmatch(value):      # odd bytes as \ooo, and all in quotes
        from http.cookies import SimpleCookie
        value = SimpleCookie().value_encode(value.encode().decode("latin-1"))[1]
    cookie = f"{key}={value}"
    for name, setting in (
            ("Domain", domain), ("Expires", expires),
            ("Max-Age", max_age if max_age is None else str(max_age)),
            ("Secure", secure or partitioned), ("HttpOnly", httponly),
            ("Path", path and quote(path, safe="%!$&'()*+,/:=@")),
            ("SameSite", samesite), ("Partitioned", partitioned)):
        if setting is True:
            cookie += f"; {name}"
        elif setting:
            cookie += f"; {name}={setting}"
            if ";" in f"{setting}":
                raise ValueError(f"a cookie cannot have {name}={setting!r}")
    if not _TOKEN.fullmatch(key):
        raise ValueError(f"{key!r} is not the name of a cookie")
    return _header("Set-Cookie", cookie)[1]

# ----------
# 7. The request
# The server hands over a dict, the environ (PEP 3333). A Request keeps it, and parses
# nothing before you ask. Each result is kept. The environ holds bytes as Latin-1 text;
# we read the path, the query and the cookies as UTF-8, and leave other headers alone.

def _text(environ, key) -> str:
    return environ.get(key, "").encode("latin-1").decode(errors="replace")

def _parse_query(query) -> ImmutableMultiDict[str]:
    values = ImmutableMultiDict()
    for pair in query.replace(b"+", b" ").split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            name = unquote_to_bytes(name).decode(errors="replace")
            value = unquote_to_bytes(value).decode(errors="replace")
            dict.setdefault(values, name, []).append(value)
    return values

_HOST = re.compile(     # a name or an IPv6 address, and a port
    r"([A-Za-z0-9._-]{1,254}|\[[A-Fa-f0-9.]*:[A-Fa-f0-9:.]*\])(?::([0-9]{1,5}))?")

@functools.lru_cache(maxsize=200)
def _host_name(host):
    match = _HOST.fullmatch(host)
    if match is None or int(match[2] or 0) > 65535:
        raise BadRequest("The Host header is malformed.")
    return match[1].lower()

def _get_host(environ, trusted_hosts) -> str:
    host = environ.get("HTTP_HOST") or (
        f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}")
    name = _host_name(host)
    if trusted_hosts is not None and not any(
            name == trusted or trusted[:1] == "." and f".{name}".endswith(trusted)
            for trusted in trusted_hosts):
        raise BadRequest(f"The host {host!r} is not trusted.")
    return host.removesuffix(":443" if environ["wsgi.url_scheme"] == "https" else ":80")

class UserAgent(str):
    """What the client calls itself; also as `string`."""
    string = property(str)

class Authorization(SimpleNamespace):
    """Credentials: `type` ("basic", "bearer" ...), `username`, `password`, `token`."""
    username: str | None = None
    password: str | None = None
    token: str | None = None

def _parse_authorization(value) -> Authorization | None:
    scheme, _, rest = value.strip().partition(" ")
    scheme = scheme.lower()
    if scheme != "basic":
        if not scheme:
            return None
        return Authorization(type=scheme, token=rest.strip())
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except ValueError:
        return None
    username, _, password = text.partition(":")
    return Authorization(type=scheme, username=username, password=password)

def _is_json(mimetype):
    return mimetype == "application/json" or (
        mimetype.startswith("application/") and mimetype.endswith("+json"))

def _from_environ(key) -> cached_property[str | None]:
    return cached_property(lambda self: self.environ.get(key))

def _from_config(key):
    return cached_property(
        lambda self: _from_app("config", Flask.default_config)[key])

class Request:
    """What the client wants. Where it goes: `method`, `path`, `url`, `args`. What it
    holds: `headers`, `cookies`, `form`, `files`, `json`, `data`, `stream`."""
    url_rule: Rule | None = None                        # set by the router
    view_args: dict[str, Any] | None = None
    owners = (None,)        # whose hooks run: see Rule
    routing_exception: HTTPException | None = None
    session: Any = None
    trusted_hosts: list[str] | None = None
    _files: ImmutableMultiDict[FileStorage] = ImmutableMultiDict()
    _data = None
    _json = ()

    def __init__(self, environ):
        self.environ = environ
        self.method: str = environ.get("REQUEST_METHOD", "GET").upper()

    # Where the request is sent to: http://host/root_path/path?query_string
    scheme = cached_property[str](lambda self: self.environ["wsgi.url_scheme"])
    is_secure = cached_property(lambda self: self.scheme == "https")
    host = cached_property(lambda self: _get_host(self.environ, self.trusted_hosts))
    root_path = script_root = property(
        lambda self: _text(self.environ, "SCRIPT_NAME").rstrip("/"))
    path = cached_property(
        lambda self: "/" + _text(self.environ, "PATH_INFO").lstrip("/"))
    query_string = cached_property[bytes](
        lambda self: self.environ.get("QUERY_STRING", "").encode("latin-1"))
    full_path = property(
        lambda self: f"{self.path}?{self.query_string.decode(errors='replace')}")
    host_url = property(lambda self: f"{self.scheme}://{self.host.lower()}/")
    root_url = url_root = property(
        lambda self: self.host_url + _quote_path(self.root_path + "/")[1:])
    base_url = property(lambda self: self.root_url + _quote_path(self.path)[1:])
    args = cached_property(lambda self: _parse_query(self.query_string))

    @property
    def url(self) -> str:
        query = self.environ.get("QUERY_STRING")
        return self.base_url + (f"?{query}" if query else "")

    endpoint = property(lambda self: self.url_rule and self.url_rule.endpoint)
    blueprint = property(lambda self: self.owners[-1])

    headers = cached_property(lambda self: EnvironHeaders(self.environ))
    cookies = cached_property(
        lambda self: parse_cookie(self.environ.get("HTTP_COOKIE")))
    remote_addr = _from_environ("REMOTE_ADDR")
    referrer = _from_environ("HTTP_REFERER")
    content_type = _from_environ("CONTENT_TYPE")
    user_agent = cached_property(
        lambda self: UserAgent(self.environ.get("HTTP_USER_AGENT", "")))
    authorization = cached_property(
        lambda self: _parse_authorization(self.environ.get("HTTP_AUTHORIZATION", "")))
    accept_mimetypes = cached_property(
        lambda self: Accept(self.environ.get("HTTP_ACCEPT", "")))
    accept_languages = cached_property(
        lambda self: Accept(self.environ.get("HTTP_ACCEPT_LANGUAGE", "")))
    mimetype = cached_property(lambda self: self.environ.get(
        "CONTENT_TYPE", "").partition(";")[0].strip().lower())
    mimetype_params = property(lambda self: parse_options_header(self.content_type)[1])
    is_json = property(lambda self: _is_json(self.mimetype))

    @property
    def content_length(self) -> int | None:
        n = self.environ.get("CONTENT_LENGTH") or ""
        return int(n) if n.isascii() and n.isdigit() and len(n) < 19 else None

    # Limits; you can also set them for one request: bytes of the body; in a multipart
    # form, bytes of all texts, and the number of parts.
    max_content_length = _from_config("MAX_CONTENT_LENGTH")
    max_form_memory_size = _from_config("MAX_FORM_MEMORY_SIZE")
    max_form_parts = _from_config("MAX_FORM_PARTS")

    @cached_property
    def stream(self):
        """The body as a stream. Reading raises RequestEntityTooLarge (413) beyond
        `max_content_length`, and BadRequest (400) if the body breaks off."""
        return LimitedStream(self.environ, self.content_length, self.max_content_length)

    def get_data(self, cache=True, as_text=False):
        """Return the body as bytes or text; empty if `form` has read it."""
        data = self._data
        if data is None:
            data = self.stream.read()
        if cache:
            self._data = data
        return data.decode(errors="replace") if as_text else data

    @property
    def data(self) -> bytes:
        self.form       # which reads the body of a form, and nothing else
        return self.get_data()

    @cached_property
    def form(self) -> ImmutableMultiDict[str]:
        if self.mimetype == "multipart/form-data":
            fields, self._files = parse_multipart(self)
            return fields
        is_form = self.mimetype == "application/x-www-form-urlencoded"
        return _parse_query(self.get_data(False) if is_form else b"")

    @property
    def files(self) -> ImmutableMultiDict[FileStorage]:
        self.form
        return self._files

    @cached_property
    def values(self) -> ImmutableMultiDict[str]:
        if self.method in ("GET", "HEAD", "OPTIONS"):
            return self.args
        return ImmutableMultiDict(_pairs(self.args) + _pairs(self.form))

    def get_json(self, force=False, silent=False):
        """Return the body as JSON; 415 for another media type, 400 for malformed JSON.
        `force` ignores the media type. `silent` returns None instead of an error."""
        if self._json:
            return self._json[0]
        if not (force or self.is_json):
            return None if silent else abort(
                415, "The Content-Type of the request is not 'application/json'.")
        try:
            value = json.loads(self.get_data())
        except (ValueError, RecursionError) as error:
            return None if silent else self.on_json_loading_failed(error)
        self._json = (value,)
        return value

    json = property(get_json)

    def on_json_loading_failed(self, e):
        if current_app and not current_app.debug:
            raise BadRequest from e
        raise BadRequest(f"The body is not valid JSON: {e}") from e

    def close(self):
        if self._files:
            for _, file in _pairs(self._files):
                file.close()

# ----------
# 8. The response
# A Response is a status, headers and a body: a list of bytes or an iterator. It is a
# WSGI application itself: called with environ and start_response, it sends its head and
# returns its body. No header can break the answer: each one that you set is checked.

@functools.lru_cache(maxsize=200)
def _status_line(value):
    if isinstance(value, int) or value.isdecimal():
        name = HTTP_STATUS_CODES.get(int(value), "Unknown")
        value = f"{value} {name.upper()}"
    if not re.fullmatch(r"[1-9][0-9]{2} [\x20-\x7e\x80-\xff]+", value):
        raise ValueError(f"{value!r} is not a status: use a number from 100 to 999 "
                         "or a text such as '404 NOT FOUND'")
    return value

@functools.lru_cache(maxsize=200)
def _content_type(mimetype):
    is_text = mimetype.startswith("text/") or mimetype.endswith(
        ("+xml", "/xml", "/javascript"))
    return _header("Content-Type", mimetype + "; charset=utf-8" * is_text)

class ClosingIterator:
    """An iterator with a `close`, which the server calls at the end (PEP 3333)."""
    def __init__(self, iterable, close):
        self.iterator = iter(iterable)
        self.close = close

    def __iter__(self):
        return self.iterator    # so that the server calls `next` on it directly

class Response:
    """What the client gets. `response` is the body (text, bytes, or an iterable of
    them), `status` a number or a text such as "404 NOT FOUND", `headers` a dict or
    pairs. `mimetype` gets a charset if it is text; `content_type` is used as it is."""
    default_mimetype = "text/html"
    callbacks = ()
    _status = "200 OK"

    def __init__(
            self,
            response=None,
            status=None,
            headers=None,
            mimetype=None,
            content_type=None,
            direct_passthrough=False):
        self.headers = Headers(headers)
        if content_type is not None:
            self.content_type = content_type
        elif not headers or mimetype or "Content-Type" not in self.headers:
            if headers:
                self.headers.remove("Content-Type")
            self.headers._list.append(_content_type(mimetype or self.default_mimetype))
        if status is not None:
            self.status = status
        self.direct_passthrough = direct_passthrough
        self.response = [] if response is None else response
        if isinstance(response, (str, bytes, bytearray)):
            self.response = [response]

    content_type = property(lambda self: self.headers.get("Content-Type"),
                            lambda self, value: self.headers.set("Content-Type", value))
    mimetype = property(lambda self: parse_options_header(self.content_type)[0],
                        lambda self, value: self.headers.set(*_content_type(value)))
    location = property(lambda self: self.headers.get("Location"),
                        lambda self, value: self.headers.set("Location", value))

    @property
    def status(self):
        return self._status

    @status.setter
    def status(self, value: int | str):
        self._status = _status_line(value)

    status_code = property(lambda self: int(self._status[:3]), status.fset)
    is_streamed = property(lambda self: not isinstance(self.response, (list, tuple)))

    def iter_encoded(self):     # in runs of one type: a quarter faster than one by one
        return chain.from_iterable(
            map(kind.encode, parts) if issubclass(kind, str) else parts
            for kind, parts in groupby(self.response, type))

    def set_data(self, value):
        self.response = [value]
        self.headers.remove("Content-Length")

    def get_data(self, as_text=False):
        if self.is_streamed:
            self.call_on_close(getattr(self.response, "close", bool))
            self.response = list(self.iter_encoded())
        data = b"".join(self.iter_encoded())
        return data.decode() if as_text else data

    data = property(get_data, set_data)
    is_json = property(lambda self: _is_json(self.mimetype))

    def get_json(self):
        return json.loads(self.get_data()) if self.is_json else None

    json = property(get_json)

    def set_cookie(self, key: str, value: str = "", max_age=None, **options):
        """Set a cookie; options as in `dump_cookie`. `max_age` is in seconds, `expires`
        a datetime or seconds since 1970; without both it ends with the browser."""
        cookie = dump_cookie(key, value, max_age, **options)
        self.headers._list.append(("Set-Cookie", cookie))       # it is checked

    def delete_cookie(self, key: str, path="/", domain=None, **options):
        self.set_cookie(key, "", 0, expires=0, path=path, domain=domain, **options)

    def set_etag(self, etag: str, weak=False):
        self.headers.set("ETag", f'W/"{etag}"' if weak else f'"{etag}"')

    def make_conditional(self, request):
        """Make this a 304 if the client has it already (RFC 9110 section 13)."""
        environ = getattr(request, "environ", request)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or self.status_code != 200:
            return self
        is_known = False
        if asked := environ.get("HTTP_IF_NONE_MATCH"):
            tags = re.findall(r'"([^"]*)"|([^",\s]+)', asked)
            etag = self.headers.get("ETag", "").removeprefix("W/").strip('"')
            is_known = etag and (("", "*") in tags or (etag, "") in tags)
        elif since := parse_date(environ.get("HTTP_IF_MODIFIED_SINCE")):
            modified = parse_date(self.headers.get("Last-Modified"))
            is_known = modified is not None and modified <= since
        if is_known:
            self.status_code = 304
        return self

    def call_on_close(self, function: T) -> T:
        self.callbacks = [*self.callbacks, function]
        return function

    def close(self):
        callbacks = self.callbacks
        self.callbacks = ()
        try:
            getattr(self.response, "close", bool)()
        finally:
            _call_each(callbacks)

    def get_wsgi_response(self, environ):
        headers = [*self.headers._list]
        body = self.response
        code = self._status[:3]
        if isinstance(body, (list, tuple)):
            body = [part.encode() if isinstance(part, str) else part for part in body]
            if "Content-Length" not in self.headers:
                headers.append(("Content-Length", str(sum(map(len, body)))))
        elif not self.direct_passthrough:
            body = self.iter_encoded()
        if code < "200" or code in ("204", "304"):
            body = []       # and no headers that describe one
            headers = [pair for pair in headers if pair[0].lower() not in _OF_THE_BODY]
        elif environ["REQUEST_METHOD"] == "HEAD":
            body = []
        if self.callbacks or hasattr(self.response, "close"):
            body = ClosingIterator(body, self.close)
        return body, self._status, headers

    def __call__(self, environ, start_response):
        body, status, headers = self.get_wsgi_response(environ)
        start_response(status, headers)
        return body

def _call_each(functions):      # whatever happens
    if functions:
        try:
            functions[0]()
        finally:
            _call_each(functions[1:])

_OF_THE_BODY = {"content-type", "content-length", "content-encoding", "content-range",
                "content-disposition", "content-language", "last-modified"}

def redirect(location: str, code: int = 302) -> Response:
    """Return a redirect to a URL: 302, or 301, 303, 307, 308.
    Never pass on a URL that came from the client: it could lead to another site."""
    url = _quote_url(location)
    response = _from_app("response_class", Response)(
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n"
        "<h1>Redirecting...</h1>\n<p>The page is here: "
        f'<a href="{escape(url)}">{escape(location)}</a>.\n', code)
    response.location = url
    return response

# ----------
# 9. Configuration and JSON
# The configuration is a dict, filled from a Python file, an object or a dict. Only
# names in upper case are settings. JSON goes through a provider, so that an application
# can choose how dates become text, or use another library.

class Config(dict):
    """The settings of an application. Paths are relative to `root_path`."""
    def __init__(self, root_path, defaults=()):
        super().__init__(defaults)
        self.root_path = root_path

    def from_object(self, obj) -> None:
        if isinstance(obj, str):
            obj = pkgutil.resolve_name(obj)
        self.from_mapping({
            key: getattr(obj, key) for key in dir(obj) if key.isupper()})

    def from_mapping(self, mapping=(), **values) -> bool:
        for key, value in dict(mapping, **values).items():
            if key.isupper():
                self[key] = value
        return True

    def from_pyfile(self, filename, silent=False) -> bool:
        """Run a Python file, and take its names in upper case.
        With `silent` return False if there is no such file."""
        path = os.path.join(self.root_path, filename)
        names = {"__file__": path, "__name__": "config"}
        try:
            with open(path, "rb") as file:
                exec(compile(file.read(), path, "exec"), names)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            if not silent:
                raise
            return False
        return self.from_mapping(names)

def _setting(key):      # an attribute of the application that is a setting
    return property(lambda app: app.config[key],
                    lambda app, value: app.config.update({key: value}))

def _json_default(value):
    if isinstance(value, date):
        return http_date(value)
    if type(value).__name__ in ("Decimal", "UUID"):
        return str(value)
    if hasattr(value, "__dataclass_fields__"):
        from dataclasses import asdict
        return asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

class JSONProvider:
    """How an application writes and reads JSON: with the standard library.
    Override `dumps` and `loads` to use another, and set `Flask.json_provider_class`."""
    mimetype = "application/json"
    default = staticmethod(_json_default)
    ensure_ascii = sort_keys = True

    def __init__(self, app=None):
        self.app = app

    def dumps(self, obj, **options) -> str:
        settings = {"default": self.default, "ensure_ascii": self.ensure_ascii,
                    "sort_keys": self.sort_keys, "check_circular": False}  # faster
        return json_library.JSONEncoder(**settings | options).encode(obj)

    def loads(self, s, **options):
        return json_library.loads(s, **options)

    def response(self, *args, **kwargs) -> Response:
        if args and kwargs:
            raise TypeError("jsonify() takes either arguments or keywords, not both")
        value = args[0] if len(args) == 1 else args or kwargs or None
        layout = {"indent": 2} if self.app.debug else {"separators": (",", ":")}
        text = self.dumps(value, **layout) + "\n"
        return self.app.response_class(text, mimetype=self.mimetype)

DefaultJSONProvider = JSONProvider
_plain_provider = JSONProvider()
json = LocalProxy(lambda: _from_app("json", _plain_provider))

def jsonify(*args, **kwargs) -> Response:
    """Return a JSON response of one value, of several as a list, or of keywords."""
    return current_app.json.response(*args, **kwargs)

# ----------
# 10. Sessions and flashed messages
# The session is a dict in a cookie: JSON, the time, and a signature that itsdangerous
# makes with the SECRET_KEY (an HMAC). The client can read it but not forge it: without
# the key nobody can compute the signature that fits other content, and `open_session`
# checks it before it reads anything.

class SessionMixin:
    modified = True     # the cookie must be sent
    accessed = True     # the response depends on the cookie
    # Whether it lives for PERMANENT_SESSION_LIFETIME, and outlives the browser.
    permanent = property(lambda self: self.get("_permanent", False),
                         lambda self, value: self.update(_permanent=bool(value)))

def _modifies(name):
    def modify(self, *args, **kwargs):
        size = len(self)
        result = getattr(dict, name)(self, *args, **kwargs)
        if len(self) != size or name not in ("pop", "setdefault"):
            self.modified = True
        return result
    return modify

class SecureCookieSession(SessionMixin, dict[str, Any]):
    """The session. If you change the inside of a value, set `modified = True`."""
    modified = accessed = False
    __setitem__ = _modifies("__setitem__")
    __delitem__ = _modifies("__delitem__")
    clear = _modifies("clear")
    update = _modifies("update")
    popitem = _modifies("popitem")
    __ior__ = _modifies("__ior__")
    pop = _modifies("pop")
    setdefault = _modifies("setdefault")

class NullSession(SecureCookieSession):
    """An empty session that cannot be changed, because there is no SECRET_KEY."""
    def _fail(self, *args, **kwargs):
        own_keys = current_app.config.keys() - Flask.default_config.keys()
        tip = did_you_mean("SECRET_KEY", own_keys)
        tip = tip.replace("Did you mean", "Is it misspelt as")
        raise RuntimeError("The session is unavailable because no secret key was set: "
                           f"set app.secret_key to a long random value.{tip}")

    __setitem__ = __delitem__ = __ior__ = clear = pop = _fail
    popitem = update = setdefault = _fail

# Types that JSON lacks: {tag: (applies, to JSON, back)}.
_TAGS = {
    " t": (lambda value: isinstance(value, tuple),
           lambda value: _tag(list(value)), tuple),
    " b": (lambda value: isinstance(value, bytes),
           lambda value: base64.b64encode(value).decode(),
           functools.partial(base64.b64decode, validate=True)),
    " m": (lambda value: hasattr(value, "__html__"),
           lambda value: str(value.__html__()), Markup),
    " u": (lambda value: type(value).__name__ == "UUID",
           lambda value: value.hex, lambda text: UUIDConverter(None).to_python(text)),
    " d": (lambda value: isinstance(value, datetime), http_date,
           lambda text: parse_date(text).replace()),    # None.replace() fails
    " di": (lambda value: isinstance(value, dict) and len(value) == 1 and next(
                iter(value)) in _TAGS,      # a dict that looks like a tag
            lambda value: {f"{key}__": _tag(item) for key, item in value.items()},
            lambda value: {key[:-2]: item for key, item in value.items()})}

def _tag(value):
    if type(value) in (str, int, float, bool, type(None)):
        return value
    if isinstance(value, dict) and not _TAGS[" di"][0](value):
        return {key: _tag(item) for key, item in value.items()}
    for tag, (is_such, to_json, _) in _TAGS.items():
        if is_such(value):
            return {tag: to_json(value)}
    if isinstance(value, list):
        return [_tag(item) for item in value]
    return value

def _untag(value):
    tag = next(iter(value)) if len(value) == 1 else None
    if tag not in _TAGS:
        return value
    return _TAGS[tag][2](value[tag])

_encode = json_library.JSONEncoder(     # made once: a session is small
    default=_json_default, sort_keys=True, separators=(",", ":")).encode
_session_json = SimpleNamespace(
    dumps=lambda value: _encode(_tag(value)),
    loads=json_library.JSONDecoder(object_hook=_untag).decode)

class SessionInterface:
    """How sessions are kept; subclass it to keep them in a database.
    `open_session(app, request)` returns a dict with SessionMixin, or None if it cannot.
    `save_session(app, session, response)` is called before a response is sent."""
    def make_null_session(self, app):
        return NullSession()

    def is_null_session(self, obj):
        return isinstance(obj, NullSession)

_COOKIE_SETTINGS = {key: f"SESSION_COOKIE_{key.upper()}" for key in (
    "domain", "path", "secure", "httponly", "samesite", "partitioned")}

class SecureCookieSessionInterface(SessionInterface):
    """Keeps the session in a signed cookie, exactly as Flask does."""
    salt = "cookie-session"
    session_class = SecureCookieSession
    _kept = (None, None)

    def get_signing_serializer(self, app):
        key = app.secret_key
        if not key:
            return None
        keys = [*(app.config["SECRET_KEY_FALLBACKS"] or ()), key]
        known, serializer = self._kept
        if known != keys:       # the last key signs, all of them verify
            from itsdangerous import URLSafeTimedSerializer
            serializer = URLSafeTimedSerializer(
                keys, salt=self.salt, serializer=_session_json,
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1})
            serializer.make_signer = functools.cache(serializer.make_signer)
            for signer in map(serializer.make_signer, (None, serializer.salt)):
                signer.derive_key = functools.cache(signer.derive_key)      # is slow
            self._kept = keys, serializer
        return serializer

    def open_session(self, app, request, name=None):
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        try:    # missing, forged, too old, not a dict: each gives an empty session
            return self.session_class(**serializer.loads(
                request.cookies[name or app.config["SESSION_COOKIE_NAME"]],
                max_age=_seconds(app.permanent_session_lifetime)))
        except Exception:
            return self.session_class()

    def save_session(self, app, session, response):
        config = app.config
        is_kept = session.get("_permanent") and config["SESSION_REFRESH_EACH_REQUEST"]
        if session.accessed or is_kept:
            varies = parse_list_header(",".join(response.headers.getlist("Vary")))
            if "cookie" not in map(str.lower, varies):
                response.headers.set("Vary", ", ".join([*varies, "Cookie"]))
        if not session.modified and not is_kept:
            return
        options = {key: config[name] for key, name in _COOKIE_SETTINGS.items()}
        options["path"] = options["path"] or config["APPLICATION_ROOT"]
        name = config["SESSION_COOKIE_NAME"]
        if not session:
            return response.delete_cookie(name, **options)
        if session.permanent:
            options["expires"] = time.time() + _seconds(app.permanent_session_lifetime)
        value = self.get_signing_serializer(app).dumps(dict(session))
        response.set_cookie(name, value, **options)

def flash(message, category="message") -> None:
    """Keep a message in the session until `get_flashed_messages` takes it out."""
    session["_flashes"] = [*session.get("_flashes", []), (category, message)]
    current_app.send_signal(message_flashed, message=message, category=category)

def get_flashed_messages(with_categories=False, category_filter=()) -> list:
    """Take the messages out of the session: texts, or pairs (category, message)."""
    context = _context.get()
    if context.request and context.flashes is None:     # no request: an error
        context.flashes = session.pop("_flashes") if "_flashes" in session else []
    found = [each for each in context.flashes
             if not category_filter or each[0] in category_filter]
    return found if with_categories else [message for _, message in found]

# ----------
# 11. Templates
# Jinja renders the templates; this chapter says where they are and what they can use.
# HTML, XML and SVG files, and templates that are strings, escape your values.

def _is_markup(name):
    return name is None or name.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

def _create_environment(app):
    import jinja2

    def load(name):
        loaders = [part.jinja_loader for part in (app, *app.blueprints.values())
                   if part.jinja_loader is not None]
        for loader in loaders:
            with contextlib.suppress(jinja2.TemplateNotFound):
                return loader.get_source(env, name)
        folders = [*chain.from_iterable(
            getattr(loader, "searchpath", [loader]) for loader in loaders)]
        raise jinja2.TemplateNotFound(name, f"{name} was not found in {folders}")

    env = jinja2.Environment(loader=jinja2.FunctionLoader(load), **{
        "autoescape": _is_markup, **app.jinja_options})
    env.globals.update(
        url_for=app.url_for, get_flashed_messages=get_flashed_messages,
        config=app.config, request=request, session=session, g=g)
    env.policies["json.dumps_function"] = app.json.dumps
    return env

def _render(template, values):
    app = _context.get().app
    context = {}
    for f in app.hooks(app.template_context_processors):
        context.update(f())
    context.update(values)
    text = template.render(context)
    app.send_signal(template_rendered, template=template, context=context)
    return text

def render_template(template_name_or_list, **context) -> str:
    """Render the template of this name, or the first one of a list that exists."""
    app = _context.get().app
    env = app.jinja_env
    reload = app.config["TEMPLATES_AUTO_RELOAD"]
    env.auto_reload = app.debug if reload is None else reload
    return _render(env.get_or_select_template(template_name_or_list), context)

def render_template_string(source: str, **context) -> str:
    app = _context.get().app
    template = app.string_templates.get(source)
    if template is None:
        if len(app.string_templates) >= 400:    # strings made of data would fill it
            app.string_templates.clear()
        template = app.jinja_env.from_string(source)
        template.globals = app.jinja_env.globals    # Jinja's own mapping is slow
        app.string_templates[source] = template
    return _render(template, context)

# ----------
# 12. What application and blueprint share; blueprints
# Both register views, hooks and error handlers. Hooks are kept under the blueprint's
# name; None means all requests (in a blueprint: its own). A blueprint records what you
# register, and `app.register_blueprint` passes it on to the application.

def setupmethod(f: T) -> T:
    """Refuse a change after the first request, or to a registered blueprint."""
    @functools.wraps(f)
    def wrapper(self, *args, **kwargs):
        if self._got_first_request:
            raise AssertionError(
                f"You cannot call {f.__name__!r} of {self.name!r} after the first "
                "request (of a blueprint: after its registration). Call it earlier.")
        return f(self, *args, **kwargs)
    return wrapper

def _expect_brackets(argument, example):
    if callable(argument) and not isinstance(argument, type):
        raise TypeError(f"Write {example}: the decorator needs its brackets.")

_Verb = Callable[..., Callable[[T], T]]

class Scaffold:
    _got_first_request = False
    add_url_rule: Callable

    def __init__(self, import_name, static_folder=None, static_url_path=None,
                 template_folder=None, root_path=None):
        self.import_name = import_name
        self.template_folder = template_folder
        file = getattr(sys.modules.get(import_name), "__file__", None)
        self.root_path = root_path or (
            os.path.dirname(os.path.abspath(file)) if file else os.getcwd())
        self.static_folder = static_folder and os.path.join(
            self.root_path, os.fspath(static_folder).rstrip("/"))
        if static_url_path is None:
            static_url_path = os.path.basename(self.static_folder or "")
        self.static_url_path = f"/{static_url_path.strip('/')}"
        self.cli = AppGroup()
        self.view_functions = {}
        # {blueprint or None: functions}
        self.before_request_funcs = defaultdict(list)
        self.after_request_funcs = defaultdict(list)
        self.teardown_request_funcs = defaultdict(list)
        self.template_context_processors = defaultdict(list)
        # {blueprint or None: {code or None: {class of exceptions: handler}}}
        self.error_handler_spec = defaultdict(lambda: defaultdict(dict))

    @cached_property
    def jinja_loader(self):
        if not self.template_folder:
            return None
        from jinja2 import FileSystemLoader
        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def ensure_sync(self, func):
        if not getattr(getattr(func, "__code__", None), "co_flags", 0) & 128:
            return func     # 128 is inspect.CO_COROUTINE

        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            try:
                from asgiref.sync import async_to_sync
            except ImportError:
                import asyncio
                return asyncio.run(func(*args, **kwargs))
            return async_to_sync(func)(*args, **kwargs)
        return wrapper

    def route(self, rule: str, **options) -> Callable[[T], T]:
        """Register a view for a rule (a decorator).
        `methods` is a list (default: GET), `endpoint` a name for `url_for` (the name of
        the function), `defaults` a dict of values, `strict_slashes` a bool."""
        _expect_brackets(rule, '@app.route("/path")')

        def decorator(f: T) -> T:
            self.add_url_rule(rule, view_func=f, **options)
            return f
        return decorator

    def _route_with(self, method: str, rule: str, **options) -> Callable[[T], T]:
        return self.route(rule, methods=[method], **options)

    get: _Verb[T] = partialmethod(_route_with, "GET")
    post: _Verb[T] = partialmethod(_route_with, "POST")
    put: _Verb[T] = partialmethod(_route_with, "PUT")
    patch: _Verb[T] = partialmethod(_route_with, "PATCH")
    delete: _Verb[T] = partialmethod(_route_with, "DELETE")

    @setupmethod
    def before_request(self, f: T) -> T:
        """Call `f()` before each request. A value that it returns is the response."""
        self.before_request_funcs[None].append(self.ensure_sync(f))
        return f

    @setupmethod
    def after_request(self, f: T) -> T:
        """Call `f(response)` before a response is sent; it returns a response."""
        self.after_request_funcs[None].append(self.ensure_sync(f))
        return f

    @setupmethod
    def teardown_request(self, f: T) -> T:
        """Call `f(exception or None)` when the context of a request ends."""
        self.teardown_request_funcs[None].append(self.ensure_sync(f))
        return f

    @setupmethod
    def context_processor(self, f: T) -> T:
        """Call `f()` before a template is rendered; it returns a dict of values."""
        self.template_context_processors[None].append(self.ensure_sync(f))
        return f

    def errorhandler(self, code_or_exception) -> Callable[[T], T]:
        _expect_brackets(code_or_exception, "@app.errorhandler(404)")

        def decorator(f: T) -> T:
            self.register_error_handler(code_or_exception, f)
            return f
        return decorator

    @setupmethod
    def register_error_handler(self, code_or_exception, f) -> None:
        kind = default_exceptions.get(code_or_exception, code_or_exception)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise ValueError(f"There is no exception for {kind!r}")
        code = kind.code if issubclass(kind, HTTPException) else None
        self.error_handler_spec[None][code][kind] = self.ensure_sync(f)

    def add_static_rule(self):
        if self.static_folder:
            self.add_url_rule(f"{self.static_url_path.rstrip('/')}/<path:filename>",
                              "static", self.send_static_file)

    def send_static_file(self, filename: str) -> Response:
        return send_from_directory(self.static_folder or "", filename)

class Blueprint(Scaffold):
    """A part of an application: register it with `app.register_blueprint`.
    `url_prefix` stands before all its rules, its name before all its endpoints."""
    def __init__(self, name: str, import_name: str, static_folder=None,
                 static_url_path=None, template_folder=None, url_prefix=None,
                 root_path=None):
        super().__init__(import_name, static_folder, static_url_path, template_folder,
                         root_path)
        if not name or "." in name:
            raise ValueError(f"The name {name!r} of a blueprint is empty or has a dot.")
        self.name = name
        self.url_prefix = url_prefix
        self.deferred_functions = []        # called with the state of a registration
        self.add_static_rule()

    @setupmethod
    def record_once(self, f):
        self.deferred_functions.append(lambda s: s.first_registration and f(s))

    @setupmethod
    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        endpoint = endpoint or view_func.__name__
        if "." in endpoint:
            raise ValueError(f"A blueprint's endpoint cannot have a dot: {endpoint}")

        def add(state):
            path = rule
            if state.url_prefix is not None:
                path = state.url_prefix.rstrip("/") + "/" + rule.lstrip("/")
                path = path if rule else state.url_prefix
            name = f"{state.name}.{endpoint}"
            state.app.add_url_rule(path, name, view_func, **options)
        self.deferred_functions.append(add)

    def register(self, app, options):
        name = options.get("name", self.name)
        if name in app.blueprints:
            raise ValueError(f"There is a blueprint {name!r} already. Register this "
                             "one with another name=.")
        prefix = options.get("url_prefix")
        state = SimpleNamespace(
            app=app, name=name, blueprint=self, options=options,
            first_registration=self not in app.blueprints.values(),
            url_prefix=self.url_prefix if prefix is None else prefix)
        app.blueprints[name] = self
        for kind in ("before_request_funcs", "after_request_funcs",
                     "teardown_request_funcs", "template_context_processors"):
            if functions := getattr(self, kind)[None]:
                getattr(app, kind)[name] += functions
        for code, handlers in self.error_handler_spec[None].items():
            app.error_handler_spec[name][code].update(handlers)
        for function in self.deferred_functions:
            function(state)
        if self.cli:
            app.cli.group(name).update(self.cli)
        self._got_first_request = True      # a later change would be lost

    def _on_app(self, method, f):
        self.record_once(lambda state: getattr(state.app, method)(f))
        return f

    def _decorate_on_app(self, method, *args):
        _expect_brackets(args and args[0], f"@bp.app_{method}(...)")

        def decorator(f):
            self.record_once(lambda state: getattr(state.app, method)(*args)(f))
            return f
        return decorator

    before_app_request = partialmethod(_on_app, "before_request")
    after_app_request = partialmethod(_on_app, "after_request")
    app_context_processor = partialmethod(_on_app, "context_processor")
    app_errorhandler = partialmethod(_decorate_on_app, "errorhandler")
    app_template_filter = partialmethod(_decorate_on_app, "template_filter")

# ----------
# 13. The application: from environ to response
#
#     environ -> context (request) -> match -> before hooks -> view -> Response
#             -> after hooks -> session saved -> start_response -> teardown -> body
#
# `wsgi_app` and the methods below it are these steps, in this order (`context.push`
# opens the session and matches), and a subclass can override each. An exception becomes
# a response, too: by its error handler, as the HTTPException that it is, or as a 500.
# The first request also ends the set-up: it sorts the rules, and `route` is an error.
#
# What does a request cost? "Hello" takes 9 us and 76 calls, in Flask 95 us and 390. No
# step is slow: the response takes 2.4 us, context and teardown 2.1, finding the view
# 1.5, hooks and session 1. The number of calls and objects counts. So nothing is parsed
# before you ask for it, and what never changes, such as a status line, is kept.

class Flask(Scaffold):
    """A web application, and the WSGI callable that a server calls.
    `import_name` is `__name__`: the folders `templates` and `static` are beside that
    module. `instance_path` is a folder for files that are not in version control."""
    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)

    def wsgi_app(self, environ, start_response):
        """Answer a request (PEP 3333). Middleware wraps this method."""
        self._got_first_request = True      # see setupmethod
        context = self.request_context(environ)
        response = error = None
        try:
            try:
                context.push()
                response = self.full_dispatch_request()
                return response(environ, start_response)
            except Exception as e:
                error = e
                if response is not None:        # it could not be sent
                    response.close()
                return self.handle_exception(e)(environ, start_response)
        except BaseException as e:
            error = e
            raise
        finally:
            if "microflask.keep_context" in environ:    # the test client looks at it
                environ["microflask.keep_context"](context)
            context.pop(error)
            error = None    # else exception and frame form a cycle

    def request_context(self, environ) -> AppContext:
        request = self.request_class(environ)
        if self.config["TRUSTED_HOSTS"] is not None:
            request.trusted_hosts = self.config["TRUSTED_HOSTS"]
        return AppContext(self, request)

    def open_session(self, request):
        interface = self.session_interface
        request.session = interface.open_session(self, request)
        if request.session is None:
            request.session = interface.make_null_session(self)

    def match_request(self, request):
        """Find the rule. An error waits in the request until the hooks have run."""
        try:
            _get_host(request.environ, request.trusted_hosts)   # can be a BadRequest
            request.url_rule, request.view_args = self.url_map.match(
                _text(request.environ, "PATH_INFO") or "/", request.method)
            request.owners = request.url_rule.owners
        except HTTPException as error:
            if isinstance(error, RequestRedirect):
                query = request.environ.get("QUERY_STRING")
                error.new_url = request.root_url[:-1] + error.new_url + (
                    f"?{query}" if query else "")
            request.routing_exception = error

    def full_dispatch_request(self):
        try:
            if request_started.receivers:   # mostly there are none
                self.send_signal(request_started)
            rv = self.preprocess_request()
            if rv is None:
                rv = self.dispatch_request()
        except Exception as error:
            return self.finalize_request(self.handle_user_exception(error))
        return self.finalize_request(rv)

    def preprocess_request(self):
        for f in self.hooks(self.before_request_funcs):
            if (rv := f()) is not None:
                return rv

    def dispatch_request(self):
        """Call the view with the values of the path, and return its value."""
        request = _context.get().request
        if request.routing_exception is not None:
            raise request.routing_exception
        rule = request.url_rule
        if request.method == "OPTIONS" and rule.provide_automatic_options:
            return self.make_default_options_response()
        return self.view_functions[rule.endpoint](**request.view_args)

    def make_default_options_response(self):
        try:
            self.url_map.match(request.path, "")    # raises: no rule has this method
        except MethodNotAllowed as error:
            return self.response_class(headers=error.get_headers())

    def finalize_request(self, rv, from_error_handler=False):
        response = self.make_response(rv)
        try:
            response = self.process_response(response)
            if request_finished.receivers:
                self.send_signal(request_finished, response=response)
        except Exception:
            if not from_error_handler:
                response.close()
                raise
            self.logger.exception("An after_request function failed for an error page")
        return response

    def make_response(self, rv) -> Response:
        """Make a Response of a text, bytes, dict, list, iterator, tuple or Response."""
        status = headers = None
        if isinstance(rv, tuple):
            if len(rv) not in (2, 3):
                raise TypeError("A tuple that a view returns must be (body, status, "
                                "headers), (body, status) or (body, headers).")
            rv, *rest = rv
            if len(rest) == 2 or isinstance(rest[0], (Headers, dict, tuple, list)):
                headers = rest.pop()
            status = rest[0] if rest else None
        if isinstance(rv, HTTPException):
            rv.__traceback__ = None     # which keeps frames alive
            rv = rv.get_response()
        elif isinstance(rv, (str, bytes, bytearray)) or hasattr(rv, "__next__"):
            rv = self.response_class(rv)
        elif isinstance(rv, (dict, list)):
            rv = self.json.response(rv)
        elif not isinstance(rv, Response):
            what = f"an object of type {type(rv).__name__}, which is not a response."
            if rv is None:
                what = "None. Make sure that every branch returns a response."
            raise TypeError(
                f"The view function for {request.endpoint!r} returned {what}")
        if status is not None:
            rv.status = status
        if headers:
            rv.headers.update(headers)
        return rv

    def process_response(self, response):
        for f in self.hooks(self.after_request_funcs, -1):
            response = f(response)
            if response is None:
                raise TypeError(f"{f.__name__}() must return a response, not None.")
        session = _context.get().request.session
        if not self.session_interface.is_null_session(session):
            self.session_interface.save_session(self, session, response)
        return response

    def handle_user_exception(self, e):
        """Return the value of the error's handler, or the error if it is a response."""
        if isinstance(e, HTTPException) and e.code in (None, RequestRedirect.code):
            return e
        handler = self._find_error_handler(e)
        if handler is None and not isinstance(e, HTTPException):
            try:
                raise e
            finally:
                e = None        # else exception and frame form a cycle
        return handler(e) if handler else e

    def _find_error_handler(self, e):
        codes = (e.code, None) if isinstance(e, HTTPException) else (None,)
        for code in codes:
            for owner in reversed(_context.get().request.owners):
                if handlers := self.error_handler_spec.get(owner, {}).get(code):
                    for kind in type(e).__mro__:
                        if kind in handlers:
                            return handlers[kind]

    def handle_exception(self, e):
        """Log an exception that nobody handled, and return a 500.
        In debug mode and in tests raise it again (see PROPAGATE_EXCEPTIONS)."""
        self.send_signal(got_request_exception, exception=e)
        propagate = self.config["PROPAGATE_EXCEPTIONS"]
        if propagate or propagate is None and (self.testing or self.debug):
            raise e
        self.logger.error("Exception on %r [%s]", request.path, request.method,
                          exc_info=e)
        error = InternalServerError(original_exception=e)
        handler = self._find_error_handler(error)
        try:
            return self.finalize_request(handler(error) if handler else error, True)
        except Exception:
            self.logger.exception("The error handler failed")
            return self.finalize_request(error, True)

    def do_teardown_request(self, exc):
        self._call_all(self.hooks(self.teardown_request_funcs, -1), exc)
        if request_tearing_down.receivers:
            self.send_signal(request_tearing_down, exc=exc)

    def do_teardown_appcontext(self, exc):
        if self.teardown_appcontext_funcs:
            self._call_all(self.teardown_appcontext_funcs[::-1], exc)

    def _call_all(self, functions, exc):
        for f in functions:
            try:
                f(exc)
            except Exception:       # log it: the others must run
                self.logger.exception("A teardown function failed")

    def hooks(self, functions, step=1):
        if not functions:
            return ()
        context = _context.get()
        owners = context.request.owners if context.has_request else (None,)
        return [f for owner in owners[::step]
                for f in functions.get(owner, ())[::step]]

    def send_signal(self, signal, **values):
        if signal.receivers:
            signal.send(self, _async_wrapper=self.ensure_sync, **values)

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    json_provider_class = JSONProvider
    url_rule_class = Rule
    url_map_class = Map
    test_client_class: Any = None
    session_interface: SessionInterface = SecureCookieSessionInterface()
    jinja_options: Mapping[str, Any] = {}
    jinja_env = cached_property[Any](_create_environment)
    debug = _setting("DEBUG")
    testing = _setting("TESTING")
    secret_key = _setting("SECRET_KEY")
    permanent_session_lifetime = _setting("PERMANENT_SESSION_LIFETIME")

    default_config: Mapping[str, Any] = {
        "DEBUG": None, "TESTING": False, "PROPAGATE_EXCEPTIONS": None,
        "SECRET_KEY": None, "SECRET_KEY_FALLBACKS": None,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
        "SESSION_COOKIE_NAME": "session", "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": None, "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": False, "SESSION_COOKIE_SAMESITE": None,
        "SESSION_COOKIE_PARTITIONED": False, "SESSION_REFRESH_EACH_REQUEST": True,
        "SERVER_NAME": None, "APPLICATION_ROOT": "/", "PREFERRED_URL_SCHEME": "http",
        "TRUSTED_HOSTS": None, "MAX_CONTENT_LENGTH": None,
        "MAX_FORM_MEMORY_SIZE": 500_000, "MAX_FORM_PARTS": 1000,
        "SEND_FILE_MAX_AGE_DEFAULT": None, "TEMPLATES_AUTO_RELOAD": None}

    def __init__(self, import_name: str, static_url_path: str | None = None,
                 static_folder="static", template_folder="templates",
                 instance_path: str | None = None,
                 instance_relative_config: bool = False, root_path: str | None = None):
        super().__init__(import_name, static_folder, static_url_path, template_folder,
                         root_path)
        module = sys.modules.get(import_name)
        self.name = import_name if import_name != "__main__" else os.path.splitext(
            os.path.basename(getattr(module, "__file__", import_name)))[0]
        self.instance_path = instance_path or os.path.join(
            os.path.dirname(self.root_path) if hasattr(module, "__path__")
            else self.root_path, "instance")
        self.config = Config(
            self.instance_path if instance_relative_config else self.root_path,
            self.default_config)
        self.debug = _is_true(os.environ.get("FLASK_DEBUG", ""))
        self.json = self.json_provider_class(self)
        self.url_map = self.url_map_class()
        self.blueprints = {}
        self.extensions = {}
        self.teardown_appcontext_funcs = []
        self.shell_context_processors = []
        self.string_templates = {}
        self.add_static_rule()

    @cached_property
    def logger(self):
        import logging
        logger = logging.getLogger(self.name)
        if self.debug and not logger.level:
            logger.setLevel(logging.DEBUG)
        if not logger.hasHandlers():
            handler = logging.StreamHandler(LocalProxy(lambda: sys.stderr))
            handler.setFormatter(logging.Formatter(
                "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))
            logger.addHandler(handler)
        return logger

    @setupmethod
    def add_url_rule(self, rule: str, endpoint: str | None = None, view_func=None,
                     **options):
        """Add a rule, and its view; `route` is the decorator for this.
        Raises AssertionError if the endpoint has another view already."""
        endpoint = endpoint or view_func.__name__
        methods = options.pop("methods", None) or getattr(view_func, "methods", None)
        if isinstance(methods, str):
            raise TypeError("methods must be a list of names, such as methods=['POST']")
        self.url_map.add(self.url_rule_class(
            rule, methods=methods, endpoint=endpoint, **options))
        if view_func is not None:
            view = self.ensure_sync(view_func)
            old = self.view_functions.get(endpoint, view)
            if old != view and (view is view_func or (
                    getattr(old, "__wrapped__", None) != view_func)):
                raise AssertionError(
                    f"The endpoint {endpoint!r} has a view function already. Rename "
                    "one of the views, or set endpoint=.")
            self.view_functions[endpoint] = view

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options):
        blueprint.register(self, options)

    @setupmethod
    def teardown_appcontext(self, f: T) -> T:
        self.teardown_appcontext_funcs.append(self.ensure_sync(f))
        return f

    @setupmethod
    def shell_context_processor(self, f: T) -> T:
        self.shell_context_processors.append(f)
        return f

    @setupmethod
    def _add_to_templates(self, kind, f, name=None):
        getattr(self.jinja_env, kind)[name or f.__name__] = f
        return f

    def _decorate_for_templates(self, kind, name=None):
        _expect_brackets(name, "@app.template_filter()")
        return lambda f: self._add_to_templates(kind, f, name)

    add_template_global = partialmethod(_add_to_templates, "globals")
    template_filter = partialmethod(_decorate_for_templates, "filters")
    template_global = partialmethod(_decorate_for_templates, "globals")

    def app_context(self) -> AppContext:
        return AppContext(self)

    def test_request_context(self, *args, **kwargs) -> AppContext:
        return self.request_context(make_environ(self, *args, **kwargs))

    def url_for(self, endpoint: str, /, *, _anchor: str | None = None,
                _scheme: str | None = None,
                _external: bool | None = None, **values) -> str:
        """Return the URL of an endpoint; `.name` is relative to the current blueprint.
        Values that the rule does not use go into the query. `_external` gives a whole
        URL. Raises BuildError if there is no such endpoint, or values are missing."""
        if request:
            current = _context.get().request
            if endpoint[:1] == ".":
                endpoint = f"{current.blueprint or ''}{endpoint}".lstrip(".")
            root = current.root_path
            scheme = current.scheme
            host = current.host if _external or _scheme is not None else None
        elif self.config["SERVER_NAME"]:
            root = self.config["APPLICATION_ROOT"].rstrip("/")
            scheme = self.config["PREFERRED_URL_SCHEME"]
            host = None if _external is False else self.config["SERVER_NAME"]
        else:
            raise RuntimeError("Unable to build URLs outside of a request without "
                               "'SERVER_NAME' in the configuration.")
        url = _quote_path(root) + self.url_map.build(endpoint, values)
        if host:
            scheme = scheme if _scheme is None else _scheme
            url = f"{scheme}://{host}{url}" if scheme else f"//{host}{url}"
        if _anchor:
            url += "#" + quote(_anchor, safe="%!#$&'()*+,/:;=?@")
        return url

    def test_client(self, **kwargs) -> FlaskClient:
        return (self.test_client_class or FlaskClient)(self, **kwargs)

    def run(self, host: str | None = None, port: int | None = None,
            debug: bool | None = None, load_dotenv=True, **options):
        """Serve the application for development, by default on http://127.0.0.1:5000.
        `debug` sets `use_debugger` (errors in the browser) and `use_reloader`."""
        if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
            return      # the command line imports the module, and serves it itself
        if load_dotenv:
            _load_dotenv()
            self.debug = self.debug or _is_true(os.environ.get("FLASK_DEBUG", ""))
        if debug is not None:
            self.debug = bool(debug)
        options.setdefault("use_reloader", self.debug)
        options.setdefault("use_debugger", self.debug)
        port = 5000 if port is None else port
        run_simple(host or "127.0.0.1", port, self, **options)

def url_for(endpoint: str, **values) -> str:
    """Return the URL of an endpoint: see `Flask.url_for`."""
    return current_app.url_for(endpoint, **values)

def make_response(*args) -> Response:
    """Return a Response that you can change, from whatever a view can return."""
    return current_app.make_response(args[0] if len(args) == 1 else args or "")

# ====================
# Part two: the workbench

# ----------
# 14. Bodies and multipart forms
# A body can be larger than memory, and longer or shorter than it says, so it is read in
# pieces and counted. A multipart form (RFC 7578) is parts between boundaries. One
# method reads it: it passes on what comes before the next mark.

class LimitedStream(io.RawIOBase):
    """A body that ends where Content-Length says, or where the server ends it."""
    def __init__(self, environ, length, limit):
        if limit is not None and (length or 0) > limit:
            raise RequestEntityTooLarge
        self.raw = environ["wsgi.input"]
        self.left = length or 0
        self.ends_itself = length is None and environ.get("wsgi.input_terminated")
        if self.ends_itself:        # to read limit + 1 bytes is an error
            self.left = sys.maxsize if limit is None else limit + 1

    def _take(self, read, size):
        size = self.left if size < 0 else min(size, self.left)
        try:
            data = read(size) if size else b""
        except OSError as error:
            raise BadRequest from error
        self.left -= len(data)
        if self.ends_itself and not self.left:
            raise RequestEntityTooLarge
        if size and not data and not self.ends_itself:
            raise BadRequest
        return data

    def read(self, size=-1):
        if size is None or size < 0:
            return self.readall()       # calls read(size) until the end
        return self._take(self.raw.read, size)

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[:len(data)] = data
        return len(data)

    def readline(self, size=-1):
        return self._take(self.raw.readline, -1 if size is None else size)

    def readable(self):
        return True

class FileStorage:
    """An uploaded file, with the methods of its `stream`; false if it has no name.
    `filename` comes from the client: never use it as a path, see `secure_filename`."""
    def __init__(self, stream=None, filename=None, name=None, content_type=None,
                 headers=None):
        self.stream = stream or io.BytesIO()
        if filename is None and hasattr(stream, "name"):
            filename = str(stream.name)
        self.filename = filename
        self.name = name
        self.headers = Headers(headers)
        if content_type is not None:
            self.headers.set("Content-Type", content_type)

    content_type = property(lambda self: self.headers.get("Content-Type"))
    mimetype = property(lambda self: parse_options_header(self.content_type)[0].lower())

    def save(self, dst, buffer_size=16384) -> None:
        import shutil
        is_file = hasattr(dst, "write")
        with contextlib.nullcontext(dst) if is_file else open(dst, "wb") as file:
            shutil.copyfileobj(self.stream, file, buffer_size)

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "stream"), name)

    def __iter__(self):
        return iter(self.stream)

    def __bool__(self):
        return bool(self.filename)

class _Multipart:
    def __init__(self, stream, dashes):
        self.stream = stream
        self.dashes = dashes
        self.buffer = bytearray(b"\r\n")
        self.is_over = False

    def up_to(self, mark, longest, sink, most=None, skip=0):
        """Pass what comes before a mark to `sink`, in pieces; return the match.
        `longest` is the length of the longest mark, `most` the limit of bytes, `skip`
        how many to drop first. Raises ValueError if there is no mark."""
        while True:
            # rfind takes half the time of `in`, and a tenth of that of the mark.
            is_near = mark is _END_OF_HEAD or self.buffer.rfind(self.dashes) >= 0
            match = is_near and mark.search(self.buffer)
            ready = match.start() if match else max(0, len(self.buffer) - longest)
            piece = self.buffer[skip:ready]
            if most is not None and (most := most - len(piece)) < 0:
                raise RequestEntityTooLarge
            sink(piece)
            is_whole = self.is_over or ready + longest <= len(self.buffer)
            if match and is_whole:
                del self.buffer[:match.end()]
                return match
            del self.buffer[:ready]
            skip = max(0, skip - ready)
            if self.is_over:
                raise ValueError("the body ends before the last boundary")
            data = self.stream.read(65536)
            self.buffer += data
            self.is_over = not data

_LINE_END = r"(?:\r\n|\n|\r)"
_FOLD = re.compile(_LINE_END + "[ \t]+")
_FIELD = re.compile(r"[\r\n]([^:\s]+)[ \t]*:[ \t]*([^\r\n]*)")
_END_OF_HEAD = re.compile(rb"(\r\n|\n|\r)(?=\1)")       # not the empty line

def parse_multipart(request):
    """Return (fields, files) of a multipart form, both immutable.
    Raises RequestEntityTooLarge at a limit. A form without an end is empty."""
    from tempfile import SpooledTemporaryFile
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    if len(boundary) > 200:     # RFC 2046 allows 70; and `re` caches the pattern
        raise BadRequest("The boundary of the form is too long.")
    # The mark begins with a line end; the one after it belongs to the next head.
    mark = re.compile(_LINE_END.encode() + b"--" + re.escape(boundary)
                      + rb"(?:(--)|[ \t]{0,8}(?=[\r\n]))")
    stream = request.stream if request._data is None else io.BytesIO(request._data)
    reader = _Multipart(stream, b"--" + boundary)
    longest = len(boundary) + 16
    left = request.max_form_memory_size
    most = request.max_form_parts
    fields = []
    files = []
    try:
        match = reader.up_to(mark, longest, lambda data: None)
        while not match.lastindex:      # until "--" follows the boundary
            if most is not None and len(fields) + len(files) >= most:
                raise RequestEntityTooLarge
            head = []
            end = reader.up_to(_END_OF_HEAD, 4, head.append, 16_384)
            skip = end.end() - end.start()      # a mark may begin with these
            lines = b"".join(head).decode(errors="replace")
            headers = Headers()
            headers._list = _FIELD.findall(_FOLD.sub(" ", lines))
            options = parse_options_header(headers["Content-Disposition"])[1]
            name = options.get("name")
            filename = options.get("filename")
            if name is None:
                raise BadRequest("A part of the form has no name.")
            if filename is not None:
                file = FileStorage(SpooledTemporaryFile(500_000), filename, name)
                file.headers = headers
                files.append((name, file))
                match = reader.up_to(mark, longest, file.write, None, skip)
                file.seek(0)
            else:
                text = []
                match = reader.up_to(mark, longest, text.append, left, skip)
                text = b"".join(text)
                left = left and left - len(text)        # None: no limit
                fields.append((name, text.decode(errors="replace")))
        return ImmutableMultiDict(fields), ImmutableMultiDict(files)
    except BaseException as error:
        for _, file in files:
            file.close()
        if isinstance(error, (ValueError, KeyError)):       # cut off, or no disposition
            return ImmutableMultiDict(), ImmutableMultiDict()
        raise

# ----------
# 15. Files, preferences
# A file goes out with its date and an entity tag, so that a browser can ask whether it
# has changed. A name that comes from a client must pass `safe_join`, which never leads
# out of a folder. A browser also says what it prefers (RFC 9110 section 12.5).

_WINDOWS = re.compile(      # its drives and devices
    r"[a-z]:|(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\.|:|\Z)", re.IGNORECASE)

def safe_join(directory, *pathnames) -> str | None:
    """Join paths below a directory; None if the result could be outside of it."""
    path = directory or "."
    for name in filter(None, pathnames):
        steps = normpath(name).split("/")
        if ("\0" in name or "\\" in name or steps[0] in ("", "..")
                or any(map(_WINDOWS.match, steps))):
            return None
        path = os.path.join(path, *steps)
    return path

def _ascii(text):
    import unicodedata
    return unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode()

def secure_filename(filename: str) -> str:
    text = _ascii(filename).replace("/", " ")
    text = re.sub(r"[^A-Za-z0-9_.-]", "", "_".join(text.split()))
    return text.strip("._")

def send_from_directory(directory, path, **kwargs) -> Response:
    """Return a file below a directory (relative to the root path), or raise a 404.
    The path can come from the client. See `send_file` for the keywords."""
    found = safe_join(os.path.join(current_app.root_path, directory), os.fspath(path))
    if found is None or not os.path.isfile(found):
        raise NotFound
    return send_file(found, **kwargs)

@functools.lru_cache(maxsize=1000)
def _guess_type(name):
    import mimetypes
    return mimetypes.guess_type(name)

def send_file(path_or_file, mimetype: str | None = None, as_attachment=False,
              download_name: str | None = None, conditional=True, etag=True,
              last_modified=None, max_age=None) -> Response:
    """Return a file as a response. The path must not come from the client.
    `path_or_file` is a path or a binary file. `as_attachment` makes the browser save it
    as `download_name`. The browser can keep it for `max_age` seconds."""
    app = _context.get().app
    file = path_or_file
    headers = {"Cache-Control": "no-cache"}
    if hasattr(file, "read"):
        body = FileWrapper(file, 65536)
        if isinstance(file, io.TextIOBase):
            raise ValueError("Open the file in binary mode, or use a BytesIO.")
        if isinstance(file, io.BytesIO):
            headers["Content-Length"] = len(file.getbuffer())
            file.seek(0)
    else:
        path = os.path.join(app.root_path, file)
        body = _open_late(path)
        about = os.stat(path)
        headers["Content-Length"] = about.st_size
        download_name = download_name or os.path.basename(path)
        last_modified = about.st_mtime if last_modified is None else last_modified
        if etag is True:
            etag = f"{about.st_mtime}-{about.st_size}-{zlib.adler32(os.fsencode(path))}"
    if download_name is None and (as_attachment or mimetype is None):
        raise TypeError("Set download_name (or mimetype, if not an attachment).")
    kind, encoding = _guess_type(download_name or "")
    if isinstance(etag, str):
        headers["ETag"] = f'"{etag}"'
    if last_modified is not None:
        headers["Last-Modified"] = http_date(last_modified)
    if encoding and not as_attachment:
        headers["Content-Encoding"] = encoding
    if download_name:
        headers["Content-Disposition"] = _disposition(
            "attachment" if as_attachment else "inline", download_name)
    if max_age is None:
        max_age = app.config["SEND_FILE_MAX_AGE_DEFAULT"]
    if max_age is not None:
        max_age = _seconds(max_age)
        scope = "public" if max_age else "no-cache"
        headers["Cache-Control"] = f"{scope}, max-age={max_age}"
        headers["Expires"] = http_date(time.time() + max_age)
    response = app.response_class(
        body, headers=headers, direct_passthrough=True,
        mimetype=mimetype or kind or "application/octet-stream")
    return response.make_conditional(request) if conditional else response

def _open_late(path):       # when the first block is sent: not for a 304
    with open(path, "rb", buffering=0) as file:
        yield from FileWrapper(file, 65536)

@functools.lru_cache(maxsize=1000)
def _disposition(kind, name):       # the name, in ASCII and in full (RFC 6266)
    text = ascii_name = _ascii(name)
    if not _TOKEN.fullmatch(text):
        text = '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
    if name != ascii_name:
        text += f"; filename*=UTF-8''{quote(name, safe='!#$&+^`|~')}"
    return f"{kind}; filename={text}"

class Accept(list):
    """What a client prefers, wildcards last: (value, quality from 0 to 1).
    `en` accepts `en-GB`; if nothing fits, `best_match` lets `en-GB` accept `en`."""
    def __init__(self, header):
        self.header = header
        for item in parse_list_header(header):
            value, options = parse_options_header(item)
            quality = _converted(options.get("q", 1), -1, float)
            if 0 <= quality <= 1:
                self.append((value.lower(), quality))
        self.sort(key=lambda pair: (pair[0].count("*"), -pair[1]))

    def _find(self, value):         # its quality and its place in the list
        value = value.lower().replace("_", "-")
        kind = value.partition("/")[0]
        language = value.partition("-")[0]
        for place, (item, quality) in enumerate(self):
            if item in (value, language, f"{kind}/*", "*/*", "*"):
                return quality, -place
        return 0, 0

    def quality(self, value: str) -> float:
        return self._find(value)[0]

    def __contains__(self, value):
        return self.quality(value) > 0

    def best_match(self, matches, default=None):
        found = [value for value in matches if value in self]
        if found:
            return max(found, key=self._find)
        if "-" in self.header and "/" not in self.header:
            return Accept(re.sub(r"-\w*", "", self.header)).best_match(matches, default)
        return default

    accept_json = property(lambda self: "application/json" in self)
    accept_html = property(
        lambda self: "text/html" in self or "application/xhtml+xml" in self)

# ----------
# 16. Class views, passwords, proxies
# Views as classes, password hashes as in Werkzeug, and headers that proxies set.

class MethodView:
    """A view that is a class: its methods `get`, `post` ... answer requests.
    Register `as_view(name)`. `decorators` are applied to it, the last one outermost."""
    methods: Any = None
    decorators: Any = ()

    @classmethod
    def as_view(cls, name: str, *args, **kwargs) -> Callable:
        def view(**values):
            dispatch = current_app.ensure_sync(cls(*args, **kwargs).dispatch_request)
            return dispatch(**values)
        for decorator in cls.decorators:
            view.__name__ = name
            view = decorator(view)
        view.__name__ = name
        view.__doc__ = cls.__doc__
        view.__module__ = cls.__module__
        view.methods = cls.methods or [verb.upper() for verb in (
            "get", "post", "head", "options", "delete", "put", "trace", "patch")
            if hasattr(cls, verb)]
        return view

    def dispatch_request(self, **values):
        method = request.method.lower()
        if method == "head" and not hasattr(self, "head"):
            method = "get"
        return current_app.ensure_sync(getattr(self, method))(**values)

def _hash_password(method, salt, password):
    name, *given = method.split(":")
    if name == "scrypt":
        n, r, p = map(int, given or (32768, 8, 1))
        method = f"scrypt:{n}:{r}:{p}"
        digest = hashlib.scrypt(
            password.encode(), salt=salt.encode(),
            n=n, r=r, p=p, maxmem=132 * n * r * p)
    elif name == "pbkdf2":
        kind, n = given + ["sha256", 1_000_000][len(given):]
        method = f"pbkdf2:{kind}:{n}"
        digest = hashlib.pbkdf2_hmac(kind, password.encode(), salt.encode(), int(n))
    else:
        raise ValueError(f"Invalid hash method {name!r}.")
    return f"{method}${salt}${digest.hex()}"

def generate_password_hash(password: str, method="scrypt", salt_length=16) -> str:
    salt = secrets.token_hex(salt_length)[:salt_length]
    return _hash_password(method, salt, password)

def check_password_hash(pwhash: str, password: str) -> bool:
    method, _, rest = pwhash.partition("$")
    salt, dollar, digest = rest.partition("$")
    return bool(dollar) and _same(
        _hash_password(method, salt, password).rpartition("$")[2], digest)

class ProxyFix:
    """Middleware that believes what proxies say about the client (X-Forwarded-*).
    Each number says how many proxies set that header: so many values, from the right,
    are theirs. The client may have invented the others."""
    def __init__(self, app, x_for=1, x_proto=1, x_host=0, x_port=0, x_prefix=0):
        self.app = app
        self.trusted = [
            ("FOR", x_for, "REMOTE_ADDR"),
            ("PROTO", x_proto, "wsgi.url_scheme"),
            ("HOST", x_host, "HTTP_HOST"),
            ("PREFIX", x_prefix, "SCRIPT_NAME"),
            ("PORT", x_port, "SERVER_PORT")]

    def __call__(self, environ, start_response):
        for name, count, key in self.trusted:
            values = environ.get(f"HTTP_X_FORWARDED_{name}", "").split(",")
            value = values[-count].strip() if 0 < count <= len(values) else ""
            if value:
                environ[key] = value
                if name == "PORT":
                    host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
                    host = re.sub(r":[0-9]*\Z", "", host)
                    environ["HTTP_HOST"] = f"{host}:{value}"
        return self.app(environ, start_response)

# ----------
# 17. Testing
# The test client makes an environ from your values, calls the application, and returns
# the response. It needs no server. Between requests it keeps the cookies.

def _encode_multipart(pairs):
    boundary = secrets.token_hex(16)
    body = b""
    for name, value in pairs:
        head = f"--{boundary}\r\nContent-Disposition: form-data; "
        head += f'name="{_in_quotes(name)}"'
        if isinstance(value, FileStorage):
            file = value
            name = value.filename or ""
            kind = file.content_type or _guess_type(name)[0]
            kind = kind or "application/octet-stream"
            head += f'; filename="{_in_quotes(name)}"\r\nContent-Type: {kind}'
            value = file.read()
            file.close()
        value = value if isinstance(value, bytes) else str(value).encode()
        body += f"{head}\r\n\r\n".encode() + value + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"

def _in_quotes(text):
    return re.sub('["\r\n]', lambda odd: quote(odd[0]), text)

def _as_file(value):
    if isinstance(value, tuple):        # (file, name, media type)
        return FileStorage(*value[:2], None, *value[2:])
    if hasattr(value, "read") and not isinstance(value, FileStorage):
        return FileStorage(value)
    return value

def _as_latin1(text):
    return unquote(text).encode().decode("latin-1")

def make_environ(
        app,
        path="/",
        query_string=None,
        method="GET",
        data=None,
        json=None,
        headers=None,
        content_type=None,
        base_url=None,
        environ_base=None):
    """Return the environ of a request (PEP 3333). `path` is a path or a whole URL.
    `data` is a body (text, bytes), or a dict: a form, whose values can be files, (file,
    name) or (file, name, media type). `query_string` is a dict or text."""
    url = urlsplit(path)
    scheme = url.scheme or app.config["PREFERRED_URL_SCHEME"]
    host = url.netloc or app.config["SERVER_NAME"] or "localhost"
    root = app.config["APPLICATION_ROOT"]
    base = urlsplit(base_url or f"{scheme}://{host}{root}")
    query = url.query if query_string is None else query_string
    if not isinstance(query, str):
        query = urlencode([pair for pair in _pairs(query) if pair[1] is not None])
    if json is not None:
        data = app.json.dumps(json)
        content_type = content_type or "application/json"
    if hasattr(data, "read"):
        with contextlib.closing(data):
            data = data.read()
    if isinstance(data, dict):
        pairs = [(name, _as_file(value)) for name, value in _pairs(data)
                 if value is not None]
        is_multipart = any(isinstance(value, FileStorage) for _, value in pairs)
        if is_multipart or "multipart" in f"{content_type}":
            data, content_type = _encode_multipart(pairs)
        else:
            data = urlencode(pairs)
            content_type = content_type or "application/x-www-form-urlencoded"
    body = data.encode() if isinstance(data, str) else data or b""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": _as_latin1(base.path.rstrip("/")),
        "PATH_INFO": _as_latin1("/" + url.path.removeprefix("/")),
        "QUERY_STRING": quote(query, safe="%!$&'()*+,/:;=?@[]~"),
        "SERVER_NAME": base.hostname, "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_PORT": str(base.port or (443 if base.scheme == "https" else 80)),
        "HTTP_HOST": base.netloc, "HTTP_USER_AGENT": f"microflask/{__version__}",
        "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": base.scheme,
        "wsgi.input": io.BytesIO(body), **(environ_base or {})}
    for name, value in Headers(headers):
        key = name.upper().replace("-", "_")
        environ[key if key in _PLAIN_KEYS else f"HTTP_{key}"] = value
    if content_type:
        environ["CONTENT_TYPE"] = content_type
    environ["CONTENT_LENGTH"] = str(len(body) or "")
    setup_testing_defaults(environ)
    return environ

class TestResponse(Response):
    __test__ = False        # pytest: this is not a test class
    request: Request
    text = property(lambda self: self.get_data(True))

_Send = Callable[..., TestResponse]

class FlaskClient:
    """Sends requests to an application, with the keywords of `make_environ`, and with
    `follow_redirects`. In a `with` block `request` and `session` of the last request
    stay usable. Cookies are kept by name only."""
    def __init__(self, application):
        self.application = application
        self._cookies = {}
        self._kept = None       # a list of contexts inside `with`

    def __enter__(self):
        self._kept = []
        return self

    def __exit__(self, *exc_info):
        self._leave()
        self._kept = None

    def _leave(self):
        while self._kept:
            self._kept.pop().pop()

    def open(self, path="/", *, follow_redirects=False, **kwargs) -> TestResponse:
        environ = make_environ(self.application, path, **kwargs)
        for _ in range(20):
            response = self._send(dict(environ))
            code = response.status_code
            if not follow_redirects or code not in (301, 302, 303, 307, 308):
                return response
            response.close()
            url = urlsplit(urljoin(response.request.url, response.location or ""))
            if url.netloc != response.request.host.lower():
                raise RuntimeError(f"Cannot follow to another host: {url.netloc}")
            path = _as_latin1(url.path).removeprefix(environ["SCRIPT_NAME"])
            environ.update({"PATH_INFO": path, "QUERY_STRING": url.query,
                            "wsgi.url_scheme": url.scheme})
            environ["wsgi.input"].seek(0)       # 307 and 308 repeat the request
            if code < 307 and environ["REQUEST_METHOD"] != "HEAD":
                environ.update({"REQUEST_METHOD": "GET", "CONTENT_LENGTH": "",
                                "wsgi.input": io.BytesIO()})
                environ.pop("CONTENT_TYPE", None)
        raise RuntimeError("20 redirects: do they form a loop?")

    def _send(self, environ):
        self._leave()
        if self._kept is not None:
            def keep(context):
                context.push()
                self._kept.append(context)
            environ["microflask.keep_context"] = keep
        self._add_cookies(environ)
        head = []

        def read(body):
            try:
                yield b""       # so that closing this generator closes the body
                yield from body
            finally:
                getattr(body, "close", bool)()

        def start_response(status, headers, exc_info=None):
            head[:] = [status, headers]

        body = read(self.application(environ, start_response))
        first = next(body)
        while not head:     # some middleware starts its response with the body
            first = next(body)
        response = TestResponse(chain([first], body), head[0])
        response.headers = Headers(head[1])
        response.call_on_close(body.close)
        response.request = self.application.request_class(environ)
        self._keep_cookies(response)
        return response

    def _add_cookies(self, environ):
        cookies = [f"{name}={value}" for name, value in self._cookies.items()]
        if "HTTP_COOKIE" in environ:
            cookies.insert(0, environ["HTTP_COOKIE"])
        if cookies:
            environ["HTTP_COOKIE"] = "; ".join(cookies)

    def _keep_cookies(self, response):
        for field in response.headers.getlist("Set-Cookie"):
            pair, options = parse_options_header(field)
            name, _, value = pair.partition("=")
            self._cookies[name] = value
            end = parse_date(options.get("expires"))
            if options.get("max-age") == "0" or end and end.timestamp() < time.time():
                del self._cookies[name]

    @contextlib.contextmanager
    def session_transaction(self, *args, **kwargs):
        app = self.application
        environ = make_environ(app, *args, **kwargs)
        self._add_cookies(environ)
        with app.request_context(environ) as context:
            yield context.session
            response = app.response_class()
            app.session_interface.save_session(app, context.session, response)
            self._keep_cookies(response)

    get: _Send = partialmethod(open, method="GET")
    post: _Send = partialmethod(open, method="POST")
    put: _Send = partialmethod(open, method="PUT")
    patch: _Send = partialmethod(open, method="PATCH")
    delete: _Send = partialmethod(open, method="DELETE")
    head = partialmethod(open, method="HEAD")
    options = partialmethod(open, method="OPTIONS")

    def set_cookie(self, key, value="", **attributes):
        self._cookies[key] = dump_cookie(key, value, path=None).partition("=")[2]

    def delete_cookie(self, key, **attributes):
        self._cookies.pop(key, None)

# ----------
# 18. Development server and reloader
# A server for your own computer, from `http.server` and `wsgiref`: one thread and one
# request per connection. It refuses a request whose length is in doubt. The reloader
# is a parent process that keeps the socket, and a child that ends when a file changes.

_HEAD = re.compile(     # request line, fields, empty line; lines end with CRLF or LF
    rb"([!#$%&'*+.^`|~\w-]+) ([\x21-\x7e\x80-\xff]+) (HTTP/1\.[01])\r?\n"
    rb"((?:[!#$%&'*+.^`|~\w-]+:[^\r\n\0]*\r?\n){0,100})\r?\n")

def _make_server(listener, app):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from wsgiref.handlers import SimpleHandler

    class Answer(SimpleHandler):
        http_version = "1.1"
        os_environ: Mapping = {}
        code = "500"
        server_software = f"microflask/{__version__}"

        def send_headers(self):
            self.code = self.status[:3]
            self.headers["Connection"] = "close"
            super().send_headers()

        def start_response(self, status, headers, exc_info=None):
            return super().start_response(      # both are checked
                _status_line(status), [_header(*pair) for pair in headers], exc_info)

        def write(self, data):      # no more than the head says
            if not self.headers_sent:
                length = int(self.headers.get("Content-Length") or sys.maxsize)
                is_bare = self.status[:3] in ("204", "304")
                self.left = 0 if is_bare or self.is_head else length
            super().write(data[:self.left])
            self.left -= min(self.left, len(data))

        def finish_content(self):       # no Content-Length: 0 in a 304
            if not self.headers_sent:
                self.send_headers()

    class Handler(BaseHTTPRequestHandler):
        timeout = 60
        protocol_version = "HTTP/1.1"

        def handle(self):
            with contextlib.suppress(OSError):      # the client left
                head = bytearray()
                line = b"-"
                while line.strip() and len(head) < 65536:
                    line = self.rfile.readline(65536 - len(head))
                    head += line
                match = _HEAD.fullmatch(head)
                self.command = ""       # send_error needs it
                self.request_version = "HTTP/1.1"
                line = head[:1000].partition(b"\n")[0]
                self.requestline = line.decode("latin-1").rstrip()
                if match:
                    self.answer(*[part.decode("latin-1") for part in match.groups()])
                elif head:
                    self.send_error(400 if len(head) < 65536 else 431)
                # A client that still sends would lose the answer.
                self.wfile.flush()
                self.connection.shutdown(1)
                self.connection.settimeout(5)
                for _ in range(2000):
                    if not self.rfile.read1(65536):
                        break

        def answer(self, method, target, version, fields):
            self.command = method
            target = re.sub(r"(?i)\A([a-z]+://[^/?]*|\*\Z)", "", target)
            path, _, query = target.partition("?")
            environ = {
                "REQUEST_METHOD": method, "SCRIPT_NAME": "",
                "PATH_INFO": unquote(path, "latin-1"), "QUERY_STRING": query,
                "SERVER_NAME": host, "SERVER_PORT": str(port),
                "SERVER_PROTOCOL": version, "REMOTE_ADDR": self.client_address[0],
                "werkzeug.socket": self.connection}
            # Skip names with "_": X_Real_Ip would look like X-Real-Ip.
            for name, value in re.findall("(?m)^([^:_]+):[ \t]*(.*)\n", fields):
                key = "HTTP_" + name.upper().replace("-", "_")
                joint = "; " if key == "HTTP_COOKIE" else ","
                if key in environ:
                    value = environ[key] + joint + value
                environ[key] = value.rstrip(" \t\r")
            length = environ.get("HTTP_CONTENT_LENGTH", "0")
            name = environ.get("HTTP_HOST", "," if version == "HTTP/1.1" else "")
            if "HTTP_TRANSFER_ENCODING" in environ:
                return self.send_error(501, "Send a Content-Length")
            if not re.fullmatch("[0-9]{1,18}", length) or "," in name:
                return self.send_error(400)
            if environ.get("HTTP_EXPECT") and version == "HTTP/1.1":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
            environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH", "")
            body = LimitedStream({"wsgi.input": self.rfile}, int(length), None)
            answer = Answer(body, self.wfile, sys.stderr, environ)
            answer.is_head = method == "HEAD"
            answer.run(app)
            self.log_request(answer.code)

    host, port = listener.getsockname()[:2]
    server = ThreadingHTTPServer((host, port), Handler, False)
    server.socket.close()
    server.socket = listener
    return server

def run_simple(hostname, port, application, use_reloader=False, use_debugger=False,
               use_evalex=True, threaded=True):
    """Serve a WSGI application for development, until Ctrl-C or SIGTERM.
    Port 0 lets the system choose. See `Flask.run` for reloader and debugger."""
    import signal
    import socket
    inherited = os.environ.get("WERKZEUG_SERVER_FD")
    family = socket.AF_INET6 if ":" in hostname else socket.AF_INET
    try:
        listener = socket.socket(fileno=int(inherited)) if inherited else (
            socket.create_server((hostname, port), family=family, backlog=128))
    except (OSError, OverflowError) as error:
        sys.exit(f"Cannot listen on {hostname}:{port}: {error}. Choose another host or "
                 "port (--host, --port).")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        if not inherited:
            hostname = f"[{hostname}]" if ":" in hostname else hostname
            _say("WARNING: This is a development server. In production use a WSGI "
                 f"server such as gunicorn.\n * Running on http://{hostname}:"
                 f"{listener.getsockname()[1]}\nPress CTRL+C to quit")
            if use_reloader:
                return _run_with_reloader(listener)
        if use_debugger:
            application = DebuggedApplication(application, use_evalex)
        if use_reloader:
            threading.Thread(daemon=True, target=lambda: (
                _wait_for_change(), os._exit(3))).start()
        _make_server(listener, application).serve_forever()

def _run_with_reloader(listener):
    import subprocess
    listener.set_inheritable(True)
    os.environ.update(
        WERKZEUG_SERVER_FD=str(listener.fileno()), WERKZEUG_RUN_MAIN="true")
    while True:
        os.environ["MICROFLASK_STARTED"] = str(time.time())
        child = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], close_fds=False,
                                 stderr=subprocess.PIPE)
        last_lines = deque(maxlen=100)
        try:
            for line in child.stderr:
                last_lines.append(line.decode(errors="replace"))
                _say(last_lines[-1].rstrip())
        finally:
            child.terminate()
            child.wait()
        if child.returncode == 0:
            return
        if child.returncode != 3:       # 3: a file changed; else show why it failed
            page = Response("<!doctype html><h1>The program failed</h1><pre>"
                            f"{escape(''.join(last_lines))}</pre>", 500)
            server = _make_server(listener, page)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            _wait_for_change()
            server.shutdown()

def _wait_for_change():
    started = float(os.environ["MICROFLASK_STARTED"])
    event = threading.Event()
    folders = {os.getcwd(), os.path.abspath(sys.path[0])}
    with contextlib.suppress(ImportError):      # Watchdog wakes the loop early
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer
        handler = FileSystemEventHandler()
        observer = Observer()
        handler.on_modified = handler.on_created = lambda changed: event.set()
        for folder in folders:
            observer.schedule(handler, folder, recursive=True)
        observer.start()
    while True:
        for root, below, names in chain.from_iterable(map(os.walk, folders)):
            below[:] = [name for name in below if name[0] != "." and name not in (
                "__pycache__", "node_modules", "site-packages")]
            for file in [f"{root}/{name}" for name in names if name.endswith(".py")]:
                with contextlib.suppress(OSError):
                    if started < os.stat(file).st_mtime <= time.time() + 1:
                        return _say(f" * {file!r} changed, restarting")
        event.wait(0.5)
        event.clear()

# ----------
# 19. The debugger
# An exception becomes a page: what went wrong, where, and in each frame a console. This
# can run any code, so it answers only a local Host, only its own page (a secret
# and the Origin), and only after the PIN from the terminal; ten wrong PINs lock it.

_DEBUG_STYLE = """:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto;
  padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.3rem; border-left: 4px solid #d5402b; padding-left: 1ex }
pre, code, input, output { font: 14px/1.6 ui-monospace, monospace }
pre, form, table { margin: 0; padding: .6rem; background: #8881; overflow-x: auto }
details { border: 1px solid #8886; border-radius: 8px; margin: .6rem 0 }
summary { padding: .4rem .8rem; cursor: pointer }
output { display: block } output, td, h1 { white-space: pre-wrap }
input { width: 100%; box-sizing: border-box } td { vertical-align: top }
td:first-child { white-space: pre }
.now { background: #d5402b4d; display: inline-block; min-width: 100% }"""
_DEBUG_SCRIPT = """const send = (command, values) => fetch(
  "?__debugger__=" + command, {method: "POST", body: new URLSearchParams(
    {secret: document.body.dataset.secret, ...values})}).then(answer => answer.text());
for (const form of document.forms) form.onsubmit = async event => {
  event.preventDefault();
  const [output, input] = form.elements, code = input.value;
  let text, pin, note = "The console is locked.";
  while ((text = await send("eval", {frame: form.dataset.frame, code})) === "PIN") {
    if ((pin = prompt(note + " The PIN is in the terminal:")) === null) return;
    if ((note = await send("pin", {pin})).startsWith("Too")) return output.append(note);
  }
  input.value = "";
  output.append(">>> " + code + "\\n" + text);
};"""

_DEBUG_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Error</title>
<style>{style}</style>
<body data-secret="{secret}">
{parts}
<details><summary>The request</summary>{request}</details>
<script>{script}</script>
"""

_DEBUG_FRAME = """<details {open}>
<summary><code>{function}</code> in {file}, line {line}</summary>
<pre>{source}</pre>
{console}
<details><summary>Variables</summary>{names}</details>
</details>
"""
_DEBUG_CONSOLE = """<form data-frame="{key}"><output></output>
<input aria-label="Python" placeholder=">>>" autocomplete="off"></form>"""

class _Frame:
    def __init__(self, info):
        import code
        self.info = info
        self.key = str(secrets.randbits(64))
        self.console = code.InteractiveInterpreter(
            {**info.frame.f_globals, **info.frame.f_locals})

    def evaluate(self, source):
        output = io.StringIO()
        with (contextlib.redirect_stdout(output), contextlib.redirect_stderr(output),
              contextlib.suppress(SystemExit)):
            self.console.runsource(source + "\n", "<debugger>")
        return output.getvalue()

    def html(self, has_console):
        info = self.info
        file = info.filename
        is_library = file == __file__ or "site-packages" in file or file.startswith(
            os.path.dirname(os.__file__))
        source = ""
        for at, text in enumerate(info.code_context or ()):
            mark = " class=now" if at == info.index else ""
            number = info.lineno - info.index + at
            source += f"<span{mark}>{number:4}  {escape(text)}</span>"
        return _DEBUG_FRAME.format(
            open="" if is_library else "open", function=escape(info.function),
            file=escape(file), line=info.lineno, source=source,
            console=_DEBUG_CONSOLE.format(key=self.key) if has_console else "",
            names=_table(info.frame.f_locals))

def _table(values):
    rows = ""
    for name, value in values.items():
        try:
            text = str(repr(value))[:1000]
        except Exception as error:
            text = f"<repr failed: {type(error).__name__}>"
        rows += f"<tr><td><code>{escape(name)}<td><code>{escape(text)}</code>"
    return f"<table>{rows}</table>"

def _same(given, secret):
    return secrets.compare_digest(given.encode(), secret.encode())

class DebuggedApplication:
    """Middleware that shows exceptions in the browser; for development only."""
    def __init__(self, app, evalex=False):
        self.app = app
        self.evalex = evalex
        self.failures = 0
        self.secret = secrets.token_urlsafe(20) if evalex else ""
        self.token = secrets.token_urlsafe(20)      # the cookie for a correct PIN
        self.pin = os.environ.get("WERKZEUG_DEBUG_PIN") or str(
            secrets.randbelow(10**9)).zfill(9)
        self.frames = deque(maxlen=100)
        if evalex:
            _say(f" * Debugger is active!\n * Debugger PIN: {self.pin}")

    def __call__(self, environ, start_response):
        host = environ.get("HTTP_HOST", "")
        app = self.app
        body = None
        is_local = re.fullmatch(
            r"(?i)(([\w-]+\.)*localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?", host)
        if environ.get("QUERY_STRING", "").startswith("__debugger__=") and self.evalex:
            try:
                app = self.answer(Request(environ)) if is_local else Response("", 403)
            except HTTPException as error:
                app = error.get_response()
        try:
            body = app(environ, start_response)
            yield from body
        except Exception as error:
            import traceback
            traceback.print_exc(file=environ["wsgi.errors"])
            page = InternalServerError().get_body()
            page = self.page(error, environ) if is_local else page
            start_response("500 INTERNAL SERVER ERROR", [
                ("Content-Type", "text/html; charset=utf-8")], sys.exc_info())
            yield page.encode(errors="replace")
        finally:
            getattr(body, "close", bool)()

    def answer(self, request):
        request.max_content_length = 100_000
        ours = request.host_url[:-1]
        response = Response("Forbidden", 403, mimetype="text/plain")
        if (request.method != "POST" or request.headers.get("Origin", ours) != ours
                or not _same(request.form.get("secret", ""), self.secret)):
            return response
        response.status = 200
        if request.args["__debugger__"] == "pin":
            response.data = self.check(request.form.get("pin", ""))
            if response.data == b"ok":
                response.set_cookie(
                    "__debugger", self.token, httponly=True, samesite="Strict")
        elif not _same(request.cookies.get("__debugger", ""), self.token):
            response.data = "PIN"
        else:
            response.data = "This page is too old. Load it again.\n"
            for frame in self.frames:
                if frame.key == request.form.get("frame"):
                    response.data = frame.evaluate(request.form.get("code", ""))
        return response

    def check(self, pin):
        if self.failures >= 10:
            return "Too many wrong PINs: restart the server."
        if _same(pin.strip().replace("-", ""), self.pin.replace("-", "")):
            self.failures = 0
            return "ok"
        self.failures += 1
        time.sleep(0.5)
        return "That is not the PIN."

    def page(self, error, environ):
        import inspect
        import traceback
        parts = ""
        seen = []
        while error is not None and error not in seen:
            seen.append(error)
            title = "".join(traceback.format_exception_only(error)).strip()
            parts += f"<h1>{'It came from: ' * bool(parts)}{escape(title)}</h1>"
            for info in inspect.getinnerframes(error.__traceback__, 9)[:-51:-1]:
                self.frames.append(_Frame(info))
                parts += self.frames[-1].html(self.evalex)
            error = error.__cause__ or (
                None if error.__suppress_context__ else error.__context__)
        return _DEBUG_PAGE.format(
            secret=self.secret, parts=parts, style=_DEBUG_STYLE, script=_DEBUG_SCRIPT,
            request=_table(environ))

# ----------
# 20. The command line
# `microflask run` finds the application and serves it. A command is a plain function,
# and its signature says how to call it: `def add(name, admin=False)` is called as
# `microflask add Ada --admin`.

def _say(text):
    print(text, file=sys.stderr, flush=True)

def _is_true(text):
    return text.lower() not in ("", "0", "false", "no")

class AppGroup(dict):
    def command(self, name=None):
        return lambda f: self.add_command(f, name)

    def add_command(self, f, name=None):
        self[name or f.__name__.replace("_", "-")] = f
        return f

    def group(self, name):
        return self.setdefault(name, AppGroup())

class NoAppException(Exception):
    """The application, or a command, cannot be found."""

def _load_dotenv():
    files = list(filter(os.path.isfile, (".env", ".flaskenv")))
    try:
        from dotenv import load_dotenv
    except ImportError:
        if files:
            _say(" * Tip: .env and .flaskenv need: pip install python-dotenv")
    else:
        for name in files:
            load_dotenv(name, encoding="utf-8")     # keeps what is set

def _load_app():
    wanted = os.environ.get("FLASK_APP") or next(
        filter(os.path.isfile, ("wsgi.py", "app.py")), None)
    if wanted is None:
        raise NoAppException("Could not locate an application: there is no wsgi.py or "
                             "app.py here. Use --app module:name, or set FLASK_APP.")
    file, _, attribute = wanted.partition(":")
    folder, name = os.path.split(os.path.abspath(file.removesuffix(".py")))
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise
        raise NoAppException(f"Could not import {name!r}: there is no such file or "
                             f"module in {folder}.") from None
    if not attribute:
        apps = [
            key for key, value in vars(module).items() if isinstance(value, Flask)]
        names = [key for key in ("app", "application") if key in apps] or apps or [
            key for key in ("create_app", "make_app") if hasattr(module, key)]
        attribute = names[0] if len(names) == 1 or "app" in names else ""
    is_there = hasattr(module, attribute.partition("(")[0])
    try:        # it is a name or a call
        app = eval(attribute, vars(module)) if is_there else None
        if callable(app) and not isinstance(app, Flask):
            app = eval(f"{attribute}()", vars(module))
    except TypeError as error:
        if error.__traceback__.tb_next.tb_next:     # it was called
            raise
        raise NoAppException(error) from None
    if not isinstance(app, Flask):
        raise NoAppException(
            f"There is no application {attribute!r} in {name!r}. Use --app "
            f"{name}:name or --app '{name}:factory()'.")
    if "FLASK_DEBUG" in os.environ:
        app.debug = _is_true(os.environ["FLASK_DEBUG"])
    return app

def _add_commands(parser, commands, path="FLASK"):
    """Give an argparse parser a command for each function, as its signature says."""
    import argparse
    import inspect
    choices = parser.add_subparsers(metavar="command", required=True)
    for name, f in commands.items():
        help = (f.__doc__ or "").replace("%", "%%")
        command = choices.add_parser(name, help=help, description=f.__doc__,
                                     conflict_handler="resolve")
        prefix = f"{path}_{name}".upper()
        if isinstance(f, AppGroup):
            _add_commands(command, f, prefix)
            continue
        command.set_defaults(_command=f)
        for key, parameter in inspect.signature(f).parameters.items():
            hint = f"{parameter.annotation} {type(parameter.default).__name__}"
            kind = next((t for t in (bool, float, int) if t.__name__ in hint), str)
            if parameter.default is parameter.empty:
                command.add_argument(key, type=_is_true if kind is bool else kind)
                continue
            flags = [f"-{key[0]}", f"--{key.replace('_', '-')}"]
            default = os.environ.get(f"{prefix}_{key}".upper(), parameter.default)
            if kind is bool:
                default = _is_true(default) if isinstance(default, str) else default
                command.add_argument(
                    *flags[1:], action=argparse.BooleanOptionalAction, default=default)
            else:
                command.add_argument(*flags, default=default, type=kind)

def _run_command(host="127.0.0.1", port=5000, debug: bool | None = None,
                 reload: bool | None = None, debugger: bool | None = None):
    """Serve the application for development, at --host and --port. --debug turns on
    --reload (restart after a change) and --debugger (errors in the browser)."""
    if debug is not None:
        os.environ["FLASK_DEBUG"] = str(int(debug))
    debug = _is_true(os.environ.get("FLASK_DEBUG", ""))
    reload = debug if reload is None else reload
    debugger = debug if debugger is None else debugger
    is_parent = reload and "WERKZEUG_RUN_MAIN" not in os.environ    # it needs no app
    run_simple(host, port, None if is_parent else _load_app(), reload, debugger)

def main(args=None):
    import argparse
    parser = argparse.ArgumentParser("microflask", add_help=False, allow_abbrev=False)
    parser.add_argument("--app", "-A", help="the application: module:name")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--help", action="store_true", help="show this text")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="command ...")
    options = parser.parse_args(args)
    rest = options.rest or ["--help"]
    os.environ["FLASK_RUN_FROM_CLI"] = "true"
    _load_dotenv()
    if options.app:
        os.environ["FLASK_APP"] = options.app
    app = None
    commands = {"run": _run_command}
    try:
        if rest[0] != "run":
            try:
                app = _load_app()
                commands.update(app.cli)
            except BaseException as error:
                if rest[0] != "--help":
                    raise
                print(f"Error: {error}")
        parser = argparse.ArgumentParser("microflask", usage=parser.format_usage()[7:])
        _add_commands(parser, commands)
        values = vars(parser.parse_args(rest))
        command = values.pop("_command")
        if app is None:
            command(**values)
        else:
            with app.app_context():
                app.ensure_sync(command)(**values)
    except NoAppException as error:
        sys.exit(f"Error: {error}")

if __name__ == "__main__":
    sys.modules["microflask"] = sys.modules["__main__"]  # one module, not two
    main()
