"""as_flask: Flask's extensions on microflask.

    import as_flask
    as_flask.install()

Copy this file beside microflask.py. Call `install` before the first import of Flask:
then `flask`, `werkzeug` and their submodules have microflask's objects. The command
`flask` is `python as_flask.py --app hello run`; extensions add theirs (`db upgrade`).

An extension expects more of Flask than an application does. It imports names from their
addresses (chapter 1). There must be one class for one thing: `abort(404)` raises
`werkzeug.exceptions.NotFound` (subclasses in 2 to 5, additions in 7). It calls and
replaces steps, such as `create_url_adapter`. Its commands are made with click (6).

It also brings what microflask left out: Werkzeug's rules with hosts and subdomains,
nested blueprints, `url_defaults`, `View`, ranges of files, `json.compact`. It needs
click, Blinker and Werkzeug: every extension installs them.
"""
# flake8: noqa: E302, E305
# mypy: ignore-errors
# ruff: noqa: B018, BLE001, F401, I001, RUF012, RUF100, SIM905, UP017
import contextlib
import contextvars
import importlib.util
import logging
import os
import pkgutil
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from functools import cache, partial, partialmethod, update_wrapper, wraps
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points, version
from itertools import accumulate
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit

import click
import microflask
from blinker import Namespace, Signal
from click.testing import CliRunner
from microflask import LocalProxy, current_app, default_exceptions, json, request

# ----- 1. Standing in for flask and werkzeug
# A stand-in module is empty. It looks up a name when somebody asks for it. `install`
# puts one into `sys.modules` for each module of theirs.
VERSION = version("werkzeug")       # fails if it is not installed
MODULES = ["flask", "werkzeug", *(f"flask.{name}" for name in (
    "app blueprints cli config ctx debughelpers globals helpers json json.provider "
    "json.tag logging sansio sansio.app sansio.blueprints sansio.scaffold sessions "
    "signals templating testing typing views wrappers").split())]

class StandIn(ModuleType):
    """A module of Flask or Werkzeug, whose names are looked up in `find`."""
    __file__, __path__ = __file__, []

    def __getattr__(self, name):
        if name == "__all__":
            return [key for home in (microflask, sys.modules[__name__])
                    for key in vars(home) if key[0] != "_" and is_ours(home, key)]
        if name[:2] == "__" and name != "__version__":
            raise AttributeError(name)
        value = find(self.__name__, name)
        setattr(self, name, value)
        return value

def is_ours(home, name):
    """Tell whether a name belongs to a file's interface: its own, or a library's."""
    value = vars(home).get(name, sys)
    origin = getattr(value, "__module__", type(value).__module__).partition(".")[0]
    return not isinstance(value, ModuleType) and origin in (
        "microflask as_flask __main__ builtins blinker click markupsafe".split())

def find(module, name):
    whole = f"{module}.{name}"
    if whole in MEANINGS:
        return MEANINGS[whole]
    with contextlib.suppress(ImportError):
        return importlib.import_module(whole)
    if module == "flask.typing":        # for type checkers, which read Flask's own
        return Any
    for home in (sys.modules[__name__], microflask):
        if name[0] != "_" and is_ours(home, name):
            return getattr(home, name)
    if module.startswith("werkzeug"):
        with contextlib.suppress(ImportError, AttributeError):
            return getattr(importlib.import_module(f"real_{module}"), name)
    raise AttributeError(f"{whole!r}: neither microflask nor as_flask has it")

def install():
    """Let `import flask` and `import werkzeug` find microflask, and this file."""
    if isinstance(sys.modules.get("flask"), StandIn):
        return
    if present := sorted({"flask", "werkzeug"} & sys.modules.keys()):
        raise RuntimeError(f"Call install() before you import {', '.join(present)}.")
    theirs = pkgutil.walk_packages(real_werkzeug.__path__, "real_werkzeug.")
    for name in (*MODULES, *(module.name.removeprefix("real_") for module in theirs)):
        sys.modules[name] = StandIn(name)
        sys.modules[name].__spec__ = ModuleSpec(name, None, is_package=True)
    for target, additions in ADDITIONS.items():     # see chapter 7
        for name, value in additions.items():
            setattr(target, name, value)

# The installed Werkzeug is imported under another name. Its errors must be
# microflask's, so we replace them before the rest of it imports them.
_spec = importlib.util.spec_from_file_location(
    "real_werkzeug", PathFinder.find_spec("werkzeug").origin)
real_werkzeug = sys.modules["real_werkzeug"] = importlib.util.module_from_spec(_spec)
exceptions = importlib.import_module("real_werkzeug.exceptions")
exceptions.HTTPException = microflask.HTTPException
exceptions.BadRequestKeyError = microflask.BadRequestKeyError
exceptions.BadHost = exceptions.SecurityError = microflask.BadRequest
exceptions.ClientDisconnected = type("ClientDisconnected", (microflask.BadRequest,), {})
for _code, _theirs in exceptions.default_exceptions.items():
    setattr(exceptions, _theirs.__name__, default_exceptions.get(_code, _theirs))
exceptions.default_exceptions.update(default_exceptions)
_spec.loader.exec_module(real_werkzeug)
routing = importlib.import_module("real_werkzeug.routing")

# ----- 2. Requests, responses, rules, views
# Where both have a class, ours is a subclass of both. Requests, responses and forms are
# microflask's first, and have the rest from Werkzeug, such as `response.vary`. The
# others are Werkzeug's first: its arguments are what extensions use.
def _join(theirs, ours=None, **changes):
    """Make a class of Werkzeug's and microflask's; it takes the place of Werkzeug's."""
    name = theirs.__name__
    ours = ours or getattr(microflask, name)
    # Werkzeug's `__init__` calls super(): this must not reach microflask's.
    second = type(name, (ours,), {"__init__": ours.__base__.__init__})
    joined = type(name, (theirs, second), {"__module__": __name__, **changes})
    for address, module in sys.modules.items():
        if address.startswith("real_werkzeug") and hasattr(module, name):
            setattr(module, name, joined)
    return joined

_types, _wsgi = real_werkzeug.datastructures, real_werkzeug.wsgi
MultiDict = type("MultiDict", (microflask.MultiDict, _types.MultiDict), {
    "__init__": _types.MultiDict.__init__})
class ImmutableMultiDict(
        microflask.ImmutableMultiDict, MultiDict, _types.ImmutableMultiDict):
    __class_getitem__ = classmethod(lambda cls, item: cls)
Accept = _join(_types.Accept)
MIMEAccept, LanguageAccept, CharsetAccept = [_join(theirs, Accept) for theirs in (
    _types.MIMEAccept, _types.LanguageAccept, _types.CharsetAccept)]
Authorization = _join(_types.Authorization, **{
    name: property(lambda self, name=name: self.get(name))
    for name in ("username", "password")})
UserAgent = _join(real_werkzeug.user_agent.UserAgent, string="")
ClosingIterator = _join(_wsgi.ClosingIterator)
LimitedStream = _join(_wsgi.LimitedStream, read=_wsgi.LimitedStream.read,
                      readline=_wsgi.LimitedStream.readline)
_types.file_storage.FileStorage = microflask.FileStorage
for _module in (routing, routing.converters, routing.matcher, routing.rules):
    _module.ValidationError = microflask.ValidationError

class Request(microflask.Request, real_werkzeug.wrappers.Request):
    authorization = real_werkzeug.wrappers.Request.authorization
    accept_mimetypes = real_werkzeug.wrappers.Request.accept_mimetypes
    accept_languages = real_werkzeug.wrappers.Request.accept_languages
    user_agent, user_agent_class = real_werkzeug.wrappers.Request.user_agent, UserAgent
    blueprints = property(lambda self: list(self.owners[:0:-1]))
    url_adapter, after_functions = None, ()

    def get_json(self, force=False, silent=False, cache=True):
        return super().get_json(force, silent)      # which always keeps the value

class PlainResponse(microflask.Response, real_werkzeug.wrappers.Response):
    """The response of Werkzeug, with all the headers that it can write."""
    default_mimetype = "text/plain"
    location = real_werkzeug.wrappers.Response.location
    get_json, json_module = real_werkzeug.wrappers.Response.get_json, json
    content_length = property(lambda self: self.headers.get("Content-Length", (
        None if self.is_streamed else self.calculate_content_length()), int),
        real_werkzeug.wrappers.Response.content_length.__set__)

    def make_conditional(self, request, accept_ranges=False, complete_length=None):
        """Make this a 304 if the client has it, a 206 if it wants a part of a file."""
        try:
            return super(microflask.Response, self).make_conditional(
                request, accept_ranges or self.direct_passthrough,
                complete_length or self.content_length)
        except default_exceptions[416]:
            self.close()
            raise default_exceptions[416] from None

class Response(PlainResponse):
    default_mimetype = "text/html"      # Flask's default; Werkzeug's is plain text

def owners_of(endpoint):
    """Return the blueprints of an endpoint: "a.b.view" is in "a" and in "a.b"."""
    return accumulate(endpoint.split(".")[:-1], "{}.{}".format)

RequestRedirect = _join(
    routing.RequestRedirect, get_response=microflask.RequestRedirect.get_response)
BaseConverter = _join(routing.BaseConverter)
Map = _join(routing.Map, default_converters={
    kind: _join(theirs, getattr(microflask, theirs.__name__, BaseConverter))
    for kind, theirs in routing.Map.default_converters.items()})
IntegerConverter, PathConverter, UUIDConverter = map(
    Map.default_converters.get, ("int", "path", "uuid"))
BuildError = _join(routing.BuildError)

class Rule(_join(routing.Rule)):
    def __init__(self, *args, provide_automatic_options=False, **options):
        super().__init__(*args, **options)
        self.provide_automatic_options = provide_automatic_options
        if provide_automatic_options:
            self.methods.add("OPTIONS")

class View(microflask.MethodView):
    """A view that is a class: it has `dispatch_request`, or `get`, `post` and so on."""
    provide_automatic_options, init_every_request = None, True

    def __init_subclass__(cls):
        super().__init_subclass__()
        if "methods" not in vars(cls):
            verbs = {verb.upper() for verb in http_method_funcs if hasattr(cls, verb)}
            cls.methods = verbs.union(cls.methods or ())

    @classmethod
    def as_view(cls, name, *args, **kwargs):
        kept = None if cls.init_every_request else cls(*args, **kwargs)

        def view(**values):
            instance = kept or view.view_class(*args, **kwargs)
            return current_app.ensure_sync(instance.dispatch_request)(**values)

        for decorator in cls.decorators:
            view.__name__ = name
            view = decorator(view)
        view.__name__, view.__doc__, view.__module__ = name, cls.__doc__, cls.__module__
        view.view_class, view.methods = cls, cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        return view
http_method_funcs = frozenset("get post head options delete put trace patch".split())

# ----- 3. Context, templates, JSON, configuration, sessions
# Extensions import these, but nobody sends the first three.
(appcontext_pushed, appcontext_popped, appcontext_tearing_down,
 before_render_template) = (Signal() for _ in range(4))
request_ctx = LocalProxy(lambda: request.environ and microflask._context.get())

def after_this_request(f):
    request.after_functions += (f,)
    return f

def copy_current_request_context(f):
    f, context = request_ctx.app.ensure_sync(f), contextvars.copy_context()
    return wraps(f)(lambda *args, **kwargs: context.copy().run(f, *args, **kwargs))

def _render(template, given):
    """Takes the place of microflask's: it can stream, and sends one signal more."""
    app, values = current_app._get_current_object(), {}
    join = given.pop("_join", "".join)
    for f in app.hooks(app.template_context_processors):
        values.update(f())
    values.update(given)
    app.send_signal(before_render_template, template=template, context=values)

    def pieces():
        yield from template.generate(values)
        app.send_signal(microflask.template_rendered, template=template, context=values)
    return join(pieces())

def get_template_attribute(template_name, attribute):
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)

class DefaultJSONProvider(microflask.JSONProvider):
    """How an application writes JSON; `compact` is None for "unless in debug mode"."""
    compact = None

    def response(self, *args, **kwargs):
        response = super().response(*args, **kwargs)
        if self.compact is bool(self.app.debug):    # the default is the other layout
            layout = {"separators": (",", ":")} if self.compact else {"indent": 2}
            response.data = self.dumps(self.loads(response.data), **layout) + "\n"
        return response

class Config(microflask.Config):
    def from_envvar(self, variable_name, silent=False):
        path = os.environ.get(variable_name, "")
        if not path and not silent:
            raise RuntimeError(f"The variable {variable_name!r} is not set.")
        return bool(path) and self.from_pyfile(path, silent)

    def from_file(self, filename, load, silent=False, text=True):
        path = os.path.join(self.root_path, filename)
        if silent and not os.path.isfile(path):
            return False
        with open(path, "r" if text else "rb") as file:
            return self.from_mapping(load(file))

    def get_namespace(self, namespace, lowercase=True, trim_namespace=True):
        start = len(namespace) if trim_namespace else 0
        return {name[start:].lower() if lowercase else name[start:]: value
                for name, value in self.items() if name.startswith(namespace)}

    def from_prefixed_env(self, prefix="FLASK", *, loads=json.loads):
        """Take variables such as FLASK_SECRET_KEY; `__` goes into a dict."""
        for name, value in sorted(os.environ.items()):
            if name.startswith(f"{prefix}_"):
                with contextlib.suppress(ValueError):
                    value = loads(value)
                settings, *path = self, *name.removeprefix(f"{prefix}_").split("__")
                for step in path[:-1]:
                    settings = settings.setdefault(step, {})
                settings[path[-1]] = value
        return True

class SessionInterface(microflask.SessionInterface):
    (get_cookie_name, get_cookie_domain, get_cookie_secure, get_cookie_httponly,
     get_cookie_samesite, get_cookie_partitioned) = [
        lambda self, app, key=key: app.config[f"SESSION_COOKIE_{key}"] for key in (
            "NAME", "DOMAIN", "SECURE", "HTTPONLY", "SAMESITE", "PARTITIONED")]

    def get_cookie_path(self, app):
        return app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]

    def get_expiration_time(self, app, session):
        if session.permanent:
            return datetime.now(timezone.utc) + app.permanent_session_lifetime

    def should_set_cookie(self, app, session):
        return session.modified or (
            session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

class SecureCookieSessionInterface(
        SessionInterface, microflask.SecureCookieSessionInterface):
    """Keeps the session in a cookie. It asks these methods: you can override them."""
    def open_session(self, app, request):
        return super().open_session(app, request, self.get_cookie_name(app))

    def save_session(self, app, session, response):
        name = self.get_cookie_name(app)
        options = {key: getattr(self, f"get_cookie_{key}")(app) for key in (
            "domain", "path", "secure", "httponly", "samesite", "partitioned")}
        is_sent = self.should_set_cookie(app, session) if session else session.modified
        if session.accessed or is_sent:
            PlainResponse.vary.fget(response).add("Cookie")     # it can be microflask's
        if is_sent and session:
            options["expires"] = self.get_expiration_time(app, session)
            value = self.get_signing_serializer(app).dumps(dict(session))
            response.set_cookie(name, value, **options)
        elif is_sent:
            response.delete_cookie(name, **options)

# ----- 4. Log, testing
wsgi_errors_stream = LocalProxy(lambda: sys.stderr)
default_handler = logging.StreamHandler(wsgi_errors_stream)
default_handler.setFormatter(logging.Formatter(
    "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))

class AppEnvironBuilder(real_werkzeug.test.EnvironBuilder):
    def __init__(self, app, path="/", base_url=None, subdomain=None, url_scheme=None,
                 *args, **kwargs):
        self.app, self.json_dumps = app, app.json.dumps
        config, url = app.config, urlsplit(path)
        if base_url is None:
            scheme = url.scheme or url_scheme or config["PREFERRED_URL_SCHEME"]
            server = config["SERVER_NAME"] or "localhost"
            host = url.netloc or (f"{subdomain}.{server}" if subdomain else server)
            base_url = f"{scheme}://{host}/{config['APPLICATION_ROOT'].lstrip('/')}"
        super().__init__(path, base_url, *args, **kwargs)

class FlaskClient(real_werkzeug.test.Client, microflask.FlaskClient):
    """Werkzeug's test client. In a `with` block it keeps the context of a request."""
    _kept = None
    _add_cookies = real_werkzeug.test.Client._add_cookies_to_wsgi

    def __init__(self, application, response_wrapper=None, **kwargs):
        super().__init__(
            application, response_wrapper or application.response_class, **kwargs)
        self.response_wrapper.default_mimetype = ""     # None would be an error
        self.environ_base = {"REMOTE_ADDR": "127.0.0.1",
                             "HTTP_USER_AGENT": f"Werkzeug/{VERSION}"}

    def open(self, *args, buffered=False, follow_redirects=False, **kwargs):
        given = args[0] if args and not isinstance(args[0], str) else (
            AppEnvironBuilder(self.application, *args, **kwargs))
        environ = given if isinstance(given, dict) else given.get_environ()
        environ = {**self.environ_base, **environ}
        if self._kept is not None:
            environ["microflask.keep_context"] = lambda context: self._kept.append(
                context.__enter__())
        return super().open(
            Request(environ), buffered=buffered, follow_redirects=follow_redirects)

    def run_wsgi_app(self, environ, buffered=False):
        self._leave()
        return super().run_wsgi_app(environ, buffered)

    def _keep_cookies(self, response):
        self._update_cookies_from_response(
            request.host.partition(":")[0], request.path,
            response.headers.getlist("Set-Cookie"))

TestResponse = _join(real_werkzeug.test.TestResponse, type("TestResponse", (
    PlainResponse, microflask.TestResponse), {}))

class FlaskCliRunner(CliRunner):
    def __init__(self, app, **kwargs):
        super().__init__(**kwargs)
        self.app = app

    def invoke(self, cli=None, args=None, **kwargs):
        kwargs.setdefault("obj", ScriptInfo(create_app=lambda: self.app))
        return super().invoke(cli or self.app.cli, args, **kwargs)

# ----- 5. Blueprints and the application
class Scaffold(microflask.Scaffold):
    url_value_preprocessors = microflask.cached_property(lambda self: defaultdict(list))
    url_default_functions = microflask.cached_property(lambda self: defaultdict(list))
    has_static_folder = property(lambda self: self.static_folder is not None)
    static_host = None

    def _keep(self, functions, f):
        getattr(self, functions)[None].append(f)
        return f

    # `f(endpoint, values)` can change the values for a view, or those for a URL.
    url_value_preprocessor = partialmethod(_keep, "url_value_preprocessors")
    url_defaults = partialmethod(_keep, "url_default_functions")

    def add_static_rule(self):
        if self.has_static_folder:
            self.add_url_rule(f"{self.static_url_path.rstrip('/')}/<path:filename>",
                              "static", self.send_static_file, host=self.static_host)

    def endpoint(self, name):
        return lambda f: self.view_functions.update({name: self.ensure_sync(f)}) or f

    def open_resource(self, resource, mode="rb", encoding=None):
        if mode not in ("r", "rt", "rb"):
            raise ValueError("A resource can only be opened for reading.")
        return open(os.path.join(self.root_path, resource), mode, encoding=encoding)

def join_prefixes(outer, inner):
    if outer is None or not inner:
        return inner or outer
    return f"{outer.rstrip('/')}/{inner.lstrip('/')}"

class BlueprintSetupState:      # extensions subclass it
    def __init__(self, blueprint, app, options, first_registration):
        self.blueprint, self.app, self.options = blueprint, app, options
        self.first_registration = first_registration
        self.name = options.get("name", blueprint.name)
        given = {key: value for key, value in options.items() if value is not None}
        self.url_prefix = given.get("url_prefix", blueprint.url_prefix)
        self.subdomain = given.get("subdomain", blueprint.subdomain)
        self.url_defaults = {**blueprint.url_values_defaults,
                             **given.get("url_defaults", {})}
        if outer := options.get("outer"):       # the state of the blueprint around it
            self.name = f"{outer.name}.{self.name}"
            self.url_prefix = join_prefixes(outer.url_prefix, self.url_prefix)
            self.subdomain = ".".join(
                filter(None, (self.subdomain, outer.subdomain))) or None

    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        rule = join_prefixes(self.url_prefix, rule)
        options.setdefault("subdomain", self.subdomain)
        options["defaults"] = {**self.url_defaults, **(options.get("defaults") or {})}
        self.app.add_url_rule(rule, f"{self.name}.{endpoint or view_func.__name__}",
                              view_func, **options)

class Blueprint(Scaffold, microflask.Blueprint):
    def __init__(self, *args, subdomain=None, url_defaults=None, cli_group="", **more):
        self.subdomain, self.url_values_defaults = subdomain, url_defaults or {}
        super().__init__(*args, **more)
        self.cli, self.cli_group = AppGroup(self.name), cli_group

    @microflask.setupmethod
    def record(self, f):
        self.deferred_functions.append(f)

    @microflask.setupmethod
    def register_blueprint(self, blueprint, **options):
        if blueprint is self:
            raise ValueError("A blueprint cannot contain itself.")
        self.record(lambda state: blueprint.register(
            state.app, {**options, "outer": state}))

    @microflask.setupmethod
    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        if "." in (endpoint or view_func.__name__):
            raise ValueError(f"A blueprint's endpoint cannot have a dot: {endpoint}")
        self.record(lambda state: state.add_url_rule(
            rule, endpoint, view_func, **options))

    def make_setup_state(self, app, options, first_registration=False):
        return BlueprintSetupState(self, app, options, first_registration)

    def register(self, app, options):
        state = self.make_setup_state(app, options, self not in app.blueprints.values())
        if state.name in app.blueprints:
            raise ValueError(f"There is a blueprint {state.name!r}: use another name=.")
        app.blueprints[state.name] = self
        app.view_functions.update(self.view_functions)
        for kind in ("before_request_funcs", "after_request_funcs",
                     "teardown_request_funcs", "template_context_processors",
                     "url_value_preprocessors", "url_default_functions"):
            getattr(app, kind)[state.name] += getattr(self, kind)[None]
        app.error_handler_spec[state.name].update(self.error_handler_spec[None])
        for function in self.deferred_functions:
            function(state)
        self._got_first_request = True      # a later change would be lost
        group = options.get("cli_group", self.cli_group)
        if group is None:
            app.cli.commands.update(self.cli.commands)
        elif self.cli.commands:
            app.cli.add_command(self.cli, group or self.name)

    def _for_app(method):
        return lambda self, *args, **kwargs: self.record_once(
            lambda state: getattr(state.app, method)(*args, **kwargs)) or args[0]

    add_app_template_filter, add_app_template_global, add_app_template_test = map(
        _for_app, ("add_template_filter", "add_template_global", "add_template_test"))
    app_url_value_preprocessor, app_url_defaults, teardown_app_request = map(
        _for_app, ("url_value_preprocessor", "url_defaults", "teardown_request"))
    app_template_global, app_template_test = [partialmethod(
        microflask.Blueprint._decorate_on_app, f"template_{kind}")
        for kind in ("global", "test")]

class Flask(Scaffold, microflask.Flask):
    request_class, response_class = Request, Response
    url_rule_class, url_map_class = Rule, Map
    json_provider_class, config_class = DefaultJSONProvider, Config
    session_interface = SecureCookieSessionInterface()
    permanent_session_lifetime = microflask.Flask.permanent_session_lifetime.getter(
        lambda self: timedelta(seconds=microflask._seconds(     # it can be a number
            self.config["PERMANENT_SESSION_LIFETIME"])))
    test_client_class, test_cli_runner_class = FlaskClient, FlaskCliRunner
    add_template_filter, add_template_test = [partialmethod(
        microflask.Flask._add_to_templates, kind) for kind in ("filters", "tests")]
    template_test = partialmethod(microflask.Flask._decorate_for_templates, "tests")

    def __init__(self, *args, static_host=None, host_matching=False,
                 subdomain_matching=False, **kwargs):
        self.static_host, self.subdomain_matching = static_host, subdomain_matching
        self.url_map_class = partial(self.url_map_class, host_matching=host_matching)
        super().__init__(*args, **kwargs)
        self.config = self.config_class(self.config.root_path, self.config)
        self.url_build_error_handlers, self.cli = [], AppGroup(self.name)

    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        for name in ("methods", "provide_automatic_options"):
            if options.get(name) is None:
                options[name] = getattr(view_func, name, None)
        if not isinstance(options["methods"], str):
            options["methods"] = {*map(str.upper, options["methods"] or ["GET"]),
                                  *getattr(view_func, "required_methods", ())}
        if options["provide_automatic_options"] is None:
            options["provide_automatic_options"] = "OPTIONS" not in options["methods"]
        super().add_url_rule(rule, endpoint, view_func, **options)

    def create_url_adapter(self, request):
        server_name = self.config["SERVER_NAME"]
        if request is None:
            return server_name and self.url_map.bind(
                server_name, self.config["APPLICATION_ROOT"],
                url_scheme=self.config["PREFERRED_URL_SCHEME"])
        if self.url_map.host_matching:
            return self.url_map.bind_to_environ(request.environ)
        subdomain = None if self.subdomain_matching else self.url_map.default_subdomain
        return self.url_map.bind_to_environ(request.environ, server_name, subdomain)

    def match_request(self, request):
        try:
            adapter = request.url_adapter = self.create_url_adapter(request)
            request.host        # raises an error if it is malformed or not trusted
            request.url_rule, request.view_args = adapter.match(return_rule=True)
            request.owners = (None, *owners_of(request.url_rule.endpoint))
        except microflask.HTTPException as error:
            request.routing_exception = error

    def make_default_options_response(self):
        methods = request.url_adapter.allowed_methods()
        return self.response_class(headers={"Allow": ", ".join(methods)})

    def preprocess_request(self):
        for f in self.hooks(self.url_value_preprocessors):
            f(request.endpoint, request.view_args)
        return super().preprocess_request()

    def process_response(self, response):
        response.headers = microflask.Headers(response.headers)     # it can be a dict
        for f in request.after_functions:
            response = self.ensure_sync(f)(response)
        return super().process_response(response)

    def inject_url_defaults(self, endpoint, values):
        for owner in (None, *owners_of(endpoint)):
            for f in self.url_default_functions.get(owner, ()):
                f(endpoint, values)

    def url_for(self, endpoint, /, *, _anchor=None, _method=None, _scheme=None,
                _external=None, **values):
        rules = request.url_adapter if request else self.create_url_adapter(None)
        if rules is None:
            raise RuntimeError("Unable to build URLs outside of a request without "
                               "'SERVER_NAME' in the configuration.")
        if endpoint[:1] == "." and request:
            endpoint = f"{request.blueprint or ''}{endpoint}".lstrip(".")
        if _external is None:
            _external = _scheme is not None or not request
        if _scheme is not None and not _external:
            raise ValueError("With _scheme= the URL is external: omit _external=False.")
        self.inject_url_defaults(endpoint, values)
        try:
            url = rules.build(endpoint, values, _method, _external, url_scheme=_scheme)
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme,
                          _external=_external)
            return self.handle_url_build_error(error, endpoint, values)
        anchor = _anchor and quote(_anchor, safe="%!#$&'()*+,/:;=?@")
        return f"{url}#{anchor}" if anchor else url

    def handle_url_build_error(self, error, endpoint, values):
        for handler in self.url_build_error_handlers:
            try:
                if (url := handler(error, endpoint, values)) is not None:
                    return url
            except BuildError as later:
                error = later
        raise error

    @microflask.cached_property
    def logger(self):
        if not logging.getLogger(self.name).hasHandlers():
            logging.getLogger(self.name).addHandler(default_handler)
        return super().logger

    def log_exception(self, exc_info):
        self.logger.error("Exception on %s", request.path, exc_info=exc_info)

    def raise_routing_exception(self, request):
        raise request.routing_exception

    def make_shell_context(self):
        names = {"app": self, "g": microflask.g}
        for f in self.shell_context_processors:
            names.update(f())
        return names

    def test_cli_runner(self, **kwargs):
        return self.test_cli_runner_class(self, **kwargs)

# ----- 6. The command line
# Extensions bring commands of click. `FlaskGroup` has run, shell and routes, those of
# the application, and those that packages announce as entry points `flask.commands`.

class ScriptInfo:
    def __init__(self, create_app=None):
        self.create_app, self.data = create_app, {}
        self.load_app = cache(create_app or microflask._load_app)
pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)

def get_debug_flag():
    return microflask._is_true(os.environ.get("FLASK_DEBUG", ""))

def with_appcontext(f):
    @click.pass_context
    def wrapper(ctx, *args, **kwargs):
        if not current_app:
            app = ctx.ensure_object(ScriptInfo).load_app()
            ctx.with_resource(app.app_context())
        return ctx.invoke(f, *args, **kwargs)
    return update_wrapper(wrapper, f)

class AppGroup(click.Group):
    group_class = type      # click: groups in this group have its class

    def command(self, *args, **kwargs):
        wrap = with_appcontext if kwargs.pop("with_appcontext", True) else lambda f: f
        return lambda f: super(AppGroup, self).command(*args, **kwargs)(wrap(f))

def _keep(ctx, option, value):
    if value is not None:
        os.environ[f"FLASK_{option.name.upper()}"] = str(value)

_option = partial(click.Option, callback=_keep, is_eager=True, expose_value=False)
app_option = _option(["--app", "-A"], help="The application: module:name")
debug_option = _option(["--debug/--no-debug"], default=None)

class FlaskGroup(AppGroup):
    def __init__(self, name=None, add_default_commands=True, create_app=None,
                 load_dotenv=True, set_debug_flag=True, **extra):
        extra["params"] = [app_option, debug_option, *extra.get("params", ())]
        super().__init__(name, **extra)
        self.create_app, self.load_dotenv = create_app, load_dotenv
        if add_default_commands:
            for command in (run_command, shell_command, routes_command):
                self.add_command(command)

    def make_context(self, info_name, args, parent=None, **extra):
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if self.load_dotenv:
            microflask._load_dotenv()
        extra.setdefault("obj", ScriptInfo(create_app=self.create_app))
        return super().make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx):
        names = {*self.commands, *entry_points(group="flask.commands").names}
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.commands)
        except Exception as error:
            click.secho(f"Error: {error}\n", err=True, fg="red")
        return sorted(names)

    def get_command(self, ctx, name):
        if name in self.commands:
            return self.commands[name]
        for entry in entry_points(group="flask.commands", name=name):
            return entry.load()
        app = ctx.ensure_object(ScriptInfo).load_app()
        if not current_app:
            ctx.with_resource(app.app_context())
        return app.cli.commands.get(name)

@click.command("run", params=[debug_option])
@click.option("--host", "-h", default="127.0.0.1", envvar="FLASK_RUN_HOST")
@click.option("--port", "-p", default=5000, envvar="FLASK_RUN_PORT")
@click.option("--reload/--no-reload", default=None)
@click.option("--debugger/--no-debugger", default=None)
@pass_script_info
def run_command(info, host, port, reload, debugger):
    """Serve the application for development."""
    app, debug = info.load_app(), get_debug_flag()
    microflask.run_simple(host, port, app, debug if reload is None else reload,
                          debug if debugger is None else debugger)

@click.command("shell")
@with_appcontext
def shell_command():
    """Open a Python prompt with the names of the application."""
    import code
    code.interact(current_app.name, local=current_app.make_shell_context())

@click.command("routes")
@with_appcontext
def routes_command():
    """Show the rules of the application."""
    for rule in current_app.url_map.iter_rules():
        methods = ", ".join(sorted({*(rule.methods or ())} - {"HEAD", "OPTIONS"}))
        click.echo(f"{rule.endpoint:20} {methods:12} {rule}")

def main():
    install()
    FlaskGroup("flask", help="Run the commands of Flask.").main(prog_name="flask")

# ----- 7. What microflask makes itself
# microflask creates some objects itself, so a subclass would not be used. The table
# adds what they lack.
ADDITIONS: dict[Any, dict[str, Any]] = {
    microflask: {"NoAppException": type("NoAppException", (click.UsageError,), {}),
                 "make_environ": lambda *args, **kwargs: AppEnvironBuilder(
                    *args, **kwargs).get_environ(), "_render": _render,
                 "MultiDict": MultiDict, "ImmutableMultiDict": ImmutableMultiDict},
    microflask.HTTPException: {
        name: lambda self, environ=None, scope=None, f=f: f(self, environ)
        for name, f in vars(microflask.HTTPException).items() if name[:4] == "get_"
    } | {"__call__": lambda self, *wsgi: self.get_response(wsgi[0])(*wsgi)},
    microflask.Scaffold: {
        "__repr__": lambda self: f"<{type(self).__name__} {self.name!r}>"},
    microflask.SessionMixin: {"new": False},
    microflask.AppContext: {"session": microflask.AppContext.session.setter(
        lambda self, value: setattr(self.request, "session", value))},
    microflask._AppCtxGlobals: {"__iter__": lambda self: iter(vars(self))},
    microflask.Headers: {       # both keep pairs in `_list`
        key: value for key, value in vars(real_werkzeug.datastructures.Headers).items()
        if key not in vars(microflask.Headers)} | {
            "add": lambda self, key, value, **options: self.extend(
                [(key, real_werkzeug.http.dump_options_header(str(value), options))]),
            "set": lambda self, key, value, **options: self.update(
                [(key, real_werkzeug.http.dump_options_header(str(value), options))])}}

# ----- 8. Names that differ in Flask or Werkzeug
MEANINGS: dict[str, Any] = {
    "flask.__version__": "3.1.3", "werkzeug.__version__": VERSION,
    **{f"flask.stream_{name}": partial(
        getattr(microflask, f"render_{name}"), _join=microflask.stream_with_context)
       for name in ("template", "template_string")},
    "werkzeug.utils.send_file": real_werkzeug.utils.send_file,      # has an environ
    **dict.fromkeys(("werkzeug.Response", "werkzeug.wrappers.Response",
                     "werkzeug.wrappers.response.Response"), PlainResponse),
    "flask.json.dumps": lambda obj, **kwargs: json.dumps(obj, **kwargs),
    "flask.json.loads": lambda text, **kwargs: json.loads(text, **kwargs),
    "flask.json.dump": lambda obj, fp, **kwargs: fp.write(json.dumps(obj, **kwargs)),
    "flask.json.load": lambda fp, **kwargs: json.loads(fp.read(), **kwargs),
    "flask.json.tag.TaggedJSONSerializer": lambda: microflask._session_json,
    "flask.globals._cv_app": microflask._context,
    "flask.globals._cv_request": microflask._context,
    "flask.ctx.RequestContext": microflask.AppContext, "flask.views.MethodView": View,
    "flask.logging.default_handler": default_handler,
    "flask.sansio.app.App": Flask, "flask.testing.EnvironBuilder": AppEnvironBuilder}

if __name__ == "__main__":
    sys.modules["as_flask"] = sys.modules["__main__"]       # one module, not two
    main()
