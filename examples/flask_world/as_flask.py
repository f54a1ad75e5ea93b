"""as_flask: Flask's extensions on microflask.

    import as_flask
    as_flask.install()

Copy this file beside microflask.py. Call `install` before the first import of Flask:
then `flask`, `werkzeug` and their submodules answer with microflask's objects.
`python as_flask.py --app hello run` is the command `flask`, with the commands that
extensions bring (`db upgrade`).

An extension expects more of Flask than an application does:

- Names under their addresses, such as `flask.globals.request_ctx`. Stand-in modules
  look up each name in this file, then in microflask, then in Werkzeug (chapter 1).
- One class for one thing: an extension catches `werkzeug.exceptions.NotFound`, so
  `abort(404)` must raise exactly that. Here are no copies, only subclasses (3 to 6) and
  additions to the classes that microflask creates by name (2).
- Steps to call and to replace: `create_url_adapter`, `raise_routing_exception`.
- Groups of commands made with click; microflask's commands are functions (7).

It also brings what microflask left out: nested blueprints, `url_defaults`, converters
with arguments, `View`, ranges of files, `json.compact`. It has no hosts in rules. It
needs click, Blinker and Werkzeug: every extension installs them.
"""
# flake8: noqa: E302, E305
# mypy: ignore-errors
# ruff: noqa: BLE001, I001, RUF012, RUF100, SIM905, UP017
import contextlib
import contextvars
import functools
import importlib.util
import logging
import os
import re
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from itertools import accumulate
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import blinker
import click
import microflask
from click.testing import CliRunner
from microflask import LocalProxy, current_app, default_exceptions, json, request

# ------------------------------
# 1. Standing in for flask and werkzeug
# Each of their modules is an empty one, which looks up its names when somebody asks.
# A finder in `sys.meta_path` (PEP 451) makes them before Python finds the real ones.

MODULES = {"flask", *(f"flask.{name}" for name in (
    "app blueprints cli config ctx debughelpers globals helpers json json.provider "
    "json.tag logging sansio sansio.app sansio.blueprints sansio.scaffold sessions "
    "signals templating testing typing views wrappers").split())}

class StandIn(ModuleType):
    """A module of Flask or Werkzeug, whose names are looked up in `find`."""
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
    """Tell whether a file defines a name, and does not only import it."""
    value = vars(home).get(name, sys)
    origin = getattr(value, "__module__", type(value).__module__).partition(".")[0]
    return not isinstance(value, ModuleType) and origin in (
        "microflask", "as_flask", "__main__", "builtins", "blinker", "click",
        "markupsafe")

def find(module, name):
    """Return what `module.name` stands for; raise AttributeError, if nothing does."""
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
    if module.startswith("werkzeug") and module != "werkzeug.exceptions":
        with contextlib.suppress(ImportError, AttributeError):
            return getattr(real_werkzeug(module), name)
    raise AttributeError(f"{whole!r}: neither microflask nor as_flask has it")

def real_werkzeug(module):
    """Import a module of the installed Werkzeug, which has another name here."""
    if "real_werkzeug" not in sys.modules:
        spec = PathFinder.find_spec("werkzeug")
        if spec is None:
            raise ModuleNotFoundError("Werkzeug is not installed")
        spec = importlib.util.spec_from_file_location("real_werkzeug", spec.origin)
        sys.modules["real_werkzeug"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["real_werkzeug"])
    return importlib.import_module(f"real_{module}")

def borrow(module, name):
    """Return an object of the installed Werkzeug."""
    return getattr(real_werkzeug(module), name)

class Finder:
    """Finds the modules that this file stands in for, and makes them."""
    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        if package not in ("flask", "werkzeug"):
            return None
        try:
            if name not in MODULES:
                real_werkzeug(name)
        except ImportError:
            raise ModuleNotFoundError(f"as_flask stands in for {package}, and has no "
                                      f"module {name!r}", name=name) from None
        return ModuleSpec(name, self, origin=__file__, is_package=True)

    def create_module(self, spec):
        return StandIn(spec.name, f"microflask, as {spec.name}")

    def exec_module(self, module):
        module.__file__ = __file__

def install():
    """Let `import flask` and `import werkzeug` find microflask, and this file."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    if present := sorted({"flask", "werkzeug"} & sys.modules.keys()):
        raise RuntimeError(f"{' and '.join(present)} was imported before: call "
                           "as_flask.install() first.")
    sys.meta_path.insert(0, Finder())

# ------------------------------
# 2. What microflask makes itself
# microflask creates these objects by the names of its classes, and would not use a
# subclass. This table has all that is added to them.

ADDITIONS: dict[type, dict[str, Any]] = {
    microflask.HTTPException: {"__call__": lambda self, environ, start_response: (
        self.get_response(environ)(environ, start_response))},
    microflask.MultiDict: {"lists": dict.items},
    microflask.SessionMixin: {"new": False},
    microflask.Headers: {       # both keep pairs in `_list`
        name: method for name, method in vars(
            borrow("werkzeug.datastructures", "Headers")).items()
        if not hasattr(microflask.Headers, name)}}

for _class, _more in ADDITIONS.items():
    for _name, _value in _more.items():
        setattr(_class, _name, _value)

# ------------------------------
# 3. Requests, responses, rules, views
# These have Werkzeug's classes as a second base: `response.vary` and a hundred others
# only read and write `headers`, so that they work here, too.

class Request(microflask.Request, borrow("werkzeug.wrappers", "Request")):
    """The request, with all that Werkzeug reads in its headers."""
    authorization = borrow("werkzeug.wrappers", "Request").authorization
    blueprints = property(lambda self: list(self.owners[:0:-1]))

class Response(microflask.Response, borrow("werkzeug.wrappers", "Response")):
    """The response, with all the headers that Werkzeug can write."""
    location = microflask.Response.location.deleter(
        lambda self: self.headers.remove("Location"))

    def make_conditional(self, request, accept_ranges=False, complete_length=None):
        """Make this a 304 if the client has it, a 206 if it wants a part of a file."""
        super().make_conditional(request)
        environ = getattr(request, "environ", request)
        if self.status_code == 200 and environ["REQUEST_METHOD"] == "GET":
            try:
                self._process_range_request(
                    environ, complete_length or self.content_length,
                    accept_ranges or self.direct_passthrough)
            except borrow("werkzeug.exceptions", "RequestedRangeNotSatisfiable"):
                self.close()
                raise default_exceptions[416] from None
        return self

def owners_of(endpoint):
    """Return the blueprints of an endpoint: "a.b.view" is in "a" and in "a.b"."""
    return accumulate(endpoint.split(".")[:-1], "{}.{}".format)

werkzeug_routing = real_werkzeug("werkzeug.routing")

class Rule(microflask.Rule):
    """A rule that runs the hooks of all the blueprints around its own."""
    owners = property(lambda self: (None, *owners_of(self.endpoint)),
                      lambda self, value: None)
    _converters = property(lambda self: self.converters)
    _trace = property(lambda self: [(False, part) if isinstance(part, str) else
                                    (True, part[0]) for part in self.parts])

    def __init__(self, string, defaults=None, methods=None, build_only=False,
                 endpoint=None, strict_slashes=None, websocket=False, **options):
        if unknown := [name for name, value in options.items() if value]:
            raise NotImplementedError(f"microflask's rules have no {unknown}")
        super().__init__(string, defaults, methods, endpoint or "", strict_slashes)
        self.build_only = build_only

    def bind(self, map):
        """Give each variable with arguments, `<int(max=9):x>`, its own converter."""
        def converter(match):
            name, kind = f"{match[1]}_{len(map.converters)}", map.converters[match[1]]
            args, options = werkzeug_routing.rules.parse_converter_args(match[2])
            map.converters[name] = lambda map: kind(map, *args, **options)
            return f"<{name}:"
        string = self.rule
        self.rule = re.sub(r"<(\w+)\((.*?)\):", converter, string)
        super().bind(map)
        self.rule = string

    def match(self, path):
        with contextlib.suppress(microflask.ValidationError,
                                 werkzeug_routing.ValidationError):
            return None if self.build_only else super().match(path)

class Map(microflask.Map):
    """The rules, with Werkzeug's converters; it can be bound to a request."""
    host_matching = False

    def __init__(self, rules=(), strict_slashes=True, merge_slashes=True,
                 converters=()):
        super().__init__()
        for name in ("string", "any", "int", "float"):
            self.converters[name] = werkzeug_routing.map.DEFAULT_CONVERTERS[name]
        self.converters.update(converters)
        self.strict_slashes = strict_slashes
        for rule in rules:
            self.add(rule)

    def is_endpoint_expecting(self, endpoint, *arguments):
        return any(rule.arguments.issuperset(arguments)
                   for rule in self.iter_rules(endpoint))

    def bind(self, server_name, path_info="/", default_method="GET", **options):
        return MapAdapter(self, path_info, default_method)

class MapAdapter:
    """A Map with the path and the method of a request."""
    def __init__(self, map, path_info, default_method):
        self.map, self.path_info, self.default_method = map, path_info, default_method

    def match(self, path_info=None, method=None, return_rule=False, **options):
        rule, values = self.map.match(path_info or self.path_info,
                                      method or self.default_method)
        return (rule if return_rule else rule.endpoint), values

class View(microflask.MethodView):
    """A view that is a class: it has `dispatch_request`, or `get`, `post` and so on."""
    provide_automatic_options = None

    @classmethod
    def as_view(cls, name, *args, **kwargs):
        view = super().as_view(name, *args, **kwargs)
        view.view_class = cls
        view.provide_automatic_options = cls.provide_automatic_options
        return view

# ------------------------------
# 4. Context, JSON, configuration, sessions

class AppContext(microflask.AppContext):
    """The context; an extension can replace its session."""
    after_functions: tuple = ()
    session = microflask.AppContext.session.setter(
        lambda self, value: setattr(self.request, "session", value))

# Extensions import these, but nobody sends them.
(appcontext_pushed, appcontext_popped, appcontext_tearing_down,
 before_render_template) = (blinker.Signal() for _ in range(4))
request_ctx = LocalProxy(lambda: request.environ and microflask._context.get())

def after_this_request(f):
    """Call `f(response)` at the end of this request; it returns the response."""
    request_ctx.after_functions += (f,)
    return f

def copy_current_request_context(f):
    """Let a function use `request` and `session` in another thread (a decorator)."""
    f, context = request_ctx.app.ensure_sync(f), contextvars.copy_context()
    return functools.wraps(f)(
        lambda *args, **kwargs: context.copy().run(f, *args, **kwargs))

def get_template_attribute(template_name, attribute):
    """Return a macro or a variable of a template."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)

class DefaultJSONProvider(microflask.JSONProvider):
    """How an application writes JSON; `compact` is None for "unless in debug mode"."""
    compact = None

    def response(self, *args, **kwargs):
        response = super().response(*args, **kwargs)
        if self.compact is bool(self.app.debug):    # it would choose the other layout
            layout = {"separators": (",", ":")} if self.compact else {"indent": 2}
            response.data = self.dumps(self.loads(response.data), **layout) + "\n"
        return response

class Config(microflask.Config):
    """The settings, with more sources for them."""
    def from_envvar(self, variable_name, silent=False):
        path = os.environ.get(variable_name, "")
        if not path and not silent:
            raise RuntimeError(f"The variable {variable_name!r} is not set.")
        return bool(path) and self.from_pyfile(path, silent)

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
    """How sessions are kept; the settings of the cookie have a method each."""
    (get_cookie_name, get_cookie_domain, get_cookie_secure, get_cookie_httponly,
     get_cookie_samesite, get_cookie_partitioned) = [
        lambda self, app, key=key: app.config[f"SESSION_COOKIE_{key}"] for key in (
            "NAME", "DOMAIN", "SECURE", "HTTPONLY", "SAMESITE", "PARTITIONED")]

    def get_cookie_path(self, app):
        return app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]

    def get_expiration_time(self, app, session):
        return datetime.now(timezone.utc) + app.permanent_session_lifetime if (
            session.permanent) else None

    def should_set_cookie(self, app, session):
        return session.modified or (
            session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

class SecureCookieSessionInterface(
        microflask.SecureCookieSessionInterface, SessionInterface):
    """Keeps the session in a signed cookie."""

# ------------------------------
# 5. Log, testing

default_handler = logging.StreamHandler(LocalProxy(lambda: sys.stderr))
default_handler.setFormatter(logging.Formatter(
    "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))

class AppEnvironBuilder(borrow("werkzeug.test", "EnvironBuilder")):
    """What flask.testing calls EnvironBuilder: the application comes first."""
    request_class = Request

    def __init__(self, app, path="/", base_url=None, subdomain=None, url_scheme=None,
                 *args, **kwargs):
        self.app, config, url = app, app.config, urlsplit(path)
        if base_url is None:
            scheme = url.scheme or url_scheme or config["PREFERRED_URL_SCHEME"]
            host = url.netloc or config["SERVER_NAME"] or "localhost"
            base_url = f"{scheme}://{host}/{config['APPLICATION_ROOT'].lstrip('/')}"
        super().__init__(path, base_url, *args, **kwargs)

    def _add_file_from_data(self, key, value):
        if isinstance(value, microflask.FileStorage):
            value = value.stream, value.filename, value.content_type
        super()._add_file_from_data(key, value)

    def json_dumps(self, obj, **kwargs):
        return self.app.json.dumps(obj, **kwargs)

class FlaskClient(borrow("werkzeug.test", "Client")):
    """Werkzeug's test client. In a `with` block it keeps the context of a request."""
    kept = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.response_wrapper.default_mimetype = ""     # None would be an error
        self.environ_base = {"REMOTE_ADDR": "127.0.0.1"}

    def open(self, *args, buffered=False, follow_redirects=False, **kwargs):
        given = args[0] if args and not isinstance(args[0], str) else (
            AppEnvironBuilder(self.application, *args, **kwargs))
        environ = {**self.environ_base, **(
            given if isinstance(given, dict) else given.get_environ())}
        if self.kept is not None:
            environ["microflask.keep_context"] = self.kept.enter_context
        return super().open(
            Request(environ), buffered=buffered, follow_redirects=follow_redirects)

    def run_wsgi_app(self, environ, buffered=False):
        if self.kept is not None:
            self.kept.close()
        return super().run_wsgi_app(environ, buffered)

    def __enter__(self):
        self.kept = contextlib.ExitStack()
        return self

    def __exit__(self, *exc_info):
        self.kept.close()
        self.kept = None

    @contextlib.contextmanager
    def session_transaction(self, *args, **kwargs):
        """Change the session of the next requests: `with ... as session`."""
        app = self.application
        context = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(context.request.environ)
        with context:
            yield context.session
            response = app.response_class()
            app.session_interface.save_session(app, context.session, response)
        self._update_cookies_from_response(
            context.request.host.partition(":")[0], context.request.path,
            response.headers.getlist("Set-Cookie"))

class FlaskCliRunner(CliRunner):
    """Runs commands in tests: `app.test_cli_runner().invoke(args=["name"])`."""
    def __init__(self, app, **kwargs):
        super().__init__(**kwargs)
        self.app = app

    def invoke(self, cli=None, args=None, **kwargs):
        kwargs.setdefault("obj", ScriptInfo(create_app=lambda: self.app))
        return super().invoke(cli or self.app.cli, args, **kwargs)

# ------------------------------
# 6. Blueprints and the application

class Scaffold(microflask.Scaffold):
    """What application and blueprint share, beyond microflask."""
    url_value_preprocessors = microflask.cached_property(lambda self: defaultdict(list))
    url_default_functions = microflask.cached_property(lambda self: defaultdict(list))
    has_static_folder = property(lambda self: self.static_folder is not None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cli = AppGroup(self.import_name)

    def url_value_preprocessor(self, f):
        """Call `f(endpoint, values)` before the view; it can change the values."""
        self.url_value_preprocessors[None].append(f)
        return f

    def url_defaults(self, f):
        """Call `f(endpoint, values)` when a URL is built; it can add values."""
        self.url_default_functions[None].append(f)
        return f

    def endpoint(self, endpoint):
        return lambda f: self.view_functions.setdefault(endpoint, self.ensure_sync(f))

    def open_resource(self, resource, mode="rb", encoding=None):
        return open(os.path.join(self.root_path, resource), mode, encoding=encoding)

def join_prefixes(outer, inner):
    return f"{outer.rstrip('/')}/{inner.lstrip('/')}" if (
        outer is not None and inner) else inner or outer

class BlueprintSetupState:
    """A blueprint while an application registers it; extensions subclass it."""
    subdomain = None

    def __init__(self, blueprint, app, options, first_registration):
        self.blueprint, self.app, self.options = blueprint, app, options
        self.first_registration = first_registration
        self.name = options.get("name", blueprint.name)
        self.url_prefix = options.get("url_prefix")
        if self.url_prefix is None:
            self.url_prefix = blueprint.url_prefix
        self.url_defaults = {**blueprint.url_values_defaults,
                             **options.get("url_defaults", {})}

    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        rule = join_prefixes(self.url_prefix, rule)
        options["defaults"] = {**self.url_defaults, **(options.get("defaults") or {})}
        self.app.add_url_rule(rule, f"{self.name}.{endpoint or view_func.__name__}",
                              view_func, **options)

class Blueprint(Scaffold, microflask.Blueprint):
    """A part of an application, which can contain other blueprints."""
    def __init__(self, *args, **options):
        if options.pop("subdomain", None):
            raise NotImplementedError("microflask's blueprints have no subdomain")
        self.url_values_defaults = options.pop("url_defaults", None) or {}
        self.cli_group = options.pop("cli_group", "")
        super().__init__(*args, **options)

    @microflask.setupmethod
    def record(self, f):
        self.deferred_functions.append(f)

    @microflask.setupmethod
    def register_blueprint(self, blueprint, **options):
        """Put a blueprint into this one: their names and prefixes are joined."""
        def register(state):
            inner = blueprint.make_setup_state(state.app, options)
            blueprint.register(state.app, {
                **options, "name": f"{state.name}.{inner.name}",
                "url_prefix": join_prefixes(state.url_prefix, inner.url_prefix)})
        self.record(register)

    @microflask.setupmethod
    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        endpoint = endpoint or view_func.__name__
        if "." in endpoint:
            raise ValueError(f"A blueprint's endpoint cannot have a dot: {endpoint}")
        self.record(lambda state: state.add_url_rule(
            rule, endpoint, view_func, **options))

    def make_setup_state(self, app, options, first_registration=False):
        return BlueprintSetupState(self, app, options, first_registration)

    def register(self, app, options):
        state = self.make_setup_state(
            app, options, self not in app.blueprints.values())
        if state.name in app.blueprints:
            raise ValueError(f"There is a blueprint {state.name!r} already. Register "
                             "this one with another name=.")
        app.blueprints[state.name] = self
        app.view_functions.update(self.view_functions)
        for kind in ("before_request_funcs", "after_request_funcs",
                     "teardown_request_funcs", "template_context_processors",
                     "url_value_preprocessors", "url_default_functions"):
            getattr(app, kind)[state.name] += getattr(self, kind)[None]
        for code, handlers in self.error_handler_spec[None].items():
            app.error_handler_spec[state.name][code].update(handlers)
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

    add_app_template_filter = _for_app("add_template_filter")
    add_app_template_global = _for_app("add_template_global")
    add_app_template_test = _for_app("add_template_test")
    app_url_value_preprocessor = _for_app("url_value_preprocessor")
    app_url_defaults = _for_app("url_defaults")
    teardown_app_request = _for_app("teardown_request")
    app_template_global, app_template_test = [functools.partialmethod(
        microflask.Blueprint._decorate_on_app, f"template_{kind}")
        for kind in ("global", "test")]

class Flask(Scaffold, microflask.Flask):
    """The application, with the steps that an extension can call or replace."""
    request_class, response_class = Request, Response
    url_rule_class, url_map_class, json_provider_class = Rule, Map, DefaultJSONProvider
    session_interface = SecureCookieSessionInterface()
    permanent_session_lifetime = microflask.Flask.permanent_session_lifetime.getter(
        lambda self: timedelta(seconds=microflask._seconds(     # it can be a number
            self.config["PERMANENT_SESSION_LIFETIME"])))
    test_client_class = test_cli_runner_class = None
    add_template_filter, add_template_test = [functools.partialmethod(
        microflask.Flask._add_to_templates, kind) for kind in ("filters", "tests")]
    template_test = functools.partialmethod(
        microflask.Flask._decorate_for_templates, "tests")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.config = Config(self.config.root_path, self.config)

    def add_url_rule(self, rule, endpoint=None, view_func=None,
                     provide_automatic_options=None, **options):
        """Add a rule; a view can have `required_methods`, and answer OPTIONS itself."""
        endpoint = endpoint or view_func.__name__
        methods = options.pop("methods", None) or getattr(view_func, "methods", None)
        if not isinstance(methods, str):
            methods = {*(methods or ["GET"]), *getattr(
                view_func, "required_methods", ())}
        super().add_url_rule(rule, endpoint, view_func, methods=methods, **options)
        is_automatic = getattr(view_func, "provide_automatic_options", None) if (
            provide_automatic_options is None) else provide_automatic_options
        if is_automatic is not None:
            added = list(self.url_map.iter_rules(endpoint))[-1]
            added.provide_automatic_options = is_automatic
            if not is_automatic and "OPTIONS" not in methods:
                added.methods.discard("OPTIONS")

    def preprocess_request(self):
        for f in self.hooks(self.url_value_preprocessors):
            f(request.endpoint, request.view_args)
        return super().preprocess_request()

    def process_response(self, response):
        response.headers = microflask.Headers(response.headers)     # it can be a dict
        for f in request_ctx.after_functions:
            response = self.ensure_sync(f)(response)
        return super().process_response(response)

    def inject_url_defaults(self, endpoint, values):
        for owner in (None, *owners_of(endpoint)):
            for f in self.url_default_functions.get(owner, ()):
                f(endpoint, values)

    def url_for(self, endpoint, /, *, _method=None, **values):
        if endpoint[:1] == "." and request:
            endpoint = f"{request.blueprint or ''}{endpoint}".lstrip(".")
        self.inject_url_defaults(endpoint, values)
        return super().url_for(endpoint, **values)

    @microflask.cached_property
    def logger(self):
        logger = logging.getLogger(self.name)
        if not logger.hasHandlers():
            logger.addHandler(default_handler)
        return super().logger

    def app_context(self):
        return AppContext(self)

    def request_context(self, environ):
        return AppContext(self, super().request_context(environ).request)

    def create_url_adapter(self, request):
        return request and self.url_map.bind("", request.path, request.method)

    def raise_routing_exception(self, request):
        raise request.routing_exception

    def make_shell_context(self):
        names = {"app": self, "g": microflask.g}
        for f in self.shell_context_processors:
            names.update(f())
        return names

    def test_request_context(self, *args, **kwargs):
        builder = AppEnvironBuilder(self, *args, **kwargs)
        with contextlib.closing(builder):
            return self.request_context(builder.get_environ())

    def test_client(self, use_cookies=True, **kwargs):
        return (self.test_client_class or FlaskClient)(
            self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs):
        return (self.test_cli_runner_class or FlaskCliRunner)(self, **kwargs)

# ------------------------------
# 7. The command line
# Extensions bring commands of click. `FlaskGroup` has run, shell and routes, those of
# the application, and those that packages announce as entry points `flask.commands`.

class ScriptInfo:
    """The application that a command is for: found, or made by `create_app`."""
    def __init__(self, create_app=None):
        self.create_app, self.data = create_app, {}
        self.load_app = functools.cache(create_app or microflask._load_app)

pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)

def get_debug_flag():
    return os.environ.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no")

def with_appcontext(f):
    """Run a command inside of an application context (a decorator)."""
    @click.pass_context
    def wrapper(ctx, *args, **kwargs):
        if not current_app:
            app = ctx.ensure_object(ScriptInfo).load_app()
            ctx.with_resource(app.app_context())
        return ctx.invoke(f, *args, **kwargs)
    return functools.update_wrapper(wrapper, f)

class AppGroup(click.Group):
    """Commands of click, which run inside of an application context."""
    def command(self, *args, **kwargs):
        wrap = with_appcontext if kwargs.pop("with_appcontext", True) else lambda f: f
        return lambda f: super(AppGroup, self).command(*args, **kwargs)(wrap(f))

AppGroup.group_class = AppGroup

def _set(variable):
    def callback(ctx, option, value):
        if value is not None:
            os.environ[variable] = value if isinstance(value, str) else str(int(value))
    return callback

class FlaskGroup(AppGroup):
    """The commands of an application, and `run`, `shell` and `routes`."""
    def __init__(self, name=None, add_default_commands=True, create_app=None,
                 load_dotenv=True, set_debug_flag=True, **extra):
        options = {"is_eager": True, "expose_value": False}
        extra["params"] = [
            click.Option(["--app", "-A"], callback=_set("FLASK_APP"), **options,
                         help="The application: module:name"),
            click.Option(["--debug/--no-debug"], callback=_set("FLASK_DEBUG"),
                         default=None, **options), *extra.get("params", ())]
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
        app = ctx.ensure_object(ScriptInfo).load_app()
        if not current_app:
            ctx.with_resource(app.app_context())
        announced = entry_points(group="flask.commands", name=name)
        return app.cli.commands.get(name) or next(
            (entry.load() for entry in announced), None)

@click.command("run")
@click.option("--host", "-h", default="127.0.0.1", envvar="FLASK_RUN_HOST")
@click.option("--port", "-p", default=5000, envvar="FLASK_RUN_PORT")
@click.option("--debug/--no-debug", default=None, expose_value=False,
              callback=_set("FLASK_DEBUG"))
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
        methods = ", ".join(sorted(rule.methods - {"HEAD", "OPTIONS"}))
        click.echo(f"{rule.endpoint:20} {methods:12} {rule}")

def main():
    install()
    try:
        FlaskGroup("flask", help="Run the commands of Flask.").main(prog_name="flask")
    except microflask.NoAppException as error:
        sys.exit(f"Error: {error}")

# ------------------------------
# 8. Names with another meaning
# What Flask or Werkzeug calls otherwise, or what has one name for two things.

MEANINGS: dict[str, Any] = {
    "flask.__version__": "3.1.3", "werkzeug.__version__": "3.1.9",
    "flask.json.dumps": lambda obj, **kwargs: json.dumps(obj, **kwargs),
    "flask.json.loads": lambda text, **kwargs: json.loads(text, **kwargs),
    "flask.json.dump": lambda obj, fp, **kwargs: fp.write(json.dumps(obj, **kwargs)),
    "flask.json.load": lambda fp, **kwargs: json.loads(fp.read(), **kwargs),
    "flask.json.tag.TaggedJSONSerializer": lambda: microflask._session_json,
    "flask.globals._cv_app": microflask._context,
    "flask.globals._cv_request": microflask._context,
    "flask.ctx.RequestContext": AppContext,
    "flask.logging.default_handler": default_handler,
    "flask.views.http_method_funcs": frozenset(
        "get post head options delete put trace patch".split()),
    "flask.views.MethodView": View,
    "flask.sansio.app.App": Flask, "flask.testing.EnvironBuilder": AppEnvironBuilder,
    "flask.signals.Namespace": blinker.Namespace,
    **{f"werkzeug.{module}.{name}": borrow(f"werkzeug.{module}", name)
       for module, name in (("datastructures", "Authorization"),
                            ("wsgi", "LimitedStream"), ("utils", "send_file"))},
    **{f"werkzeug.exceptions.{theirs.__name__}": default_exceptions[code]
       for code, theirs in borrow("werkzeug.exceptions", "default_exceptions").items()
       if code in default_exceptions}}

if __name__ == "__main__":
    sys.modules["as_flask"] = sys.modules["__main__"]       # one module, not two
    main()
