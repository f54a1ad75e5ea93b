"""microflask: the whole of Flask in one Python file that is made to be read.

    from microflask import Flask

    app = Flask(__name__)

    @app.get("/")
    def hello():
        return "Hello, World!"

Names, behaviour and cookies are Flask's (3.1, with Werkzeug's 3.1).  It needs jinja2,
markupsafe and itsdangerous.  Copy this file beside your program, or install it.

Every chapter rests on those above it, but for names that a function uses only when it
is called.  In brackets: leave it out on a first reading.  If you have one hour: 6, 8
and 31, the 800 lines on which all else hangs.

    1  many values under one name           22  configuration and JSON
    2  header fields                       [23  JSON for sessions]
    3  headers                              24  sessions and flashed messages
    4  cookies and preferences              25  templates
  [ 5  conditions and ranges]              [26  files and passwords]
    6  signals and proxies                  27  what apps and blueprints share
    7  errors that are answers              28  blueprints
    8  context                              29  the application, set up
    9  URLs and hosts                       30  URLs, errors, server
   10  converters                           31  the application at work
   11  rules: a path as an expression      [32  views as classes]
   12  routing: which rule matches         [33  testing: requests made up]
   13  routing for one host                [34  testing: the client]
  [14  request bodies]                     [35  the debugger]
  [15  multipart forms]                    [36  the server: request, answer]
  [16  credentials, sets of words]         [37  the server: connections]
   17  the head of a request               [38  starting it, and again]
   18  the request                         [39  standing in for Flask]
   19  a response's header fields          [40  commands]
   20  the body of a response              [41  the command line]
   21  the response

Permission to use, copy, modify, and/or distribute this software for any purpose with
or without fee is hereby granted.  THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR
DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES
OF MERCHANTABILITY AND FITNESS.  IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL,
DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS
ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
"""
from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import copy
import encodings.aliases
import functools
import hashlib
import hmac
import importlib
import io
import json as json_library
import operator
import os
import posixpath
import re
import stat
import sys
import threading
import time
import unicodedata
import warnings
import weakref
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSet
from contextvars import ContextVar
from datetime import date, datetime, timedelta, timezone
from importlib.machinery import ModuleSpec
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from types import GeneratorType, ModuleType, SimpleNamespace
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from markupsafe import Markup, escape

__version__ = "1.0"

# --------------------------------------------------------------------------------------
# 1. Many values under one name
#
# In a query, in a form and among cookies a name may come more than once. So a plain
# dict will not do: a MultiDict keeps a list for each key and shows its first value.
# What a client sent cannot be changed: the immutable kinds say so instead of losing the
# change, and a CallbackDict tells its owner of each change.
# --------------------------------------------------------------------------------------

_missing: Any = object()
# Python's own NotImplemented ("ask the other operand"): further down, from chapter 7
# on, that name is an error's, the 501.
_unlike: Any = NotImplemented

_CHANGES = """__setitem__ __delitem__ __ior__ __iadd__ add add_header append clear
    extend insert pop popitem popitemlist poplist remove reverse set setdefault
    setlist setlistdefault sort update""".split()

def _frozen(cls: type) -> type:
    """Make every method that changes an instance raise a TypeError (a decorator)."""
    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__!r} objects are immutable: change a copy")
    for name in _CHANGES:
        if hasattr(cls, name):
            setattr(cls, name, refuse)
    setattr(cls, "__copy__", lambda self: self)
    return cls

@_frozen
class ImmutableDict(dict):
    """A dict that cannot be changed and can be hashed; `copy()` gives a plain dict."""
    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (dict(self),)

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict.__repr__(self)})"

@_frozen
class ImmutableList(list):
    """A list that cannot be changed and can be hashed."""
    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (list(self),)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list.__repr__(self)})"

class CallbackDict(dict):
    """A dict that calls `on_update(self)` after each change."""
    def __init__(self, initial: Any = None, on_update: Callable | None = None) -> None:
        super().__init__(initial or ())
        self.on_update = on_update

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (dict(self),)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"

def _telling(name: str) -> Callable:
    """Make a method of dict that calls `on_update`, if it has changed anything."""
    change, may_leave_it = getattr(dict, name), name in ("pop", "setdefault")
    if name == "__setitem__":       # the one that is called most
        def setitem(self: Any, key: Any, value: Any) -> None:
            change(self, key, value)
            if self.on_update:
                self.on_update(self)
        return setitem
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        size = len(self) if may_leave_it else -1
        result = change(self, *args, **kwargs)
        if self.on_update and len(self) != size:
            self.on_update(self)
        return result
    return method

for _name in ("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem",
              "setdefault", "update"):
    setattr(CallbackDict, _name, _telling(_name))

class _Lookup:
    """What MultiDict and Headers share: `get`, `getlist` with a type, copies, `|`."""
    _all: Any               # each of them brings these three
    __getitem__: Any
    update: Any

    def get(self, key: Any, default: Any = None, type: Callable | None = None) -> Any:
        """Return the first value, converted by `type`; `default` if missing, unfit."""
        try:
            value = self[key]
            return value if type is None else type(value)
        except (KeyError, ValueError, TypeError):
            return default

    def getlist(self, key: Any, type: Callable | None = None) -> list:
        """Return all values as a new list, without those that `type` refuses."""
        if type is None:
            return self._all(key)
        found = []
        for value in self._all(key):
            with contextlib.suppress(ValueError, TypeError):
                found.append(type(value))
        return found

    def copy(self) -> Any:
        """Return a copy that can be changed."""
        kind: Any = self.__class__
        return kind(self)

    __copy__ = copy

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, Mapping):
            return _unlike
        result = self.copy()
        result.update(other)
        return result

    def __ior__(self, other: Any) -> Any:
        if not isinstance(other, Iterable):
            return _unlike
        self.update(other)
        return self

def iter_multi_items(mapping: Any) -> Iterator[tuple]:
    """Yield every (key, value) of a MultiDict, of pairs, or of a mapping with lists."""
    if isinstance(mapping, MultiDict):
        yield from mapping.items(multi=True)
    elif isinstance(mapping, Mapping):
        for key, value in mapping.items():
            for one in value if isinstance(value, (list, tuple, set)) else (value,):
                yield key, one
    else:
        yield from mapping

def _missing_key(key: Any) -> Exception:
    return BadRequestKeyError(key)      # a KeyError, and (chapter 7) an answer: 400

class MultiDict(_Lookup, dict):
    """A dict of lists that looks like a dict of their first values.

    A missing key raises BadRequestKeyError: a KeyError and, if not caught, a 400.
    """
    def __init__(self, mapping: Any = None) -> None:
        pairs = mapping if type(mapping) is list else iter_multi_items(mapping or ())
        found: dict[Any, list] = {}
        for key, value in pairs:
            if key in found:
                found[key].append(value)
            else:
                found[key] = [value]
        dict.__init__(self, found)

    def __iter__(self) -> Iterator:
        return super().__iter__()   # without it `**multidict` would not ask __getitem__

    def __getitem__(self, key: Any) -> Any:
        values = dict.get(self, key)
        if values:
            return values[0]
        raise _missing_key(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, [value])

    def _all(self, key: Any) -> list:
        return list(dict.get(self, key, ()))

    def add(self, key: Any, value: Any) -> None:
        """Append a value to those of the key."""
        dict.setdefault(self, key, []).append(value)

    def setlist(self, key: Any, new_list: Iterable) -> None:
        """Replace the values of the key."""
        super().__setitem__(key, list(new_list))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the first value of the key, after setting it if it was missing."""
        dict.setdefault(self, key, [default])
        return self[key]

    def setlistdefault(self, key: Any, default_list: Iterable | None = None) -> list:
        """Return the list of the key itself, after setting it if it was missing."""
        return dict.setdefault(self, key, list(default_list or ()))

    def items(self, multi: bool = False) -> Iterator[tuple]:
        """Yield (key, first value), or with `multi` every pair, grouped by key."""
        for key, values in dict.items(self):
            for value in values if multi else values[:1]:
                yield key, value

    def values(self) -> Iterator:
        """Yield the first value of each key."""
        return (value for _, value in self.items())

    def lists(self) -> Iterator[tuple[Any, list]]:
        """Yield (key, list of its values)."""
        return ((key, list(values)) for key, values in dict.items(self))

    def listvalues(self) -> Iterable[list]:
        """Yield the list of values of each key."""
        return dict.values(self)

    deepcopy = copy.deepcopy

    def to_dict(self, flat: bool = True) -> dict:
        """Return a plain dict of first values, or with `flat=False` of lists."""
        return dict(self.items() if flat else self.lists())

    def update(self, mapping: Any = (), /, **kwargs: Any) -> None:
        """Append all pairs; the values that are there stay."""
        for key, value in (*iter_multi_items(mapping), *iter_multi_items(kwargs)):
            self.add(key, value)

    def pop(self, key: Any, default: Any = _missing) -> Any:
        """Remove the key and return its first value."""
        values = dict.pop(self, key, None)
        if values or default is not _missing:
            return values[0] if values else default
        raise _missing_key(key)

    def poplist(self, key: Any) -> list:
        """Remove the key and return all its values, an empty list if it is missing."""
        return dict.pop(self, key, [])

    def popitemlist(self) -> tuple[Any, list]:
        """Remove a key and return it with all its values."""
        if not self:
            raise _missing_key(f"{type(self).__name__} is empty")
        return dict.popitem(self)

    def popitem(self) -> tuple:
        """Remove a key and return it with its first value."""
        key, values = self.popitemlist()
        if not values:
            raise _missing_key(key)
        return key, values[0]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (list(self.items(multi=True)),)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.items(multi=True))!r})"

@_frozen
class ImmutableMultiDict(MultiDict):
    """A MultiDict that cannot be changed; `copy()` gives one that can."""
    def copy(self) -> MultiDict:
        """Return a MultiDict with the same pairs."""
        return MultiDict(self)

    def __hash__(self) -> int:
        return hash(frozenset(self.items(multi=True)))

class CombinedMultiDict(ImmutableMultiDict):
    """Several MultiDicts read as one: the first that has a key gives its value."""
    def __init__(self, dicts: Iterable | None = None) -> None:
        self.dicts = list(dicts or ())
        super().__init__(chain.from_iterable(map(iter_multi_items, self.dicts)))

    def get(self, key: Any, default: Any = None, type: Callable | None = None) -> Any:
        """Return the first value that `type` takes."""
        return next(iter(self.getlist(key, type)), default)

    def items(self, multi: bool = False) -> Iterator[tuple]:
        """Yield (key, first value), or with `multi` every pair, dict after dict."""
        every = chain.from_iterable(map(iter_multi_items, self.dicts))
        return every if multi else super().items()

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (self.dicts,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dicts!r})"

# --------------------------------------------------------------------------------------
# 2. Header fields
#
# A header field is a line, a name and a value, and many a value is a small language:
# lists, parameters, quoted strings, dates (RFC 9110). A parser here never raises,
# whatever the client sends, and takes time in proportion to what it reads; a dumper
# refuses what it could not write so that it can be read again.
# --------------------------------------------------------------------------------------

_TOKEN = r"[!#$%&'*+\-.^`|~\w]+"
_FIELD_NAME = re.compile(_TOKEN, re.A)
_NOT_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_QUOTED = r'"(?:\\.|[^"\\])*'       # "a \"word\" , but for the closing quote
_BALANCED = re.compile(rf'(?:{_QUOTED}"|[^"])*', re.S)
_LIST_ITEM = re.compile(rf'(?:{_QUOTED}"|[^",])+', re.S)
_PARAMETER = re.compile(
    rf'(?:\A|;)[ \t]*({_TOKEN})=(?:({_TOKEN})|({_QUOTED}"?))', re.A | re.S)
_PARAMETER_NAME = re.compile(r"(.*?)(?:\*(\d+))?(\*)?", re.A)     # title*0*
_EXTENDED = re.compile(rf"([\w!#$%&*+\-.^`|~]*)'[\w\-]*'({_TOKEN})", re.A)
_CHARSETS = ("utf-8", "ascii", "us-ascii", "iso-8859-1")

def _is_value(text: str) -> bool:
    """Tell whether a field can carry the text (RFC 9110 section 5.5)."""
    return text.isascii() and text.isprintable() or not _NOT_IN_VALUE.search(text)

def plain_int(text: str) -> int:
    """Return the number that ASCII digits say; ValueError for all else, like `+7`."""
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise ValueError(f"{text!r} is not a plain number")
    return int(text)

def quote_header_value(value: Any, allow_token: bool = True) -> str:
    """Return the value as a token, or as a quoted string (RFC 9110 section 5.6)."""
    text = str(value)
    if allow_token and _FIELD_NAME.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

def unquote_header_value(value: str) -> str:
    """Return what a quoted string quotes; anything else as it is."""
    if len(value) < 2 or not value[0] == value[-1] == '"':
        return value
    if "\\" not in value:
        return value[1:-1]
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.S)

def _list_items(value: str) -> list[str]:
    if not _BALANCED.fullmatch(value):
        return []
    return [item for raw in _LIST_ITEM.findall(value) if (item := raw.strip(" \t"))]

def parse_list_header(value: str) -> list[str]:
    """Split at the commas outside quoted strings; an unclosed quote voids the list."""
    return [unquote_header_value(item) for item in _list_items(value)]

def _extended_value(value: str, charset: str = "") -> tuple[str, str]:
    """Decode RFC 8187's `charset'language'percent-encoded`, for charsets we trust."""
    if match := _EXTENDED.fullmatch(value):
        charset, value = (match[1] or charset).lower(), match[2]
    return (unquote(value, charset) if charset in _CHARSETS else value), charset

def parse_dict_header(value: str) -> dict[str, str | None]:
    """Parse `a=1, b="2", c` to a dict, with None for what has no value."""
    found: dict[str, str | None] = {}
    for item in parse_list_header(value):
        key, has_value, text = (part.strip(" \t") for part in item.partition("="))
        if key.endswith("*") and has_value:
            key, text = key[:-1], _extended_value(text)[0]
        if key:
            found[key] = unquote_header_value(text) if has_value else None
    return found

def parse_options_header(value: str | None) -> tuple[str, dict[str, str]]:
    """Split `text/html; charset=utf-8` into its value and a dict of its parameters.

    They may be quoted, percent-encoded in a charset, and in pieces (RFC 8187, 2231).
    What cannot be parsed is left out.
    """
    if value is None or len(value) > 200:
        return _parse_options(value or "")
    kind, options = _options_of(value)
    return kind, options.copy()

def _parse_options(value: str) -> tuple[str, dict[str, str]]:
    value, _, rest = value.partition(";")
    value = value.strip(" \t")
    options: dict[str, str] = {}
    charsets: dict[str, str] = {}   # of the parameters that come in pieces
    for name, token, quoted in _PARAMETER.findall(rest) if value else ():
        if quoted and not _closed(quoted):
            continue    # a quote that never ends took the rest
        text = token or unquote_header_value(quoted).replace("%22", '"')
        if "*" in name:
            _add_extended(options, charsets, name.lower(), text)
        else:
            charsets.pop(name.lower(), None)
            options[name.lower()] = text
    return value, options

_options_of = functools.lru_cache(maxsize=512)(_parse_options)

def _mimetype_of(content_type: str) -> str:
    """Return the media type of a Content-Type field, in lower case."""
    kind = content_type.partition(";")[0] if content_type else ""
    return kind.strip(" \t").lower()

def _add_extended(options: dict, charsets: dict, name: str, text: str) -> None:
    """Add `name*`, `name*0` or `name*0*`: decoded, and behind the piece before it.

    `charsets` tells of which names the last parameter was a piece, and its charset.
    """
    match: Any = _PARAMETER_NAME.fullmatch(name)
    base, piece, extended = match.groups()
    before = charsets.pop(base, None)
    text, charset = _extended_value(text, before or "") if extended else (text, "")
    options[base] = options[base] + text if piece and before is not None else text
    if piece:
        charsets[base] = charset

def _closed(quoted: str) -> bool:
    return quoted.endswith('"') and _BALANCED.fullmatch(quoted) is not None

def dump_options_header(header: str | None, options: Mapping[str, Any]) -> str:
    """Join a value and its parameters, those that are None left out."""
    parts = [] if header is None else [header]
    for key, value in options.items():
        if value is not None:
            text = value if key.endswith("*") else quote_header_value(value)
            parts.append(f"{key}={text}")
    return "; ".join(parts)

def dump_header(iterable: Mapping[str, Any] | Iterable) -> str:
    """Join the items of a list, or a dict as `key=value`, with commas."""
    if not isinstance(iterable, Mapping):
        return ", ".join(quote_header_value(item) for item in iterable)
    return ", ".join(key if value is None else dump_options_header(None, {key: value})
                     for key, value in iterable.items())

def http_date(timestamp: Any = None) -> str:
    """Format a datetime, date, struct_time or Unix time (default: now) for HTTP."""
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            timestamp = timestamp.replace(tzinfo=timezone.utc)
        return _http_date(tuple(timestamp.utctimetuple()))
    if isinstance(timestamp, date):
        return _http_date(tuple(timestamp.timetuple()))
    if isinstance(timestamp, time.struct_time):
        timestamp = time.mktime(timestamp)
    return _http_time((time.time() if timestamp is None else timestamp) // 1)

@functools.lru_cache(maxsize=256)
def _http_date(parts: tuple) -> str:
    day = "Mon Tue Wed Thu Fri Sat Sun".split()[parts[6]]
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[parts[1] - 1]
    clock = "{:02}:{:02}:{:02}".format(*parts[3:6])
    return f"{day}, {parts[2]:02} {month} {parts[0]:04} {clock} GMT"

@functools.lru_cache(maxsize=256)
def _http_time(seconds: float) -> str:
    return _http_date(tuple(time.gmtime(seconds)))

def parse_date(value: str | None) -> datetime | None:
    """Parse an HTTP date to an aware datetime; None for all else."""
    if not value:
        return None
    from email.utils import parsedate_to_datetime
    try:
        when = parsedate_to_datetime(value)
        when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
        when.utctimetuple()     # raises at the ends of time
        return when
    except (TypeError, ValueError, IndexError, OverflowError):
        return None

# --------------------------------------------------------------------------------------
# 3. Headers
#
# Headers keeps the lines of a message in their order, and ignores the case of their
# names. What would break out of a line is refused when it is put in, and so need not be
# looked for when the message is sent. EnvironHeaders is the same face over a WSGI
# environ, which has the lines of a request under names like HTTP_ACCEPT (PEP 3333).
# --------------------------------------------------------------------------------------

def _field_line(name: str, value: Any) -> tuple[str, str]:
    """Return a field line that cannot break out of its line (RFC 9110 section 5)."""
    if type(value) is not str:
        value = str(value)
    if not (value.isascii() and value.isprintable()) and _NOT_IN_VALUE.search(value):
        is_url = name.lower().endswith("location")      # made ASCII when it is sent
        if not (is_url and value.isprintable()):
            raise ValueError(f"Header {name}: {value!r} is not Latin-1, or has newlines"
                             " or other control characters")
    return _field_name(name), value

@functools.lru_cache(maxsize=1024)
def _field_name(name: str) -> str:
    if not _FIELD_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header field or a cookie:"
                         " it must be a token (RFC 9110)")
    return name

class Headers(_Lookup):
    """Header fields in order; the case of names is ignored (RFC 9110 section 5)."""
    def __init__(self, defaults: Any = None) -> None:
        self._list: list[tuple[str, str]] = []
        if defaults:
            self.extend(defaults)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int):
            return self._list[key]
        if isinstance(key, slice):
            return type(self)(self._list[key])
        lower = key.lower()
        for name, value in self._list:
            if name.lower() == lower:
                return value
        raise _missing_key(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str):
            self.set(key, value)
        elif isinstance(key, int):
            self._list[key] = _field_line(*value)
        else:
            self._list[key] = [_field_line(*line) for line in value]

    def __delitem__(self, key: Any) -> None:
        if isinstance(key, str):
            lower = key.lower()
            self._list[:] = [line for line in self._list if line[0].lower() != lower]
        else:
            del self._list[key]

    def _all(self, key: str) -> list:
        return [value for name, value in self._list if name.lower() == key.lower()]

    get_all = _Lookup.getlist

    def __contains__(self, key: object) -> bool:
        lower = str(key).lower()
        for name, _ in self._list:
            if name.lower() == lower:
                return True
        return False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._list)

    def __len__(self) -> int:
        return len(self._list)

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return _unlike
        return set(self.items(lower=True)) == set(other.items(lower=True))

    def items(self, lower: bool = False) -> Iterator[tuple[str, str]]:
        """Yield (name, value), names in lower case if asked."""
        return ((name.lower() if lower else name, value) for name, value in self._list)

    def keys(self, lower: bool = False) -> Iterator[str]:
        """Yield the names, one for each field line."""
        return (name for name, _ in self.items(lower))

    def values(self) -> Iterator[str]:
        """Yield the values, one for each field line."""
        return (value for _, value in self._list)

    def add(self, key: str, value: Any, /, **options: Any) -> None:
        """Append a field line; options become parameters (`filename="x"`)."""
        if options:
            value = _with_options(value, options)
        self._list.append(_field_line(key, value))

    add_header = add

    def set(self, key: str, value: Any, /, **options: Any) -> None:
        """Put the value in the place of the first such field; remove the others."""
        if options:
            value = _with_options(value, options)
        line, lower, place = _field_line(key, value), key.lower(), None
        for at, (name, _) in enumerate(self._list):
            if name.lower() == lower:
                place = at
                break
        if place is None:
            self._list.append(line)
            return
        self._list[place + 1:] = [
            old for old in self._list[place + 1:] if old[0].lower() != lower]
        self._list[place] = line

    def setlist(self, key: str, values: Iterable) -> None:
        """Replace all fields of this name by as many as there are values."""
        first, *others = values or (None,)
        if first is None:
            self.remove(key)
            return
        self.set(key, first)
        for value in others:
            self.add(key, value)

    def setdefault(self, key: str, default: Any) -> str:
        """Return the value, after setting it if it was missing."""
        if key not in self:
            self.set(key, default)
        return self[key]

    def setlistdefault(self, key: str, default: Iterable) -> list[str]:
        """Return all values, after setting them if there were none."""
        if key not in self:
            self.setlist(key, default)
        return self.getlist(key)

    def extend(self, mapping: Any = (), /, **kwargs: Any) -> None:
        """Append all pairs of Headers, a MultiDict, a mapping with lists, or pairs."""
        if type(mapping) is list and type(self) is Headers and not kwargs:
            lines = []
            for key, value in mapping:
                lines.append(_field_line(key, value))
            self._list += lines     # all of them, or none
            return
        for key, value in (*iter_multi_items(mapping or ()), *iter_multi_items(kwargs)):
            self.add(key, value)

    def update(self, mapping: Any = (), /, **kwargs: Any) -> None:
        """Replace the fields named in Headers, a MultiDict, a mapping, or pairs."""
        if isinstance(mapping, (Headers, MultiDict)):
            mapping = {key: mapping.getlist(key) for key in mapping.keys()}
        pairs = mapping.items() if isinstance(mapping, Mapping) else mapping or ()
        for key, value in (*pairs, *kwargs.items()):
            several = isinstance(value, (list, tuple, set))
            (self.setlist if several else self.set)(key, value)

    def remove(self, key: str) -> None:
        """Remove all fields of this name."""
        del self[key]

    def pop(self, key: Any = None, default: Any = _missing) -> Any:
        """Remove by name (returning its value), or by position (the pair)."""
        if not isinstance(key, str):
            return self._list.pop(-1 if key is None else key)
        value = self[key] if default is _missing else self.get(key, default)
        self.remove(key)
        return value

    def popitem(self) -> tuple[str, str]:
        """Remove and return the last field line."""
        return self._list.pop()

    def clear(self) -> None:
        """Remove all."""
        self._list.clear()

    def to_wsgi_list(self) -> list[tuple[str, str]]:
        """Return the list that PEP 3333's start_response takes."""
        return list(self._list)

    def __str__(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self._list) + "\r\n"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._list!r})"

def _with_options(value: Any, options: Mapping) -> Any:
    return dump_options_header(
        value, {name.replace("_", "-"): option for name, option in options.items()})

_BODY_KEYS = ("CONTENT_TYPE", "CONTENT_LENGTH")     # in the environ without HTTP_

@_frozen
class EnvironHeaders(Headers):
    """The request's header fields, read from a WSGI environ when they are asked for."""
    def __init__(self, environ: dict) -> None:
        self.environ = environ

    def __getitem__(self, key: Any) -> str:
        if not isinstance(key, str):
            raise _missing_key(key)
        key = key.upper().replace("-", "_")
        return self.environ[key if key in _BODY_KEYS else f"HTTP_{key}"]

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None

    def _all(self, key: str) -> list:
        return [self[key]] if key in self else []

    @property
    def _list(self) -> list[tuple[str, str]]:
        environ = self.environ
        found = [(key, environ[key]) for key in _BODY_KEYS if environ.get(key)]
        found += [(key[5:], value) for key, value in environ.items()
                  if key.startswith("HTTP_") and key[5:] not in _BODY_KEYS]
        return [(name.replace("_", "-").title(), value) for name, value in found]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvironHeaders) and self.environ is other.environ

    def copy(self) -> NoReturn:
        """Refuse: `Headers(request.headers)` is a copy that can be changed."""
        raise TypeError("the request's headers cannot be copied: use Headers(headers)")

# --------------------------------------------------------------------------------------
# 4. Cookies and preferences
#
# A client sends back the cookies that it was given (RFC 6265), and says what it would
# rather have: media types, languages, encodings with a quality from 0 to 1, and how
# fresh (RFC 9110 section 12.5, RFC 9111).
# --------------------------------------------------------------------------------------

_COOKIE_PAIR = re.compile(
    r'[ \t]*([^ \t=";]+)[ \t]*(?:=(?:[ \t]*("(?:[^\\"]|\\.)*"|[^ \t";]+))?[ \t]*)?'
    r'(?:;|\Z)')       # no two runs of blanks meet: that would take quadratic time

_COOKIE_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)")
_COOKIE_PLAIN = re.compile(r"[\w!#$%&'()*+\-./:<=>?@\[\]^`{|}~]*", re.A)

def _cookie_unescape(match: re.Match[bytes]) -> bytes:
    return match[1] if len(match[1]) == 1 else bytes([int(match[1], 8)])

def parse_cookie(header: Any, cls: type = MultiDict) -> Any:
    """Parse a Cookie field (a str, or an environ); unfit pairs are dropped whole."""
    if isinstance(header, dict):
        header = header.get("HTTP_COOKIE")
    text = (header or "").encode("latin-1", "replace").decode(errors="replace")
    return cls(_cookie_pairs(text))

def _cookie_pairs(text: str) -> list[tuple[str, str]]:
    pairs, at = [], 0
    while at < len(text):
        match = _COOKIE_PAIR.match(text, at)
        if match is None:
            at = text.find(";", at) + 1 or len(text)
            continue
        name, value = match[1], match[2] or ""
        if value[:1] == '"':
            raw = _COOKIE_ESCAPE.sub(_cookie_unescape, value[1:-1].encode())
            value = raw.decode(errors="replace")
        pairs.append((name, value))
        at = match.end()
    return pairs

def _cookie_quote(value: str) -> str:
    if _COOKIE_PLAIN.fullmatch(value):
        return value
    return '"' + "".join(
        f"\\{chr(byte)}" if byte in b'"\\' else
        chr(byte) if 32 <= byte < 127 and byte not in b",;"
        else f"\\{byte:03o}" for byte in value.encode()) + '"'

def dump_cookie(
    key: str, value: str = "", max_age: timedelta | int | None = None,
    expires: Any = None, path: str | None = "/", domain: str | None = None,
    secure: bool = False, httponly: bool = False, sync_expires: bool = True,
    max_size: int = 4093, samesite: str | None = None, partitioned: bool = False,
) -> str:
    """Return a Set-Cookie value (RFC 6265); `max_age` in seconds writes Expires, too.

    Raises ValueError for a bad `samesite` or a character that would break the field;
    warns when the cookie is larger than `max_size` bytes, which browsers may ignore.
    """
    if isinstance(max_age, timedelta):
        max_age = int(max_age.total_seconds())
    if expires is None and max_age is not None and sync_expires:
        expires = time.time() + max_age
    cookie = f"{_field_name(key)}={_cookie_quote(value)}"
    attributes = _cookie_attributes if expires is None else (
        _cookie_attributes.__wrapped__)     # each time another, not to be kept
    cookie += attributes(domain, expires, max_age, bool(secure), bool(httponly), path,
                         samesite, bool(partitioned))
    if max_size and len(cookie) > max_size:
        warnings.warn(f"The cookie {key!r} is too large: {len(cookie)} bytes, more than"
                      f" {max_size}. Browsers may ignore it.", stacklevel=2)
    return cookie

@functools.lru_cache(maxsize=128, typed=True)
def _cookie_attributes(domain: str | None, expires: Any, max_age: int | None,
                       secure: bool, httponly: bool, path: str | None,
                       samesite: str | None, partitioned: bool) -> str:
    settings: dict[str, Any] = {
        "Domain": _ascii_host((domain or "").partition(":")[0].lstrip(".")) or None,
        "Expires": expires, "Max-Age": max_age, "Secure": secure or partitioned,
        "HttpOnly": httponly, "Path": path and quote(path, safe="%!$&'()*+,/:=@"),
        "SameSite": samesite and samesite.title(), "Partitioned": partitioned}
    if settings["SameSite"] not in (None, "Strict", "Lax", "None"):
        raise ValueError("SameSite must be Strict, Lax or None")
    return "".join(_attribute(name, setting) for name, setting in settings.items()
                   if setting is not None and setting is not False)

def _attribute(name: str, setting: Any) -> str:
    if name == "Expires" and not isinstance(setting, str):
        setting = http_date(setting)
    if ";" in str(setting) or not _is_value(str(setting)) or (
            name == "Domain" and re.search(r"[^\w.:\-]", setting)):
        raise ValueError(f"the cookie attribute {name} is no such: {setting!r}")
    return f"; {name}" if setting is True else f"; {name}={setting}"

def _ascii_host(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode("ascii")

class Accept(ImmutableList):
    """The (value, quality) pairs of an Accept field, the most specific first.

    Indexed by a number it is a list, by a string it gives that value's quality (RFC
    9110 section 12.5).
    """
    def __init__(self, values: Iterable[tuple[str, float]] | None = ()) -> None:
        self.provided = values is not None
        if not isinstance(values, Accept):
            values = sorted(values or (), reverse=True,
                            key=lambda pair: (self._specificity(pair[0]), pair[1]))
        super().__init__(values)

    def _specificity(self, value: str) -> tuple[bool, ...]:
        return (value != "*",)

    def _normal(self, value: str) -> Any:
        return value.lower()

    def _value_matches(self, value: str, item: str) -> bool:
        return item == "*" or self._normal(item) == self._normal(value)

    def find(self, key: Any) -> int:
        """Return the place of the first pair that accepts this value, or -1."""
        for at, pair in enumerate(self):
            fits = isinstance(key, str) and self._value_matches(key, pair[0])
            if pair == key or fits:
                return at
        return -1

    def index(self, key: Any, *_: Any) -> int:
        """Return the place of the first pair that accepts this value; ValueError."""
        if (at := self.find(key)) < 0:
            raise ValueError(key)
        return at

    def __contains__(self, key: Any) -> bool:
        return self.find(key) >= 0

    def quality(self, key: str) -> float:
        """Return the quality (0 to 1) the client gives this value."""
        return self[at][1] if (at := self.find(key)) >= 0 else 0

    def __getitem__(self, key: Any) -> Any:
        return self.quality(key) if isinstance(key, str) else super().__getitem__(key)

    def values(self) -> Iterator[str]:
        """Yield the values without their qualities."""
        return (value for value, _ in self)

    @property
    def best(self) -> str | None:
        """The first value, or None."""
        return self[0][0] if self else None

    def best_match(self, matches: Iterable[str], default: Any = None) -> str | None:
        """Return the match of the highest quality, the more specific of equals."""
        best: Any = default
        score: Any = (0.0, ())
        for match in matches:
            if (at := self.find(match)) >= 0 and self[at][1] > 0:
                mine = (self[at][1], self._specificity(self[at][0]))
                if mine > score:
                    best, score = match, mine
        return best

    def to_header(self) -> str:
        """Return the field's value."""
        return ",".join(value if q == 1 else f"{value};q={q}" for value, q in self)

    __str__ = to_header

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)!r})"

class MIMEAccept(Accept):
    """Accept: media ranges, parameters and all (RFC 9110 section 12.5.1)."""
    def _normal(self, value: str) -> list[str]:
        parts = value.lower().replace("/", ";", 1).split(";")
        return [part.strip(" \t") for part in parts]

    def _specificity(self, value: str) -> tuple[bool, ...]:
        return tuple(part != "*" for part in self._normal(value))

    def _value_matches(self, value: str, item: str) -> bool:
        wanted, offered = self._normal(item), self._normal(value)
        if "/" not in item:
            return False
        if "/" not in value or offered[0] == "*" != offered[1]:
            raise ValueError(f"{value!r} is no media type")
        if wanted[0] == "*" != wanted[1]:
            return False
        if "*" == wanted[0] or "*" == offered[0]:
            return True
        return wanted[0] == offered[0] and (
            "*" in (wanted[1], offered[1])
            or wanted[1] == offered[1] and sorted(wanted[2:]) == sorted(offered[2:]))

    accept_json = property(lambda self: "application/json" in self, doc="JSON is fine.")
    accept_xhtml = property(lambda self: "application/xhtml+xml" in self
                            or "application/xml" in self, doc="XHTML or XML is fine.")
    accept_html = property(lambda self: "text/html" in self or self.accept_xhtml,
                           doc="HTML or XHTML is accepted.")

class LanguageAccept(Accept):
    """Accept-Language: `de_AT` is `de-at`; at last the primary tag alone decides."""
    def _normal(self, value: str) -> list[str]:
        return re.split("[_-]", value.lower())

    def best_match(self, matches: Iterable[str], default: Any = None) -> str | None:
        """Return the best match; `en` accepts `en-GB`, and `en-GB` then `en`."""
        offered = list(matches)
        def primary(tag: str) -> str:
            return re.split("[_-]", tag)[0]
        shortened = Accept((primary(item), quality) for item, quality in self)
        found = super().best_match(offered) or shortened.best_match(offered)
        if found is None:
            tag = super().best_match(map(primary, offered))
            found = next((match for match in offered if primary(match) == tag), None)
        return default if found is None else found

class CharsetAccept(Accept):
    """Accept-Charset: `utf8` is `UTF-8`."""
    def _normal(self, value: str) -> str:
        name = value.lower().replace("-", "_")      # codecs.lookup would keep each name
        return encodings.aliases.aliases.get(name, name)

_QUALITY = re.compile(r"[ \t]*-?[0-9]+(\.[0-9]+)?[ \t]*")

def parse_accept_header(value: str | None, cls: type = Accept) -> Any:
    """Parse an Accept field to `cls`; a quality outside of 0 to 1 drops its item."""
    pairs = []
    for entry in parse_list_header(value or ""):
        item, options = parse_options_header(entry)
        text = options.pop("q", None)
        quality = 1 if text is None else float(text) if _QUALITY.fullmatch(text) else -1
        if 0 <= quality <= 1:
            pairs.append((dump_options_header(item, options), quality))
    return cls(pairs if value else None)

def _cache_directive(name: str, kind: Any, empty: Any = None) -> property:
    """Make a property of a Cache-Control directive: a flag, a number, or text.

    `empty` is what it says when it stands there without a value.
    """
    def get(self: Any) -> Any:
        if kind is bool:
            return name in self
        with contextlib.suppress(KeyError, ValueError):
            return empty if self[name] is None else kind(self[name])
        return None

    def change(self: Any, value: Any) -> None:
        if value is None or value is False:
            self.pop(name, None)
        else:
            self[name] = None if value is True else str(kind(value))
    return property(get, change, lambda self: self.pop(name, None), f"{name}.")

class _CacheControl(CallbackDict):
    no_store = _cache_directive("no-store", bool)
    no_transform = _cache_directive("no-transform", bool)
    max_age = _cache_directive("max-age", int)
    stale_if_error = _cache_directive("stale-if-error", int)

    def to_header(self) -> str:
        """Return the field's value."""
        return dump_header(self)

    __str__ = to_header

    def __repr__(self) -> str:
        items = " ".join(f"{key}={value!r}" for key, value in sorted(self.items()))
        return f"<{type(self).__name__} {items}>"

@_frozen
class RequestCacheControl(_CacheControl):
    """The Cache-Control of a request (RFC 9111 section 5.2.1)."""
    no_cache = _cache_directive("no-cache", bool)
    only_if_cached = _cache_directive("only-if-cached", bool)
    max_stale = _cache_directive("max-stale", int, empty=True)
    min_fresh = _cache_directive("min-fresh", int)

class ResponseCacheControl(_CacheControl):
    """The Cache-Control of a response, written back on change (RFC 9111 5.2.2)."""
    no_cache = _cache_directive("no-cache", str, empty=True)
    private = _cache_directive("private", str, empty=True)
    public = _cache_directive("public", bool)
    must_revalidate = _cache_directive("must-revalidate", bool)
    proxy_revalidate = _cache_directive("proxy-revalidate", bool)
    must_understand = _cache_directive("must-understand", bool)
    immutable = _cache_directive("immutable", bool)
    s_maxage = _cache_directive("s-maxage", int)
    stale_while_revalidate = _cache_directive("stale-while-revalidate", int)

def parse_cache_control_header(value: str | None, on_update: Callable | None = None,
                               cls: type | None = None) -> Any:
    """Parse a Cache-Control field to `cls`."""
    return (cls or RequestCacheControl)(parse_dict_header(value or ""), on_update)

# --------------------------------------------------------------------------------------
# 5. Conditions and ranges  (skip on first reading)
#
# A client that has a copy asks whether it still holds (If-None-Match, If-Modified-
# Since), one that has a part asks for the rest (Range): RFC 9110 sections 13 and 14.
# --------------------------------------------------------------------------------------

def generate_etag(data: bytes) -> str:
    """Return the SHA-1 of a body, to be its entity tag."""
    return hashlib.sha1(data).hexdigest()

def quote_etag(etag: str, weak: bool = False) -> str:
    """Return an entity tag as it stands in a field; ValueError for a quote in it."""
    if '"' in etag:
        raise ValueError(f"the entity tag {etag!r} has a quote in it")
    return f'W/"{etag}"' if weak else f'"{etag}"'

def unquote_etag(etag: str | None) -> tuple:
    """Return (tag, whether it is weak) of a field, or (None, None)."""
    if not etag:
        return None, None
    weak = etag[:2] in ("W/", "w/")
    etag = etag[2:] if weak else etag
    return (etag[1:-1] if etag[:1] == etag[-1:] == '"' else etag), weak

class _Text:
    """What ETags, Range, ContentRange and IfRange share: their text is the field's."""
    to_header: Any

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self)!r}>"

class ETags(_Text):
    """The entity tags of an If-Match or If-None-Match field; `*` stands for all."""
    def __init__(self, strong_etags: Iterable[str] | None = None,
                 weak_etags: Iterable[str] | None = None,
                 star_tag: bool = False) -> None:
        self._strong = frozenset(() if star_tag else strong_etags or ())
        self._weak, self.star_tag = frozenset(weak_etags or ()), star_tag

    def as_set(self, include_weak: bool = False) -> set[str]:
        """Return the tags as a plain set."""
        return set(self._strong | self._weak if include_weak else self._strong)

    def is_weak(self, etag: str) -> bool:
        """Tell whether the tag is here as a weak one."""
        return etag in self._weak

    def is_strong(self, etag: str) -> bool:
        """Tell whether the tag is here as a strong one."""
        return etag in self._strong

    def contains(self, etag: str) -> bool:
        """Tell whether the tag is here as a strong one, or all are meant."""
        return self.star_tag or self.is_strong(etag)

    def contains_weak(self, etag: str) -> bool:
        """Tell whether the tag is here, weak or strong."""
        return self.is_weak(etag) or self.contains(etag)

    def contains_raw(self, etag: str) -> bool:
        """Tell whether a tag, quoted and perhaps marked as weak, is here."""
        tag, weak = unquote_etag(etag)
        return self.contains_weak(tag) if weak else self.contains(tag)

    def to_header(self) -> str:
        """Return the field's value."""
        return "*" if self.star_tag else ", ".join(
            [quote_etag(tag) for tag in self._strong]
            + [quote_etag(tag, True) for tag in self._weak])

    __contains__ = contains

    def __call__(self, etag: str | None = None, data: bytes | None = None,
                 include_weak: bool = False) -> bool:
        if etag is None:
            if data is None:
                raise TypeError("give an etag, or the data to make one of")
            etag = generate_etag(data)
        return etag in self._strong or include_weak and etag in self._weak

    def __bool__(self) -> bool:
        return bool(self.star_tag or self._strong or self._weak)

    def __len__(self) -> int:
        return len(self._strong)

    def __iter__(self) -> Iterator[str]:
        return iter(self._strong)

_ETAG = re.compile(r'[ \t]*([Ww]/)?(?:"([^"]*)"|([^" \t,]+))[ \t]*(?:,|\Z)')

def parse_etags(value: str | None) -> ETags:
    """Parse an If-Match or If-None-Match field; what is no tag is left out."""
    if value == "*":
        return ETags(star_tag=True)
    tags: tuple[list, list] = ([], [])
    at, value = 0, value or ""
    while at < len(value):
        match = _ETAG.match(value, at)
        if match:
            tags[bool(match[1])].append(match[2] if match[2] is not None else match[3])
        at = match.end() if match else (value.find(",", at) + 1 or len(value))
    return ETags(*tags)

class IfRange(_Text):
    """An If-Range field: an entity tag or a date."""
    def __init__(self, etag: str | None = None, date: datetime | None = None) -> None:
        self.etag, self.date = etag, date

    def to_header(self) -> str:
        """Return the field's value."""
        if self.date is not None:
            return http_date(self.date)
        return "" if self.etag is None else f'"{self.etag}"'

def parse_if_range_header(value: str | None) -> IfRange:
    """Parse an If-Range field."""
    when = parse_date(value)
    return IfRange(date=when) if when else IfRange(unquote_etag(value)[0])

class Range(_Text):
    """A Range field: (start, end) pairs, end excluded; a negative start counts back."""
    def __init__(self, units: str, ranges: Iterable[tuple[int, int | None]]) -> None:
        self.units, self.ranges = units, list(ranges)
        for start, end in self.ranges:
            if start is None or end is not None and not 0 <= start < end:
                raise ValueError(f"{(start, end)} is no range")

    def range_for_length(self, length: int | None) -> tuple[int, int] | None:
        """Return the one (start, end) in a body of this length, or None."""
        if self.units != "bytes" or length is None or len(self.ranges) != 1:
            return None
        start, end = self.ranges[0]
        start = max(0, start + length) if start < 0 else start
        end = length if end is None else min(end, length)
        return (start, end) if start < end else None

    def make_content_range(self, length: int | None) -> ContentRange | None:
        """Return what a Content-Range says of it."""
        span = self.range_for_length(length)
        return ContentRange(self.units, *span, length) if span else None

    def to_content_range_header(self, length: int | None) -> str | None:
        """Return the value of a Content-Range field."""
        span = self.make_content_range(length)
        return span.to_header() if span else None

    def to_header(self) -> str:
        """Return the field's value."""
        return f"{self.units}=" + ",".join(
            str(start) if start < 0 else f"{start}-{'' if end is None else end - 1}"
            for start, end in self.ranges)

_RANGE = re.compile(r"[ \t]*(?:([0-9]+)[ \t]*-[ \t]*([0-9]*)|-([0-9]+))[ \t]*")
_CONTENT_RANGE = re.compile(
    r"[ \t]*(\S+) (?:\*|([0-9]{1,99})-([0-9]{1,99}))/(?:\*|([0-9]{1,99}))[ \t]*")

def parse_range_header(value: str | None, make_inclusive: bool = True) -> Range | None:
    """Parse a Range field; None if it is malformed, or its ranges overlap."""
    units, _, text = (value or "").partition("=")
    ranges: list[tuple[int, int | None]] = []
    last: float = 0
    for item in text.split(","):
        span = _range_of(item)
        if span is None or last == float("inf") or 0 <= span[0] < last:
            return None
        ranges.append(span)
        last = float("inf") if span[1] is None else span[1]
    return Range(units.strip(" \t").lower(), ranges)

def _range_of(text: str) -> tuple[int, int | None] | None:
    match = _RANGE.fullmatch(text) if len(text) < 100 else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if first is None:
        return (-int(suffix), None) if int(suffix) else None
    start, end = int(first), int(last) + 1 if last else None
    return None if end is not None and start >= end else (start, end)

class ContentRange(_Text):
    """A Content-Range field: bytes `start` to `stop`, not included, of `length`."""
    units: str | None
    start: Any
    stop: Any
    on_update: Callable | None = None

    def __init__(self, units: str | None, start: int | None, stop: int | None,
                 length: int | None = None, on_update: Callable | None = None) -> None:
        self.set(start, stop, length, units)
        self.on_update = on_update

    def set(self, start: int | None, stop: int | None, length: int | None = None,
            units: str | None = "bytes") -> None:
        """Change all at once; AssertionError for a range that cannot be."""
        assert is_byte_range_valid(start, stop, length), "Bad range provided"
        self.__dict__.update(units=units, start=start, stop=stop)
        self.length = length

    def unset(self) -> None:
        """Remove the field."""
        self.set(None, None, None, None)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if self.on_update and name != "on_update":
            self.on_update(self)

    def to_header(self) -> str:
        """Return the field's value."""
        length = "*" if self.length is None else self.length
        span = "*" if self.start is None else f"{self.start}-{self.stop - 1}"
        return "" if self.units is None else f"{self.units} {span}/{length}"

    def __bool__(self) -> bool:
        return self.units is not None

def is_byte_range_valid(start: Any, stop: Any, length: int | None) -> bool:
    """Tell whether these can be the parts of a Content-Range."""
    if start is None or stop is None:
        return start is stop and (length is None or length >= 0)
    return 0 <= start < stop and (length is None or start < length)

def parse_content_range_header(value: str | None, on_update: Any = None) -> Any:
    """Parse a Content-Range field; None if it is malformed."""
    match = _CONTENT_RANGE.fullmatch(value or "")
    if not match:
        return None
    numbers = (None if text is None else int(text) for text in match.groups()[1:])
    start, last, length = numbers
    stop = None if last is None else last + 1
    if not is_byte_range_valid(start, stop, length):
        return None
    return ContentRange(match[1], start, stop, length, on_update)

_STRONG_TAG = re.compile(r'"[^"]*"')

def is_resource_modified(
    environ: dict, etag: str | None = None, data: bytes | None = None,
    last_modified: Any = None, ignore_if_range: bool = True,
) -> bool:
    """Tell whether a client must be sent the content, by what its conditions say.

    Entity tags count before dates, If-Match before If-None-Match.
    """
    if data is not None:
        if etag is not None:
            raise TypeError("give either data or its etag, not both")
        etag = generate_etag(data)
    if_range = None
    if not ignore_if_range and "HTTP_RANGE" in environ:
        if_range = parse_if_range_header(environ.get("HTTP_IF_RANGE"))
    elif etag and environ.get("HTTP_IF_NONE_MATCH") == etag and (
            _STRONG_TAG.fullmatch(etag) and "HTTP_IF_MATCH" not in environ):
        return False        # as most browsers ask: that one tag, nothing to parse
    return _is_modified(environ, etag, last_modified, if_range)

def _is_modified(environ: dict, etag: str | None, last_modified: Any,
                 if_range: IfRange | None) -> bool:
    tag = unquote_etag(etag)[0]
    if tag is not None and (answer := _tag_differs(environ, tag, if_range)) is not None:
        return answer
    since = if_range and if_range.date or parse_date(
        environ.get("HTTP_IF_MODIFIED_SINCE"))
    return since is None or _is_newer(last_modified, since)

def _tag_differs(environ: dict, tag: str, if_range: IfRange | None) -> bool | None:
    """Tell whether the client has something else; None if it speaks of no tags."""
    if if_range and if_range.etag is not None:
        return if_range.etag != tag
    if match := parse_etags(environ.get("HTTP_IF_MATCH")):
        return match.is_strong(tag)
    if none_match := parse_etags(environ.get("HTTP_IF_NONE_MATCH")):
        return not none_match.contains_weak(tag)
    return None

def _is_newer(last_modified: Any, since: datetime) -> bool:
    when = last_modified
    if isinstance(when, str):
        when = parse_date(when)
    if when is None:
        return True
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return when.replace(microsecond=0) > since

# --------------------------------------------------------------------------------------
# 6. Signals and proxies
#
# `request` is global, and yet each thread and each task sees its own: behind the name
# stands a LocalProxy, which at each access asks a ContextVar (PEP 567) for the context
# that is pushed here and now, and hands the access on. Such a variable has a value of
# its own in each thread, which starts with none, and in each task, which starts with a
# copy. Where no context was pushed there stands one that explains. Before that come two
# tools of many chapters: cached_property, which computes a value once, and signals,
# which tell whoever listens what happens; they are Blinker's where that is installed.
# --------------------------------------------------------------------------------------

class cached_property:      # functools' takes a lock in Python 3.10 and 3.11
    """A property computed once an object: the value is then a plain attribute."""
    def __init__(self, fget: Callable[[Any], Any]) -> None:
        self.fget, self.__name__, self.__doc__ = fget, fget.__name__, fget.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = self.fget(obj)
        _keep(obj, self.__name__, value, self)
        return value

def _keep(obj: Any, name: str, value: Any, descriptor: Any) -> None:
    """Make a value the attribute that a descriptor stands for.

    To touch `obj.__dict__` would make CPython 3.11 look up each attribute of the object
    in four times the time from then on; so that is for a property of a subclass, which
    asks `super()` for the value.
    """
    if getattr(type(obj), name, None) is descriptor:
        object.__setattr__(obj, name, value)
    else:
        obj.__dict__[name] = value

class _Signal:
    """What stands in for a signal of Blinker where that is not installed."""
    def __init__(self, name: str) -> None:
        self.name = name
        self.receivers: dict[Any, tuple[Any, Any]] = {}

    def connect(self, receiver: Callable, sender: Any = None, weak: Any = True) -> Any:
        """Call `receiver(sender, **values)` when this sender (None: any) sends it."""
        self.receivers[receiver, id(sender)] = receiver, sender
        return receiver

    def connect_via(self, sender: Any, weak: bool = False) -> Callable:
        """Connect a function to a sender (a decorator)."""
        return lambda receiver: self.connect(receiver, sender)

    def disconnect(self, receiver: Callable, sender: Any = None) -> None:
        """Undo `connect`, for one sender or for all."""
        for key in list(self.receivers):
            if key[0] == receiver and sender in (None, self.receivers[key][1]):
                del self.receivers[key]

    @contextlib.contextmanager
    def connected_to(self, receiver: Callable, sender: Any = None) -> Iterator[None]:
        """Connect a receiver as long as the `with` block lasts."""
        self.connect(receiver, sender)
        try:
            yield
        finally:
            self.disconnect(receiver, sender)

    def has_receivers_for(self, sender: Any) -> bool:
        """Tell whether anybody listens to this sender."""
        only = [only for _, only in self.receivers.values()]
        return any(one is None or one is sender for one in only)

    def send(self, sender: Any = None, _async_wrapper: Any = None,
             **values: Any) -> list:
        """Call the receivers; return (receiver, its result) of each."""
        ready = _async_wrapper or (lambda receiver: receiver)
        return [(receiver, ready(receiver)(sender, **values)) for receiver, only in
                list(self.receivers.values()) if only is None or only is sender]

class Namespace(dict):
    """Signals by name; Blinker's where that is installed."""
    def signal(self, name: str, doc: str | None = None) -> Any:
        """Return the signal of this name, the same one each time."""
        return self.setdefault(name, _Signal(name))

with contextlib.suppress(ImportError):
    from blinker import Namespace       # type: ignore[assignment, no-redef]  # noqa

(template_rendered, before_render_template, request_started, request_finished,
 request_tearing_down, got_request_exception, appcontext_tearing_down,
 appcontext_pushed, appcontext_popped, message_flashed) = map(Namespace().signal, """
    template-rendered before-render-template request-started request-finished
    request-tearing-down got-request-exception appcontext-tearing-down
    appcontext-pushed appcontext-popped message-flashed""".split())

_BY_FUNCTION: dict[str, Callable] = {
    "int": int, "float": float, "complex": complex, "str": str, "bytes": bytes,
    "round": round, "hash": hash, "copy": copy.copy, "reversed": reversed,
    "deepcopy": lambda obj, memo: copy.deepcopy(obj, memo),
    "divmod": divmod, "rdivmod": lambda obj, other: divmod(other, obj),
    "instancecheck": lambda obj, instance: isinstance(instance, obj),
    "subclasscheck": lambda obj, subclass: issubclass(subclass, obj)}

class LocalProxy:
    """An object that stands for another, found anew at each access.

    `local` is a function that returns it, a ContextVar, or an object with an attribute
    `name`. What is not there raises a RuntimeError that says `unbound_message`.
    """
    __slots__ = ("_find",)

    def __init__(self, local: Any, name: str | None = None, *,
                 unbound_message: str | None = None) -> None:
        get = local.get if isinstance(local, ContextVar) else local
        def find() -> Any:
            try:
                found = get() if callable(get) else get
                return found if name is None else getattr(found, name)
            except (LookupError, AttributeError) as error:
                if callable(get) and not isinstance(local, ContextVar) and name is None:
                    raise       # the function's own error: it is no missing context
                text = unbound_message or "the object is not bound here"
                raise RuntimeError(text) from error
        object.__setattr__(self, "_find", find)

    def __getattribute__(self, attribute: str) -> Any:
        find = object.__getattribute__(self, "_find")
        if attribute == "_get_current_object":
            return find
        try:
            return getattr(find(), attribute)
        except RuntimeError:
            if attribute[:2] == "__":       # asked by pytest, inspect and the like
                return object.__getattribute__(self, attribute)
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._get_current_object(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._get_current_object(), name)

    def __bool__(self) -> bool:
        try:
            return bool(self._get_current_object())
        except RuntimeError:
            return False

    def __repr__(self) -> str:
        try:
            return repr(self._get_current_object())
        except RuntimeError:
            return f"<{type(self).__name__} unbound>"

    def __dir__(self) -> list[str]:
        try:
            return dir(self._get_current_object())
        except RuntimeError:
            return []

def _pass_on(name: str, find: Callable | None = None) -> Callable:
    """Make a special method that does to the object what is done to its proxy."""
    do = _BY_FUNCTION.get(name) or vars(operator).get(f"__{name}__")
    swapped = vars(operator).get(f"__{name[1:]}__")     # add for radd, and for iadd
    if find and name in _ITEM_METHODS:     # a third of what the general way takes
        return lambda self, *args: do(find(), *args)    # type: ignore[misc]
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        obj = self._get_current_object()
        if do:
            result = do(obj, *args, **kwargs)
            return self if swapped and name[0] == "i" else result
        if swapped and name[0] == "r":
            return swapped(*args, obj)
        if not hasattr(obj, f"__{name}__"):
            raise TypeError(f"a {type(obj).__name__} has no __{name}__")
        return getattr(obj, f"__{name}__")(*args, **kwargs)
    return method

_PASSED_ON = """call len getitem setitem delitem iter next contains eq ne lt le gt
    ge hash str bytes format int float complex index round abs neg pos invert add
    radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv
    ifloordiv mod rmod imod divmod rdivmod pow rpow ipow lshift rlshift ilshift rshift
    rrshift irshift and rand iand or ror ior xor rxor ixor matmul rmatmul imatmul
    reversed enter exit await aiter anext aenter aexit copy deepcopy fspath trunc
    instancecheck subclasscheck"""
_ITEM_METHODS = ("getitem", "setitem", "delitem", "contains")
for _name in _PASSED_ON.split():
    setattr(LocalProxy, f"__{_name}__", _pass_on(_name))

def _needs(need: str) -> Any:
    """Make a property that explains which context is missing, whoever reads it."""
    def explain(self: Any) -> NoReturn:
        how = ("Use it in a view, or in a test: `with app.test_request_context():`."
               if need == "request" else
               "Use it in a view, or wrap the code in `with app.app_context():`.")
        raise RuntimeError(f"Working outside of {need} context.\n\nNo {need}"
                           f" context is active here, and one is needed. {how}")
    return property(explain)

class _Outside:
    """The context where there is none: each access explains what is missing."""
    app = g = _needs("application")
    request = session = _needs("request")

_outside: Any = _Outside()
_context: ContextVar[Any] = ContextVar("microflask.context", default=_outside)

def _context_proxy(attribute: str) -> Any:
    """Make the proxy of an attribute of the current context.

    It is a class of its own because that is fast: 0.1 us an access, 0.3 in LocalProxy.
    The attribute is None where there is no such thing: in a context without a request.
    """
    pick, get = attrgetter(attribute), _context.get
    def find() -> Any:
        found = pick(get())
        return pick(_outside) if found is None else found

    class Proxy(LocalProxy):
        """What stands for this attribute of the context that is current."""
        __slots__ = ()

        def __getattribute__(self, name: str) -> Any:
            if name == "_get_current_object":
                return find
            try:
                return getattr(pick(get()), name)
            except AttributeError:
                find()      # explains, if there is no request at all
                raise
            except RuntimeError:
                if name[:2] == "__":        # asked by pytest, inspect and the like
                    return object.__getattribute__(self, name)
                raise
    for name in _ITEM_METHODS:
        setattr(Proxy, f"__{name}__", _pass_on(name, find))
    return Proxy(find)

current_app: Any = _context_proxy("app")
g: Any = _context_proxy("g")
request: Any = _context_proxy("request")
session: Any = _context_proxy("session")
app_ctx: Any = LocalProxy(lambda: _context.get().app and _context.get())  # or explains

# --------------------------------------------------------------------------------------
# 7. Errors that are answers
#
# `abort(404)` raises an exception, and the exception knows its response. The family is
# one table of code, name and sentence; the few that carry a header of their own (Allow,
# Retry-After, WWW-Authenticate, Content-Range) get it from a base class beside the
# table.
# --------------------------------------------------------------------------------------

HTTP_STATUS_CODES: dict[int, str] = {int(line[:3]): line[4:] for line in """\
100 Continue|101 Switching Protocols|102 Processing|103 Early Hints|200 OK|201 Created
202 Accepted|203 Non Authoritative Information|204 No Content|205 Reset Content
206 Partial Content|207 Multi Status|208 Already Reported|226 IM Used
300 Multiple Choices
301 Moved Permanently|302 Found|303 See Other|304 Not Modified|305 Use Proxy
306 Switch Proxy|307 Temporary Redirect|308 Permanent Redirect|400 Bad Request
401 Unauthorized|402 Payment Required|403 Forbidden|404 Not Found|405 Method Not Allowed
406 Not Acceptable|407 Proxy Authentication Required|408 Request Timeout|409 Conflict
410 Gone
411 Length Required|412 Precondition Failed|413 Request Entity Too Large
414 Request URI Too Long|415 Unsupported Media Type|416 Requested Range Not Satisfiable
417 Expectation Failed|418 I'm a teapot|421 Misdirected Request|422 Unprocessable Entity
423 Locked|424 Failed Dependency|425 Too Early|426 Upgrade Required
428 Precondition Required
429 Too Many Requests|431 Request Header Fields Too Large|449 Retry With
451 Unavailable For Legal Reasons|500 Internal Server Error|501 Not Implemented
502 Bad Gateway
503 Service Unavailable|504 Gateway Timeout|505 HTTP Version Not Supported
506 Variant Also Negotiates|507 Insufficient Storage|508 Loop Detected|510 Not Extended
511 Network Authentication Failed""".replace("|", "\n").splitlines()}

_PAGE_STYLE = """<meta name=viewport content="width=device-width">
<style>:root { color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif }
body { max-width: 32em; margin: 15vh auto; padding: 0 1em; overflow-wrap: anywhere }
</style>"""

# Both are kept, because mostly it is the sentence of the class; a long text may be a
# client's.
@functools.lru_cache(maxsize=256, typed=True)
def _paragraph(text: str) -> str:
    return f"<p>{escape(text).replace(chr(10), Markup('<br>'))}</p>"

@functools.lru_cache(maxsize=256)
def _error_page(code: int | None, name: str, description: str) -> str:
    name = escape(name)
    return (f"<!doctype html>\n<html lang=en>\n<title>{code} {name}</title>\n"
            f"{_PAGE_STYLE}\n<h1>{name}</h1>\n{description}\n")

class HTTPException(Exception):
    """An error that is a response: raise it in a view, or let `abort` do so.

    A subclass with a `code` and a `description` of its own is an error of its own.
    """
    code: int | None = None
    description: str | None = None

    def __init__(self, description: str | None = None, response: Any = None) -> None:
        super().__init__()
        if description is not None:
            self.description = description
        self.response = response

    @property
    def name(self) -> str:
        """The reason phrase of the code."""
        return HTTP_STATUS_CODES.get(self.code or 0, "Unknown Error")

    def get_description(self, environ: Any = None, scope: Any = None) -> str:
        """Return the description as a paragraph of HTML, escaped."""
        text = self.description or ""
        return _paragraph(text) if len(text) < 300 else _paragraph.__wrapped__(text)

    def get_body(self, environ: Any = None, scope: Any = None) -> str:
        """Return the page."""
        name, description = self.name, self.get_description(environ)
        keep = type(name) is type(description) is str and len(description) < 300
        make: Any = _error_page if keep else _error_page.__wrapped__
        return make(self.code, name, description)

    def get_headers(self, environ: Any = None, scope: Any = None) -> list:
        """Return the header fields of the page."""
        return [("Content-Type", "text/html; charset=utf-8")]

    def get_response(self, environ: Any = None, scope: Any = None) -> Any:
        """Return the response this error was given, or a page that shows it."""
        if self.response is not None:
            return self.response
        return Response(self.get_body(environ), self.code, self.get_headers(environ))

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        return self.get_response(environ)(environ, start_response)

    def __str__(self) -> str:
        return f"{self.code or '???'} {self.name}: {self.description}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.code or '???'}: {self.name}'>"

class _WithMethods(HTTPException):
    def __init__(self, valid_methods: Any = None, description: str | None = None,
                 response: Any = None) -> None:
        super().__init__(description, response)
        self.valid_methods = valid_methods

    def get_headers(self, environ: Any = None, scope: Any = None) -> list:
        allow = [("Allow", ", ".join(self.valid_methods))] if self.valid_methods else []
        return super().get_headers(environ) + allow

class _WithLength(HTTPException):
    def __init__(self, length: int | None = None, units: str = "bytes",
                 description: str | None = None, response: Any = None) -> None:
        super().__init__(description, response)
        self.length, self.units = length, units

    def get_headers(self, environ: Any = None, scope: Any = None) -> list:
        field = [("Content-Range", f"{self.units} */{self.length}")]
        return super().get_headers(environ) + (field if self.length is not None else [])

class _WithRetry(HTTPException):
    def __init__(self, description: str | None = None, response: Any = None,
                 retry_after: datetime | int | None = None) -> None:
        super().__init__(description, response)
        self.retry_after = retry_after

    def get_headers(self, environ: Any = None, scope: Any = None) -> list:
        when: Any = self.retry_after
        when = http_date(when) if isinstance(when, datetime) else str(when or "")
        return super().get_headers(environ) + ([("Retry-After", when)] if when else [])

class _WithChallenge(HTTPException):
    def __init__(self, description: str | None = None, response: Any = None,
                 www_authenticate: Any = None) -> None:
        super().__init__(description, response)
        several = isinstance(www_authenticate, (list, tuple))
        self.www_authenticate = www_authenticate if several else (
            [www_authenticate] if www_authenticate else [])

    def get_headers(self, environ: Any = None, scope: Any = None) -> list:
        fields = [("WWW-Authenticate", str(each)) for each in self.www_authenticate]
        return super().get_headers(environ) + fields

class _WithOriginal(HTTPException):
    def __init__(self, description: str | None = None, response: Any = None,
                 original_exception: BaseException | None = None) -> None:
        super().__init__(description, response)
        self.original_exception = original_exception

default_exceptions: dict[int, Any] = {}
_SPECIAL = {401: _WithChallenge, 405: _WithMethods, 416: _WithLength, 429: _WithRetry,
            500: _WithOriginal, 503: _WithRetry}

for _line in """\
400 BadRequest The request could not be understood.
401 Unauthorized This page is for those who have logged in.
403 Forbidden You may not see this page, or not do this.
404 NotFound There is nothing at this address. Is it spelled correctly?
405 MethodNotAllowed This address does not take requests of this method.
406 NotAcceptable This address has nothing in a form that your browser accepts.
408 RequestTimeout The request took too long to arrive.
409 Conflict The request conflicts with what is stored here. Please try again.
410 Gone What was at this address is gone and will not come back.
411 LengthRequired A request like this must say its Content-Length.
412 PreconditionFailed A condition that the request made does not hold.
413 RequestEntityTooLarge The request is larger than this server takes.
414 RequestURITooLarge The address is longer than this server takes.
415 UnsupportedMediaType This address does not take content of this type.
416 RequestedRangeNotSatisfiable The requested part lies outside of the content.
417 ExpectationFailed This server cannot do what the Expect field asks for.
418 ImATeapot This server is a teapot, not a coffee machine.
421 MisdirectedRequest This server does not answer for that host.
422 UnprocessableEntity The request is well formed, but what it says cannot be done.
423 Locked What you want to use is locked.
424 FailedDependency An earlier step failed, so this one was not tried.
428 PreconditionRequired A request like this must be conditional: send If-Match.
429 TooManyRequests You have sent too many requests. Please wait a little.
431 RequestHeaderFieldsTooLarge The header fields are larger than this server takes.
451 UnavailableForLegalReasons This page may not be shown, for legal reasons.
500 InternalServerError Something went wrong in the server. It is not your fault.
501 NotImplemented This server cannot do this with any address.
502 BadGateway A server behind this one gave an answer that makes no sense.
503 ServiceUnavailable The server cannot answer just now. Please try again later.
504 GatewayTimeout A server behind this one did not answer in time.
505 HTTPVersionNotSupported This server does not speak that version of HTTP.
""".splitlines():
    _code, _name, _sentence = _line.split(" ", 2)
    globals()[_name] = default_exceptions[int(_code)] = type(
        _name, (_SPECIAL.get(int(_code), HTTPException),),
        {"code": int(_code), "description": _sentence, "__doc__": _sentence,
         "__module__": __name__})

BadRequest: Any = default_exceptions[400]
NotFound: Any = default_exceptions[404]
MethodNotAllowed: Any = default_exceptions[405]
RequestEntityTooLarge: Any = default_exceptions[413]
InternalServerError: Any = default_exceptions[500]

class BadRequestKeyError(BadRequest, KeyError):
    """A key that a form, a query or the like does not have; unhandled, it is a 400."""
    show_exception = False      # debug mode sets it, and the page names the key

    def __init__(self, arg: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.args = () if arg is None else (arg,)

    @property
    def description(self) -> str:
        """The sentence, and the missing key where it may be shown."""
        known = self.show_exception and self.args
        key = f"\nThe missing key: {self.args[0]!r}" if known else ""
        return self.__dict__.get("description", BadRequest.description) + key

    @description.setter
    def description(self, value: str) -> None:
        self.__dict__["description"] = value

class ClientDisconnected(BadRequest):
    """The client was gone before its request was whole."""

class SecurityError(BadRequest):
    """The client sent something that must not be trusted."""

class BadHost(BadRequest):
    """The Host field holds no host."""

class Aborter:
    """What `abort` calls; `mapping` and `extra` say which code raises what."""
    def __init__(self, mapping: Any = None, extra: Mapping | None = None) -> None:
        known = default_exceptions if mapping is None else mapping
        self.mapping = {**known, **(extra or {})}

    def __call__(self, code: Any, *args: Any, **kwargs: Any) -> NoReturn:
        if isinstance(code, BaseException) or isinstance(code, type):
            raise code
        if not isinstance(code, int):
            raise HTTPException(response=code)
        if code not in self.mapping:
            raise LookupError(f"abort({code}): there is no exception for this code")
        raise self.mapping[code](*args, **kwargs)

def abort(code: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the HTTPException of a code, or one given, or answer with a response.

    Raises LookupError for a code that the application has no exception for.
    """
    aborter = current_app.aborter if current_app else Aborter()
    aborter(code, *args, **kwargs)

# --------------------------------------------------------------------------------------
# 8. Context
#
# One object holds all that belongs to a request: the application, the request, the
# session, `g`. It is pushed when the request comes and popped when it is answered; the
# teardown functions run then, or, where a stream keeps the context (chapter 20), when
# that is closed.
#
# A context can be pushed inside of another one. Without a request of its own it shows
# that of the outer one; with a request, inside of `app.app_context()` of the same
# application, it is a guest there: it shares `g`, and leaves `teardown_appcontext` to
# its host.
#
# `app._is_plain` says that nobody has overridden a step of the request, and
# `app._plain_hosts` that the host does not choose the rule: see chapter 31.
# --------------------------------------------------------------------------------------

class _AppCtxGlobals:
    """What `g` is: a namespace that lives as long as its context."""
    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute or the default."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = _missing) -> Any:
        """Remove and return an attribute; KeyError without a default."""
        rest = () if default is _missing else (default,)
        return self.__dict__.pop(name, *rest)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return an attribute, after setting it if it was missing."""
        return self.__dict__.setdefault(name, default)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"g.{name} was not set in this context")

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        return f"<g of {current_app and current_app.name!r}: {sorted(self.__dict__)}>"

class AppContext:
    """An application at work: for a request if it has one, or just so.

    Push it with `with`: inside, current_app, g, request and session find what it holds.
    """
    _own: bool                  # whether it came with a request of its own
    _tokens: tuple = ()         # (token, (token before, …)) for each push
    _g: Any = None
    _outer: Any = _outside      # the context that was there before
    _guest = False              # a request pushed inside a context of its app: shares g
    _after_request_functions: list | tuple = ()
    flashes: list | None = None
    request: Any = None
    _is_down = False            # the teardown functions have run
    _needs_after = False        # there may be work for process_response
    _holds = 0                  # streams that go on after the response was returned

    def __init__(self, app: Any, request: Any = None, session: Any = None) -> None:
        self.app, self.request, self._session = app, request, session
        self._own = request is not None
        if session is not None or request is None:
            self._needs_after = True

    def push(self) -> None:
        """Make this the current context; the first time, its request is matched."""
        outer, before = _context.get(), self._tokens
        self._tokens = _context.set(self), before
        if before:
            return
        self._is_down = False
        if outer is not self._outer and outer is not self:
            self._settle_inside(outer)
        if appcontext_pushed.receivers and not self._guest:
            appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
        if self._own and self.request.url_rule is None:
            self.match_request()

    def _settle_inside(self, outer: AppContext) -> None:
        """Take over what another context has: its request, or (a guest) its `g`."""
        self._outer = outer
        self.__dict__.pop("url_adapter", None)
        request = None if outer is _outside else outer.request
        if not self._own:
            self.request = request
        self._guest = self._own and outer is not _outside and (
            request is None and outer.app is self.app)

    def match_request(self) -> None:
        """Find the rule for the request, or the exception that will be its answer."""
        request, app = self.request, self.app
        environ = request.environ
        try:
            path = environ.get("PATH_INFO", "/")
            if app._plain_hosts and path.isascii() and "HTTP_UPGRADE" not in environ:
                # Most requests: the host chooses no rule, so no MapAdapter (chapter 13)
                # is made, which saves 2 us. None means: make it, it must say more.
                request.check_host(app.config["TRUSTED_HOSTS"])
                found = app.url_map.find_plain(path, request.method)
                if type(found) is tuple:
                    request.url_rule, request.view_args = found
                    return
                if found is not None:
                    request.routing_exception = found
                    return
            found = self.url_adapter.match(return_rule=True)
            request.url_rule, request.view_args = found
        except HTTPException as error:
            request.routing_exception = error

    @cached_property
    def url_adapter(self) -> Any:
        """The MapAdapter of this context; None without a request and SERVER_NAME."""
        if not self._own and self.request is not None:
            return self._outer.url_adapter
        return self.app.create_url_adapter(self.request)

    @property
    def g(self) -> Any:
        """The namespace, which a guest shares with its host."""
        if self._g is None:
            self._g = self._outer.g if self._guest else self.app.app_ctx_globals_class()
        return self._g

    @g.setter
    def g(self, value: Any) -> None:
        self._g = value

    @property
    def session(self) -> Any:
        """The session, opened when first touched."""
        session = self._session
        if session is None:
            session = self._open_session() if self._own else self._outer.session
        session.accessed = True
        return session

    def _open_session(self) -> Any:
        interface, self._needs_after = self.app.session_interface, True
        self._session = interface.open_session(self.app, self.request)
        if self._session is None:
            self._session = interface.make_null_session(self.app)
        return self._session

    def copy(self) -> AppContext:
        """Return a context of the same request and session, for another thread."""
        session = self._session if self._session is not None else self._open_session()
        return type(self)(self.app, self.request, session)

    def pop(self, exc: Any = _missing) -> None:
        """Leave the context; the last time, the teardown functions run."""
        if _context.get() is not self:
            raise AssertionError(f"the current context is {_context.get()!r},"
                                 f" not {self!r}")
        token, before = self._tokens
        try:
            if not before:
                exc = sys.exc_info()[1] if exc is _missing else exc
                if not self._holds or exc is not None:
                    self._tear_down(exc)
        finally:
            self._tokens = before
            _context.reset(token)

    def _tear_down(self, exc: BaseException | None) -> None:
        """Run the teardown functions, once, if there are any."""
        if self._is_down:
            return
        self._is_down, app = True, self.app
        if not app._is_plain or app.teardown_appcontext_funcs or (
                app.teardown_request_funcs or request_tearing_down.receivers
                or appcontext_tearing_down.receivers or appcontext_popped.receivers
                or self.request is not None and self.request._uploads):
            self._call_teardowns(app, exc)

    def _call_teardowns(self, app: Any, exc: BaseException | None) -> None:
        """Call what is to be called at the end; for a request, a failure is logged."""
        try:
            try:
                if self._own:
                    try:
                        app.do_teardown_request(exc)
                    finally:
                        self.request.close()
            finally:
                if not self._guest:
                    app.do_teardown_appcontext(exc)
                    if appcontext_popped.receivers:
                        appcontext_popped.send(app, _async_wrapper=app.ensure_sync)
        except Exception:
            if not self._own or app._propagates():
                raise
            app.logger.exception("A teardown function failed")

    def __enter__(self) -> AppContext:
        self.push()
        return self

    def __exit__(self, kind: Any, exc: BaseException | None, traceback: Any) -> None:
        self.pop(exc)

    def __repr__(self) -> str:
        about = "" if self.request is None else f" {self.request!r}"
        return f"<{type(self).__name__}{about} of {self.app.name}>"

RequestContext = AppContext

def _request_context() -> AppContext:
    """Return the context that the current request came with."""
    request._get_current_object()
    context = _context.get()
    while not context._own:
        context = context._outer
    return context

request_ctx: Any = LocalProxy(_request_context)

def has_app_context() -> bool:
    """Tell whether current_app and g can be used."""
    return _context.get() is not _outside

def has_request_context() -> bool:
    """Tell whether request and session can be used."""
    return has_app_context() and _context.get().request is not None

def after_this_request(f: Callable) -> Callable:
    """Call a function with the response of this request; it returns the response."""
    context = _request_context()
    context._after_request_functions = [*context._after_request_functions, f]
    context._needs_after = True
    return f

def copy_current_request_context(f: Callable) -> Callable:
    """Wrap a function so that it sees the request in another thread or task.

    The request and the session are the same, `g` is not.
    """
    context = _request_context().copy()
    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context.copy():
            return context.app.ensure_sync(f)(*args, **kwargs)
    return wrapper

# --------------------------------------------------------------------------------------
# 9. URLs and hosts
#
# The path and the query come percent-encoded, the host as the client says it: it is
# checked before anything is built of it (RFC 3986, RFC 9110 section 7.2). PEP 3333
# hands bytes on as Latin-1: here they become text. A proxy in front changes what a
# request says of itself; ProxyFix, WSGI middleware, puts it right.
# --------------------------------------------------------------------------------------

_PATH_SAFE = "!$&'()*+,/:;=@"
_URL_SAFE = "!$&'()*+,/:;=@%"

def _keep_percent(error: Any) -> tuple[str, int]:
    bad = error.object[error.start:error.end]
    return quote(bad, safe=""), error.end

codecs.register_error("microflask.keep_percent", _keep_percent)

def _unescape(text: str) -> str:
    """Undo the percent-encoding of a form; what is no UTF-8 stays as it is."""
    return unquote(text.replace("+", " "), errors="microflask.keep_percent")

def parse_query(text: str) -> list[tuple[str, str]]:
    """Split a query or a urlencoded form at its `&`; bad escapes stay as they are."""
    pairs = None if _is_odd(text) else _parse_plain_query(text)
    if pairs is not None:
        return pairs
    parts = (pair.partition("=") for pair in text.split("&") if pair)
    return [(_unescape(name), _unescape(value)) for name, _, value in parts]

def _is_odd(text: str) -> bool:
    """Tell whether it holds what `_parse_plain_query` would take for its marks."""
    return "\n" in text or "\r" in text or "\0" in text or "\1" in text or (
        "%0" in text and ("%00" in text or "%01" in text))

_TO_QUOTED_PRINTABLE = bytes.maketrans(b"+&=%", b" \0\1=")
_BUT_MARKS = bytes(range(2, 256))

def _parse_plain_query(text: str) -> list[tuple[str, str]] | None:
    """Parse a query by unescaping it whole: a third of the time of one by one.

    Quoted-printable writes `=41` for `%41`, and binascii decodes it in C. So first `&`
    and `=` become the characters 0 and 1, as marks, and then `%` becomes `=`. Each
    escape makes it shorter by two, but for bad ones: then the result is None.
    """
    escaped = text.encode().translate(_TO_QUOTED_PRINTABLE)
    raw = binascii.a2b_qp(escaped)
    try:
        if len(escaped) - len(raw) != 2 * escaped.count(b"="):
            return None
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    marks = escaped.translate(None, _BUT_MARKS)
    if len(marks) % 2 and marks == (b"\1\0" * len(marks))[:len(marks)]:
        flat = iter(text.replace("\0", "\1").split("\1"))     # name=value&name=value
        return list(zip(flat, flat))
    pairs = [pair.partition("\1") for pair in text.split("\0") if pair]
    return [(name, value.replace("\1", "=")) for name, _, value in pairs]

def _urlencode(items: Any) -> str:
    return urlencode([pair for pair in iter_multi_items(items) if pair[1] is not None],
                     safe="!$'()*,/:;?@")

def _wsgi_text(environ: dict, key: str) -> str:
    """Return a value of the environ as the text it is, not as PEP 3333's Latin-1."""
    text = environ.get(key, "")
    if text.isascii():
        return text
    return text.encode("latin-1", "replace").decode(errors="replace")

_HOST = re.compile(
    r"([a-z0-9._-]{1,254}|\[[a-f0-9]*:[a-f0-9.:]+\])(?::([0-9]{1,5}))?", re.A | re.I)

def _without_default_port(scheme: str, host: str) -> str:
    return host.removesuffix(":80" if scheme in ("http", "ws") else ":443")

def _checked_host(scheme: str, host: str, trusted: tuple[str, ...] | None) -> str:
    """Return the host without a default port; "" if the grammar says it is none."""
    match = _HOST.fullmatch(host)
    if match is None or int(match[2] or 1) not in range(1, 65536) or (
            host[0] == "[" and not _is_ipv6(match[1][1:-1])):
        name = host = ""
    else:
        name, host = match[1].lower(), _without_default_port(scheme, host)
    if trusted and not any(_is_host(name, known) for known in trusted):
        raise SecurityError(f"Host {host!r} is not trusted.")
    return host

def _is_ipv6(text: str) -> bool:
    import ipaddress
    with contextlib.suppress(ValueError):
        return bool(ipaddress.IPv6Address(text))
    return False

def _is_host(name: str, known: str) -> bool:
    ascii_name = _ascii_host(known.lstrip(".").partition(":")[0]).lower()
    below = known.startswith(".") and name.endswith(f".{ascii_name}")
    return name != "" and (name == ascii_name or below)

@functools.lru_cache(maxsize=512)
def _idna_host(host: str) -> str:
    """Return a host as DNS knows it; BadHost if it cannot know it."""
    name, colon, port = host.lower().partition(":")
    try:
        ascii_name = name.encode("idna").decode("ascii")
        ascii_name.encode().decode("idna")
        return ascii_name + colon + port
    except UnicodeError:
        raise BadHost() from None

def get_host(environ: dict, trusted_hosts: Any = None) -> str:
    """Return the host of an environ, "" if `_checked_host` finds it malformed.

    A list of trusted hosts is obeyed, an entry that starts with a dot standing for the
    subdomains, too: SecurityError (400).
    """
    scheme, host = environ.get("wsgi.url_scheme", "http"), environ.get("HTTP_HOST")
    if host is None:
        host, port = environ.get("SERVER_NAME", ""), environ.get("SERVER_PORT")
        host = f"[{host}]" if ":" in host and host[0] != "[" else host
        host = f"{host}:{port}" if port and host else host
    if trusted_hosts:
        one = isinstance(trusted_hosts, str)
        trusted_hosts = (trusted_hosts,) if one else tuple(trusted_hosts)
    return _checked_host(scheme, host, trusted_hosts or None)

@functools.lru_cache(maxsize=512)
def _admitted_host(scheme: str, host: str) -> str:
    """Return the checked host of a request where no list of trusted ones is set."""
    found = _checked_host(scheme, host, None)
    if not found:
        raise SecurityError("The Host field is malformed.")
    _idna_host(found)
    return found

class ProxyFix:
    """Believe what proxies in front say of the client and the URL (X-Forwarded-*).

    Each number tells how many proxies set that field: so many of its values, from the
    right, are theirs, and what stands left of them may be a lie of the client.
    """
    def __init__(self, app: Callable, x_for: int = 1, x_proto: int = 1, x_host: int = 0,
                 x_port: int = 0, x_prefix: int = 0) -> None:
        self.app, self.x_for, self.x_proto = app, x_for, x_proto
        self.x_host, self.x_port, self.x_prefix = x_host, x_port, x_prefix

    def _said(self, environ: dict, field: str) -> str:
        trusted = getattr(self, f"x_{field}")
        values = parse_list_header(environ.get(f"HTTP_X_FORWARDED_{field.upper()}", ""))
        return values[-trusted] if 0 < trusted <= len(values) else ""

    def __call__(self, environ: dict, start_response: Callable) -> Any:
        keys = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME",
                "SERVER_PORT", "SCRIPT_NAME")
        environ["werkzeug.proxy_fix.orig"] = {key: environ.get(key) for key in keys}
        for field, key in (("for", "REMOTE_ADDR"), ("proto", "wsgi.url_scheme"),
                           ("host", "HTTP_HOST"), ("prefix", "SCRIPT_NAME")):
            if value := self._said(environ, field):
                environ[key] = value
        if host := self._said(environ, "host"):
            name, colon, port = host.rpartition(":")
            has_port = colon and not host.endswith("]")     # [::1] has none
            environ["SERVER_NAME"] = name if has_port else host
            environ["SERVER_PORT"] = port if has_port else environ["SERVER_PORT"]
        if port := self._said(environ, "port"):
            if host := environ.get("HTTP_HOST", ""):
                environ["HTTP_HOST"] = f"{re.sub(':[0-9]*$', '', host)}:{port}"
            environ["SERVER_PORT"] = port
        return self.app(environ, start_response)

class DispatcherMiddleware:
    """Hand requests below a mount ({"/shop": application}) to what is mounted there."""
    def __init__(self, app: Callable, mounts: Mapping[str, Callable] = {}) -> None:
        self.app, self.mounts = app, mounts

    def __call__(self, environ: dict, start_response: Callable) -> Any:
        path = environ.get("PATH_INFO", "")
        mount = max((mount for mount in self.mounts
                     if f"{path}/".startswith(f"{mount}/")), key=len, default="")
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + mount
        environ["PATH_INFO"] = path[len(mount):]
        return self.mounts.get(mount, self.app)(environ, start_response)

def _websocket_scheme(environ: dict) -> str:
    scheme = environ.get("wsgi.url_scheme", "http")
    words = map(str.strip, environ.get("HTTP_CONNECTION", "").lower().split(","))
    if "upgrade" in words and environ.get("HTTP_UPGRADE", "").lower() == "websocket":
        return "wss" if scheme == "https" else "ws"
    return scheme

_NOT_IN_URI = re.compile(r'[\x00-\x20"<>\\^`{|}\x7f\[\]]')

def iri_to_uri(iri: str) -> str:
    """Return a URL in ASCII: IDNA for the host, percent-encoding for the rest."""
    if iri.isascii() and not _NOT_IN_URI.search(iri):
        return iri
    try:
        parts = urlsplit(iri)
        user, at, host = parts.netloc.rpartition("@")
        host = quote(user, safe="%!$&'()*+,;=:") + at + _ascii_host(host)
    except ValueError:
        return quote(iri, safe=f"{_URL_SAFE}?#")
    return urlunsplit((parts.scheme, host, quote(parts.path, safe=_URL_SAFE),
                       quote(parts.query, safe=f"{_URL_SAFE}?"),
                       quote(parts.fragment, safe=f"{_URL_SAFE}?#")))

def _readable(text: str, reserved: str) -> str:
    """Undo percent-encoding, but of what is not to be seen or means something there."""
    parts = re.split(f"((?:%(?:[01][0-9A-F]|20|25|7F{reserved}))+)", text, flags=re.I)
    return "".join(part if at % 2 else unquote(part, errors="microflask.keep_percent")
                   for at, part in enumerate(parts))

def uri_to_iri(uri: str) -> str:
    """Return a URL for people: Unicode where it stays the same URL."""
    parts = urlsplit(uri)
    host = parts.netloc.lower()
    with contextlib.suppress(UnicodeError):
        host = host.encode("ascii").decode("idna") if "xn--" in host else host
    return urlunsplit((parts.scheme, host, _readable(parts.path, "|2F|3F|23"),
                       _readable(parts.query, "|26|3D|2B|23"),
                       _readable(parts.fragment, "")))

# --------------------------------------------------------------------------------------
# 10. Converters
#
# A variable of a rule, the `<int:id>` in `/post/<int:id>`, has a converter: a pattern
# for the text that it takes, and two functions between that text and a value.
# --------------------------------------------------------------------------------------

class ValidationError(ValueError):
    """Raised by a converter's `to_python`: the value does not fit, answer 404."""

class BaseConverter:
    """A variable's type: the pattern it matches, and its way to Python and back.

    `regex` is the pattern; `weight` orders rules (lower first); a pattern that can
    match a slash makes `part_isolating` False.
    """
    regex = "[^/]+"
    weight = 100
    part_isolating = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "regex" in cls.__dict__ and "part_isolating" not in cls.__dict__:
            cls.part_isolating = "/" not in cls.regex

    def __init__(self, map: Any, *args: Any, **kwargs: Any) -> None:
        self.map = map

    def to_python(self, value: str) -> Any:
        """Convert the text; raise ValidationError if it does not fit."""
        return value

    def to_url(self, value: Any) -> str:
        """Convert back, percent-encoded; raise ValueError if the value does not fit."""
        return quote(str(value), safe=_PATH_SAFE)

class UnicodeConverter(BaseConverter):
    """`<string:x>`: text without a slash, with `minlength`, `maxlength` or `length`."""
    def __init__(self, map: Any, minlength: int = 1, maxlength: int | None = None,
                 length: int | None = None) -> None:
        super().__init__(map)
        if (minlength, maxlength, length) != (1, None, None):
            most = "" if maxlength is None else int(maxlength)
            self.regex = f"[^/]{{{int(minlength)},{most}}}" if length is None else (
                f"[^/]{{{int(length)}}}")

class AnyConverter(BaseConverter):
    """`<any(a, b):x>`: one of the given words."""
    def __init__(self, map: Any, *items: str) -> None:
        super().__init__(map)
        self.items = set(items)
        self.regex = f"(?:{'|'.join(re.escape(item) for item in items)})"

    def to_url(self, value: Any) -> str:
        """Return the word; ValueError if it is not one of them."""
        if value in self.items:
            return str(value)
        raise ValueError(f"{value!r} is not one of {sorted(self.items)}")

class PathConverter(BaseConverter):
    """`<path:x>`: text with slashes, not at its start."""
    regex = "[^/].*?"
    weight = 200
    part_isolating = False

class NumberConverter(BaseConverter):
    """What int and float share: `fixed_digits`, `min`, `max`, `signed`."""
    weight = 50
    num_convert: Callable[[Any], Any] = int

    def __init__(self, map: Any, fixed_digits: int = 0, min: Any = None,
                 max: Any = None, signed: bool = False) -> None:
        super().__init__(map)
        self.regex = f"-?{self.regex}" if signed else self.regex
        self.fixed_digits, self.signed = fixed_digits, signed
        self.min, self.max = min, max

    def to_python(self, value: str) -> Any:
        """Return the number; ValidationError outside `min` and `max`."""
        number = self.num_convert(value)
        if (self.fixed_digits and len(value) != self.fixed_digits
                or self.min is not None and number < self.min
                or self.max is not None and number > self.max):
            raise ValidationError(value)
        return number

    def to_url(self, value: Any) -> str:
        """Return the digits, filled with zeros up to `fixed_digits`."""
        return str(self.num_convert(value)).zfill(self.fixed_digits)

class IntegerConverter(NumberConverter):
    """`<int:x>`: ASCII digits."""
    regex = "[0-9]+"

class FloatConverter(NumberConverter):
    """`<float:x>`: digits, a point, digits."""
    regex = r"[0-9]+\.[0-9]+"
    num_convert = float

    def __init__(self, map: Any, min: Any = None, max: Any = None,
                 signed: bool = False) -> None:
        super().__init__(map, 0, min, max, signed)

class UUIDConverter(BaseConverter):
    """`<uuid:x>`: a uuid.UUID."""
    regex = "-".join(f"[A-Fa-f0-9]{{{size}}}" for size in (8, 4, 4, 4, 12))

    def to_python(self, value: str) -> Any:
        """Return the uuid.UUID."""
        from uuid import UUID
        return UUID(value)

DEFAULT_CONVERTERS: Mapping[str, type[BaseConverter]] = ImmutableDict(
    default=UnicodeConverter, string=UnicodeConverter, any=AnyConverter,
    path=PathConverter, int=IntegerConverter, float=FloatConverter, uuid=UUIDConverter)

# --------------------------------------------------------------------------------------
# 11. Rules: how a path becomes a regular expression
#
# A rule like `/user/<name>/post/<int:id>` is fixed text and variables. The converter of
# each variable puts its pattern into the regular expression of the rule, and turns the
# text that matched into a value; to build a URL, it goes the other way.
# --------------------------------------------------------------------------------------

_RULE_PART = re.compile(
    r"([^<]+)|<(?:([a-zA-Z_]\w*)(?:\((.*?)\))?:)?([a-zA-Z_]\w*)>", re.A)
_ARGUMENT = re.compile(
    r"""\s*(?:(\w+)\s*=\s*)?("[^"]*"|'[^']*'|[\w.+\-]+)\s*(?:,|\Z)""", re.A)

def _parse_arguments(text: str) -> tuple[list, dict]:
    """Parse the arguments of a converter, `1, max=5, mode='x'`."""
    args, kwargs, at = [], {}, 0
    while at < len(text.rstrip()):
        match = _ARGUMENT.match(text, at)
        if match is None:
            raise ValueError(f"cannot read converter arguments from {text[at:]!r}")
        constants = {"True": True, "False": False, "None": None}
        value: Any = constants.get(match[2], match[2].strip("\"'"))
        for number in (int, float) if match[2] == value else ():
            with contextlib.suppress(ValueError):
                value = number(value)
                break
        if match[1]:
            kwargs[match[1]] = value
        else:
            args.append(value)
        at = match.end()
    return args, kwargs

def _pattern(parts: list, name: str = "?P<{}>") -> str:
    """Return the regular expression of a rule's parts.

    Fixed text is escaped, a variable is its converter's expression as a named group:
    `/user/<name>/<int:id>` is `/user/(?P<name>[^/]+)/(?P<id>[0-9]+)`.
    """
    return "".join(
        re.escape(part) if type(part) is str else
        f"({name.format(part[0])}{_bounded(parts, at)})"
        for at, part in enumerate(parts))

# What follows, up to _has_regex, keeps such an expression fast, whatever a client
# sends; leave it out on a first reading.

def _bounded(parts: list, at: int) -> str:
    """Return the expression of one variable, bounded by those beside it.

    In `<a>-<b>-<c>` a plain expression tries every dash for every variable, in a time
    that grows with a power of the length. What it finds in the end gives the most to
    `a`: so `b` and `c` may be told not to contain, after their first character, the
    text before them. With two `<path:>` the first must not contain the text after it.
    """
    regex = parts[at][1].regex
    if regex == BaseConverter.regex:
        return _without_literal(parts[max(0, at - 2):at], regex)
    after = parts[at + 1:at + 3]
    if regex == PathConverter.regex and len(after) == 2 and (
            type(after[0]) is str and _has_regex(after[1], regex)):
        return f"[^/](?:(?!{re.escape(after[0])}[^/]).)*"
    return regex

def _without_literal(before: list, regex: str) -> str:
    """Return the expression of a free variable that may follow another one."""
    literal = before[-1] if before and type(before[-1]) is str else ""
    partner = before[-2:-1] if literal else before[-1:]
    if "/" in literal or not partner or not _has_regex(partner[0], regex):
        return regex
    return f"[^/](?:(?!{re.escape(literal)})[^/])*"

# With two variables that can grow and shrink against each other, an expression takes a
# time that grows with the square of the path's length, or worse: then a long path is
# no match; how long, tells the number of such variables.
_LONGEST_PATH = (None, None, 3000, 200, 60)

def _elastic_variables(parts: list) -> int:
    """Count the variables of a rule whose end is not told by what follows them."""
    return sum(type(part) is tuple and _is_elastic(parts, at)
               for at, part in enumerate(parts))

def _is_elastic(parts: list, at: int) -> bool:
    converter = parts[at][1]
    if not re.search(r"[+*]|\{[0-9]*,", converter.regex):
        return False
    after = parts[at + 1] if at + 1 < len(parts) else "/"
    after = after if type(after) is str else ""
    if converter.regex == BaseConverter.regex:
        return after[:1] != "/" and converter.regex == _without_literal(
            parts[max(0, at - 2):at], converter.regex)
    if not converter.part_isolating:
        return at + 1 < len(parts)
    is_number = isinstance(converter, NumberConverter)
    return after[:1] != "/" and not (is_number and re.match(r"[^0-9.]", after))

def _has_regex(part: Any, regex: str) -> bool:
    return type(part) is tuple and part[1].regex == regex

def _conversion(kind: BaseConverter) -> Callable[[str], Any] | None:
    """Return what converts a variable's text, or None if it is to stay text."""
    method = getattr(kind.to_python, "__func__", None)
    if method is BaseConverter.to_python:
        return None
    if method is NumberConverter.to_python and isinstance(kind, NumberConverter) and (
            not kind.fixed_digits and kind.min is kind.max is None):
        return kind.num_convert         # there is nothing to check
    return kind.to_python

class Rule:
    """A path with variables, and what belongs to it: the options are Werkzeug's."""
    def __init__(
        self, string: str, defaults: Mapping | None = None,
        subdomain: str | None = None, methods: Iterable[str] | None = None,
        build_only: bool = False, endpoint: Any = None,
        strict_slashes: bool | None = None, merge_slashes: bool | None = None,
        redirect_to: Any = None, alias: bool = False, host: str | None = None,
        websocket: bool = False,
    ) -> None:
        if not string.startswith("/"):
            raise ValueError(f"the rule {string!r} must start with a slash")
        if isinstance(methods, str):
            raise TypeError(f"the methods of {string!r} must be a list: [{methods!r}]")
        self.rule, self.endpoint, self.defaults = string, endpoint, defaults
        self.subdomain, self.host, self.websocket = subdomain, host, websocket
        self.build_only, self.alias, self.redirect_to = build_only, alias, redirect_to
        self.strict_slashes, self.merge_slashes = strict_slashes, merge_slashes
        self.methods: Any = methods and {method.upper() for method in methods}
        if self.methods and "GET" in self.methods:
            self.methods.add("HEAD")
        if websocket and (self.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            raise ValueError(f"the WebSocket rule {string!r} can use GET only")
        self.map: Any = None
        self.provide_automatic_options = False
        self.detour = False     # a match is no answer yet: an alias, a redirect

    def bind(self, map: Any, rebind: bool = False) -> None:
        """Join a map, whose converters and defaults now count."""
        if self.map is not None and not rebind:
            raise RuntimeError(f"{self!r} is bound to a map already")
        self.map = map
        for option, default in (("strict_slashes", map.strict_slashes),
                                ("merge_slashes", map.merge_slashes),
                                ("subdomain", map.default_subdomain)):
            if getattr(self, option) is None:
                setattr(self, option, default)
        self._set_parts()
        self.detour = bool(self.alias or self.redirect_to is not None)
        self._note_variables()
        self.match: Any = lambda text: self._compile()(text)    # when first needed
        for name, value in (self.defaults or {}).items():
            if name in self.converters:
                self.converters[name].to_url(value)     # or a ValueError, now

    def _set_parts(self) -> None:
        host = self.host if self.map.host_matching else self.subdomain
        path = re.sub("/{2,}", "/", self.rule) if self.merge_slashes else self.rule
        domain = self._parts(host or "")
        # One list, and one expression, for both: the first `cut` parts are the domain's
        # (a subdomain or a host, mostly none); what is matched is domain + path.
        self.parts, self.cut = domain + self._parts(path), len(domain)
        self.slashed = str(self.parts[-1]).endswith("/")

    def _note_variables(self) -> None:
        variables: Any = [part for part in self.parts if type(part) is tuple]
        self.converters = dict(variables)
        if len(self.converters) < len(variables):
            raise ValueError(f"a variable is in the host and in the path of {self!r}")
        self.arguments = {*(self.defaults or ()), *self.converters}
        self.open_end = not all(kind.part_isolating for _, kind in variables)
        # A converter's expression may have named groups: they are no variables.
        self.own_names = any("(?P<" in kind.regex for _, kind in variables)
        conversions = ((name, _conversion(kind)) for name, kind in variables)
        self.conversions = [pair for pair in conversions if pair[1] is not None]

    def _compile(self) -> Callable[[str], re.Match | None]:
        """Set `match` to the fullmatch of the rule's expression, and return it.

        The last slash of `/a/` may be missing: so `/a` matches, too, and Map.find sees
        what it lacks. `(?<!/)` refuses a second slash before it.
        """
        parts, end = self.parts, ""
        if self.slashed:
            parts, end = [*parts[:-1], parts[-1][:-1]], "(?<!/)/?"
        elif not (self.strict_slashes or self.open_end):
            end = "/?"
        pattern = _pattern(parts, "?P<_our_{}>" if self.own_names else "?P<{}>")
        fullmatch = re.compile(pattern + end).fullmatch
        longest = _LONGEST_PATH[min(4, _elastic_variables(parts))]
        self.match = fullmatch if longest is None else (
            lambda text: fullmatch(text) if len(text) <= longest else None)
        return self.match

    def _parts(self, text: str) -> list:
        """Cut the rule into fixed text (str) and variables (name, converter)."""
        parts: list = []
        at = 0
        while at < len(text):
            match = _RULE_PART.match(text, at)
            if match is None:
                raise ValueError(
                    f"malformed url rule {self.rule!r}: at column {at + 1} I expected"
                    f" <name>, <converter:name> or <converter(arguments):name>")
            fixed, converter, arguments, name = match.groups()
            if fixed is not None:
                parts.append(fixed)
            else:
                if any(type(part) is tuple and part[0] == name for part in parts):
                    raise ValueError(f"{name!r} is twice in the rule {self.rule!r}")
                kind = self._converter(converter or "default", arguments or "")
                parts.append((name, kind))
            at = match.end()
        return parts

    def _converter(self, name: str, arguments: str) -> BaseConverter:
        if name not in self.map.converters:
            raise LookupError(f"the rule {self.rule!r} has no converter {name!r}:"
                              f" there are {', '.join(self.map.converters)}")
        args, kwargs = _parse_arguments(arguments)
        return self.map.converters[name](self.map, *args, **kwargs)

    def build(self, values: Mapping, append_unknown: bool = True) -> Any:
        """Return (domain, path with query), or None if a converter refuses a value."""
        def fill(parts: list) -> str:
            return "".join(
                quote(part, safe=_PATH_SAFE) if type(part) is str else part[1].to_url(
                    (self.defaults or values).get(part[0], values.get(part[0])))
                for part in parts)
        try:
            domain, path = fill(self.parts[:self.cut]), fill(self.parts[self.cut:])
        except ValidationError:
            return None
        unknown = [(name, value) for name, value in iter_multi_items(
            {name: values[name] for name in values if name not in self.arguments})
            if value is not None] if append_unknown else []
        if unknown and self.map.sort_parameters:
            unknown.sort(key=self.map.sort_key)
        return domain, path + (f"?{_urlencode(unknown)}" if unknown else "")

    def is_hidden_by(self, other: Rule) -> bool:
        """Tell whether another endpoint has the same path and all of these methods."""
        mine = (self.methods or set()) - {"HEAD", "OPTIONS"}
        same = other.methods is None or bool(mine) and mine <= other.methods
        return same and self.endpoint != other.endpoint and (
            self.websocket == other.websocket and self.slashed == other.slashed)

    def wants(self, method: str) -> Iterable[str]:
        """Return the methods to use instead; "" if it is the protocol that differs."""
        wrong = self.methods is not None and method not in self.methods
        return self.methods if wrong else ("",)

    def values(self, match: re.Match) -> dict[str, Any]:
        """Return the values of the variables, and the defaults."""
        values = match.groupdict()
        if self.own_names:
            values = {name: match[f"_our_{name}"] for name in self.converters}
        for name, to_python in self.conversions:
            values[name] = to_python(values[name])
        if self.defaults:
            values.update(self.defaults)
        return values

    def suitable_for(self, values: Mapping, method: str | None = None) -> bool:
        """Tell whether the rule can be built from these values, for this method."""
        if method is not None and self.methods is not None and (
                method not in self.methods):
            return False
        defaults = self.defaults or {}
        given = {**defaults, **values}
        return self.arguments <= given.keys() and all(
            given[name] == value for name, value in defaults.items())

    def provides_defaults_for(self, rule: Rule) -> bool:
        """Tell whether this rule is the shorter form of another."""
        return bool(not self.build_only and self.defaults and self is not rule
                    and self.endpoint == rule.endpoint
                    and self.arguments == rule.arguments)

    def __str__(self) -> str:
        return self.rule

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.methods or ()))
        methods = "" if self.methods is None else f" ({names})"
        return f"<{type(self).__name__} {self.rule!r}{methods} -> {self.endpoint}>"

# --------------------------------------------------------------------------------------
# 12. Routing: which rule matches
#
# Trying the expressions of all rules would take a time that grows with their number; so
# the rules are kept in dicts by what is fixed in them. The path is cut at its slashes,
# and the number of its segments and the first of them choose a shelf. If that holds few
# rules, they are tried; else, for each shape that rules have (second and fourth segment
# fixed, say), the fixed segments are looked up. Rules are tried in the order of their
# segments, fixed ones first: the order of registration does not matter. A rule without
# any variable is found before all that, in a dict of whole paths.
# --------------------------------------------------------------------------------------

class WebsocketMismatch(BadRequest):
    """A WebSocket request for a rule that is for HTTP only, or the other way."""

def mismatch(allowed: set[str]) -> HTTPException:
    """Return the error for a path that takes only these methods; "" is a protocol."""
    if not allowed:
        return NotFound()
    allowed.discard("")
    return MethodNotAllowed(list(allowed)) if allowed else WebsocketMismatch()

def _weight(segment: list) -> tuple:
    """Return what sorts a segment among others: (0,) if it is fixed, else (1, …).

    First is what has more pieces of fixed text, then longer ones, then more variables,
    then lower weights: `v<int:a>` before `<int:a>`, and that before `<a>`.
    """
    weights = [part[1].weight for part in segment if type(part) is tuple]
    if not weights:
        return (0,)
    texts = [part for part in segment if type(part) is str]
    fixed = [text for part in texts for text in part.split("/") if text]
    lengths = tuple((at, -len(part)) for at, part in enumerate(fixed))
    return 1, -len(fixed), lengths, -len(weights), tuple(weights)

def _segments(parts: list) -> list[list]:
    """Cut the parts of a rule at the slashes; a `<path:>` takes all that follows it."""
    segments: list[list] = [[]]
    open_end = False
    for part in parts:
        if type(part) is str and not open_end:
            first, *others = part.split("/")
            segments[-1] += [first] if first else []
            segments += [[other] if other else [] for other in others]
        else:
            segments[-1].append(part)
            open_end = open_end or type(part) is tuple and not part[1].part_isolating
    return segments

_nothing: Mapping = {}

def _in_order(entries: list) -> tuple[Rule, ...]:
    return tuple(rule for _, rule in sorted(entries, key=itemgetter(0)))

def _put_on_shelves(shelves: dict, shape: tuple, pick: Callable, files: list) -> None:
    fixed = shape[2]
    for key, entries in files:
        keys = dict(zip(fixed, key if len(fixed) > 1 else (key,)))
        shelf = shelves.setdefault(keys.get(1), {})
        shelf.setdefault(shape, (pick, {}))[1][key] = entries

def _shelf_of(shapes: dict[tuple, tuple]) -> list | tuple:
    """Return the (pick, files) of a shelf, or its rules if they are few."""
    entries = [entry for _, files in shapes.values() for some in files.values()
               for entry in some]
    return list(shapes.values()) if len(entries) > 4 else _in_order(entries)

class Map:
    """All rules, to match a path and to build one; the options are Werkzeug's."""
    default_converters = DEFAULT_CONVERTERS

    def __init__(
        self, rules: Iterable[Rule] | None = None, default_subdomain: str = "",
        strict_slashes: bool = True, merge_slashes: bool = True,
        redirect_defaults: bool = True, converters: Mapping | None = None,
        sort_parameters: bool = False, sort_key: Callable | None = None,
        host_matching: bool = False,
    ) -> None:
        self.default_subdomain, self.host_matching = default_subdomain, host_matching
        self.strict_slashes, self.merge_slashes = strict_slashes, merge_slashes
        self.redirect_defaults = redirect_defaults
        self.sort_parameters, self.sort_key = sort_parameters, sort_key
        self.converters = {**self.default_converters, **(converters or {})}
        self._by_endpoint: dict[Any, list[Rule]] = {}
        self._fixed: dict[str, dict[str, Rule]] = {}    # whole path -> method -> rule
        self._nodes: dict[tuple, int] = {}      # a prefix -> when it was first seen
        self._shapes: dict[tuple, tuple[Callable, dict]] = {}
        self._shelves: dict[int, dict[str | None, list | tuple]] = {}
        self._sorted = True
        self._lock = threading.Lock()
        for rule in rules or ():
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Add a rule and bind it to this map."""
        rule.bind(self)
        self._by_endpoint.setdefault(rule.endpoint, []).append(rule)
        self._sorted = False
        if rule.build_only:
            return
        if not rule.converters and not rule.websocket:
            by_method = self._fixed.setdefault("".join(rule.parts), {})
            for method in rule.methods or ():
                by_method.setdefault(method, rule)
        segments = _segments(rule.parts)
        order = self._order(segments)
        self._file(rule, segments, order)
        if rule.slashed and not rule.open_end:      # without its slash, too
            self._file(rule, segments[:-1], order)
        elif not (rule.strict_slashes or rule.open_end):
            self._file(rule, [*segments, []], (*order, (2,)))

    def _order(self, segments: list) -> tuple[tuple, ...]:
        """Return what sorts a rule among others; between equals, who came first."""
        order, node = [], 0
        for segment in segments:
            weight = _weight(segment)
            text = _pattern(segment, name="") if weight[0] else "".join(segment)
            node = self._nodes.setdefault((node, text, weight), len(self._nodes) + 1)
            order.append((*weight, node) if weight[0] else weight)
        return tuple(order)

    def _file(self, rule: Rule, segments: list, order: tuple) -> None:
        """File a rule under the shape of these segments and what is fixed in them.

        `/user/<n>/posts` has four segments, of which 0, 1 and 3 are fixed: that is its
        shape; the key is ("", "user", "posts").
        """
        kinds = enumerate(order[:len(segments)])
        fixed = tuple(at for at, kind in kinds if kind[0] != 1)
        # `pick` makes the key of a path's segments. Where nothing is fixed, that is
        # `bool`, which says True of any: one key for all.
        pick = itemgetter(*fixed) if fixed else bool
        key = pick(["".join(segment) if at in fixed else ""
                    for at, segment in enumerate(segments)])
        shape = (len(segments), rule.open_end, fixed)
        files = self._shapes.setdefault(shape, (pick, {}))[1].setdefault(key, [])
        for _, other in (entry for entry in files if entry[0] == order):
            if rule.is_hidden_by(other):
                warnings.warn(f"{rule!r} is never reached: {other!r} says the same and"
                              " came first. Remove one of them.", stacklevel=6)
        files.append((order, rule))

    def update(self) -> None:
        """Sort what was added since the last time; who matches or builds calls it."""
        if self._sorted:
            return
        with self._lock:
            if self._sorted:        # by another thread, in the meantime
                return
            self._shelves.clear()
            for rules in self._by_endpoint.values():
                rules.sort(key=lambda rule: (
                    rule.alias, -len(rule.arguments), -len(rule.defaults or ())))
                for rule in rules if self.redirect_defaults else ():
                    rule.detour |= any(one.provides_defaults_for(rule) for one in rules)
            self._sorted = True

    def iter_rules(self, endpoint: Any = None) -> Iterator[Rule]:
        """Yield all rules, or those of an endpoint."""
        self.update()
        chosen: Any = self._by_endpoint.values()
        if endpoint is not None:
            chosen = [self._by_endpoint[endpoint]]
        return (rule for rules in chosen for rule in rules)

    def is_endpoint_expecting(self, endpoint: Any, *arguments: str) -> bool:
        """Tell whether a rule of the endpoint has all these variables."""
        rules = self.iter_rules(endpoint)
        return any(rule.arguments.issuperset(arguments) for rule in rules)

    def find(self, domain: str, path: str, method: str, websocket: bool = False,
             allowed: set | None = None) -> tuple[Rule, Any] | None:
        """Return (rule, values), (rule, None) if only a slash is missing, or None.

        `allowed` collects the methods of rules that match but for the method. Raises
        ValueError when a converter refuses what its pattern matched.
        """
        self.update()
        rule = self._fixed.get(domain + path, _nothing).get(method)
        if rule is not None and not websocket:
            return rule, dict(rule.defaults) if rule.defaults else {}
        allowed = set() if allowed is None else allowed
        return self._search(domain + path, method, websocket, allowed)

    def find_plain(self, path: str, method: str) -> Any:
        """Return (rule, values), or NotFound or MethodNotAllowed; or else None.

        None leaves it to a MapAdapter, which may redirect.
        """
        # As `find` begins; here it saves most requests that call and all that follows.
        rule = self._fixed.get(path, _nothing).get(method) if self._sorted else None
        if rule is not None and not rule.detour:
            return rule, dict(rule.defaults) if rule.defaults else {}
        if not path.isprintable() or path[:1] != "/" or "//" in path:
            return None
        return self._search_plain(path, method)

    def _search_plain(self, path: str, method: str) -> Any:
        allowed: set[str] = set()
        if not self._sorted:
            self.update()
        try:
            found = self._search(path, method, False, allowed)
        except ValueError:
            return None
        if found is None:
            return mismatch(allowed)
        return None if found[1] is None or found[0].detour else found

    def _search(self, text: str, method: str, websocket: bool,
                allowed: set) -> tuple[Rule, Any] | None:
        """Try the expressions of the rules that may match, the best first."""
        for rule in self._candidates(text.split("/")):
            match = rule.match(text)
            if match is None:
                continue
            lacks_slash = rule.slashed and text[-1:] != "/"
            if rule.websocket == websocket and (
                    rule.methods is None or method in rule.methods):
                redirects = lacks_slash and rule.strict_slashes
                return rule, None if redirects else rule.values(match)
            if not lacks_slash:
                allowed.update(rule.wants(method))
        return None

    def _shelve(self, length: int) -> dict[str | None, list | tuple]:
        """Sort the rules for paths of so many segments by their first segment.

        None is for first segments that no rule has. A shelf is a tuple of few rules, or
        a list of (pick, files) of many.
        """
        with self._lock:
            shelves: dict[str | None, dict] = {None: {}}
            for shape, (pick, files) in list(self._shapes.items()):
                size, open_end, fixed = shape
                if size == length or open_end and size < length:
                    _put_on_shelves(shelves, shape, pick, list(files.items()))
            made = {first: _shelf_of({**shelf, **shelves[None]})
                    for first, shelf in shelves.items()}
            if length < 100 and self._sorted:   # a path of a mile is not kept
                self._shelves[length] = made
        return made

    def _candidates(self, segments: list[str]) -> tuple[Rule, ...]:
        """Return the rules that agree with a path in all that is fixed, best first."""
        shelves = self._shelves.get(len(segments)) or self._shelve(len(segments))
        shelf = shelves.get(segments[1] if len(segments) > 1 else None)
        if shelf is None:
            shelf = shelves[None]
        if type(shelf) is tuple:
            return shelf
        found: list[tuple[tuple, Rule]] = []
        for pick, files in shelf:
            found += files.get(pick(segments), ())
        return _in_order(found)

    def bind(self, server_name: str, script_name: str | None = None,
             subdomain: str | None = None, url_scheme: str = "http",
             default_method: str = "GET", path_info: str | None = None,
             query_args: Any = None) -> MapAdapter:
        """Return an adapter that matches and builds for this host, or BadHost."""
        if self.host_matching and subdomain is not None:
            raise RuntimeError("with host_matching there are no subdomains to match")
        if subdomain is None and not self.host_matching:
            subdomain = self.default_subdomain
        return MapAdapter(self, _idna_host(server_name), script_name or "/", subdomain,
                          url_scheme, "/" if path_info is None else path_info,
                          default_method, query_args)

    def bind_to_environ(self, environ: Any, server_name: str | None = None,
                        subdomain: str | None = None) -> MapAdapter:
        """Return an adapter for a request (or its WSGI environ)."""
        host = getattr(environ, "host", None)       # the host that was checked
        environ = getattr(environ, "environ", environ)
        host = (get_host(environ) if host is None else host).lower()
        scheme = _websocket_scheme(environ)
        server_name = _without_default_port(scheme, (server_name or host).lower())
        if subdomain is None and not self.host_matching:
            labels, known = host.split("."), server_name.split(".")
            subdomain = "<invalid>"
            if labels[-len(known):] == known:
                subdomain = ".".join(filter(None, labels[:-len(known)]))
        path = _wsgi_text(environ, "PATH_INFO") if "PATH_INFO" in environ else None
        return self.bind(server_name, _wsgi_text(environ, "SCRIPT_NAME"), subdomain,
                         scheme, environ["REQUEST_METHOD"].upper(), path,
                         _wsgi_text(environ, "QUERY_STRING"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.iter_rules())})"

# --------------------------------------------------------------------------------------
# 13. Routing for one host
#
# A MapAdapter is the Map seen from one host, one scheme, one root: it has what matching
# and building need beside the rules. It redirects where a path is right but for its
# form (a slash too few or too many, an alias), and builds URLs for url_for, from the
# rules of an endpoint the first that has room for the values.
# --------------------------------------------------------------------------------------

class RoutingException(Exception):
    """What the router raises that is no error of the application."""

class RequestRedirect(HTTPException, RoutingException):
    """The path is right but for its form: go to `new_url`."""
    code = 308

    def __init__(self, new_url: str) -> None:
        super().__init__(new_url)
        self.new_url = new_url

    def get_response(self, environ: Any = None, scope: Any = None) -> Any:
        """Return the redirect."""
        return redirect(self.new_url, self.code or 308)

class BuildError(RoutingException, LookupError):
    """url_for cannot build: no such endpoint, or values are missing or unfit."""
    def __init__(self, endpoint: Any, values: Mapping, method: str | None,
                 adapter: MapAdapter | None = None) -> None:
        super().__init__(endpoint, values, method)
        self.endpoint, self.values, self.method = endpoint, values, method
        self.adapter = adapter

    @property
    def suggested(self) -> Rule | None:
        """The rule whose endpoint, values and methods come nearest, if any."""
        from difflib import SequenceMatcher
        def likeness(rule: Rule) -> float:
            names = str(rule.endpoint), str(self.endpoint)
            return (SequenceMatcher(None, *names).ratio()
                    + 0.01 * bool(set(self.values) == rule.arguments)
                    + 0.01 * bool(rule.methods and self.method in rule.methods))
        rules = list(self.adapter.map.iter_rules()) if self.adapter else []
        return max(rules, key=likeness, default=None)

    def __str__(self) -> str:
        text = f"Could not build url for endpoint {self.endpoint!r}"
        text += f" ({self.method!r})" if self.method else ""
        text += f" with values {sorted(self.values)!r}" if self.values else ""
        near = self.suggested
        if near is None:
            return f"{text}. There are no rules."
        if near.endpoint != self.endpoint:
            return f"{text}. Did you mean {near.endpoint!r} instead?"
        if self.method and self.method not in (near.methods or {self.method}):
            return f"{text}. Did you mean to use methods {sorted(near.methods or ())}?"
        missing = near.arguments - set(self.values) - set(near.defaults or ())
        return f"{text}. Did you forget to specify values {sorted(missing)}?"

def _given_values(values: Any) -> dict:
    if isinstance(values, MultiDict):
        values = {key: some if len(some) > 1 else some[0]
                  for key, some in values.lists() if some}
    return {key: value for key, value in values.items() if value is not None}

class MapAdapter:
    """A map bound to a host and perhaps a request: what url_for and matching need."""
    def __init__(self, map: Any, server_name: str, script_name: str,
                 subdomain: str | None, url_scheme: str, path_info: str,
                 default_method: str, query_args: Any = None) -> None:
        self.map, self.server_name, self.subdomain = map, server_name, subdomain
        self.script_name = f"{script_name.removesuffix('/')}/"
        self.url_scheme, self.path_info = url_scheme, path_info
        self.default_method, self.query_args = default_method, query_args
        self.websocket = url_scheme in ("ws", "wss")

    def match(self, path_info: str | None = None, method: str | None = None,
              return_rule: bool = False, query_args: Any = None,
              websocket: bool | None = None) -> tuple[Any, dict]:
        """Return (endpoint, values), or the rule itself in place of its endpoint.

        Raises NotFound, MethodNotAllowed, RequestRedirect or WebsocketMismatch.
        """
        path = self._path(path_info)
        query = (self.query_args if query_args is None else query_args) or {}
        method = (method or self.default_method).upper()
        allowed: set[str] = set()
        found = self._find(path, query, method=method, allowed=allowed,
                           websocket=self.websocket if websocket is None else websocket)
        if found is None:
            raise mismatch(allowed)
        rule, values = found
        if values is None:
            self._redirect(f"{path}/", query)
        if rule.detour:
            self._take_detour(rule, values, method, query)
        return (rule if return_rule else rule.endpoint), values

    def _path(self, path_info: str | None) -> str:
        path = self.path_info if path_info is None else path_info
        return f"/{path.lstrip('/')}" if path else ""

    def _find(self, path: str, query: Any, **options: Any) -> Any:
        if re.search(r"[\0\r\n]", path):
            return None
        host_matching = self.map.host_matching
        find = functools.partial(
            self.map.find, self.server_name if host_matching else self.subdomain or "",
            **options)
        try:
            found = find(path)
        except ValueError:      # a converter's: the value does not fit after all
            return None
        if found is None and "//" in path and self.map.merge_slashes:
            self._merge_slashes(find, re.sub("/{2,}", "/", path), query)
        return found

    def _merge_slashes(self, find: Callable, path: str, query: Any) -> None:
        with contextlib.suppress(ValueError):       # it redirects before it converts
            found = find(path)
            if found is None or not found[0].merge_slashes:
                return
            path = path if found[1] is not None else f"{path}/"
        self._redirect(path, query)

    def _redirect(self, path: str, query: Any) -> NoReturn:
        path = quote(path, safe=_PATH_SAFE)
        raise RequestRedirect(self.make_redirect_url(path, query))

    def _take_detour(self, rule: Rule, values: dict, method: str, query: Any) -> None:
        """Redirect from an alias, from given defaults, and as redirect_to says."""
        if rule.alias and self.map.redirect_defaults:
            url = self.build(rule.endpoint, values, method, True, append_unknown=False)
            raise RequestRedirect(url + (f"?{self._query(query)}" if query else ""))
        if self.map.redirect_defaults:
            self._leave_out_defaults(rule, values, method, query)
        if rule.redirect_to is None:
            return
        def fill(name: re.Match) -> str:
            return rule.converters[name[1]].to_url(values[name[1]])
        if callable(rule.redirect_to):
            target = rule.redirect_to(self, **values)
        else:
            target = re.sub("<([^>]+)>", fill, rule.redirect_to)
            if rule.redirect_to.startswith("<"):    # a client's value names no host
                target = f"./{target}"
        scheme, host = self.url_scheme or "http", self.get_host(None)
        raise RequestRedirect(urljoin(f"{scheme}://{host}{self.script_name}", target))

    def _leave_out_defaults(self, rule: Rule, values: dict, method: str,
                            query: Any) -> None:
        for other in self.map.iter_rules(rule.endpoint):
            if other is rule:
                return
            if other.provides_defaults_for(rule) and other.suitable_for(values, method):
                domain, path = other.build({**values, **(other.defaults or {})})
                raise RequestRedirect(self.make_redirect_url(path, query, domain))

    def test(self, path_info: str | None = None, method: str | None = None) -> bool:
        """Tell whether a rule matches, or redirects."""
        try:
            self.match(path_info, method)
        except RequestRedirect:
            return True
        except HTTPException:
            return False
        return True

    def allowed_methods(self, path_info: str | None = None) -> list[str]:
        """Return the methods that this path takes."""
        try:
            self.match(path_info, method="--")
        except MethodNotAllowed as error:
            return error.valid_methods
        except HTTPException:
            pass
        return []

    def get_host(self, domain_part: str | None) -> str:
        """Return the host of a domain part: a subdomain, or a host to match."""
        if self.map.host_matching:
            return self.server_name if domain_part is None else domain_part
        subdomain = self.subdomain if domain_part is None else domain_part
        return f"{subdomain}.{self.server_name}" if subdomain else self.server_name

    def _query(self, query: Any) -> str:
        return query if isinstance(query, str) else _urlencode(query)

    def make_redirect_url(self, path_info: str, query_args: Any = None,
                          domain_part: str | None = None) -> str:
        """Return the absolute URL of a path below the script name."""
        path = f"{self.script_name.strip('/')}/{path_info.lstrip('/')}"
        query = self._query(query_args or self.query_args or "")
        scheme, host = self.url_scheme or "http", self.get_host(domain_part)
        return urlunsplit((scheme, host, path, query, ""))

    def _suitable(self, endpoint: Any, values: Mapping, method: str | None,
                  append_unknown: bool) -> tuple[str, str, bool] | None:
        if method is None and (     # rather a rule for the method of this request
                built := self._suitable(endpoint, values, self.default_method,
                                        append_unknown)):
            return built
        first = None
        for rule in self.map._by_endpoint.get(endpoint, ()):
            built = None
            if rule.suitable_for(values, method):
                built = rule.build(values, append_unknown)
            if built is not None:
                if not self.map.host_matching or built[0] == self.server_name:
                    return *built, rule.websocket
                first = first or (*built, rule.websocket)
        return first

    def build(self, endpoint: Any, values: Any = None, method: str | None = None,
              force_external: bool = False, append_unknown: bool = True,
              url_scheme: str | None = None) -> str:
        """Return the URL of an endpoint; BuildError if no rule has these values."""
        self.map.update()
        given = _given_values(values or {})
        built = self._suitable(endpoint, given, method, append_unknown)
        if built is None:
            raise BuildError(endpoint, given, method, self)
        domain, path, websocket = built
        here = self.server_name if self.map.host_matching else self.subdomain
        if domain == here and not (force_external or websocket):
            return f"{self.script_name.rstrip('/')}/{path.lstrip('/')}"
        scheme = self._scheme(url_scheme, websocket)
        host, script = self.get_host(domain), self.script_name[:-1]
        return f"{scheme}//{host}{script}/{path.lstrip('/')}"

    def _scheme(self, wanted: str | None, websocket: bool) -> str:
        scheme = self.url_scheme if wanted is None else wanted
        if not (websocket or scheme):
            return ""
        secure = scheme in ("https", "wss")
        return ("ws" if websocket else "http") + "s" * secure + ":"

# --------------------------------------------------------------------------------------
# 14. Request bodies  (skip on first reading)
#
# A body is a stream that ends where Content-Length says; nothing is read beyond that,
# and nothing before it is asked for. Every limit is checked while reading. A file that
# was uploaded is a stream, too, with a name.
# --------------------------------------------------------------------------------------

_BLOCK = 128 * 1024

class LimitedStream(io.RawIOBase):
    """The input up to `limit` bytes: the body's length, or with `is_max` its bound.

    A client that goes away too early is a ClientDisconnected, a body over the bound a
    RequestEntityTooLarge.
    """
    def __init__(self, stream: Any, limit: int, is_max: bool = False) -> None:
        self._stream, self.limit, self.is_max, self._at = stream, limit, is_max, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the number of bytes read."""
        return self._at

    def _take(self, size: int) -> bytes:
        if self._at > self.limit:
            raise RequestEntityTooLarge()
        room = self.limit - self._at + self.is_max     # one more tells too much
        if room <= 0 or size == 0:
            return b""
        try:
            data = self._stream.read(min(size, room))
        except (OSError, ValueError) as error:
            raise ClientDisconnected() from error
        self._at += len(data)
        if not data and not self.is_max:
            raise ClientDisconnected()
        if self._at > self.limit:
            raise RequestEntityTooLarge()
        return data

    def readinto(self, b: Any) -> int:
        """Fill the buffer as far as one read of the input does."""
        data = self._take(len(b))
        b[:len(data)] = data
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes, or all that is left."""
        return self.readall() if size is None or size < 0 else self._take(size)

    def readall(self) -> bytes:
        """Return all that is left."""
        return b"".join(iter(lambda: self._take(_BLOCK), b""))

def get_content_length(environ: dict) -> int | None:
    """Return the body's length in bytes: None if not said, 0 if it is no number."""
    text = environ.get("CONTENT_LENGTH")
    if text is None or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    if not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if len(text) < 19 else sys.maxsize

def get_input_stream(environ: dict, safe_fallback: bool = True,
                     max_content_length: int | None = None) -> Any:
    """Return the body as a stream that ends; RequestEntityTooLarge if it says so.

    A body of unknown length is empty, unless `safe_fallback` is off.
    """
    stream, length = environ["wsgi.input"], get_content_length(environ)
    if max_content_length is not None and (length or 0) > max_content_length:
        raise RequestEntityTooLarge()
    if environ.get("wsgi.input_terminated"):
        most = sys.maxsize if max_content_length is None else max_content_length
        return LimitedStream(stream, most, is_max=True)
    if length is None and not safe_fallback:
        return stream
    return LimitedStream(stream, length) if length else io.BytesIO()

def _whole_body(environ: dict, max_content_length: int | None = None) -> bytes:
    """Return the whole body; what cannot be read is a 400, what is too large a 413."""
    length = get_content_length(environ) or 0
    if length > _BLOCK or "wsgi.input_terminated" in environ or (
            max_content_length is not None and length > max_content_length):
        return get_input_stream(environ, True, max_content_length).read()
    pieces = []
    try:
        while length > 0:       # mostly once: a stream object costs 2 us more
            piece = environ["wsgi.input"].read(length)
            if not piece:
                raise ClientDisconnected()
            pieces.append(piece)
            length -= len(piece)
    except (OSError, ValueError) as error:
        raise ClientDisconnected() from error
    return b"".join(pieces)

class FileStorage:
    """An uploaded file: a stream with a name; what it lacks it asks the stream for."""
    def __init__(self, stream: Any = None, filename: Any = None,
                 name: str | None = None,
                 content_type: str | None = None, content_length: int | None = None,
                 headers: Any = None) -> None:
        self.name, self.stream = name, stream or io.BytesIO()
        if filename is None:
            filename = getattr(stream, "name", None)
            named = isinstance(filename, (str, bytes))
            filename = os.fsdecode(filename) if named else None
            if filename and filename[0] == "<" and filename[-1] == ">":
                filename = None
        self.filename = filename
        self.headers = Headers() if headers is None else headers
        if content_type is not None:
            self.headers["Content-Type"] = content_type
        if content_length is not None:
            self.headers["Content-Length"] = str(content_length)

    content_type = property(lambda self: self.headers.get("content-type"),
                            doc="The Content-Type of the part, as sent.")
    content_length = property(lambda self: self.headers.get("Content-Length", 0, int),
                              doc="The length the part says it has, mostly 0.")
    mimetype = property(lambda self: parse_options_header(self.content_type)[0].lower(),
                        doc="The media type without parameters, in lower case.")
    mimetype_params = property(lambda self: parse_options_header(self.content_type)[1],
                               doc="The parameters of the media type.")

    def save(self, dst: Any, buffer_size: int = 16384) -> None:
        """Write the content to a path or to an open file."""
        import shutil
        if hasattr(dst, "write"):
            shutil.copyfileobj(self.stream, dst, buffer_size)
        else:
            with open(dst, "wb") as file:
                shutil.copyfileobj(self.stream, file, buffer_size)

    def close(self) -> None:
        """Close the stream, as far as it lets itself be closed."""
        with contextlib.suppress(Exception):
            self.stream.close()

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self.stream, name)
        except AttributeError:      # SpooledTemporaryFile before Python 3.11 hides some
            return getattr(getattr(self.stream, "_file"), name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.filename!r} ({self.content_type!r})>"

# --------------------------------------------------------------------------------------
# 15. Multipart forms  (skip on first reading)
#
# A multipart form (RFC 7578) is read in blocks of 128 kB: what lies between two
# boundaries goes to its file as it comes, so that memory does not grow with the upload.
# --------------------------------------------------------------------------------------

_HEAD_LIMIT = 16 * 1024     # bytes of header fields in one part

class MultiPartParser:
    """Parse a multipart form from a stream, in bounded memory (RFC 7578, RFC 2046).

    `open_file(content_length, content_type, filename, part_length)` makes the file that
    an upload is written to; `max_memory` bounds the bytes of all text fields,
    `max_parts` the parts: RequestEntityTooLarge above. A malformed body is a
    ValueError.
    """
    def __init__(self, stream: Any, boundary: str, open_file: Callable,
                 length: int | None = None, max_memory: int | None = None,
                 max_parts: int | None = None) -> None:
        if not 0 < len(boundary) <= 200:
            raise ValueError(f"a boundary of {len(boundary)} characters")
        self.stream, self.open_file, self.length = stream, open_file, length
        self.max_memory, self.max_parts = max_memory, max_parts
        self.delimiter = b"--" + boundary.encode("latin-1", "replace")
        self.buffer = b"\r\n"       # the first boundary follows a line break, too
        self.at = 0                 # so much of the buffer is done with
        self.complete = False       # whether the final boundary has been read

    _line_end = re.compile(rb"(--)?[ \t\v\f]*(\r\n|\r(?!\Z)|\n|\Z)?")
    _blank_line = re.compile(rb"\r\n\r\n|\n\n|\r\r")
    _plain_head = re.compile(
        rb'Content-Disposition: form-data; name="([^"\\%\r\n]*)"\r\n\r\n')

    def _fill(self) -> None:
        """Read one more block, whole even where the stream gives it in crumbs."""
        pieces, missing = [self.buffer], _BLOCK
        while missing and (piece := self.stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        if len(pieces) == 1:
            raise ValueError("the body ends before the final boundary")
        self.buffer = b"".join(pieces)

    def _forget(self) -> None:
        """Drop what is done with."""
        self.buffer, self.at = self.buffer[self.at:], 0

    def _data(self, skip: int = 0) -> Iterator[bytes | memoryview]:
        """Yield the bytes up to the next delimiter line, which is taken away.

        `skip` of them are left out. A piece must be used before the next is asked for.
        All but the last make whole pages of 4 kB together: a disk takes them in two
        thirds of the time.
        """
        start, size, sent = self.at, len(self.delimiter), 0
        while True:
            at = self.buffer.find(self.delimiter, start)
            if at >= 0 and self.buffer[at - 1:at] in (b"\n", b"\r"):
                end = self._delimiter_end(at + size)
                if end is not None:
                    break
            start = at + 1          # it only looks like one: it is data
            sure = at if at > self.at + _BLOCK else self.at
            if at < 0:
                sure = max(self.at, len(self.buffer) - size - 2)
            sure -= (sent + sure - self.at - skip) % 4096
            if sure > self.at + skip:
                sent += sure - self.at - skip
                with memoryview(self.buffer)[self.at + skip:sure] as piece:  # no copy
                    yield piece
                start, self.at, skip = max(0, start - sure), sure, 0
                self._forget()
            if at < 0:
                start = max(self.at, len(self.buffer) - size + 1)
                self._fill()
        begin, self.at = self.at + skip, end
        yield self.buffer[begin:at - 1 - (self.buffer[at - 2:at] == b"\r\n")]

    def _delimiter_end(self, at: int) -> int | None:
        """Return where a delimiter's line ends, or None if something else follows."""
        while len(self.buffer) - at < 256:
            try:
                self._fill()
            except ValueError:
                break
        match: Any = self._line_end.match(self.buffer, at, at + 256)
        if not match[1] and not match[2]:
            return None
        self.complete = bool(match[1])
        return match.end()

    def _head(self) -> Headers:
        """Take away the header fields of a part, up to the blank line's break."""
        limit = self.at + _HEAD_LIMIT
        while not (match := self._blank_line.search(self.buffer, self.at, limit)):
            if len(self.buffer) > limit:
                raise RequestEntityTooLarge()
            self._fill()
        text = self.buffer[self.at:match.start()].decode()
        if "\n " in text or "\n\t" in text or "\r" in text.replace("\r\n", ""):
            text = re.sub(r"(\r\n|\n|\r)[ \t]+", " ", text).replace("\r", "\n")
        self.at = (match.start() + match.end()) // 2
        headers = Headers()
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            if name := name.strip():    # as it came: names of files may be UTF-8
                headers._list.append((name, value.strip(" \t\r")))
        return headers

    def parse(self) -> tuple[list, list]:
        """Return the (name, text) of the fields, the (name, FileStorage) of files."""
        fields: list[tuple[str, str]] = []
        files: list[tuple[str, FileStorage]] = []
        try:
            for _ in self._data():      # the preamble says nothing
                pass
            while not self.complete:
                parts = len(fields) + len(files)
                if self.max_parts is not None and parts >= self.max_parts:
                    raise RequestEntityTooLarge()
                self._part(fields, files)
        except BaseException:
            for _, file in files:
                file.close()
            raise
        return fields, files

    def _part(self, fields: list, files: list) -> None:
        if self.at > _BLOCK:
            self._forget()
        plain = self._plain_head.match(self.buffer, self.at)
        if plain and (text := self._text_at(plain.end())) is not None:
            fields.append((plain[1].decode(), text))
            return
        headers = self._head()
        disposition, options = parse_options_header(headers.get("content-disposition"))
        if not disposition or "name" not in options:
            raise ValueError("a part has no Content-Disposition with a name")
        # The blank line's end; before an empty body it is that of the delimiter, too.
        skip = 2 if self.buffer[self.at:self.at + 2] == b"\r\n" else 1
        data = self._data(skip)
        if "filename" not in options:
            fields.append((options["name"], self._text(headers, data)))
            return
        content_type = headers.get("content-type")
        stream = self.open_file(self.length, content_type, options["filename"],
                                headers.get("content-length", None, plain_int))
        name, filename = options["name"], options["filename"]
        files.append((name, FileStorage(stream, filename, name, headers=headers)))
        is_file = type(stream).__module__ in ("tempfile", "_io")
        for piece in data:      # what is no file may keep what it is given
            stream.write(piece if is_file else bytes(piece))
        stream.seek(0)

    def _text_at(self, start: int) -> str | None:
        """Return a text that is whole in the buffer; most are, a third of the time."""
        at = self.buffer.find(self.delimiter, start)
        end = at + len(self.delimiter) + 2
        if at < 0 or not self.buffer[at - 2:at] == self.buffer[end - 2:end] == b"\r\n":
            return None
        self._count(max(0, at - 2 - start))
        self.at = end
        return self.buffer[start:at - 2].decode(errors="replace")

    def _count(self, size: int) -> None:
        if self.max_memory is not None:
            self.max_memory -= size
            if self.max_memory < 0:
                raise RequestEntityTooLarge()

    def _text(self, headers: Headers, data: Iterator[bytes | memoryview]) -> str:
        pieces: list = []
        try:
            for piece in data:
                pieces.append(bytes(piece))
                self._count(len(piece))
        except ValueError:      # the body ends: was it too large before?
            self._count(max(0, len(self.buffer) - self.at - len(self.delimiter) - 4))
            raise
        kind = headers.get("content-type")
        options = parse_options_header(kind)[1] if kind else {}
        charset = options.get("charset", "").lower()
        charset = charset if charset in _CHARSETS else "utf-8"
        return b"".join(pieces).decode(charset, "replace")

def default_stream_factory(total_content_length: int | None, content_type: str | None,
                           filename: str | None, content_length: Any = None) -> Any:
    """Return the file for an upload: in memory up to 500 kB, then on disk.

    If the body is larger than that, only files of up to 64 kB stay in memory.
    """
    from tempfile import SpooledTemporaryFile
    is_large = (total_content_length or 0) > 500_000
    return SpooledTemporaryFile(64_000 if is_large else 500_000, mode="rb+")

# --------------------------------------------------------------------------------------
# 16. Credentials, user agents, sets of words  (skip on first reading)
#
# Three values of header fields that are more than a text: who asks (Authorization), by
# which program (User-Agent), and a set of words, as in Vary and Allow.
# --------------------------------------------------------------------------------------

class Authorization:
    """The credentials of a request: a scheme with a token or parameters (RFC 9110)."""
    def __init__(self, auth_type: str, data: Any = None, token: Any = None) -> None:
        self.type, self.parameters, self.token = auth_type, data or {}, token

    @classmethod
    def from_header(cls, value: str | None) -> Any:
        """Parse the field's value; None if there is none, or Basic is malformed."""
        if not value:
            return None
        scheme, _, rest = value.partition(" ")
        scheme, rest = scheme.lower(), rest.strip(" \t")
        if scheme == "basic" and cls is Authorization:
            try:
                pair = base64.b64decode(rest, validate=True).decode()
                name, _, password = pair.partition(":")
            except ValueError:
                return None
            return cls(scheme, {"username": name, "password": password})
        if "=" in rest.rstrip("="):
            return cls(scheme, parse_dict_header(rest))
        return cls(scheme, None, rest)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a parameter."""
        return self.parameters.get(key, default)

    def __getitem__(self, key: str) -> Any:
        return self.parameters.get(key)

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self.parameters.get(name)

    def __contains__(self, key: str) -> bool:
        return key in self.parameters

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def to_header(self) -> str:
        """Return the field's value."""
        if self.type == "basic" and self.token is None and "username" in self:
            pair = f"{self.username}:{self.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        rest = self.token if self.token is not None else dump_header(self.parameters)
        return f"{self.type.title()} {rest}"

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()}>"

class UserAgent:
    """The User-Agent field; a subclass may find `browser`, `version` and so on."""
    platform = browser = version = language = None

    def __init__(self, string: str) -> None:
        self.string = string

    def to_header(self) -> str:
        """Return the field's value."""
        return self.string

    __str__ = to_header

    def __bool__(self) -> bool:
        return bool(self.browser)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.browser}/{self.version}>"

class HeaderSet(MutableSet):
    """A set of words that ignores case and keeps their order, like Vary and Allow."""
    def __init__(self, headers: Iterable[str] | None = None,
                 on_update: Callable | None = None) -> None:
        self._words: dict[str, str] = {}
        self.on_update: Callable | None = None
        self.update(headers or ())
        self.on_update = on_update

    def update(self, iterable: Iterable[str]) -> None:
        """Add several words."""
        size = len(self)
        for word in iterable:
            self._words.setdefault(word.lower(), word)
        if len(self) != size:
            self._tell()

    def add(self, header: str) -> None:
        """Add a word."""
        self.update((header,))

    def remove(self, header: str) -> None:
        """Remove a word; KeyError if it is not there."""
        del self._words[header.lower()]
        self._tell()

    def discard(self, header: str) -> None:
        """Remove a word if it is there."""
        if header in self:
            self.remove(header)

    def clear(self) -> None:
        """Remove all."""
        self._words.clear()
        self._tell()

    def _tell(self) -> None:
        if self.on_update:
            self.on_update(self)

    def find(self, header: str) -> int:
        """Return the place of a word, or -1."""
        return list(self._words).index(header.lower()) if header in self else -1

    def index(self, header: str) -> int:
        """Return the place of a word; IndexError if it is not there."""
        if header not in self:
            raise IndexError(header)
        return self.find(header)

    def as_set(self, preserve_casing: bool = False) -> set[str]:
        """Return a plain set, in lower case unless asked otherwise."""
        return set(self._words.values() if preserve_casing else self._words)

    def to_header(self) -> str:
        """Return the field's value."""
        return ", ".join(map(quote_header_value, self._words.values()))

    __str__ = to_header

    def __contains__(self, header: object) -> bool:
        return str(header).lower() in self._words

    def __getitem__(self, at: int) -> str:
        return list(self._words.values())[at]

    def __setitem__(self, at: int, word: str) -> None:
        words = list(self._words.values())
        words[at] = word
        self._words = {word.lower(): word for word in words}
        self._tell()

    def __delitem__(self, at: int) -> None:
        self.remove(self[at])

    def __iter__(self) -> Iterator[str]:
        return iter(self._words.values())

    def __len__(self) -> int:
        return len(self._words)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._words.values())!r})"

def parse_set_header(value: str | None, on_update: Callable | None = None) -> HeaderSet:
    """Parse a list of words to a HeaderSet."""
    return HeaderSet(parse_list_header(value or ""), on_update)

# --------------------------------------------------------------------------------------
# 17. The head of a request
#
# A request wraps a WSGI environ (PEP 3333) and computes nothing until it is asked: each
# property is computed once and is a plain attribute from then on. Here is what it knows
# without its body: method, host, path, URL, query, cookies, header fields, and the rule
# that matched.
# --------------------------------------------------------------------------------------

class _header:
    """A property that parses a header field once; without a field it parses None."""
    def __init__(self, name: str, parse: Callable | None = None, doc: str = "") -> None:
        self.name, self.parse = name, parse
        self.__doc__ = doc or f"The {name} field, parsed."
        self.key = name.upper().replace("-", "_")
        self.key = self.key if self.key in _BODY_KEYS else f"HTTP_{self.key}"

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name

    def __get__(self, request: Any, owner: type | None = None) -> Any:
        if request is None:
            return self
        value = request.environ.get(self.key)
        if self.parse:
            value = self.parse(value)
        _keep(request, self.attribute, value, self)
        return value

@functools.lru_cache(maxsize=1024)
def _names_up(name: str) -> tuple[str, ...]:
    names = name.split(".")
    return tuple(".".join(names[:size]) for size in range(len(names), 0, -1))

def _blueprint_path(name: str | None) -> list[str]:
    return list(_names_up(name)) if name else []

_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())

class _RequestHead:
    """What a request says before its body."""
    parameter_storage_class: Any = ImmutableMultiDict
    dict_storage_class: Any = ImmutableMultiDict
    list_storage_class: Any = ImmutableList
    user_agent_class = UserAgent
    trusted_hosts: Iterable[str] | None = None
    url_rule: Rule | None = None
    view_args: dict[str, Any] | None = None
    routing_exception: HTTPException | None = None
    shallow = False

    def __init__(self, environ: dict, populate_request: bool = True,
                 shallow: bool = False) -> None:
        self.environ = environ
        method = environ.get("REQUEST_METHOD", "GET")
        self.method = method if method in _METHODS else method.upper()
        if shallow:
            self.shallow = True

    def check_host(self, trusted_hosts: Iterable[str] | None) -> None:
        """Raise SecurityError or BadHost if the Host is malformed, or not trusted."""
        if trusted_hosts is not None:
            self.trusted_hosts = trusted_hosts
        environ = self.environ
        host = environ.get("HTTP_HOST")
        if host and self.trusted_hosts is None:
            _admitted_host(environ.get("wsgi.url_scheme", "http"), host)
        else:
            _idna_host(self.host)

    scheme = cached_property(lambda self: self.environ.get("wsgi.url_scheme", "http"))
    path = cached_property(
        lambda self: "/" + _wsgi_text(self.environ, "PATH_INFO").lstrip("/"))
    root_path = cached_property(
        lambda self: _wsgi_text(self.environ, "SCRIPT_NAME").rstrip("/"))
    query_string = cached_property(
        lambda self: self.environ.get("QUERY_STRING", "").encode("latin-1", "replace"))
    headers = cached_property(lambda self: EnvironHeaders(self.environ))
    remote_addr = cached_property(lambda self: self.environ.get("REMOTE_ADDR"))
    remote_user = property(lambda self: self.environ.get("REMOTE_USER"))
    server = property(lambda self: (self.environ["SERVER_NAME"], int(
        self.environ["SERVER_PORT"])) if "SERVER_NAME" in self.environ else None)
    input_stream = property(lambda self: self.environ["wsgi.input"])
    is_multithread = property(lambda self: self.environ["wsgi.multithread"])
    is_multiprocess = property(lambda self: self.environ["wsgi.multiprocess"])
    is_run_once = property(lambda self: self.environ["wsgi.run_once"])
    is_secure = property(lambda self: self.scheme in ("https", "wss"))

    host = cached_property(lambda self: get_host(self.environ, self.trusted_hosts))
    script_root = property(lambda self: self.root_path)
    full_path = cached_property(
        lambda self: f"{self.path}?{_wsgi_text(self.environ, 'QUERY_STRING')}")
    url_root = root_url = cached_property(lambda self: self._url(self.root_path, "/"))
    host_url = cached_property(lambda self: self._url("", "/"))
    base_url = cached_property(lambda self: self._url(self.root_path, self.path))
    url = cached_property(
        lambda self: self._url(self.root_path, self.path, self.query_string))

    def _url(self, root: str, path: str, query: bytes = b"") -> str:
        url = f"{self.scheme}://{self.host}{quote(root + path, safe=_URL_SAFE)}"
        return uri_to_iri(url + "?" * bool(query) + quote(query, safe=f"{_URL_SAFE}?"))

    content_type = _header("Content-Type")
    content_encoding = _header("Content-Encoding")
    content_md5 = _header("Content-MD5")
    referrer = _header("Referer")
    origin = _header("Origin")
    date = _header("Date", parse_date)
    max_forwards = _header("Max-Forwards", lambda value: int(value) if (
        re.fullmatch("[0-9]{1,9}", value or "")) else None)
    pragma = _header("Pragma", parse_set_header)
    accept_mimetypes = _header("Accept", lambda v: parse_accept_header(v, MIMEAccept))
    accept_charsets = _header(
        "Accept-Charset", lambda v: parse_accept_header(v, CharsetAccept))
    accept_encodings = _header("Accept-Encoding", parse_accept_header)
    accept_languages = _header(
        "Accept-Language", lambda v: parse_accept_header(v, LanguageAccept))
    cache_control = _header("Cache-Control", parse_cache_control_header)
    authorization = _header("Authorization", Authorization.from_header)
    if_match = _header("If-Match", parse_etags)
    if_none_match = _header("If-None-Match", parse_etags)
    if_modified_since = _header("If-Modified-Since", parse_date)
    if_unmodified_since = _header("If-Unmodified-Since", parse_date)
    if_range = _header("If-Range", parse_if_range_header)
    range = _header("Range", parse_range_header)
    access_control_request_headers = _header(
        "Access-Control-Request-Headers", lambda v: parse_set_header(v) if v else None)
    access_control_request_method = _header("Access-Control-Request-Method")

    @cached_property
    def cookies(self) -> ImmutableMultiDict:
        """The cookies, as pairs in the order sent."""
        cookie = self.environ.get("HTTP_COOKIE", "")
        return self.dict_storage_class(_cookie_pairs(cookie))

    @cached_property
    def user_agent(self) -> UserAgent:
        """The User-Agent field."""
        return self.user_agent_class(self.environ.get("HTTP_USER_AGENT", ""))

    @cached_property
    def args(self) -> MultiDict:
        """The query's arguments."""
        query = _wsgi_text(self.environ, "QUERY_STRING")
        return self.parameter_storage_class(parse_query(query))

    @cached_property
    def access_route(self) -> list[str]:
        """The addresses in X-Forwarded-For, which anybody can claim, or the peer's."""
        forwarded = self.environ.get("HTTP_X_FORWARDED_FOR")
        own = [self.remote_addr] if self.remote_addr is not None else []
        forwarded = own if forwarded is None else parse_list_header(forwarded)
        return self.list_storage_class(forwarded)

    @cached_property
    def content_length(self) -> int | None:
        """The body's length in bytes, if the client says it."""
        return get_content_length(self.environ)

    want_form_data_parsed = property(lambda self: bool(self.content_type))
    mimetype = property(
        lambda self: _mimetype_of(self.environ.get("CONTENT_TYPE", "")))
    mimetype_params = cached_property(
        lambda self: parse_options_header(self.content_type)[1])

    @property
    def is_json(self) -> bool:
        """Whether the media type is JSON: application/json or application/*+json."""
        kind = self.mimetype or ""
        return kind == "application/json" or (
            kind.startswith("application/") and kind.endswith("+json"))

    endpoint = property(lambda self: self.url_rule.endpoint if self.url_rule else None)

    @property
    def blueprint(self) -> str | None:
        """The full name of the blueprint the endpoint belongs to."""
        endpoint = self.endpoint
        return endpoint.rpartition(".")[0] if "." in (endpoint or "") else None

    @property
    def blueprints(self) -> list[str]:
        """The names of the blueprint and of those it lies in, the innermost first."""
        return _blueprint_path(self.blueprint)

    def __repr__(self) -> str:
        try:
            return f"<{type(self).__name__} {self.url!r} [{self.method}]>"
        except HTTPException:
            return f"<{type(self).__name__} (invalid URL) [{self.method}]>"

# --------------------------------------------------------------------------------------
# 18. The request
#
# What follows the head of a request is its body. It can be read in four ways: as a
# stream, as bytes, as a form, as JSON. It comes once; so each way looks first whether
# another one has read it already.
# --------------------------------------------------------------------------------------

class Request(_RequestHead):
    """A request, read from its WSGI environ."""
    _uploads: list | tuple = ()
    _data: bytes | None = None
    _stream: Any = None

    def _limit(key: str, default: int | None) -> Any:
        """Make a limit that is set on the request, or else by the configuration."""
        name = f"_{key}"
        def get(self: Any) -> int | None:
            if (own := getattr(self, name, None)) is not None:
                return own
            context = _context.get()
            return default if context is _outside else context.app.config[key]
        return property(get, lambda self, value: setattr(self, name, value))

    max_content_length = _limit("MAX_CONTENT_LENGTH", None)
    max_form_memory_size = _limit("MAX_FORM_MEMORY_SIZE", 500_000)
    max_form_parts = _limit("MAX_FORM_PARTS", 1000)

    @property
    def stream(self) -> Any:
        """The body as a stream, to be read once; empty if a form was parsed from it."""
        if self._stream is None:
            self._check_not_shallow()
            self._stream = get_input_stream(self.environ, True, self.max_content_length)
        return self._stream

    @stream.setter
    def stream(self, value: Any) -> None:
        self._stream = value

    def _check_not_shallow(self) -> None:
        if self.shallow:
            raise RuntimeError("this request is shallow: its body must not be read")

    def _read_body(self) -> bytes:
        """Return the body, or what is left of it."""
        if self._stream is not None or type(self).stream is not Request.stream:
            return self.stream.read()
        self._check_not_shallow()
        data = _whole_body(self.environ, self.max_content_length)
        self._stream = io.BytesIO()
        return data

    def get_data(self, cache: bool = True, as_text: bool = False,
                 parse_form_data: bool = False) -> Any:
        """Return the body as bytes or text; empty if it was a form and is parsed."""
        data = self._data
        if data is None:
            if parse_form_data:
                self._load_form_data()
            data = self._read_body()
            if cache:
                self._data = data
        return data.decode(errors="replace") if as_text else data

    data = cached_property(lambda self: self.get_data(parse_form_data=True))

    def _get_file_stream(self, total_content_length: int | None,
                         content_type: str | None, filename: str | None = None,
                         content_length: int | None = None) -> Any:
        """Return the file that an upload is written to; to be overridden."""
        return default_stream_factory(
            total_content_length, content_type, filename, content_length)

    def _load_form_data(self) -> None:
        """Parse the body as a form, once; what cannot be parsed is an empty form."""
        if "form" in self.__dict__:
            return
        fields: list = []
        files: list = []
        kind = self.mimetype
        if kind == "application/x-www-form-urlencoded":
            data = self._read_body() if self._data is None else self._data
            fields = parse_query(data.decode(errors="replace"))
        else:
            body = self.stream if self._data is None else io.BytesIO(self._data)
            if kind == "multipart/form-data":
                fields, files = self._parse_multipart(body)
        self._uploads = files
        self.__dict__["form"] = self.parameter_storage_class(fields)
        self.__dict__["files"] = self.parameter_storage_class(files)
        if fields and not files and current_app and current_app.debug:
            self.__dict__["files"] = _NoEnctype(fields)

    def _parse_multipart(self, body: Any) -> tuple[list, list]:
        try:
            parser = MultiPartParser(
                body, self.mimetype_params.get("boundary", ""), self._get_file_stream,
                self.content_length, self.max_form_memory_size, self.max_form_parts)
            self._stream = io.BytesIO()
            return parser.parse()
        except ValueError:
            return [], []

    @cached_property
    def form(self) -> MultiDict:
        """The fields of a form in the body."""
        self._load_form_data()
        return self.__dict__["form"]

    @cached_property
    def files(self) -> MultiDict:
        """The uploaded files of a form in the body."""
        self._load_form_data()
        return self.__dict__["files"]

    @cached_property
    def values(self) -> CombinedMultiDict:
        """The query's arguments, then (but for GET) the form's fields."""
        return CombinedMultiDict(
            [self.args] if self.method == "GET" else [self.args, self.form])

    json = property(lambda self: self.get_json())
    _json: tuple = (_missing, _missing)     # for strict and for silent reading
    json_module: Any = json_library

    def get_json(self, force: bool = False, silent: bool = False,
                 cache: bool = True) -> Any:
        """Return the body parsed as JSON.

        Another media type is a 415 unless `force`, a bad body a 400; or None: `silent`.
        """
        if cache and self._json[silent] is not _missing:
            return self._json[silent]
        if not (force or self.is_json):
            return None if silent else self.on_json_loading_failed(None)
        context, (strict, quiet) = _context.get(), self._json
        provider = self.json_module if context is _outside else context.app.json
        try:
            strict = quiet = value = provider.loads(self.get_data(cache=cache))
        except (ValueError, RecursionError) as error:
            if silent:
                quiet = value = None
            else:
                strict = value = self.on_json_loading_failed(error)
        if cache:
            self._json = (strict, quiet)
        return value

    def on_json_loading_failed(self, e: Exception | None) -> Any:
        """Raise the 415 (e is None) or 400; what an override returns is the result."""
        if e is None:
            raise default_exceptions[415](
                "This address takes JSON: the Content-Type must be application/json.")
        shown = not current_app or current_app.debug
        detail = f"The body is no JSON: {e}" if shown else None
        raise BadRequest(detail) from e

    def close(self) -> None:
        """Close the uploaded files."""
        for _, file in self._uploads:
            file.close()

    def __enter__(self) -> Request:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @classmethod
    def from_values(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a request made up of EnvironBuilder's arguments."""
        return EnvironBuilder(None, *args, **kwargs).get_request(cls)

class _NoEnctype(ImmutableMultiDict):
    """What debug mode puts in place of `files` when a form forgot its enctype."""
    def __init__(self, fields: Any) -> None:
        super().__init__()
        self.fields = dict(fields)

    def __getitem__(self, key: Any) -> Any:
        if key in self.fields:
            raise DebugFilesKeyError(
                f"there is no file {key!r} but a text {self.fields[key]!r}: a form"
                ' with files must have method="post" enctype="multipart/form-data"')
        return super().__getitem__(key)

class DebugFilesKeyError(KeyError, AssertionError):
    """A file was asked for that came as text, because the form has no enctype."""
    def __str__(self) -> str:
        return str(self.args[0])

# --------------------------------------------------------------------------------------
# 19. The header fields of a response
#
# Each header field of a response is an attribute, too: `response.location` reads and
# writes a line of `response.headers`. One descriptor makes nearly all of them; those
# that are sets or dicts write themselves back into the response when they change. The
# entity tag and the cookies are set by methods.
# --------------------------------------------------------------------------------------

class WWWAuthenticate(Authorization):
    """A challenge: a scheme with a token or parameters such as the realm (RFC 9110)."""
    _attributes = ("type", "parameters", "token", "on_update")
    on_update: Callable | None = None

    def __init__(self, auth_type: str, values: dict | None = None,
                 token: str | None = None) -> None:
        super().__init__(auth_type.lower(), values, token)

    def _tell(self) -> None:
        if self.on_update:
            self.on_update(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "parameters":
            value = CallbackDict(value, lambda _: self._tell())
        if name in self._attributes:
            object.__setattr__(self, name, value)
            if name != "on_update":
                self._tell()
        else:
            self[name] = value

    def __setitem__(self, key: str, value: Any) -> None:
        if value is None:
            self.parameters.pop(key, None)
        else:
            self.parameters[key] = value

    def __delitem__(self, key: str) -> None:
        self.parameters.pop(key, None)

    __delattr__ = __delitem__

    def to_header(self) -> str:
        """Return the field's value; Digest has parameters that must be quoted."""
        scheme = self.type.title()
        if self.token is not None or not self.parameters:
            return f"{scheme} {self.token or ''}".strip()
        if self.type != "digest":
            return f"{scheme} {dump_header(self.parameters)}"
        quoted = ("realm", "domain", "nonce", "opaque", "qop")
        return f"{scheme} " + ", ".join(
            f"{key}={quote_header_value(value, allow_token=key not in quoted)}"
            for key, value in self.parameters.items())

class ContentSecurityPolicy(CallbackDict):
    """A Content-Security-Policy: a directive is a key or an attribute (`img_src`)."""
    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_":
            raise AttributeError(name)
        return self.get(name.replace("_", "-"))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "on_update":
            object.__setattr__(self, name, value)
        elif value is None:
            self.pop(name.replace("_", "-"), None)
        else:
            self[name.replace("_", "-")] = value

    def __delattr__(self, name: str) -> None:
        self.pop(name.replace("_", "-"), None)

    def to_header(self) -> str:
        """Return the field's value."""
        return "; ".join(f"{name} {value}" for name, value in self.items())

    __str__ = to_header

def parse_csp_header(value: str | None, on_update: Callable | None = None,
                     cls: type | None = None) -> Any:
    """Parse a Content-Security-Policy field to `cls`."""
    policies = (item.strip(" \t").partition(" ") for item in (value or "").split(";"))
    found = {key: text.strip(" \t") for key, space, text in policies if space}
    return (cls or ContentSecurityPolicy)(found, on_update)

class header_property:
    """A response's header field as an attribute: parsed when read, dumped when set."""
    def __init__(self, name: str, default: Any = None,
                 load_func: Callable | None = None,
                 dump_func: Callable | None = None, doc: str | None = None) -> None:
        self.name, self.default = name, default
        self.load, self.dump = load_func, dump_func
        self.__doc__ = doc or f"The {name} field."

    def __get__(self, response: Any, owner: type | None = None) -> Any:
        if response is None:
            return self
        value = response.headers.get(self.name)
        if value is None or not self.load:
            return self.default if value is None else value
        try:
            return self.load(value)
        except (ValueError, TypeError):
            return self.default

    def __set__(self, response: Any, value: Any) -> None:
        if value is not None and self.dump and type(value) is not str:
            value = self.dump(value)
        if value is None or value == "" and isinstance(self, _live_property):
            self.__delete__(response)
        else:
            response.headers[self.name] = value

    def __delete__(self, response: Any) -> None:
        response.headers.remove(self.name)

class _live_property(header_property):
    """A header field as an object that writes itself back into the response."""
    def __get__(self, response: Any, owner: type | None = None) -> Any:
        if response is None:
            return self
        def write_back(value: Any) -> None:
            header = str(value) if value else ""
            self.__set__(response, header or None)
        assert self.load
        return self.load(response.headers.get(self.name), write_back)

def _load_challenge(value: str | None, on_update: Callable) -> WWWAuthenticate:
    challenge = WWWAuthenticate.from_header(value) or WWWAuthenticate("basic")
    challenge.on_update = on_update
    return challenge

def parse_age(value: str | None = None) -> timedelta | None:
    """Parse a number of seconds; None for what is none."""
    try:
        seconds = plain_int(value or "-")
        return timedelta(seconds=seconds) if seconds >= 0 else None
    except (ValueError, OverflowError):
        return None

def dump_age(age: Any = None) -> str | None:
    """Return a timedelta or a number as seconds; ValueError below zero."""
    seconds = int(age.total_seconds() if isinstance(age, timedelta) else age or 0)
    if seconds < 0:
        raise ValueError("an age cannot be negative")
    return None if age is None else str(seconds)

def _retry_after(value: str) -> datetime | None:
    if value.isdigit():
        return datetime.now(timezone.utc) + timedelta(seconds=int(value))
    return parse_date(value)

@functools.lru_cache(maxsize=256)
def get_content_type(mimetype: str, charset: str) -> str:
    """Add the charset to a media type of text."""
    text = mimetype.startswith("text/") or mimetype.endswith("+xml") or mimetype in (
        "application/ecmascript", "application/javascript", "application/sql",
        "application/xml", "application/xml-dtd",
        "application/xml-external-parsed-entity")
    return f"{mimetype}; charset={charset}" if text else mimetype

@functools.lru_cache(maxsize=256)
def _type_lines(mimetype: str | None) -> list[tuple[str, str]]:
    return [] if mimetype is None else [
        _field_line("Content-Type", get_content_type(mimetype, "utf-8"))]

class _ResponseFields:
    """The header fields of a response, as attributes."""
    headers: Headers

    content_type = header_property("Content-Type")
    content_length = header_property("Content-Length", None, int, str)
    content_location = header_property("Content-Location")
    content_encoding = header_property("Content-Encoding")
    content_md5 = header_property("Content-MD5")
    content_range = _live_property("Content-Range", None, lambda value, on_update: (
        parse_content_range_header(value, on_update)
        or ContentRange(None, None, None, on_update=on_update)), str)
    location = header_property("Location")
    accept_ranges = header_property("Accept-Ranges")
    age = header_property("Age", None, parse_age, dump_age)
    date = header_property("Date", None, parse_date, http_date)
    expires = header_property("Expires", None, parse_date, http_date)
    last_modified = header_property("Last-Modified", None, parse_date, http_date)
    retry_after = header_property("Retry-After", None, _retry_after, lambda value: (
        http_date(value) if isinstance(value, datetime) else str(value)))
    vary = _live_property("Vary", None, parse_set_header, dump_header)
    allow = _live_property("Allow", None, parse_set_header, dump_header)
    content_language = _live_property(
        "Content-Language", None, parse_set_header, dump_header)
    cache_control = _live_property("Cache-Control", None, lambda value, on_update: (
        parse_cache_control_header(value, on_update, ResponseCacheControl)), str)
    content_security_policy = _live_property(
        "Content-Security-Policy", None, parse_csp_header, str)
    content_security_policy_report_only = _live_property(
        "Content-Security-Policy-Report-Only", None, parse_csp_header, str)
    access_control_allow_credentials = header_property(
        "Access-Control-Allow-Credentials", False, bool,
        lambda value: "true" if value else None)
    access_control_allow_origin = header_property("Access-Control-Allow-Origin")
    access_control_allow_headers = header_property(
        "Access-Control-Allow-Headers", None, parse_set_header, dump_header)
    access_control_allow_methods = header_property(
        "Access-Control-Allow-Methods", None, parse_set_header, dump_header)
    access_control_expose_headers = header_property(
        "Access-Control-Expose-Headers", None, parse_set_header, dump_header)
    access_control_max_age = header_property("Access-Control-Max-Age", None, int, str)

    @property
    def www_authenticate(self) -> WWWAuthenticate:
        """The challenge, which writes itself back; several can be assigned."""
        return _load_challenge(self.headers.get("WWW-Authenticate"),
                               lambda value: setattr(self, "www_authenticate", value))

    @www_authenticate.setter
    def www_authenticate(self, value: Any) -> None:
        several = value if isinstance(value, list) else [value] if value else []
        self.headers.setlist("WWW-Authenticate", [str(each) for each in several])

    @www_authenticate.deleter
    def www_authenticate(self) -> None:
        self.headers.remove("WWW-Authenticate")

    @property
    def mimetype(self) -> str | None:
        """The media type without parameters; assigned, it gets its charset."""
        value = self.headers.get("Content-Type")
        return value.partition(";")[0].strip() if value else None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers["Content-Type"] = get_content_type(value, "utf-8")

    @property
    def mimetype_params(self) -> CallbackDict:
        """The parameters of the Content-Type, which change with it."""
        def write_back(params: Any) -> None:
            self.headers["Content-Type"] = dump_options_header(self.mimetype, params)
        return CallbackDict(parse_options_header(self.content_type)[1], write_back)

    def set_etag(self, etag: str, weak: bool = False) -> None:
        """Set the entity tag."""
        self.headers["ETag"] = quote_etag(etag, weak)

    def get_etag(self) -> tuple:
        """Return (tag, whether it is weak), or (None, None)."""
        return unquote_etag(self.headers.get("ETag"))

    def set_cookie(self, key: str, value: str = "",
                   max_age: timedelta | int | None = None, expires: Any = None,
                   path: str | None = "/", domain: str | None = None,
                   secure: bool = False, httponly: bool = False,
                   samesite: str | None = None,
                   partitioned: bool = False) -> None:
        """Add a cookie; see dump_cookie for the attributes and what they refuse."""
        self.headers.add("Set-Cookie", dump_cookie(
            key, value, max_age, expires, path, domain, secure, httponly,
            max_size=self.max_cookie_size, samesite=samesite, partitioned=partitioned))

    def delete_cookie(self, key: str, path: str | None = "/", domain: str | None = None,
                      secure: bool = False, httponly: bool = False,
                      samesite: str | None = None,
                      partitioned: bool = False) -> None:
        """Make the browser forget a cookie; path and domain as it was set with."""
        self.set_cookie(key, "", 0, 0, path, domain, secure, httponly, samesite,
                        partitioned)

    @property
    def max_cookie_size(self) -> int:
        """The size in bytes above which a cookie makes a warning, 0 for never."""
        context = _context.get()
        return 4093 if context is _outside else context.app.config["MAX_COOKIE_SIZE"]

# --------------------------------------------------------------------------------------
# 20. The body of a response
#
# A body is a list of bytes, or an iterator that is sent as it comes; who asks for its
# data or its length has an iterator read to a list. Whatever happens, it is closed at
# the end (PEP 3333), and then whoever waits for that is called. When it is sent the
# request's context has gone, but for a generator that keeps it (stream_with_context).
# --------------------------------------------------------------------------------------

class ClosingIterator:
    """An iterator with a `close` that calls the given functions, come what may."""
    def __init__(self, iterable: Iterable[bytes], callbacks: Any = None) -> None:
        self._iterator = iter(iterable)
        self._callbacks = [callbacks] if callable(callbacks) else list(callbacks or ())
        if own := getattr(iterable, "close", None):
            self._callbacks.insert(0, own)

    def __iter__(self) -> Iterator[bytes]:
        return self._iterator       # not self: a step through __next__ costs 0.1 us

    def __next__(self) -> bytes:
        return next(self._iterator)

    def close(self) -> None:
        """Call each function once, also when one before it fails."""
        while self._callbacks:
            try:
                self._callbacks.pop(0)()
            except BaseException:
                self.close()
                raise

class _BodyStream:
    """What `response.stream` is: a file whose writes lengthen the body."""
    encoding, closed = "utf-8", False

    def __init__(self, response: Any) -> None:
        self.response = response

    def write(self, value: bytes) -> int:
        """Append bytes to the body."""
        self.response.make_sequence()
        self.response.response = [*self.response.response, value]
        self.response.headers.remove("Content-Length")
        return len(value)

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Append several pieces."""
        for line in lines:
            self.write(line)

    def tell(self) -> int:
        """Return the length of the body in bytes."""
        return len(self.response.get_data())

    flush = close = isatty = lambda self: None

def run_wsgi_app(app: Callable, environ: dict, buffered: bool = False) -> tuple:
    """Call a WSGI application; return (body, status, Headers).

    The body is a list with `buffered`, else an iterator, with `close` if need be.
    """
    started: list = []
    written: list[bytes] = []
    def start_response(status: str, headers: list, exc_info: Any = None) -> Callable:
        if exc_info and started and written:
            raise exc_info[1]
        started[:] = [status, headers]
        return written.append
    result = app(environ, start_response)
    iterator, close = iter(result), getattr(result, "close", None)
    if buffered:
        try:
            written.extend(iterator)
        finally:
            if close:
                close()
        return written, started[0], Headers(started[1])
    for piece in iterator:
        written.append(piece)
        if started:
            break
    body: Any = chain(written, iterator)
    body = ClosingIterator(body, close) if close else body
    return body, started[0], Headers(started[1])

class _ContextStream:
    """An iterator whose steps run inside a context, which is left when it is closed."""
    def __init__(self, context: AppContext, generator: Iterator) -> None:
        self._context, self._generator, self._open = context, generator, True
        context._holds += 1

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        token = _context.set(self._context)
        try:
            return next(self._generator)
        except BaseException:
            self.close()
            raise
        finally:
            _context.reset(token)

    def close(self) -> None:
        """Close the generator, and tear the context down when nothing else holds it."""
        if not self._open:
            return
        self._open = False
        token = _context.set(self._context)
        try:
            if hasattr(self._generator, "close"):
                self._generator.close()
        finally:
            self._context._holds -= 1
            try:
                if not self._context._holds and not self._context._tokens:
                    self._context._tear_down(None)
            finally:
                _context.reset(token)

    __del__ = close

def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request's context while a generator runs; also a decorator of one."""
    if hasattr(generator_or_function, "__iter__"):
        return _ContextStream(_request_context(), iter(generator_or_function))
    @functools.wraps(generator_or_function)
    def decorator(*args: Any, **kwargs: Any) -> Any:
        return stream_with_context(generator_or_function(*args, **kwargs))
    return decorator

_encode_text = operator.methodcaller("encode")

def _encoded_runs(runs: Iterable) -> Iterator[Iterable[bytes]]:
    """Encode runs of pieces of one type, which groupby made: it looks at each in C."""
    for kind, run in runs:
        yield map(_encode_text, run) if issubclass(kind, str) else run

class _ResponseBody(_ResponseFields):
    """The body of a response: a list, or an iterator of pieces."""
    implicit_sequence_conversion = True
    automatically_set_content_length = True
    json_module: Any = json_library
    response: Any
    direct_passthrough: bool
    _on_close: list[Callable] | tuple = ()

    def get_data(self, as_text: bool = False) -> Any:
        """Return the whole body; a stream is read for it, and kept."""
        self._ensure_sequence()
        data = b"".join(self.iter_encoded())
        return data.decode() if as_text else data

    def set_data(self, value: str | bytes | bytearray) -> None:
        """Replace the body, and its Content-Length."""
        data = value.encode() if isinstance(value, str) else bytes(memoryview(value))
        self.response = [data]
        if self.automatically_set_content_length:
            lines, length = self.headers._list, str(len(data))
            if len(lines) == 1 and lines[0][0] == "Content-Type" or (
                    "Content-Length" not in self.headers):
                lines.append(("Content-Length", length))
            else:
                self.headers.set("Content-Length", length)

    data = property(get_data, set_data, doc="The whole body; a str can be assigned.")

    def calculate_content_length(self) -> int | None:
        """Return the body's length in bytes, or None if it cannot be known."""
        with contextlib.suppress(RuntimeError):
            self._ensure_sequence()
            return sum(map(len, self.iter_encoded()))
        return None

    def _ensure_sequence(self) -> None:
        if self.is_sequence:
            return
        if self.direct_passthrough or not self.implicit_sequence_conversion:
            raise RuntimeError("this body is to be streamed: make_sequence() reads it")
        self.make_sequence()

    def make_sequence(self) -> None:
        """Read a streamed body to a list."""
        if not self.is_sequence:
            close = getattr(self.response, "close", None)
            self.response = list(self.iter_encoded())
            if close is not None:
                self.call_on_close(close)

    def iter_encoded(self) -> Iterator[bytes]:
        """Yield the pieces of the body as bytes."""
        return chain.from_iterable(_encoded_runs(groupby(self.response, type)))

    is_sequence = property(lambda self: isinstance(self.response, (list, tuple)),
                           doc="Whether the body is a list.")
    is_streamed = property(lambda self: not hasattr(self.response, "__len__"),
                           doc="Whether the body's length is unknown.")
    stream = cached_property(_BodyStream)

    def call_on_close(self, func: Callable[[], Any]) -> Callable[[], Any]:
        """Call a function when the server is done with the response."""
        self._on_close = [*self._on_close, func]
        return func

    def close(self) -> None:
        """Close the body and call what waits for it."""
        callbacks, self._on_close = self._on_close, ()
        close = getattr(self.response, "close", None)
        if callbacks:
            ClosingIterator((), [close, *callbacks] if close else callbacks).close()
        elif close:
            close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def freeze(self) -> None:
        """Read the body, set its length and ETag, so that it can be stored."""
        self.make_sequence()
        self.response = list(self.iter_encoded())
        self.headers["Content-Length"] = str(sum(map(len, self.response)))
        self.add_etag()

    def add_etag(self, overwrite: bool = False, weak: bool = False) -> None:
        """Set the entity tag to the SHA-1 of the body, if there is none yet."""
        if overwrite or "ETag" not in self.headers:
            self.set_etag(generate_etag(self.get_data()), weak)

    is_json = _RequestHead.is_json

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        """Return the body parsed as JSON; None if it is something else."""
        if not (force or self.is_json):
            return None
        try:
            provider = current_app.json if current_app else self.json_module
            return provider.loads(self.get_data())
        except ValueError:
            if silent:
                return None
            raise

    json = property(lambda self: self.get_json(), doc="The body parsed as JSON.")

# --------------------------------------------------------------------------------------
# 21. The response
#
# A Response is a status, header fields and a body, and itself a WSGI application. What
# is sent may be less than what it has: a status without a body, a 304 or a part of a
# file if the conditions of the request say so.
# --------------------------------------------------------------------------------------

_BODILESS = {       # status code -> the fields that it does not have (RFC 9110)
    204: frozenset(("content-length", "content-type")),
    304: frozenset("""allow content-encoding content-language content-length content-md5
        content-range content-type last-modified""".split())}

@functools.lru_cache(maxsize=128, typed=True)
def _clean_status(value: Any) -> tuple[str, int]:
    """Return a status line and its code: 201, "201", "201 MADE" or an HTTPStatus."""
    text = str(int(value)) if isinstance(value, int) else str(value).strip()
    code, space, reason = text.partition(" ")
    if not text or _NOT_IN_VALUE.search(text):
        raise ValueError(f"{value!r} is no status: give a code, or a code and a reason")
    if not code.lstrip("-").isdigit():
        return f"0 {text}", 0
    if not space:
        reason = HTTP_STATUS_CODES.get(int(code), "unknown").upper()
    return f"{code} {reason}", int(code)

_OK = _clean_status(200)
_DATA = (str, bytes, bytearray)
_LOCATIONS = frozenset(("location", "content-location"))

def _is_bare(code: int) -> bool:
    return code < 200 or code in _BODILESS

class _RangeWrapper:
    """Some bytes of a body: from `start`, `length` of them."""
    def __init__(self, body: Any, start: int, length: int) -> None:
        self.body, self.left = body, length
        self.skip = start
        if getattr(body, "seekable", bool)():
            body.seek(start)
            self.skip = 0
        self.pieces = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        while self.left > 0 and (piece := next(self.pieces, None)) is not None:
            piece = piece.encode() if isinstance(piece, str) else piece
            chosen = piece[self.skip:self.skip + self.left]
            self.skip = max(0, self.skip - len(piece))
            self.left -= len(chosen)
            if chosen:
                yield chosen

    def close(self) -> None:
        if hasattr(self.body, "close"):
            self.body.close()

def _make_conditional(response: Any, request_or_environ: Any, accept_ranges: Any,
                      complete_length: int | None) -> Any:
    environ = getattr(request_or_environ, "environ", request_or_environ)
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return response
    fields = {name.lower(): value for name, value in response.headers}
    _add_date_and_ranges(response.headers, fields, accept_ranges)
    state = fields.get("etag"), None, fields.get("last-modified")
    if accept_ranges and complete_length and _wants_range(environ, state):
        _make_partial(response, environ["HTTP_RANGE"], complete_length)
    elif _has_condition(environ) and not is_resource_modified(environ, *state):
        response.status_code = 412 if _has_match(environ) else 304
    if "content-length" not in fields:
        _add_content_length(response)
    return response

def _add_content_length(response: Any) -> None:
    if response.automatically_set_content_length and (
            "Content-Length" not in response.headers):      # of a part, it has one
        response.content_length = response.calculate_content_length()

def _add_date_and_ranges(headers: Headers, fields: dict, accept_ranges: Any) -> None:
    if "date" not in fields:
        headers.add("Date", _http_time(time.time() // 1))
    if accept_ranges:
        put = headers.set if "accept-ranges" in fields else headers.add
        put("Accept-Ranges", "bytes" if accept_ranges is True else accept_ranges)

def _has_match(environ: dict) -> bool:
    return "HTTP_IF_MATCH" in environ and bool(parse_etags(environ["HTTP_IF_MATCH"]))

def _has_condition(environ: dict) -> bool:
    return "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ or (
        "HTTP_IF_MATCH" in environ)

def _wants_range(environ: dict, state: tuple) -> bool:
    return "HTTP_RANGE" in environ and (
        "HTTP_IF_RANGE" not in environ or not is_resource_modified(
            environ, *state, ignore_if_range=False))

def _make_partial(response: Any, field: str, length: Any) -> None:
    wanted = parse_range_header(field)
    span = wanted.range_for_length(length) if wanted else None
    if span is None:
        raise default_exceptions[416](length)
    response.content_range = f"bytes {span[0]}-{span[1] - 1}/{length}"
    response.content_length = span[1] - span[0]
    response.status_code = 206
    response.response = _RangeWrapper(response.response, span[0], span[1] - span[0])

class Response(_ResponseBody):
    """A response; `response` is its body: str, bytes, or an iterable of either.

    `status` is a code or a line like "201 CREATED"; `headers` Headers, a dict or pairs;
    `mimetype` gets a charset where it is text, `content_type` is taken as it is.
    """
    default_status = 200
    default_mimetype: str | None = "text/html"
    autocorrect_location_header = False
    _status, _status_code = "200 OK", 200
    _is_plain = True        # whether no subclass changed how it is sent

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._is_plain = all(getattr(cls, name) is getattr(Response, name) for name in (
            "get_wsgi_response", "get_wsgi_headers", "iter_encoded", "is_sequence",
            "close"))

    def __init__(self, response: Any = None, status: Any = None, headers: Any = None,
                 mimetype: str | None = None, content_type: str | None = None,
                 direct_passthrough: bool = False) -> None:
        if headers is None or not isinstance(headers, Headers):
            headers = Headers(headers)
        self.headers = headers
        if headers._list or content_type is not None:
            self._set_type(mimetype, content_type)
        else:
            kind = self.default_mimetype if mimetype is None else mimetype
            headers._list += _type_lines(kind)
        self._status, self._status_code = _OK
        status = self.default_status if status is None else status
        if status != 200:
            self.status = status
        self.direct_passthrough = direct_passthrough
        if isinstance(response, _DATA):
            self.set_data(response)
        else:
            self.response = [] if response is None else response

    def _set_type(self, mimetype: str | None, content_type: str | None) -> None:
        headers = self.headers
        if content_type is not None:
            headers["Content-Type"] = content_type
        elif mimetype is not None or headers._list[0][0] != "Content-Type" and (
                "Content-Type" not in headers):     # mostly it is the first
            mimetype = self.default_mimetype if mimetype is None else mimetype
            if mimetype is not None:
                headers["Content-Type"] = get_content_type(mimetype, "utf-8")

    @property
    def status(self) -> str:
        """The status line's end, such as "200 OK"; a code may be assigned, too."""
        return self._status

    @status.setter
    def status(self, value: Any) -> None:
        self._status, self._status_code = _clean_status(value)

    status_code = property(lambda self: self._status_code,
                           lambda self, code: setattr(self, "status", code))

    @classmethod
    def force_type(cls, response: Any, environ: dict | None = None) -> Any:
        """Return a response or a WSGI application as a response of this class."""
        if not isinstance(response, Response):
            if environ is None:
                raise TypeError("a WSGI application becomes a response of an environ")
            body, status, headers = run_wsgi_app(response, environ)
            kind = None if "Content-Type" in headers else "text/plain"
            response = Response(body, status, headers, kind)
        response.__class__ = cls
        return response

    @classmethod
    def from_app(cls, app: Callable, environ: dict, buffered: bool = False) -> Any:
        """Call a WSGI application and return what it answers."""
        return cls(*run_wsgi_app(app, environ, buffered))

    def get_wsgi_headers(self, environ: dict) -> Headers:
        """Return the fields as sent: URLs in ASCII, lengths where they belong."""
        headers = Headers()
        headers._list = self._sent_lines(environ)
        return headers

    def _sent_lines(self, environ: dict) -> list[tuple[str, str]]:
        headers, code = self.headers, self._status_code
        if type(headers) is Headers and (code == 200 or code > 304):
            lines = headers._list
            is_usual = len(lines) == 2 and lines[1][0] == "Content-Length" or (
                len(lines) == 1 and type(self.response) is GeneratorType)
            if is_usual and lines[0][0] == "Content-Type":
                return lines.copy()     # most responses: 0.3 us less
        return self._fitting_lines(environ)

    def _fitting_lines(self, environ: dict) -> list[tuple[str, str]]:
        """Return the field lines that fit the status, with the body's length."""
        code, given = self._status_code, self.headers
        # A dict is known to have been assigned.
        lines = given._list.copy() if type(given) is Headers else Headers(given)._list
        has_length = False
        for at, line in enumerate(lines):
            lower = line[0].lower()
            if lower == "content-length":
                has_length = True
            elif lower in _LOCATIONS:
                lines[at] = line[0], self._url(line[1], lower, environ)
        if _is_bare(code):
            drop = _BODILESS.get(code, ("content-length",))
            return [line for line in lines if line[0].lower() not in drop]
        if not has_length and self.automatically_set_content_length:
            self._add_length(lines)
        return lines

    def _add_length(self, lines: list) -> None:
        if self.is_sequence:
            length = sum(map(len, self.iter_encoded()))
            lines.append(("Content-Length", str(length)))

    def _url(self, url: str, field: str, environ: dict) -> str:
        url = iri_to_uri(url)
        if field == "location" and self.autocorrect_location_header:
            return urljoin(iri_to_uri(Request(environ).base_url), url)
        return url

    def get_app_iter(self, environ: dict) -> Iterable[bytes]:
        """Return the body as it is sent: nothing for HEAD, 1xx, 204 and 304."""
        body, code = self.response, self._status_code
        is_whole = type(body) is list and not self._on_close and self._is_plain
        if environ["REQUEST_METHOD"] == "HEAD" or code != 200 and _is_bare(code):
            return [] if is_whole else ClosingIterator((), self.close)
        if is_whole and len(body) == 1 and type(body[0]) is bytes:
            return body
        return self._sent_body(body, is_whole)

    def _sent_body(self, body: Any, is_whole: bool) -> Iterable[bytes]:
        if is_whole:
            return [item.encode() if type(item) is str else item for item in body]
        if self.direct_passthrough and not self._on_close:
            return body
        return ClosingIterator(self.iter_encoded(), self.close)

    def get_wsgi_response(self, environ: dict) -> tuple[Iterable[bytes], str, list]:
        """Return (body, status, header list) for PEP 3333."""
        headers = self.get_wsgi_headers(environ)
        return self.get_app_iter(environ), self._status, headers._list

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        try:
            if self._is_plain:      # the same, without a Headers object
                headers, status = self._sent_lines(environ), self._status
                body = self.get_app_iter(environ)
            else:
                body, status, headers = self.get_wsgi_response(environ)
            start_response(status, headers)
        except BaseException:
            self.close()
            raise
        return body

    def make_conditional(self, request_or_environ: Any, accept_ranges: Any = False,
                         complete_length: int | None = None) -> Response:
        """Make it a 304, 412 or 206 if the request's conditions say so (RFC 9110).

        `complete_length` in bytes is needed for ranges, which may end in a 416.
        """
        return _make_conditional(self, request_or_environ, accept_ranges,
                                 complete_length)

    def __repr__(self) -> str:
        size = self.calculate_content_length() if self.is_sequence else None
        body = "streamed" if size is None else f"{size} bytes"
        return f"<{type(self).__name__} {body} [{self.status}]>"

def redirect(location: str, code: int = 302, Response: Any = None) -> Any:
    """Return a redirect; inside of an application its own `redirect` makes it."""
    context = _context.get()
    if Response is None and context is not _outside:
        return context.app.redirect(location, code)
    return _redirect_response(location, code, Response or globals()["Response"])

def _redirect_response(location: str, code: int, response_class: Any) -> Any:
    location = str(location)
    target = str(escape(location))
    response = response_class(
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n"
        f'<h1>Redirecting...</h1>\n<p>This page is at <a href="{target}">{target}</a>;'
        " your browser should go there by itself.</p>\n",
        code, mimetype="text/html")
    if not location.isprintable():      # it came from a client: no error of the server
        location = re.sub("[^ -~]", lambda m: quote(m[0], errors="replace"), location)
    response.headers.add("Location", location)
    return response

# --------------------------------------------------------------------------------------
# 22. Configuration and JSON
#
# The configuration is a dict of upper-case keys that can fill itself from objects,
# files and the environment. The JSON provider is what an application replaces to speak
# another dialect of JSON; `json.dumps` and friends ask the current application for it.
# --------------------------------------------------------------------------------------

class ImportStringError(ImportError):
    """An object could not be imported by its dotted name."""
    def __init__(self, import_name: str, exception: BaseException) -> None:
        import_name = import_name.replace(":", ".")
        super().__init__(f"import_string() failed for {import_name!r}: {exception}")
        self.import_name, self.exception = import_name, exception

def import_string(import_name: str, silent: bool = False) -> Any:
    """Import `package.module:name`, with `:` or `.`; ImportStringError, or None."""
    module, _, name = import_name.replace(":", ".").rpartition(".")
    try:
        try:
            return importlib.import_module(import_name.replace(":", "."))
        except ImportError:
            if not module:
                raise
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        if silent:
            return None
        raise ImportStringError(import_name, error) from None

class Config(dict):
    """A dict of settings; what fills it gives its upper-case names only."""
    def __init__(self, root_path: Any, defaults: dict | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_object(self, obj: object) -> None:
        """Take the upper-case attributes of an object, or of what a name imports."""
        obj = import_string(obj) if isinstance(obj, str) else obj
        self.from_mapping({key: getattr(obj, key) for key in dir(obj) if key.isupper()})

    def from_mapping(self, mapping: Mapping | None = None, **kwargs: Any) -> bool:
        """Take the upper-case keys; return True."""
        found = {**dict(mapping or ()), **kwargs}
        self.update({key: value for key, value in found.items() if key.isupper()})
        return True

    def _read(self, filename: Any, silent: bool, mode: str, load: Callable) -> Any:
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, mode) as file:
                return load(file)
        except OSError as error:
            import errno
            if silent and error.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
                return None
            error.strerror = f"Unable to load configuration file ({error.strerror})"
            raise

    def from_file(self, filename: Any, load: Callable, silent: bool = False,
                  text: bool = True) -> bool:
        """Take what `load(file)` returns, as `json.load` does; False if missing."""
        found = self._read(filename, silent, "r" if text else "rb", load)
        return found is not None and self.from_mapping(found)

    def from_pyfile(self, filename: Any, silent: bool = False) -> bool:
        """Run a Python file, and take its upper-case names; False if it is missing."""
        path = os.path.join(self.root_path, filename)
        names: dict[str, Any] = {"__file__": path, "__name__": "config"}
        def run(file: Any) -> dict:
            exec(compile(file.read(), path, "exec"), names)
            return names
        return self.from_file(filename, run, silent, text=False)

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Run the Python file that an environment variable names."""
        path = os.environ.get(variable_name)
        if path:
            return self.from_pyfile(path, silent)
        if silent:
            return False
        raise RuntimeError(f"The environment variable {variable_name!r} is not set: it"
                           " must name the configuration file")

    def from_prefixed_env(self, prefix: str = "FLASK", *,
                          loads: Callable = json_library.loads) -> bool:
        """Take PREFIX_KEY from the environment, parsed as JSON; A__B is ["A"]["B"]."""
        for name in sorted(os.environ):
            if not name.startswith(f"{prefix}_"):
                continue
            value: Any = os.environ[name]
            with contextlib.suppress(Exception):
                value = loads(value)
            *path, key = name.removeprefix(f"{prefix}_").split("__")
            target: Any = self
            for step in path:
                target = target.setdefault(step, {})
            target[key] = value
        return True

    def get_namespace(self, namespace: str, lowercase: bool = True,
                      trim_namespace: bool = True) -> dict[str, Any]:
        """Return the settings whose keys start alike, without that start."""
        start = len(namespace) if trim_namespace else 0
        return {key[start:].lower() if lowercase else key[start:]: value
                for key, value in self.items() if key.startswith(namespace)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"

class ConfigAttribute:
    """An attribute of the application that is a key of its configuration."""
    def __init__(self, name: str, get_converter: Callable | None = None) -> None:
        self.__name__, self.get_converter = name, get_converter

    def __get__(self, app: Any, owner: type | None = None) -> Any:
        if app is None:
            return self
        value = app.config[self.__name__]
        return self.get_converter(value) if self.get_converter else value

    def __set__(self, app: Any, value: Any) -> None:
        app.config[self.__name__] = value

class JSONProvider:
    """What an application's JSON goes through: override `dumps` and `loads`."""
    def __init__(self, app: Any) -> None:
        self._app: Any = weakref.proxy(app)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as JSON."""
        raise NotImplementedError

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return what JSON says."""
        raise NotImplementedError

    def dump(self, obj: Any, fp: Any, **kwargs: Any) -> None:
        """Write an object as JSON to a text file."""
        fp.write(self.dumps(obj, **kwargs))

    def load(self, fp: Any, **kwargs: Any) -> Any:
        """Read JSON from a file."""
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple, kwargs: dict) -> Any:
        if args and kwargs:
            raise TypeError("give jsonify positional or named arguments, not both")
        return args[0] if len(args) == 1 else args or kwargs or None

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a response of one object, a list of several, a dict of named ones."""
        text = self.dumps(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(text, mimetype="application/json")

def _json_default(o: Any) -> Any:
    """Say what JSON has no word for: dates, Decimal, UUID, dataclasses, `__html__`."""
    if isinstance(o, date):
        return http_date(o)
    if type(o).__name__ in ("Decimal", "UUID"):
        return str(o)
    if hasattr(o, "__dataclass_fields__"):
        from dataclasses import asdict
        return asdict(o)
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")

_c_encoder = getattr(json_library.encoder, "c_make_encoder", None)
_LAYOUT = {"indent", "separators"}
_decode = json_library.JSONDecoder().raw_decode

@functools.lru_cache(maxsize=64)
def _encoding(default: Callable, ascii_only: bool, sort_keys: bool, indent: Any,
              separators: tuple[str, str] | None) -> Callable[[Any], str]:
    """Return json.dumps with these options, prepared: it takes a third less time."""
    encoder = json_library.JSONEncoder(
        default=default, ensure_ascii=ascii_only, sort_keys=sort_keys, indent=indent,
        separators=separators)
    if _c_encoder is None or indent is not None:
        return encoder.encode
    ways = json_library.encoder
    options = (default, ways.encode_basestring_ascii if ascii_only else (
        ways.encode_basestring), None, encoder.key_separator, encoder.item_separator,
        sort_keys, False, True)
    # The dict is for what is being encoded just now, to find circles.
    return lambda obj: "".join(_c_encoder({}, *options)(obj, 0))

class DefaultJSONProvider(JSONProvider):
    """JSON by the standard library, keys sorted, compact outside of debug mode."""
    default: Any = staticmethod(_json_default)
    ensure_ascii = True
    sort_keys = True
    compact: bool | None = None
    mimetype = "application/json"

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as JSON; the arguments are those of json.dumps."""
        separators = kwargs.get("separators")
        if kwargs.keys() <= _LAYOUT and type(separators) in (tuple, type(None)):
            return _encoding(self.default, self.ensure_ascii, self.sort_keys,
                             kwargs.get("indent"), separators)(obj)
        return json_library.dumps(obj, **{
            "default": self.default, "ensure_ascii": self.ensure_ascii,
            "sort_keys": self.sort_keys, **kwargs})

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return what JSON says; the arguments are those of json.loads."""
        text = s
        if type(s) is bytes and s[:1] in (b"{", b"[") and s[1:2] > b"\0":
            text = s.decode("utf-8", "surrogatepass")
        if not kwargs and type(text) is str and text[:1] in ("{", "["):
            value, end = _decode(text)      # json.loads costs 1 us more
            if not text[end:].strip(" \t\n\r"):
                return value
        return json_library.loads(s, **kwargs)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a response; in debug mode it is indented."""
        obj = self._prepare_response_obj(args, kwargs)
        wide = self.compact is False or self.compact is None and self._app.debug
        layout: dict = {"indent": 2} if wide else {"separators": (",", ":")}
        text = self.dumps(obj, **layout) + "\n"
        return self._app.response_class(text, mimetype=self.mimetype)

def _dumps(obj: Any, **kwargs: Any) -> str:
    """Return an object as JSON, the current application's way."""
    context = _context.get()
    if context is not _outside:
        return context.app.json.dumps(obj, **kwargs)
    return json_library.dumps(obj, **{"default": _json_default, **kwargs})

def _loads(s: str | bytes, **kwargs: Any) -> Any:
    """Return what JSON says, the current application's way."""
    context = _context.get()
    return (json_library if context is _outside else context.app.json).loads(
        s, **kwargs)

def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Return a JSON response of an object, of several, or of named ones."""
    return current_app.json.response(*args, **kwargs)

json: Any = SimpleNamespace(
    dumps=_dumps, loads=_loads, jsonify=jsonify,
    dump=lambda obj, fp, **kwargs: fp.write(_dumps(obj, **kwargs)) and None,
    load=lambda fp, **kwargs: _loads(fp.read(), **kwargs))

# --------------------------------------------------------------------------------------
# 23. JSON for sessions  (skip on first reading)
#
# JSON has no tuple, bytes, Markup, UUID or datetime: in a session each is put in a dict
# of one key, its tag. All as Flask does it, so that each reads the other's cookie.
# --------------------------------------------------------------------------------------

class JSONTag:
    """How the session stores one more type: subclass it, and `register` the class."""
    key = ""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        """Tell whether the value is of this type."""
        raise NotImplementedError

    def to_json(self, value: Any) -> Any:
        """Return what JSON can say of the value."""
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        """Return the value again."""
        raise NotImplementedError

    def tag(self, value: Any) -> Any:
        """Return the value in its tag."""
        return {self.key: self.to_json(value)}

def _tag(key: str, check: Callable, to_json: Callable, to_python: Callable,
         name: str) -> type:
    methods: dict = {
        "key": key, "check": check,
        "to_json": lambda self, value: to_json(value, self.serializer.tag),
        "to_python": lambda self, value: to_python(value)}
    if not key:
        methods["tag"] = methods["to_json"]
    return type(name, (JSONTag,), methods)

def _is_a(kind: type) -> Callable:
    return lambda self, value: isinstance(value, kind)

class TagDict(JSONTag):
    """A dict of one key that looks like a tag."""
    key = " di"

    def check(self, value: Any) -> bool:
        """Tell whether it is one."""
        return isinstance(value, dict) and len(value) == 1 and (
            next(iter(value)) in self.serializer.tags)

    def to_json(self, value: Any) -> Any:
        """Return the dict with its key marked."""
        return {f"{key}__": self.serializer.tag(item) for key, item in value.items()}

    def to_python(self, value: Any) -> Any:
        """Return the dict again."""
        return {key[:-2]: item for key, item in value.items()}

def _to_uuid(value: str) -> Any:
    from uuid import UUID
    return UUID(value)

PassDict = _tag("", _is_a(dict), lambda value, tag: {
    key: tag(item) for key, item in value.items()}, dict, "PassDict")

TagTuple = _tag(" t", _is_a(tuple), lambda value, tag: [
    tag(item) for item in value], tuple, "TagTuple")

PassList = _tag("", _is_a(list), lambda value, tag: [
    tag(item) for item in value], list, "PassList")

TagBytes = _tag(" b", _is_a(bytes), lambda value, tag: (
    base64.b64encode(value).decode()), base64.b64decode, "TagBytes")

TagMarkup = _tag(" m", lambda self, value: hasattr(value, "__html__"),
                 lambda value, tag: str(value.__html__()), Markup, "TagMarkup")

TagUUID = _tag(" u", lambda self, value: type(value).__name__ == "UUID",
               lambda value, tag: value.hex, _to_uuid, "TagUUID")

TagDateTime = _tag(" d", _is_a(datetime), lambda value, tag: http_date(value),
                   parse_date, "TagDateTime")

_PLAIN_JSON = frozenset((str, int, bool, float, type(None)))

class TaggedJSONSerializer:
    """JSON for itsdangerous that keeps more types."""
    default_tags = [TagDict, PassDict, TagTuple, PassList, TagBytes, TagMarkup, TagUUID,
                    TagDateTime]

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)

    def register(self, tag_class: type, force: bool = False,
                 index: int | None = None) -> None:
        """Add a tag, at a place in the order of checks; KeyError if it is there."""
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(f"the tag {tag.key!r} is registered already")
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: Any) -> Any:
        """Return what JSON can say of a value."""
        if type(value) in _PLAIN_JSON:
            return value
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict) -> Any:
        """Return what a dict of one key stands for, if the key is a tag."""
        key = next(iter(value), None) if len(value) == 1 else None
        return self.tags[key].to_python(value[key]) if key in self.tags else value

    def _untag_all(self, value: Any) -> Any:
        if type(value) in _PLAIN_JSON:
            return value
        if isinstance(value, dict):
            return self.untag(
                {key: self._untag_all(item) for key, item in value.items()})
        if isinstance(value, list):
            return [self._untag_all(item) for item in value]
        return value

    def dumps(self, value: Any) -> str:
        """Return the value as compact JSON."""
        return json.dumps(self.tag(value), separators=(",", ":"))

    def loads(self, value: str | bytes) -> Any:
        """Return the value again."""
        return self._untag_all(json.loads(value))

# --------------------------------------------------------------------------------------
# 24. Sessions and flashed messages
#
# The session is a dict that travels in a cookie: JSON, compressed if it is long, and
# signed with the SECRET_KEY by itsdangerous (HMAC with SHA-1 over content and time).
# The client can read it, but not forge it: the cookie is content.time.signature, only
# who has the key can make the signature that fits, and `open_session` has it checked
# before the content is read. It is opened when it is first touched; at the end, too, if
# it may be permanent, to be sent anew. A flashed message lies in it until the next page
# takes it out.
# --------------------------------------------------------------------------------------

class SessionMixin:
    """What a session needs beside being a dict."""
    get: Any
    __setitem__: Any
    new = False
    modified = True
    accessed = True

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser, by PERMANENT_SESSION_LIFETIME."""
        return self.get("_permanent", False)

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)

def _note_change(session: Any) -> None:
    session.modified = True

class SecureCookieSession(CallbackDict, SessionMixin):
    """The session as a signed cookie; `modified` after a change of its own keys."""
    modified = accessed = False

    def __init__(self, initial: Any = None) -> None:
        super().__init__(initial, _note_change)

class NullSession(SecureCookieSession):
    """The session without a SECRET_KEY: it can be read, and is empty."""
    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        config = current_app.config if current_app else {}
        known = ("SECRET_KEY", "SECRET_KEY_FALLBACKS")
        near = [key for key in config if key not in known
                and "SECRET" in key.upper() and current_app.config[key]]
        hint = f" There is {near[0]!r} in the config: is it misspelt?" if near else ""
        raise RuntimeError(
            "The session cannot be changed because no secret key was set: give the app"
            f" a SECRET_KEY of random bytes that nobody else knows.{hint}")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = _fail
    update = setdefault = _fail

class SessionInterface:
    """Where sessions come from and go to: override open_session and save_session."""
    null_session_class = NullSession
    pickle_based = False

    def make_null_session(self, app: Any) -> Any:
        """Return the session for when `open_session` gave None."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether a session is such a one, which is not saved."""
        return isinstance(obj, self.null_session_class)

    def _setting(key: str) -> Callable:  # noqa: N805
        name = f"SESSION_COOKIE_{key}"
        def get(self: Any, app: Any) -> Any:
            return app.config[name]
        get.__doc__ = f"Return {name}."
        return get

    get_cookie_name = _setting("NAME")
    get_cookie_domain = _setting("DOMAIN")
    get_cookie_httponly = _setting("HTTPONLY")
    get_cookie_secure = _setting("SECURE")
    get_cookie_samesite = _setting("SAMESITE")
    get_cookie_partitioned = _setting("PARTITIONED")

    def get_cookie_path(self, app: Any) -> str:
        """Return SESSION_COOKIE_PATH, or else APPLICATION_ROOT."""
        return app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]

    def get_expiration_time(self, app: Any, session: Any) -> datetime | None:
        """Return when a permanent session ends."""
        if session.permanent:
            return datetime.now(timezone.utc) + app.permanent_session_lifetime
        return None

    def should_set_cookie(self, app: Any, session: Any) -> bool:
        """Tell whether the cookie is sent: after a change, or to refresh it."""
        return session.modified or (
            session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

    def open_session(self, app: Any, request: Request) -> Any:
        """Return the session of a request, or None if there can be none."""
        raise NotImplementedError

    def save_session(self, app: Any, session: Any, response: Response) -> None:
        """Save the session, mostly by a cookie of the response."""
        raise NotImplementedError

class SecureCookieSessionInterface(SessionInterface):
    """Sessions in a signed cookie."""
    salt = "cookie-session"
    digest_method = staticmethod(hashlib.sha1)
    key_derivation = "hmac"
    session_class = SecureCookieSession
    serializer: Any = TaggedJSONSerializer()

    def get_signing_serializer(self, app: Any) -> Any:
        """Return what signs and verifies; None without a SECRET_KEY.

        The keys of SECRET_KEY_FALLBACKS verify only, so that keys can be changed.
        """
        if not (key := app.secret_key):
            return None
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), key)
        return _signing_serializer(keys, self.salt, self.serializer,
                                   self.key_derivation, self.digest_method)

    def open_session(self, app: Any, request: Request) -> Any:
        """Return what the cookie says; an empty session if it is forged or too old."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            data = serializer.loads(cookie, max_age=max_age)
            return self.session_class(data if isinstance(data, dict) else None)
        except _bad_cookie():
            return self.session_class()

    def save_session(self, app: Any, session: Any, response: Response) -> None:
        """Send the cookie if it must be, delete it if the session was emptied."""
        keep = bool(session)
        send = self.should_set_cookie(app, session) if keep else session.modified
        if (send or session.accessed) and "Vary" not in response.headers:
            response.headers.add("Vary", "Cookie")      # 6 us less than through `vary`
        elif send or session.accessed:
            response.vary.add("Cookie")
        if not send:
            return
        attributes = {"domain": self.get_cookie_domain(app),
                      "path": self.get_cookie_path(app),
                      "secure": self.get_cookie_secure(app),
                      "httponly": self.get_cookie_httponly(app),
                      "samesite": self.get_cookie_samesite(app),
                      "partitioned": self.get_cookie_partitioned(app)}
        if keep:
            response.set_cookie(
                self.get_cookie_name(app),
                self.get_signing_serializer(app).dumps(dict(session)),
                expires=self.get_expiration_time(app, session), **attributes)
        else:
            response.delete_cookie(self.get_cookie_name(app), **attributes)

# What '"_permanent"' is in base64, at its three places in a group of bytes; and how a
# compressed value begins, which may hide it.
_PERMANENT = ("Il9wZXJtYW5lbnQi", "JfcGVybWFuZW50I", "iX3Blcm1hbmVudC",
              "=.", '".', " .", "\t.")

def _may_be_permanent(cookies: str) -> bool:
    """Tell whether these cookies may hold a permanent session, without opening it."""
    return any(mark in cookies for mark in _PERMANENT)

@functools.lru_cache(maxsize=None)
def _bad_cookie() -> tuple[type[Exception], ...]:
    from itsdangerous import BadData
    return BadData, ValueError, TypeError, RecursionError

@functools.lru_cache(maxsize=None)
def _signer_class() -> Any:
    """Return itsdangerous' signer, which here keeps what it derived from the key."""
    from itsdangerous import TimestampSigner, base64_encode, want_bytes
    class Signer(TimestampSigner):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._keyed = hmac.new(self.derive_key(), None, self.digest_method)

        def get_signature(self, value: Any) -> bytes:
            mac = self._keyed.copy()
            mac.update(want_bytes(value))
            return base64_encode(mac.digest())

        def verify_signature(self, value: Any, sig: Any) -> bool:
            # Most cookies bear the last key's signature; of any other, ask them all.
            mine = self.get_signature(value)
            return hmac.compare_digest(mine, want_bytes(sig)) or (
                super().verify_signature(value, sig))
    return Signer

@functools.lru_cache(maxsize=64)
def _signing_serializer(keys: tuple, salt: str, serializer: Any, derivation: str,
                        digest: Callable) -> Any:
    """Return itsdangerous' serializer of these settings, which signs with the last key.

    It keeps its signers: to make one for each cookie costs 12 us.
    """
    from itsdangerous import TimedSerializer, URLSafeTimedSerializer, base64_encode
    class Serializer(URLSafeTimedSerializer):
        make_signer = functools.lru_cache(maxsize=4)(URLSafeTimedSerializer.make_signer)

        def loads(self, s: Any, max_age: Any = None, *args: Any, **kwargs: Any) -> Any:
            if args or kwargs:
                return super().loads(s, max_age, *args, **kwargs)
            signer: Any = self.make_signer()
            return self.load_payload(signer.unsign(s, max_age))

        def dump_payload(self, obj: Any) -> bytes:
            # What is short hardly becomes shorter, and to find that out costs 8 us.
            text = TimedSerializer.dump_payload(self, obj)
            packed = text if len(text) < 64 else zlib.compress(text)
            if len(packed) < len(text) - 1:
                return b"." + base64_encode(packed)
            return base64_encode(text)
    return Serializer(
        list(keys), salt=salt, serializer=serializer, signer=_signer_class(),
        signer_kwargs={"key_derivation": derivation, "digest_method": digest})

def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page that calls get_flashed_messages."""
    session["_flashes"] = [*session.get("_flashes", []), (category, message)]
    if message_flashed.receivers:
        message_flashed.send(current_app._get_current_object(), message=message,
                             category=category,
                             _async_wrapper=current_app.ensure_sync)

def get_flashed_messages(with_categories: bool = False,
                         category_filter: Iterable[str] = ()) -> list:
    """Take the messages out of the session; asked again in this request, the same."""
    context = _request_context()
    if context.flashes is None:
        context.flashes = session.pop("_flashes") if "_flashes" in session else []
    chosen = [(category, message) for category, message in context.flashes
              if not category_filter or category in category_filter]
    return chosen if with_categories else [message for _, message in chosen]

# --------------------------------------------------------------------------------------
# 25. Templates
#
# Templates are Jinja's; here is only what ties them to the application: where they are
# looked for (the app's folder, then the blueprints'), and how they are rendered, whole
# or piece by piece. What all of them see (session, url_for), and that HTML is escaped
# by itself, is set up in chapter 29. Jinja takes longer to import than all of this
# file, so that waits for the first template.
# --------------------------------------------------------------------------------------

_OF_DICTS = frozenset(dir(dict))    # {"items": …}: `row.items` is the method

@functools.lru_cache(maxsize=None)
def _environment_class() -> Any:
    """Import Jinja, and return the environment that this chapter makes of its own."""
    import jinja2

    class Environment(jinja2.Environment):
        """Jinja's environment with the application's loader."""
        def __init__(self, app: Any, **options: Any) -> None:
            options.setdefault("loader", app.create_global_jinja_loader())
            super().__init__(**options)
            self.app = app

        def getattr(self, obj: Any, attribute: str) -> Any:
            """Return an item of a dict, in a third of the time; else ask Jinja."""
            if type(obj) is dict and attribute in obj and attribute not in _OF_DICTS:
                return obj[attribute]
            return super().getattr(obj, attribute)

    class Template(jinja2.Template):
        """Jinja's template, with the environment's globals as the plain dict it is.

        It has a ChainMap of its own and the environment's, to copy which takes 10 us.
        """
        def new_context(self, vars: Any = None, shared: bool = False,
                        locals: Any = None) -> Any:
            own, *shared_maps = getattr(self.globals, "maps", (True,))
            seen = self.globals if own or len(shared_maps) > 1 else shared_maps[0]
            return jinja2.runtime.new_context(
                self.environment, self.name, self.blocks, vars, shared, seen, locals)

    Environment.template_class = Template
    return Environment

@functools.lru_cache(maxsize=None)
def _loader_class() -> Any:
    import jinja2

    class DispatchingJinjaLoader(jinja2.BaseLoader):
        """A loader that asks the application's folder, then those of its blueprints."""
        def __init__(self, app: Any) -> None:
            self.app = app

        def get_source(self, environment: Any, template: str) -> Any:
            return _find_source(self.app, environment, template)

        def list_templates(self) -> list[str]:
            return sorted({name for _, loader in _loaders(self.app)
                           for name in loader.list_templates()})

    return DispatchingJinjaLoader

def _loaders(app: Any) -> list[tuple[Any, Any]]:
    owners = (app, *app.iter_blueprints())
    return [(owner, owner.jinja_loader) for owner in owners
            if owner.jinja_loader is not None]

def _find_source(app: Any, environment: Any, template: str) -> Any:
    """Return Jinja's (source, file, uptodate) from the first loader that has it."""
    from jinja2 import TemplateNotFound
    explain, found, tried = app.config["EXPLAIN_TEMPLATE_LOADING"], None, []
    for owner, loader in _loaders(app):
        source = None
        with contextlib.suppress(TemplateNotFound):
            source = loader.get_source(environment, template)
        if source and not explain:
            return source
        where = ", ".join(map(str, getattr(loader, "searchpath", [loader])))
        tried.append(f"{owner.name!r} in {where}: {'found' if source else 'not there'}")
        found = found or source
    if explain:
        app.logger.info("Looking for the template %r:\n  %s", template,
                        "\n  ".join(tried))
    if found is None:
        raise TemplateNotFound(template, f"{template} - looked for it by"
                                         f" {'; by '.join(tried) or 'nobody'}")
    return found

def _default_template_ctx_processor() -> dict[str, Any]:
    context = _context.get()
    if context is _outside:
        return {}
    return {"g": context.g} if context.request is None else {
        "g": context.g, "request": context.request}

def _prepare(template: Any, values: dict[str, Any]) -> Any:
    app = _context.get().app
    app.update_template_context(values)
    if before_render_template.receivers:
        before_render_template.send(app, _async_wrapper=app.ensure_sync,
                                    template=template,
                                    context=values)
    return app

def _rendered(app: Any, template: Any, values: dict[str, Any]) -> None:
    if template_rendered.receivers:
        template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template,
                               context=values)

def _render(template: Any, values: dict[str, Any]) -> str:
    app = _prepare(template, values)
    text = template.render(values)
    _rendered(app, template, values)
    return text

def _stream(template: Any, values: dict[str, Any]) -> Iterator[str]:
    app = _prepare(template, values)
    def generate() -> Iterator[str]:
        yield from template.generate(values)
        _rendered(app, template, values)
    return stream_with_context(generate()) if request else generate()

def render_template(template_name_or_list: Any, **context: Any) -> str:
    """Render a template by name, by the first of several that exists, or a Template."""
    environment = _context.get().app.jinja_env
    return _render(environment.get_or_select_template(template_name_or_list), context)

def render_template_string(source: str, **context: Any) -> str:
    """Render a template from a string; HTML is escaped."""
    return _render(_context.get().app._template_from_string(source), context)

def stream_template(template_name_or_list: Any, **context: Any) -> Iterator[str]:
    """Render a template piece by piece, to be returned by a view."""
    found = current_app.jinja_env.get_or_select_template(template_name_or_list)
    return _stream(found, context)

def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render a template from a string piece by piece."""
    return _stream(current_app._template_from_string(source), context)

def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or a variable that a template exports."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)

# --------------------------------------------------------------------------------------
# 26. Files and passwords  (skip on first reading)
#
# `send_file` answers with a file: its type by its name, its state as ETag and
# Last-Modified, and only a part or a 304 where the client's conditions allow that. A
# file's name that comes from a client never leads out of the folder that it is meant
# for. A password is stored as a salted hash that takes long to compute.
# --------------------------------------------------------------------------------------

class FileWrapper:
    """An open file as an iterable of blocks, for servers without wsgi.file_wrapper."""
    def __init__(self, file: Any, buffer_size: int = 8192) -> None:
        self.file, self.buffer_size = file, buffer_size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self.file.read(self.buffer_size)
        if not block:
            raise StopIteration
        return block

    def seekable(self) -> bool:
        """Tell whether the file can be read from any place."""
        return getattr(self.file, "seekable", lambda: hasattr(self.file, "seek"))()

    def seek(self, *args: Any) -> None:
        """Go to a place in the file."""
        self.file.seek(*args)

    def tell(self) -> int:
        """Return the place in the file."""
        return self.file.tell()

    def close(self) -> None:
        """Close the file."""
        if hasattr(self.file, "close"):
            self.file.close()

def wrap_file(environ: dict, file: Any, buffer_size: int = 65536) -> Any:
    """Return a file as an iterable, the server's own if it has one (PEP 3333)."""
    return environ.get("wsgi.file_wrapper", FileWrapper)(file, buffer_size)

_UNSAFE_PATH = re.compile(r"\A/|\A[A-Za-z]:|[\\\0]")
_DEVICE = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *([:.].*)?\Z",
    re.I | re.S)

_PLAIN_PATH = re.compile(
    r"(?:(?!con|prn|aux|nul|com|lpt)[a-z0-9_-][a-z0-9_.-]*/)*"
    r"(?!con|prn|aux|nul|com|lpt)[a-z0-9_-][a-z0-9_.-]*", re.I | re.A)

def safe_join(directory: str, *untrusted: str) -> str | None:
    """Join a folder and parts that a client named; None if they lead out of it."""
    path = directory or "."
    for part in untrusted:
        if _PLAIN_PATH.fullmatch(part):     # most: a fifth of the time
            path = f"{path}{part}" if path[-1] == "/" else f"{path}/{part}"
            continue
        if not part:
            continue
        part = posixpath.normpath(part)
        if _UNSAFE_PATH.search(part) or os.path.isabs(part) or (
                any(map(_is_unsafe_name, part.split("/")))):
            return None
        path = posixpath.join(path, part)
    return path

def _is_unsafe_name(name: str) -> bool:
    return name == ".." or _DEVICE.match(name) is not None

def secure_filename(filename: str) -> str:
    """Return a name that is safe on any system: ASCII, no folders; it may be empty."""
    filename = unicodedata.normalize("NFKD", filename)
    filename = filename.encode("ascii", "ignore").decode()
    slashes = r"[/\\]" if os.name == "nt" else "/"
    filename = "_".join(re.sub(slashes, " ", filename).split())
    filename = re.sub(r"[^A-Za-z0-9_.-]", "", filename).strip("._")
    if os.name == "nt" and _DEVICE.match(filename):
        filename = f"_{filename}"
    return filename

def send_file(
    path_or_file: Any, mimetype: str | None = None, as_attachment: bool = False,
    download_name: str | None = None, conditional: bool = True,
    etag: bool | str = True, last_modified: Any = None, max_age: Any = None,
) -> Response:
    """Answer with a file: a path (relative to the application), or an open binary file.

    Never pass a path that a client named: that is what `send_from_directory` is for.
    """
    if isinstance(path_or_file, str) or hasattr(path_or_file, "__fspath__"):
        path = os.path.join(current_app.root_path, path_or_file)
        return _send_path(path, os.stat(path), mimetype, as_attachment, download_name,
                          conditional, etag, last_modified, max_age)
    if isinstance(path_or_file, io.TextIOBase):
        raise ValueError("Files must be opened in binary mode or use BytesIO.")
    is_bytes = isinstance(path_or_file, io.BytesIO)
    size = path_or_file.getbuffer().nbytes if is_bytes else None
    response = _file_response(None, mimetype, as_attachment, download_name, max_age)
    _add_state(response.headers, "" if etag is True else etag or "", size,
               last_modified)
    response.response = wrap_file(request.environ, path_or_file)
    return _partial_file(response, size, conditional)

def _send_path(
    path: str, state: os.stat_result, mimetype: str | None = None,
    as_attachment: bool = False, download_name: str | None = None,
    conditional: bool = True, etag: bool | str = True, last_modified: Any = None,
    max_age: Any = None,
) -> Response:
    """Answer with the file of a path, whose state is known."""
    size = state.st_size
    response = _file_response(path, mimetype, as_attachment, download_name, max_age)
    environ = request.environ
    if etag is True and last_modified is None:
        response.headers._list += _state_lines(path, state.st_mtime, size)
    else:
        tag = _file_tag(path, state.st_mtime, size) if etag is True else etag or ""
        changed = state.st_mtime if last_modified is None else last_modified
        _add_state(response.headers, tag, size, changed)
    # It is compared before the file is opened: mostly that is a 304, and all.
    early = conditional and "HTTP_RANGE" not in environ
    if early and response.make_conditional(environ, True, size).status_code == 304:
        return response
    _open_file(response, path, environ)
    return response if early else _partial_file(response, size, conditional)

def _open_file(response: Response, path: str, environ: dict) -> None:
    if current_app.config["USE_X_SENDFILE"]:
        response.headers["X-Sendfile"] = path
    else:
        response.response = wrap_file(environ, open(path, "rb", buffering=0))

def _file_response(path: str | None, mimetype: str | None, as_attachment: bool,
                   download_name: str | None, max_age: Any) -> Response:
    app = _context.get().app
    if path is not None and download_name is None:
        download_name = os.path.basename(path)
    max_age = app.get_send_file_max_age if max_age is None else max_age
    max_age = max_age(path) if callable(max_age) else max_age
    headers = Headers()
    headers._list = [*_name_lines(download_name, mimetype, bool(as_attachment))]
    if max_age is None:
        headers._list.append(("Cache-Control", "no-cache"))
    else:
        kind = "public" if max_age > 0 else "no-cache"
        headers.add("Cache-Control", f"{kind}, max-age={max_age}")
        headers.add("Expires", http_date(int(time.time() + max_age)))
    return app.response_class(headers=headers, direct_passthrough=True)

def _file_tag(path: str, changed: float, size: int) -> str:
    return f"{changed}-{size}-{zlib.adler32(os.fsencode(path))}"

@functools.lru_cache(maxsize=256)
def _state_lines(path: str, changed: float, size: int) -> list[tuple[str, str]]:
    headers = Headers()
    _add_state(headers, _file_tag(path, changed, size), size, changed)
    return headers._list

def _add_state(headers: Headers, tag: str, size: int | None, changed: Any) -> None:
    """Add what tells one state of a file from another (RFC 9110 section 8)."""
    if tag:
        headers.add("ETag", quote_etag(tag))
    if size is not None:
        headers.add("Content-Length", size)
    if changed is not None:
        text = changed if isinstance(changed, str) else http_date(changed)
        headers.add("Last-Modified", text)

def _partial_file(response: Any, size: int | None, conditional: bool) -> Any:
    try:
        return response.make_conditional(request, True, size) if conditional else (
            response)
    except default_exceptions[416]:
        response.close()
        raise

def _guess_type(name: str) -> tuple[str, str | None]:
    import mimetypes
    mimetype, encoding = mimetypes.guess_type(name)
    return mimetype or "application/octet-stream", encoding

@functools.lru_cache(maxsize=256)
def _name_lines(name: str | None, mimetype: str | None,
                as_attachment: bool) -> list[tuple[str, str]]:
    """Return the field lines that a file's name makes (RFC 6266, 8187)."""
    headers, encoding = Headers(), None
    if name is None and as_attachment:
        raise TypeError("an attachment needs a name: give a download_name")
    if mimetype is None and name is None:
        raise TypeError("the MIME type of a file without a name is unknown: give a"
                        " download_name, or the mimetype")
    if mimetype is None:
        mimetype, encoding = _guess_type(str(name))
    headers.add("Content-Type", get_content_type(mimetype, "utf-8"))
    if encoding is not None and not as_attachment:
        headers.add("Content-Encoding", encoding)
    if name is not None:
        kind = "attachment" if as_attachment else "inline"
        headers.add("Content-Disposition", _disposition(kind, name))
    return headers._list

def _disposition(kind: str, name: str) -> str:
    if name.isascii():
        return dump_options_header(kind, {"filename": name})
    simple = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    full = quote(name, safe="!#$&+-.^_`|~", errors="surrogatepass")
    names = {"filename": simple, "filename*": f"UTF-8''{full}"}
    return dump_options_header(kind, names)

def send_from_directory(directory: Any, path: Any, **kwargs: Any) -> Response:
    """Answer with a file of a folder, by a path that a client may name, or NotFound."""
    full = safe_join(os.fspath(directory), os.fspath(path))
    if full is not None:
        if full[:1] != "/":
            full = os.path.join(current_app.root_path, full)
        try:
            state = os.stat(full)
        except (OSError, ValueError):
            raise NotFound() from None
        if stat.S_ISREG(state.st_mode):
            return _send_path(full, state, **kwargs)
    raise NotFound()

_SCRYPT = (32768, 8, 1)

def _hash_password(method: str, salt: str, password: str) -> str:
    name, *numbers = method.split(":")
    if name == "scrypt":
        n, r, p = map(int, numbers) if numbers else _SCRYPT
        return hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p,
                              maxmem=132 * n * r * p).hex()
    if name == "pbkdf2":
        digest, rounds = (*numbers, "1000000")[:2] if numbers else ("sha256", "1000000")
        return hashlib.pbkdf2_hmac(
            digest, password.encode(), salt.encode(), int(rounds)).hex()
    raise ValueError(f"Invalid hash method {name!r}: use scrypt or pbkdf2")

def gen_salt(length: int) -> str:
    """Return so many random letters and digits, fit for secrets."""
    import secrets
    if length < 1:
        raise ValueError("a salt has at least one character")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(secrets.choice(letters) for _ in range(length))

def generate_password_hash(password: str, method: str = "scrypt",
                           salt_length: int = 16) -> str:
    """Return a salted hash to store, by `scrypt:n:r:p` or `pbkdf2:digest:rounds`."""
    salt = gen_salt(salt_length)
    usual = {"scrypt": "scrypt:32768:8:1", "pbkdf2": "pbkdf2:sha256:1000000"}
    full = usual.get(method, method)
    if full.count(":") == 1 and full.startswith("pbkdf2"):
        full += ":1000000"
    return f"{full}${salt}${_hash_password(full, salt, password)}"

def check_password_hash(pwhash: str, password: str) -> bool:
    """Tell whether the hash was made of this password; ValueError for its method."""
    if pwhash.count("$") < 2:
        return False
    method, salt, value = pwhash.split("$", 2)
    return hmac.compare_digest(_hash_password(method, salt, password), value)

# --------------------------------------------------------------------------------------
# 27. What applications and blueprints share
#
# Routes, hooks, error handlers, templates and static files can belong to the
# application or to a blueprint: Scaffold is what both are. Hooks stand in dicts of
# lists: the key None is for all requests, a blueprint's name for its own.
# --------------------------------------------------------------------------------------

_joined = functools.lru_cache(maxsize=128)(os.path.join)

def setupmethod(f: Callable) -> Callable:
    """Make a method refuse to work when requests are being handled already."""
    @functools.wraps(f)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_setup_finished(f.__name__)
        return f(self, *args, **kwargs)
    return wrapper

@functools.lru_cache(maxsize=1024)
def _owners(endpoint: str | None) -> tuple[str | None, ...]:
    """Return whose hooks an endpoint has: the app's (None), then its blueprints'."""
    return (None, *reversed(_blueprint_path((endpoint or "").rpartition(".")[0])))

def _hook(table: str, name: str, doc: str) -> Any:
    """Make the decorator that appends a function to one of the tables of hooks."""
    def decorator(self: Any, f: Callable) -> Callable:
        getattr(self, table)[None].append(f)
        return f
    decorator.__name__, decorator.__doc__ = name, doc
    return setupmethod(decorator)

def _method_shortcut(method: str) -> Any:
    def decorator(self: Any, rule: str, **options: Any) -> Callable:
        if "methods" in options:
            raise TypeError(f"{method.lower()}() has its method: for more use route()")
        return self.route(rule, methods=[method], **options)
    decorator.__name__, decorator.__doc__ = method.lower(), f"`route` for {method}."
    return setupmethod(decorator)

def get_root_path(import_name: str) -> str:
    """Return the folder of a module, or the current one."""
    import importlib.util
    module = sys.modules.get(import_name)
    path = getattr(module, "__file__", None)
    with contextlib.suppress(ImportError, ValueError):
        if path is None and (spec := importlib.util.find_spec(import_name)) is not None:
            folders = spec.submodule_search_locations or ()
            path = spec.origin or next(iter(folders), None)
            path = os.path.join(path, "") if path and os.path.isdir(path) else path
    return os.path.dirname(os.path.abspath(path)) if path else os.getcwd()

def find_package(import_name: str) -> tuple[str | None, str]:
    """Return (prefix, folder): where it is installed, or None, and where it lies."""
    import importlib.util
    folder = os.getcwd()
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(import_name.partition(".")[0])
        if spec is not None and spec.submodule_search_locations:
            first = next(iter(spec.submodule_search_locations))
            folder = os.path.dirname(os.path.abspath(first))
        elif spec is not None and spec.origin:
            folder = os.path.dirname(os.path.abspath(spec.origin))
    python = os.path.abspath(sys.prefix)
    if os.path.commonpath([folder, python]) == python:
        return sys.prefix, folder
    parent, name = os.path.split(folder)
    if name.lower() != "site-packages":
        return None, folder
    outer, lib = os.path.split(parent)
    if lib.lower() == "lib":
        return outer, folder
    in_lib = os.path.basename(outer).lower() == "lib"
    return (os.path.dirname(outer) if in_lib else parent), folder

def _add_and_decorator(method: str, add: Callable) -> tuple[Callable, Callable]:
    """Make the methods `add_<method>(f, name)` and `@<method>(name)` of a function."""
    add.__name__ = f"add_{method}"
    add.__doc__ = f"Add a {method.rpartition('_')[2]} for templates."
    def decorate(self: Any, name: Any = None) -> Any:
        add_it = getattr(self, f"add_{method}")
        if callable(name):      # used without brackets
            add_it(name)
            return name
        def decorator(f: Callable) -> Callable:
            add_it(f, name)
            return f
        return decorator
    decorate.__name__, decorate.__doc__ = method, add.__doc__
    return setupmethod(add), setupmethod(decorate)

class Scaffold:
    """What an application and a blueprint have in common."""
    name: str
    import_name: str

    def __init__(self, import_name: str, static_folder: Any = None,
                 static_url_path: str | None = None, template_folder: Any = None,
                 root_path: str | None = None) -> None:
        self.import_name = import_name
        self.root_path = get_root_path(import_name) if root_path is None else root_path
        self.static_folder, self.static_url_path = static_folder, static_url_path
        self.template_folder = template_folder
        self.cli: Any = AppGroup()
        self.view_functions: dict[str, Callable] = {}
        self.error_handler_spec: Any = defaultdict(lambda: defaultdict(dict))
        self.before_request_funcs: Any = defaultdict(list)
        self.after_request_funcs: Any = defaultdict(list)
        self.teardown_request_funcs: Any = defaultdict(list)
        self.template_context_processors: Any = defaultdict(list)
        self.url_value_preprocessors: Any = defaultdict(list)
        self.url_default_functions: Any = defaultdict(list)

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def static_folder(self) -> str | None:
        """The folder of the static files, absolute; None if there are none."""
        folder = self._static_folder
        return None if folder is None else _joined(self.root_path, folder)

    @static_folder.setter
    def static_folder(self, value: Any) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def static_url_path(self) -> str | None:
        """The path that static files are served under."""
        if self._static_url_path is None and self.static_folder is not None:
            return f"/{os.path.basename(self.static_folder)}".rstrip("/")
        return self._static_url_path

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    has_static_folder = property(lambda self: self.static_folder is not None)

    @cached_property
    def jinja_loader(self) -> Any:
        """The loader of the template folder, or None."""
        if self.template_folder is None:
            return None
        from jinja2 import FileSystemLoader
        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how many seconds a file may be cached; to be overridden."""
        value = _context.get().app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        return int(value.total_seconds()) if isinstance(value, timedelta) else value

    def send_static_file(self, filename: str) -> Response:
        """Answer with a file of the static folder."""
        folder = self.static_folder
        if folder is None:
            raise RuntimeError(f"{self.name!r} has no static_folder to send files from")
        return send_from_directory(folder, filename,
                                   max_age=self.get_send_file_max_age(filename))

    def open_resource(self, resource: str, mode: str = "rb",
                      encoding: str | None = "utf-8") -> Any:
        """Open a file of the folder of this module, for reading."""
        if mode not in ("r", "rt", "rb"):
            raise ValueError(f"resources are opened for reading, not with {mode!r}")
        encoding = None if mode == "rb" else encoding
        return open(os.path.join(self.root_path, resource), mode, encoding=encoding)

    get = _method_shortcut("GET")
    post = _method_shortcut("POST")
    put = _method_shortcut("PUT")
    patch = _method_shortcut("PATCH")
    delete = _method_shortcut("DELETE")

    @setupmethod
    def route(self, rule: str, **options: Any) -> Callable[[Callable], Callable]:
        """Bind a function to a rule (a decorator); the options are those of Rule."""
        def decorator(f: Callable) -> Callable:
            self.add_url_rule(rule, options.pop("endpoint", None), f, **options)
            return f
        return decorator

    def add_url_rule(self, rule: str, endpoint: str | None = None,
                     view_func: Any = None,
                     provide_automatic_options: bool | None = None,
                     **options: Any) -> None:
        """Bind a rule to an endpoint, and the endpoint to a function."""
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[Callable], Callable]:
        """Make a function the view of an endpoint (a decorator)."""
        def decorator(f: Callable) -> Callable:
            self.view_functions[endpoint] = f
            return f
        return decorator

    before_request = _hook(
        "before_request_funcs", "before_request",
        "Call a function before each request; what it returns, if anything, is sent.")
    after_request = _hook(
        "after_request_funcs", "after_request",
        "Call a function with each response; it returns one.")
    teardown_request = _hook(
        "teardown_request_funcs", "teardown_request",
        "Call a function with the exception, or None, when a request is over.")
    context_processor = _hook(
        "template_context_processors", "context_processor",
        "Call a function for a dict of values that templates see.")
    url_value_preprocessor = _hook(
        "url_value_preprocessors", "url_value_preprocessor",
        "Call a function with (endpoint, values) before the view.")
    url_defaults = _hook(
        "url_default_functions", "url_defaults",
        "Call a function with (endpoint, values) in url_for; it adds to the values.")

    @setupmethod
    def errorhandler(self, code_or_exception: Any) -> Callable[[Callable], Callable]:
        """Make a function answer for a status code or exceptions (a decorator)."""
        def decorator(f: Callable) -> Callable:
            self.register_error_handler(code_or_exception, f)
            return f
        return decorator

    @setupmethod
    def register_error_handler(self, code_or_exception: Any, f: Callable) -> None:
        """Make a function answer for a status code or a class of exceptions."""
        kind, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][kind] = f

    @staticmethod
    def _get_exc_class_and_code(kind: Any) -> tuple[type[Exception], int | None]:
        if isinstance(kind, int):
            if kind not in default_exceptions:
                raise ValueError(f"{kind} is no code of an HTTP error: use a class of"
                                 " HTTPException with that code")
            kind = default_exceptions[kind]
        if isinstance(kind, Exception):
            raise TypeError(f"{kind!r} is an instance: handlers are for classes")
        if not isinstance(kind, type):
            raise TypeError(f"{kind!r} is no class: handlers are for classes or codes")
        if not issubclass(kind, Exception):
            raise ValueError(f"{kind.__name__!r} is no subclass of Exception, no code")
        return kind, kind.code if issubclass(kind, HTTPException) else None

def _endpoint_from_view_func(view_func: Any) -> str:
    if view_func is None:
        raise AssertionError("without an endpoint there must be a view function")
    return view_func.__name__

# --------------------------------------------------------------------------------------
# 28. Blueprints
#
# A blueprint only records what it is told; when it is registered, everything is done
# again on the application, under its name.
# --------------------------------------------------------------------------------------

def _app_hook(table: str, name: str) -> Any:
    """Make the decorator of a blueprint that appends to the application's table."""
    def decorator(self: Any, f: Callable) -> Callable:
        self.record_once(lambda state: getattr(state.app, table)[None].append(f))
        return f
    decorator.__name__ = name
    decorator.__doc__ = "Do for the whole application what its namesake does here."
    return setupmethod(decorator)

class BlueprintSetupState:
    """A blueprint on its way into an application, with the options it was given."""
    def __init__(self, blueprint: Blueprint, app: Any, options: Any,
                 first_registration: bool) -> None:
        def option(name: str) -> Any:
            own = options.get(name)
            return getattr(blueprint, name) if own is None else own
        self.app, self.blueprint, self.options = app, blueprint, options
        self.first_registration = first_registration
        self.subdomain, self.url_prefix = option("subdomain"), option("url_prefix")
        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")
        given = options.get("url_defaults", {})
        self.url_defaults = {**blueprint.url_values_defaults, **given}

    def add_url_rule(self, rule: str, endpoint: str | None = None,
                     view_func: Any = None,
                     **options: Any) -> None:
        """Add a rule to the application, under the blueprint's prefix and name."""
        if self.url_prefix is not None:
            rule = _join_prefix(self.url_prefix, rule) if rule else self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        endpoint = _endpoint_from_view_func(view_func) if endpoint is None else endpoint
        defaults = {**self.url_defaults, **(options.pop("defaults", None) or {})}
        full_name = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, full_name, view_func, defaults=defaults, **options)

def _join_prefix(prefix: str, rule: str) -> str:
    return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"

class Blueprint(Scaffold):
    """Routes and hooks recorded for later, and used by `app.register_blueprint`."""
    _got_registered_once = False

    def __init__(self, name: str, import_name: str, static_folder: Any = None,
                 static_url_path: str | None = None, template_folder: Any = None,
                 url_prefix: str | None = None, subdomain: str | None = None,
                 url_defaults: dict | None = None, root_path: str | None = None,
                 cli_group: Any = _missing) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder,
                         root_path)
        if not name or "." in name:
            raise ValueError(f"a blueprint's name must have no dot, not be {name!r}")
        self.name, self.url_prefix, self.subdomain = name, url_prefix, subdomain
        self.url_values_defaults = url_defaults or {}
        self.cli_group = cli_group
        self.deferred_functions: list[Callable] = []
        self._blueprints: list[tuple[Blueprint, dict]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method {f_name!r} can no longer be called on the blueprint"
                f" {self.name!r}: it is registered, and the change would be lost."
                " Do all set-up before register_blueprint().")

    @setupmethod
    def record(self, func: Callable) -> None:
        """Call a function with the BlueprintSetupState at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: Callable) -> None:
        """Call a function at the first registration only."""
        self.record(lambda state: func(state) if state.first_registration else None)

    def make_setup_state(self, app: Any, options: dict,
                         first_registration: bool = False) -> Any:
        """Return the BlueprintSetupState; to be overridden."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest a blueprint in this one."""
        if blueprint is self:
            raise ValueError(f"the blueprint {self.name!r} cannot hold itself")
        self._blueprints.append((blueprint, options))

    def register(self, app: Any, options: dict) -> None:
        """Do on the application what was recorded; called by `register_blueprint`."""
        prefix, name = options.get("name_prefix", ""), options.get("name", self.name)
        name = f"{prefix}.{name}".lstrip(".")
        if name in app.blueprints:
            which = "this" if app.blueprints[name] is self else "a different"
            raise ValueError(f"the name {name!r} is registered for {which} blueprint:"
                             " give register_blueprint() another with name=")
        first = not any(other is self for other in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first)
        if self.has_static_folder:
            state.add_url_rule(f"{self.static_url_path}/<path:filename>", "static",
                               self.send_static_file)
        self._merge_into(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        if self.cli.commands:
            group = options.get("cli_group", self.cli_group)
            self._merge_commands(app, name if group is _missing else group)
        for blueprint, own in self._blueprints:
            blueprint.register(app, self._nested_options(blueprint, own, state, name))

    def _nested_options(self, inner: Any, own: dict, state: Any, name: str) -> dict:
        prefix, subdomain = own.get("url_prefix"), own.get("subdomain")
        prefix = inner.url_prefix if prefix is None else prefix
        subdomain = inner.subdomain if subdomain is None else subdomain
        both = state.url_prefix is not None and prefix is not None
        joined = prefix or state.url_prefix
        if both:
            joined = _join_prefix(state.url_prefix, prefix)
        domains = [part for part in (subdomain, state.subdomain) if part is not None]
        return {**own, "name_prefix": name, "url_prefix": joined,
                "subdomain": ".".join(domains) if domains else None}

    def _merge_commands(self, app: Any, group: str | None) -> None:
        if group is None:
            app.cli.commands.update(self.cli.commands)
        else:
            self.cli.name = group
            app.cli.add_command(self.cli)

    def _merge_into(self, app: Any, name: str) -> None:
        def full(key: str | None) -> str:
            return name if key is None else f"{name}.{key}"
        for key, by_code in self.error_handler_spec.items():
            for code, by_class in by_code.items():
                app.error_handler_spec[full(key)][code].update(by_class)
        app.view_functions.update(self.view_functions)
        for table in ("before_request_funcs", "after_request_funcs",
                      "teardown_request_funcs",
                      "url_default_functions", "url_value_preprocessors",
                      "template_context_processors"):
            for key, functions in getattr(self, table).items():
                getattr(app, table)[full(key)].extend(functions)

    @setupmethod
    def add_url_rule(self, rule: str, endpoint: str | None = None,
                     view_func: Any = None,
                     provide_automatic_options: bool | None = None,
                     **options: Any) -> None:
        """Record a rule."""
        if "." in (endpoint or "") or "." in getattr(view_func, "__name__", ""):
            raise ValueError(f"a blueprint's endpoint must have no dot: {endpoint!r}")
        self.record(lambda state: state.add_url_rule(
            rule, endpoint, view_func,
            provide_automatic_options=provide_automatic_options,
            **options))

    before_app_request = _app_hook("before_request_funcs", "before_app_request")
    after_app_request = _app_hook("after_request_funcs", "after_app_request")
    teardown_app_request = _app_hook("teardown_request_funcs", "teardown_app_request")
    app_context_processor = _app_hook(
        "template_context_processors", "app_context_processor")
    app_url_value_preprocessor = _app_hook(
        "url_value_preprocessors", "app_url_value_preprocessor")
    app_url_defaults = _app_hook("url_default_functions", "app_url_defaults")

    @setupmethod
    def app_errorhandler(self, code: Any) -> Callable[[Callable], Callable]:
        """`errorhandler` of the application."""
        def decorator(f: Callable) -> Callable:
            self.record_once(lambda state: state.app.register_error_handler(code, f))
            return f
        return decorator

    def _app_template(kind: str) -> tuple:  # noqa: N805
        """Make the two ways to give the app's templates a filter, test or global."""
        def add(self: Any, f: Callable, name: str | None = None) -> None:
            self.record_once(
                lambda state: getattr(state.app, f"add_template_{kind}")(f, name))
        return _add_and_decorator(f"app_template_{kind}", add)

    add_app_template_filter, app_template_filter = _app_template("filter")
    add_app_template_test, app_template_test = _app_template("test")
    add_app_template_global, app_template_global = _app_template("global")

# --------------------------------------------------------------------------------------
# 29. The application, set up
#
# What is decided before the first request: the configuration, the classes that are
# used, the templates, the routes. Afterwards a change would be seen by some requests
# and not by others, and is refused. The class Flask is told in three chapters, each a
# class on top of the one before: App is set up here, _AppServices (30) is what it can
# do for a request or without one, Flask (31) answers.
# --------------------------------------------------------------------------------------

def _is_switched_on(variable: str) -> bool:
    """Tell whether a variable of the environment is set, and not to 0, false or no."""
    return os.environ.get(variable, "").lower() not in ("", "0", "false", "no")

def get_debug_flag() -> bool:
    """Tell whether FLASK_DEBUG is set, and not to 0, false or no."""
    return _is_switched_on("FLASK_DEBUG")

@functools.lru_cache(maxsize=None)
def _default_handler() -> Any:
    """Return the handler that writes to the server's error stream, or to stderr."""
    import logging
    handler = logging.StreamHandler(wsgi_errors_stream)
    layout = "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"
    handler.setFormatter(logging.Formatter(layout))
    return handler

wsgi_errors_stream: Any = LocalProxy(
    lambda: request.environ["wsgi.errors"] if request else sys.stderr)

class _Later:
    """A class attribute that is computed when it is asked for."""
    def __init__(self, compute: Callable[[], Any]) -> None:
        self.compute = compute

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        return self.compute()

def _methods_of(view_func: Any, methods: Any) -> set[str]:
    methods = methods or getattr(view_func, "methods", None) or ("GET",)
    if isinstance(methods, str):
        raise TypeError(f'methods must be a list of strings: methods=["{methods}"]')
    return {method.upper() for method in methods}

class App(Scaffold):
    """The application as it is set up: its parts, its templates, its routes."""
    ensure_sync: Any            # these three are _AppServices', in the next chapter
    _sync: Any
    url_for: Any
    request_class: Any = Request
    response_class: Any = Response
    aborter_class: Any = Aborter
    config_class: Any = Config
    app_ctx_globals_class: Any = _AppCtxGlobals
    json_provider_class: Any = DefaultJSONProvider
    url_rule_class: Any = Rule
    url_map_class: Any = Map
    session_interface: Any = SecureCookieSessionInterface()
    test_client_class: Any = None
    test_cli_runner_class: Any = None
    jinja_environment: Any = _Later(_environment_class)
    jinja_options: dict[str, Any] = {}
    default_config: Mapping[str, Any] = ImmutableDict(
        DEBUG=None, TESTING=False, PROPAGATE_EXCEPTIONS=None, SECRET_KEY=None,
        SECRET_KEY_FALLBACKS=None, PERMANENT_SESSION_LIFETIME=timedelta(days=31),
        USE_X_SENDFILE=False, TRUSTED_HOSTS=None, SERVER_NAME=None,
        APPLICATION_ROOT="/",
        SESSION_COOKIE_NAME="session", SESSION_COOKIE_DOMAIN=None,
        SESSION_COOKIE_PATH=None,
        SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SECURE=False,
        SESSION_COOKIE_PARTITIONED=False, SESSION_COOKIE_SAMESITE=None,
        SESSION_REFRESH_EACH_REQUEST=True, MAX_CONTENT_LENGTH=None,
        MAX_FORM_MEMORY_SIZE=500_000, MAX_FORM_PARTS=1000,
        SEND_FILE_MAX_AGE_DEFAULT=None,
        TRAP_BAD_REQUEST_ERRORS=None, TRAP_HTTP_EXCEPTIONS=False,
        EXPLAIN_TEMPLATE_LOADING=False, PREFERRED_URL_SCHEME="http",
        TEMPLATES_AUTO_RELOAD=None, MAX_COOKIE_SIZE=4093,
        PROVIDE_AUTOMATIC_OPTIONS=True)
    testing = ConfigAttribute("TESTING")
    secret_key = ConfigAttribute("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute(
        "PERMANENT_SESSION_LIFETIME", lambda value: (
            timedelta(seconds=value) if isinstance(value, int) else value))

    def __init__(
        self, import_name: str, static_url_path: str | None = None,
        static_folder: Any = "static", static_host: str | None = None,
        host_matching: bool = False, subdomain_matching: bool = False,
        template_folder: Any = "templates", instance_path: str | None = None,
        instance_relative_config: bool = False, root_path: str | None = None,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder,
                         root_path)
        if instance_path is not None and not os.path.isabs(instance_path):
            raise ValueError(f"the instance_path must be absolute: {instance_path!r}")
        self.instance_path = instance_path or self.auto_find_instance_path()
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json = self.json_provider_class(self)
        self.url_map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self.url_build_error_handlers: list[Callable] = []
        self.teardown_appcontext_funcs: list[Callable] = []
        self.shell_context_processors: list[Callable] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, Any] = {}
        self.template_context_processors[None].append(_default_template_ctx_processor)
        self._got_first_request = False
        self._is_plain: bool | None = None
        self._plain_hosts = False       # a request needs no MapAdapter: 2 us less
        self._sync_views: dict[Callable, Callable] = {}
        self.cli.name = self.name
        if self.has_static_folder:
            assert bool(static_host) == host_matching, (
                "static_host goes with host_matching: give both or none")
            itself: Any = weakref.ref(self)      # a cycle would keep it alive
            self.add_url_rule(
                f"{self.static_url_path}/<path:filename>", "static", host=static_host,
                view_func=lambda **kw: itself().send_static_file(**kw))

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method {f_name!r} can no longer be called on the app:"
                " it has handled its first request, and not all would see the change."
                " Do all set-up where the application is made, before it runs.")

    @cached_property
    def name(self) -> str:
        """The name of the module, or of the file that runs."""
        if self.import_name != "__main__":
            return self.import_name
        file = getattr(sys.modules["__main__"], "__file__", None)
        return os.path.splitext(os.path.basename(file))[0] if file else "__main__"

    @cached_property
    def logger(self) -> Any:
        """A logging.Logger by the application's name; in debug mode it says all."""
        import logging
        logger = logging.getLogger(self.name)
        if self.debug and not logger.level:
            logger.setLevel(logging.DEBUG)
        if not logger.hasHandlers():
            logger.addHandler(_default_handler())
        return logger

    @property
    def debug(self) -> bool:
        """Debug mode: errors are shown, templates and JSON made for people."""
        return self.config["DEBUG"]

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        follow = self.config["TEMPLATES_AUTO_RELOAD"] is None
        if follow and "jinja_env" in self.__dict__:
            self.jinja_env.auto_reload = value

    def make_config(self, instance_relative: bool = False) -> Config:
        """Return the configuration with its defaults; to be overridden."""
        root = self.instance_path if instance_relative else self.root_path
        defaults = {**self.default_config, "DEBUG": get_debug_flag()}
        return self.config_class(root, defaults)

    def make_aborter(self) -> Any:
        """Return what `abort` calls; to be overridden."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Return the folder for what belongs to this installation only."""
        prefix, folder = find_package(self.import_name)
        if prefix is None:
            return os.path.join(folder, "instance")
        return os.path.join(prefix, "var", f"{self.name}-instance")

    def open_instance_resource(self, resource: str, mode: str = "rb",
                               encoding: str | None = "utf-8") -> Any:
        """Open a file of the instance folder."""
        path = os.path.join(self.instance_path, resource)
        return open(path, mode, encoding=None if "b" in mode else encoding)

    # Templates

    @cached_property
    def jinja_env(self) -> Any:
        """Jinja's environment, made when first used."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Any:
        """Return Jinja's environment; to be overridden."""
        reload = self.config["TEMPLATES_AUTO_RELOAD"]
        options = {"autoescape": self.select_jinja_autoescape,
                   "auto_reload": self.debug if reload is None else reload,
                   **self.jinja_options}
        environment = self.jinja_environment(self, **options)
        environment.globals.update(
            url_for=self.url_for, get_flashed_messages=get_flashed_messages,
            config=self.config,
            request=request, session=session, g=g)
        environment.policies["json.dumps_function"] = self.json.dumps
        return environment

    def create_global_jinja_loader(self) -> Any:
        """Return the loader that looks everywhere; to be overridden."""
        return _loader_class()(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Tell whether a template is escaped: HTML, XML, SVG, those without a name."""
        escaped = (".html", ".htm", ".xml", ".xhtml", ".svg")
        return filename is None or filename.endswith(escaped)

    @cached_property
    def _template_from_string(self) -> Callable[[str], Any]:
        """Compile a template from a string; compiled ones are kept: 300 us less."""
        compile_template = functools.lru_cache(maxsize=256)
        return compile_template(lambda source: self.jinja_env.from_string(source))

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add what the context processors give; what the view gave wins."""
        given, here = context.copy(), _context.get()
        request = None if here is _outside else here.request
        for name in _owners(request and request.endpoint):
            for func in self.template_context_processors.get(name, ()):
                context.update(self._sync(func)())
        context.update(given)

    def _template(kind: str) -> tuple:  # noqa: N805
        """Make the two ways to give templates a filter, a test or a global."""
        def add(self: Any, f: Callable, name: str | None = None) -> None:
            getattr(self.jinja_env, f"{kind}s")[name or f.__name__] = f
        return _add_and_decorator(f"template_{kind}", add)

    add_template_filter, template_filter = _template("filter")
    add_template_test, template_test = _template("test")
    add_template_global, template_global = _template("global")

    # Routes, blueprints, hooks

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Add a blueprint; `url_prefix`, `subdomain`, `name` can be given anew."""
        blueprint.register(self, options)

    def iter_blueprints(self) -> Iterable[Blueprint]:
        """Return the blueprints in the order of registration."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(self, rule: str, endpoint: str | None = None,
                     view_func: Any = None,
                     provide_automatic_options: bool | None = None,
                     **options: Any) -> None:
        """Bind a rule to an endpoint, and the endpoint to a function."""
        endpoint = _endpoint_from_view_func(view_func) if endpoint is None else endpoint
        methods = _methods_of(view_func, options.pop("methods", None))
        automatic = provide_automatic_options
        if automatic is None:
            automatic = getattr(view_func, "provide_automatic_options", None)
        if automatic is None and "OPTIONS" not in methods:
            automatic = self.config["PROVIDE_AUTOMATIC_OPTIONS"]
            methods |= {"OPTIONS"} if automatic else set()
        methods |= set(getattr(view_func, "required_methods", ()))
        made = self.url_rule_class(rule, methods=methods, endpoint=endpoint, **options)
        made.provide_automatic_options = bool(automatic)
        self.url_map.add(made)
        if view_func is not None:
            self._set_view(endpoint, view_func)

    def _set_view(self, endpoint: str, view_func: Callable) -> None:
        if self.view_functions.get(endpoint, view_func) != view_func:
            raise AssertionError(
                f"the endpoint {endpoint!r} is overwriting an existing endpoint: two"
                " views have one name. Rename one of them, or give endpoint=.")
        self.view_functions[endpoint] = view_func

    @setupmethod
    def teardown_appcontext(self, f: Callable) -> Callable:
        """Call a function with the exception, or None, when a context is left."""
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: Callable) -> Callable:
        """Call a function for a dict of names that the shell knows."""
        self.shell_context_processors.append(f)
        return f

    def make_shell_context(self) -> dict[str, Any]:
        """Return the names that the shell knows."""
        names = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

# --------------------------------------------------------------------------------------
# 30. URLs, errors and server of the application
#
# What a request may need on its way, and what an application does without one: it makes
# contexts, builds URLs, asks the error handlers, runs async functions, logs, and starts
# the server and the clients of tests.
# --------------------------------------------------------------------------------------

class FormDataRoutingRedirect(AssertionError):
    """In debug mode: a redirect would lose the form that was posted."""
    def __init__(self, request: Request) -> None:
        error: Any = request.routing_exception
        super().__init__(f"{request.method} {request.url} would be redirected to"
                         f" {error.new_url}, and the form would be lost: post it there")

class _AppServices(App):
    """What the application can do for a request, and without one."""
    __call__: Any               # these two are Flask's, in the next chapter
    finalize_request: Any

    # Contexts and URLs

    def app_context(self) -> AppContext:
        """Return a context without a request: `with app.app_context():`."""
        return AppContext(self)

    def request_context(self, environ: dict) -> AppContext:
        """Return a context with the request of a WSGI environ."""
        return AppContext(self, self.request_class(environ))

    def test_request_context(self, *args: Any, **kwargs: Any) -> AppContext:
        """Return a context with a request made up of EnvironBuilder's arguments."""
        return self.request_context(EnvironBuilder(self, *args, **kwargs).get_environ())

    def create_url_adapter(self, request: Any) -> Any:
        """Return the MapAdapter of a request; without one, of SERVER_NAME, or None."""
        config = self.config
        if request is None:
            return None if config["SERVER_NAME"] is None else self.url_map.bind(
                config["SERVER_NAME"], script_name=config["APPLICATION_ROOT"],
                url_scheme=config["PREFERRED_URL_SCHEME"])
        request.check_host(config["TRUSTED_HOSTS"])
        subdomain = None
        if not (self.url_map.host_matching or self.subdomain_matching):
            subdomain = self.url_map.default_subdomain or ""
        return self.url_map.bind_to_environ(
            request, None if self.url_map.host_matching else config["SERVER_NAME"],
            subdomain)

    def inject_url_defaults(self, endpoint: str, values: dict) -> None:
        """Let the `url_defaults` functions add to the values of url_for."""
        for name in (None, *reversed(_blueprint_path(endpoint.rpartition(".")[0]))):
            for func in self.url_default_functions.get(name, ()):
                func(endpoint, values)

    def url_for(self, /, endpoint: str, *, _anchor: str | None = None,
                _method: str | None = None, _scheme: str | None = None,
                _external: bool | None = None, **values: Any) -> str:
        """Return the URL of an endpoint; values that are no variables are its query.

        Raises BuildError if no rule has these values, RuntimeError without a request
        and without SERVER_NAME.
        """
        adapter, blueprint, in_request = self._url_base()
        if endpoint[:1] == "." and in_request:
            endpoint = f"{blueprint or ''}{endpoint}".lstrip(".")
        if _external is None:
            _external = not in_request or _scheme is not None
        if _scheme is not None and not _external:
            raise ValueError("When specifying '_scheme', '_external' must be True.")
        self.inject_url_defaults(endpoint, values)
        try:
            url = adapter.build(endpoint, values, _method, _external,
                                url_scheme=_scheme)
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme,
                          _external=_external)
            return self.handle_url_build_error(error, endpoint, values)
        if _anchor is None:
            return url
        return f"{url}#{quote(_anchor, safe=_URL_SAFE + '?#')}"

    def _url_base(self) -> tuple[Any, str | None, bool]:
        """Return (adapter, name of the blueprint, whether there is a request)."""
        context = _context.get()
        if context is not _outside and context.request is not None:
            return context.url_adapter, context.request.blueprint, True
        here = context is _outside or context.app is self
        adapter = self.create_url_adapter(None) if here else context.url_adapter
        if adapter is None:
            raise RuntimeError(
                "Unable to build URLs outside an active request without 'SERVER_NAME'."
                " Set it, and 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed.")
        return adapter, None, False

    def handle_url_build_error(self, error: BuildError, endpoint: str,
                               values: dict) -> str:
        """Ask the `url_build_error_handlers`; raise the error if none has an answer."""
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
                if url is not None:
                    return url
            except BuildError as other:
                error = other
        raise error

    def redirect(self, location: str, code: int = 302) -> Any:
        """Return a redirect of this application's response class."""
        return _redirect_response(location, code, self.response_class)

    # When something goes wrong

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Tell whether teardown functions are not told of an error."""
        return False

    def _propagates(self) -> bool:
        setting = self.config["PROPAGATE_EXCEPTIONS"]
        return bool(self.testing or self.debug) if setting is None else setting

    def _find_error_handler(self, error: Exception, blueprints: list[str]) -> Any:
        if not self.error_handler_spec:
            return None
        kind, code = self._get_exc_class_and_code(type(error))
        for key in (code, None) if code is not None else (None,):
            for name in (*blueprints, None):
                by_class: Any = self.error_handler_spec[name][key] if (
                    name in self.error_handler_spec) else None
                for ancestor in kind.__mro__ if by_class else ():
                    if ancestor in by_class:
                        return by_class[ancestor]
        return None

    def trap_http_exception(self, e: Exception) -> bool:
        """Tell whether an HTTPException is a bug to be raised, not a response."""
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap is None:
            return bool(self.debug) and isinstance(e, BadRequestKeyError)
        return trap and isinstance(e, BadRequest)

    def handle_http_exception(self, e: Any) -> Any:
        """Return what a handler says of an HTTPException, or it as the answer."""
        if not self.error_handler_spec or e.code is None or (
                isinstance(e, RoutingException)):
            return e
        handler = self._find_error_handler(e, request.blueprints)
        return e if handler is None else self.ensure_sync(handler)(e)

    def handle_user_exception(self, e: Exception) -> Any:
        """Return what a handler says of an exception, or raise it again."""
        if isinstance(e, HTTPException):
            if isinstance(e, BadRequestKeyError) and (
                    self.debug or self.config["TRAP_BAD_REQUEST_ERRORS"]):
                e.show_exception = True
            if not self.trap_http_exception(e):
                return self.handle_http_exception(e)
        handler = self._find_error_handler(e, request.blueprints)
        if handler is None:
            raise e
        return self.ensure_sync(handler)(e)

    def handle_exception(self, e: Exception) -> Response:
        """Log an exception that nobody handled, answer 500; in tests, raise it."""
        if got_request_exception.receivers:
            got_request_exception.send(self, _async_wrapper=self.ensure_sync,
                                       exception=e)
        if self._propagates():
            raise e
        self.log_exception((type(e), e, e.__traceback__))
        error = InternalServerError(original_exception=e)
        handler = self._find_error_handler(error, request.blueprints)
        result = error if handler is None else self.ensure_sync(handler)(error)
        return self.finalize_request(result, from_error_handler=True)

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise the 404, 405 or redirect; in debug mode, what a redirect would lose."""
        error: Any = request.routing_exception
        if isinstance(error, RequestRedirect) and error.code not in (307, 308) and (
                self.debug and request.method not in ("GET", "HEAD", "OPTIONS")):
            raise FormDataRoutingRedirect(request)
        raise error

    def _answer_error(self, error: Exception) -> Any:
        """Return what `handle_exception` does; if that fails, a plain page."""
        environ = _context.get().request.environ
        for answer in (lambda: self.handle_exception(error),
                       lambda: self.finalize_request(InternalServerError(), True)):
            try:
                response = answer()
                response.get_wsgi_headers(environ)
                return response
            except Exception as another:
                if self._propagates():
                    raise
                self.log_exception((type(another), another, another.__traceback__))
        return InternalServerError().get_response()

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception with its traceback."""
        path, method = repr(request.path)[1:-1], repr(request.method)[1:-1]
        self.logger.error(f"Exception on {path} [{method}]", exc_info=exc_info)

    # Async functions

    def _sync(self, func: Callable) -> Callable:
        """Return `ensure_sync(func)`, asked once for each view and hook."""
        try:
            return self._sync_views[func]
        except KeyError:
            ready = self._sync_views[func] = self.ensure_sync(func)
            return ready
        except TypeError:       # it cannot be hashed
            return self.ensure_sync(func)

    def ensure_sync(self, func: Callable) -> Callable:
        """Return a function to be called plainly; an async one gets its own loop."""
        from inspect import iscoroutinefunction
        return self.async_to_sync(func) if iscoroutinefunction(func) else func

    def async_to_sync(self, func: Callable) -> Callable:
        """Return a function that runs a coroutine to its end; to be overridden."""
        try:
            from asgiref.sync import async_to_sync
        except ImportError:
            raise RuntimeError("async views need the package asgiref: install it, or"
                               " microflask with the extra 'async'") from None
        return async_to_sync(func)

    # Running and testing

    def run(self, host: str | None = None, port: int | None = None,
            debug: bool | None = None, load_dotenv: bool = True,
            **options: Any) -> None:
        """Serve with the development server; the options are those of run_simple."""
        if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
            return      # the command line imports the module to serve it itself
        if load_dotenv and not _is_switched_on("FLASK_SKIP_DOTENV"):
            self._load_dotenv()
        if debug is not None:
            self.debug = bool(debug)
        name, _, number = (self.config["SERVER_NAME"] or "").partition(":")
        chosen = int(port if port is not None else number or 5000)
        options = {"use_reloader": self.debug, "use_debugger": self.debug,
                   "threaded": True, **options}
        show_server_banner(self.debug, self.name)
        try:
            run_simple(host or name or "127.0.0.1", chosen, self, **options)
        finally:
            self._got_first_request = False

    def _load_dotenv(self) -> None:
        load_dotenv()
        if "FLASK_DEBUG" in os.environ:
            self.debug = get_debug_flag()

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> Any:
        """Return a client that calls the application without a server."""
        return (self.test_client_class or FlaskClient)(
            self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> Any:
        """Return a runner that calls the application's commands."""
        return (self.test_cli_runner_class or FlaskCliRunner)(self, **kwargs)

def url_for(endpoint: str, *, _anchor: str | None = None, _method: str | None = None,
            _scheme: str | None = None, _external: bool | None = None,
            **values: Any) -> str:
    """Return the URL of an endpoint; see Flask.url_for."""
    return current_app.url_for(endpoint, _anchor=_anchor, _method=_method,
                               _scheme=_scheme,
                               _external=_external, **values)

# --------------------------------------------------------------------------------------
# 31. The application at work: from environ to response
#
# This is the heart. `wsgi_app` is the way of every request: environ -> context
# (request) -> match -> before hooks -> view -> Response -> after hooks -> session saved
# -> start_response -> body -> teardown. Nearly each arrow is a method that a subclass
# may override; the match is made when the context is pushed (chapter 8), and its error,
# a 404 say, waits in `request.routing_exception` until the hooks have run. What a hook
# or a view raises goes to `handle_user_exception` (chapter 30): a handler's result, or
# the HTTPException itself, is then treated as a view's. What nobody handles goes up to
# `wsgi_app`, and `_answer_error` makes a 500 of it, or raises it again in debug mode.
#
# A step that has nothing to do is left out, as long as it is Flask's own: `_is_plain`
# says so of all of them. It is found out at the first request, and is over when one is
# assigned to the application. What was not registered costs a look at an empty dict.
#
# The first request does more than those after it: it ends the set-up (setting
# `_got_first_request`), sorts the rules and compiles the expressions it tries, asks of
# each view and hook whether it is async, and fills small caches (hosts, types); the
# first session imports itsdangerous and derives the key, the first template Jinja.
#
# Why a framework costs what it costs: "Hello, World!" takes some 44,000 instructions
# here (330,000 in Flask, 5,000 as a bare WSGI function). Of 100 of them, 13 make the
# request and its context; 15 push and pop it, so that `request` works everywhere; 15
# check the host and find the rule; 4 look at the hooks and call the view; 24 make the
# Response, half of it for header fields that can be changed; 5 see that there are no
# after hooks, no session; 13 make the list of headers, start_response and the body. The
# rest are the calls between: each method that may be overridden is one of the 100.
#
# What keeps it there: nothing is parsed until it is asked for; what can be known of a
# rule, a type, a file is computed once; the usual case comes first.
# --------------------------------------------------------------------------------------

def _unpack(rv: tuple) -> tuple:
    """Return (body, status, headers) of what a view returned as a tuple."""
    if len(rv) == 3:
        return rv
    if len(rv) == 2:
        has_headers = isinstance(rv[1], (Headers, dict, tuple, list))
        return (rv[0], None, rv[1]) if has_headers else (*rv, None)
    raise TypeError("The view function did not return a valid response tuple: it is"
                    " (body, status, headers), (body, status), or (body, headers)")

_IDLE_STEPS = ("request_context", "preprocess_request", "make_response",
               "process_response", "do_teardown_request", "do_teardown_appcontext")
_STEPS: dict[str, Any] = dict.fromkeys((    # which function each is, is noted below
    *_IDLE_STEPS, "create_url_adapter", "ensure_sync", "async_to_sync"))
_PARTS = ("session_interface", "request_class", "url_map", "subdomain_matching")
_bind_to_environ = Map.bind_to_environ

def _drop_frames(error: Exception) -> None:
    """Let a 404 or 405 of the router go now: its frames hold it until gc finds them."""
    if error is _context.get().request.routing_exception:
        error.__traceback__ = None

_PLAIN_BODIES = frozenset((str, bytes, GeneratorType))

def _completed(response: Any, status: Any, headers: Any) -> Response:
    """Give a response the status and headers that a view returned beside it."""
    try:
        if status is not None:
            response.status = status
        if headers:
            response.headers.update(headers)
    except Exception:
        response.close()
        raise
    return response

class Flask(_AppServices):      # on top of App (chapter 29) and _AppServices (30)
    """The application, named after its module: `app = Flask(__name__)`."""
    def _look_at_steps(self) -> None:
        """Find out what can be left out of a request, because nobody changed it."""
        rules, self._sync_views = self.url_map, {}
        bind, interface = rules.bind_to_environ, self.session_interface
        self._plain_hosts = self._is_own("create_url_adapter") and (
            getattr(bind, "__func__", None) is _bind_to_environ) and not (
            rules.host_matching or self.subdomain_matching or rules.default_subdomain)
        self._is_plain = all(map(self._is_own, _IDLE_STEPS)) and (
            self.request_class.close is Request.close and not vars(interface)
            and type(interface) is SecureCookieSessionInterface)

    def _is_own(self, name: str) -> bool:
        return getattr(getattr(self, name), "__func__", None) is _STEPS[name]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _STEPS or name in _PARTS:
            self._is_plain = None       # to be found out again

    # The way of a request

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        if self._is_plain is None:
            self._look_at_steps()
        return self.wsgi_app(environ, start_response)

    def wsgi_app(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        """Answer a request (PEP 3333); middleware wraps it: app.wsgi_app = X(...)."""
        context = AppContext(self, self.request_class(environ)) if self._is_plain else (
            self.request_context(environ))
        error: BaseException | None = None
        response: Any = None
        try:
            try:
                context.push()
                response = self.full_dispatch_request()
                if type(response) is self.response_class:   # the same: 0.1 us less
                    return response.__call__(environ, start_response)
                return response(environ, start_response)
            except Exception as exception:
                error = exception
                if response and type(response).__call__ is not Response.__call__:
                    raise       # it answers in its own way: for one, as a WebSocket
                return self._answer_error(exception)(environ, start_response)
            except BaseException as exception:
                error = exception
                raise
        finally:
            if "werkzeug.debug.preserve_context" in environ:  # `with client:` of tests
                environ["werkzeug.debug.preserve_context"](context)
            if error is not None and self.should_ignore_error(error):
                error = None
            context.pop(error)
            error = None        # or it would hold this frame, and all of the request

    def full_dispatch_request(self) -> Response:
        """Run the hooks and the view; return the finished response."""
        result = None
        if not self._got_first_request:
            self._got_first_request = True
        try:
            if request_started.receivers:
                request_started.send(self, _async_wrapper=self.ensure_sync)
            if self.before_request_funcs or self.url_value_preprocessors or (
                    not self._is_plain):
                result = self.preprocess_request()
            if result is None:
                result = self.dispatch_request()
        except Exception as error:
            result = self.handle_user_exception(error)
            if result is error and not self.error_handler_spec:
                _drop_frames(error)
        response = self.finalize_request(result)
        result = None       # or an error would hold this frame, which holds it
        return response

    def preprocess_request(self) -> Any:
        """Run the url_value_preprocessor and before_request functions."""
        request = _context.get().request
        rule = request.url_rule
        owners = _owners(rule and rule.endpoint)    # None: the app's; then blueprints'
        for name in owners if self.url_value_preprocessors else ():
            for func in self.url_value_preprocessors.get(name, ()):
                func(request.endpoint, request.view_args)
        for name in owners:
            for func in self.before_request_funcs.get(name, ()):
                result = self._sync(func)()
                if result is not None:
                    return result
        return None

    def dispatch_request(self) -> Any:
        """Call the view that the rule names, and return what it returns."""
        request = _context.get().request
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        rule = request.url_rule
        if request.method == "OPTIONS" and rule.provide_automatic_options:
            return self.make_default_options_response()
        view = self.view_functions[rule.endpoint]
        try:
            view = self._sync_views[view]       # an async one is wrapped: chapter 30
        except (KeyError, TypeError):
            view = self._sync(view)
        return view(**request.view_args) if request.view_args else view()

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:
        """Make a response of what a view or a handler returned; run the after hooks."""
        plain, context = self._is_plain, _context.get()
        made = response = self.response_class(rv) if plain and type(rv) is str else (
            self.make_response(rv))
        try:
            if context._needs_after or self.after_request_funcs or not plain or (
                    "HTTP_COOKIE" in context.request.environ):
                response = self._processed(response)
            if request_finished.receivers:
                request_finished.send(self, _async_wrapper=self.ensure_sync,
                                      response=response)
        except Exception:
            if not from_error_handler:
                made.close()
                raise
            self.logger.exception("Finalizing failed while handling an error")
        return response

    def make_response(self, rv: Any) -> Response:
        """Return a response of str, bytes, dict, list, iterator, tuple, Response."""
        kind, response_class = type(rv), self.response_class
        if kind in _PLAIN_BODIES:
            return response_class(rv)
        if kind is response_class:
            return rv
        if kind is dict:
            return self.json.response(rv)
        status = headers = None
        if isinstance(rv, tuple):
            rv, status, headers = _unpack(rv)
        if isinstance(rv, HTTPException):
            rv = rv.get_response(_context.get().request.environ)
        if not isinstance(rv, response_class):
            if isinstance(rv, (str, bytes, bytearray)) or hasattr(rv, "__next__"):
                return response_class(rv, status, headers)
            rv = self._converted(rv)
        return rv if status is headers is None else _completed(rv, status, headers)

    def _converted(self, rv: Any) -> Response:
        if isinstance(rv, (dict, list)):
            return self.json.response(rv)
        if isinstance(rv, Response) or callable(rv):
            return self.response_class.force_type(rv, request.environ)
        if rv is None:
            raise TypeError(f"The view function for {request.endpoint!r} returned None,"
                            " which is no response. Does every way end in a `return`?")
        raise TypeError(
            f"The view function for {request.endpoint!r} did not return a valid"
            f" response but this: {type(rv).__name__}. It can be a str, dict, list,"
            " iterator, a tuple with status or headers, Response or WSGI callable.")

    def process_response(self, response: Response) -> Response:
        """Run the after hooks, and save the session."""
        context = _context.get()
        context = context if context._own else _request_context()
        for func in context._after_request_functions:
            response = self.ensure_sync(func)(response)
        if self.after_request_funcs:
            rule = context.request.url_rule
            for name in reversed(_owners(rule and rule.endpoint)):
                for func in reversed(self.after_request_funcs.get(name, ())):
                    response = self._sync(func)(response)
        self._save_session(context, response)
        return response

    def _processed(self, response: Response) -> Response:
        response = self.process_response(response)
        if not callable(response):
            raise TypeError("an after_request function returned no response")
        return response

    def _save_session(self, context: AppContext, response: Response) -> None:
        session, interface = context._session, self.session_interface
        cookies = context.request.environ.get("HTTP_COOKIE")
        if session is None and (
                type(interface) is not SecureCookieSessionInterface or vars(interface)
                or cookies and self.config["SESSION_REFRESH_EACH_REQUEST"]
                and _may_be_permanent(cookies)):
            session = context._open_session()       # not touched, but to be refreshed
        if session is not None and not interface.is_null_session(session):
            interface.save_session(self, session, response)

    def make_default_options_response(self) -> Response:
        """Return the answer to OPTIONS: the methods of this path."""
        response = self.response_class()
        response.allow.update(_context.get().url_adapter.allowed_methods())
        return response

    def do_teardown_request(self, exc: Any = _missing) -> None:
        """Run the `teardown_request` functions, all of them."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            funcs = [func for name in reversed(_owners(request.endpoint))
                     for func in reversed(self.teardown_request_funcs.get(name, ()))]
            self._tear_down(funcs, request_tearing_down, exc)

    def do_teardown_appcontext(self, exc: Any = _missing) -> None:
        """Run the `teardown_appcontext` functions, all of them."""
        if self.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            self._tear_down(reversed(self.teardown_appcontext_funcs),
                            appcontext_tearing_down, exc)

    def _tear_down(self, funcs: Iterable[Callable], signal: Any, exc: Any) -> None:
        exc = sys.exc_info()[1] if exc is _missing else exc
        failed: Exception | None = None
        for func in funcs:
            try:
                self._sync(func)(exc)
            except Exception as error:
                failed = failed or error
        signal.send(self, _async_wrapper=self.ensure_sync, exc=exc)
        if failed:
            raise failed

for _name in _STEPS:
    _STEPS[_name] = getattr(Flask, _name)

def make_response(*args: Any) -> Response:
    """Return what a view's return value becomes, to add to it."""
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else args)

# --------------------------------------------------------------------------------------
# 32. Views as classes  (skip on first reading)
#
# A class can be a view: `as_view` makes the function that the router calls.
# --------------------------------------------------------------------------------------

class View:
    """A view as a class: override dispatch_request, and register X.as_view("name")."""
    methods: Any = None
    provide_automatic_options: bool | None = None
    decorators: list[Callable] = []
    init_every_request = True

    def dispatch_request(self) -> Any:
        """Return the answer; the values of the rule are the arguments."""
        raise NotImplementedError

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> Any:
        """Return a function that makes an instance and dispatches to it."""
        one = None if cls.init_every_request else cls(*class_args, **class_kwargs)
        def run_view(**kwargs: Any) -> Any:
            instance = one or view.view_class(*class_args, **class_kwargs)
            return current_app.ensure_sync(instance.dispatch_request)(**kwargs)
        view: Any = run_view
        view.__name__, view.__module__ = name, cls.__module__
        for decorator in cls.decorators:
            view = decorator(view)
        view.__name__, view.__module__, view.__doc__ = name, cls.__module__, cls.__doc__
        view.view_class = cls
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        return view

_HTTP_METHODS = ("get", "post", "head", "options", "delete", "put", "trace", "patch")

class MethodView(View):
    """A view with a method for each HTTP method: `def get(self)`, `def post(self)`."""
    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" not in cls.__dict__:
            inherited = {method for base in cls.__bases__ for method in getattr(
                base, "methods", None) or ()}
            found = inherited | {
                key.upper() for key in _HTTP_METHODS if hasattr(cls, key)}
            if found:
                cls.methods = found

    def dispatch_request(self, **kwargs: Any) -> Any:
        """Call the method named after the request's; `get` answers HEAD, too."""
        method = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        assert method is not None, f"Unimplemented method {request.method!r}"
        return current_app.ensure_sync(method)(**kwargs)

# --------------------------------------------------------------------------------------
# 33. Testing: requests made up  (skip on first reading)
#
# A test needs no server: EnvironBuilder makes the environ that a server would make.
# --------------------------------------------------------------------------------------

def _files_and_fields(data: Any) -> tuple[list, list]:
    """Part the data of a form in its fields, and its files as FileStorage."""
    fields: list = []
    files: list = []
    for key, value in iter_multi_items(data if isinstance(data, MultiDict) else {
            key: value if isinstance(value, list) else [value]
            for key, value in data.items()}):
        if isinstance(value, tuple):
            file, filename, kind = (*value, None, None)[:3]
            file = open(file, "rb") if isinstance(file, (str, os.PathLike)) else file
            value = FileStorage(file, filename, key, kind)
        elif hasattr(value, "read") and not isinstance(value, FileStorage):
            value = FileStorage(value, name=key)
        (files if isinstance(value, FileStorage) else fields).append((key, value))
    return fields, files

def encode_multipart(fields: Any, files: Any = (), boundary: Any = None) -> tuple:
    """Return (boundary, body) of a form of (name, text) and (name, FileStorage)."""
    boundary = boundary or f"---------------microflask-{os.urandom(12).hex()}"
    pieces: list[bytes] = []
    def part(name: str, filename: str | None, headers: Any, data: bytes) -> None:
        names = "".join(f'; {key}="{value}"' for key, value in (
            ("name", name), ("filename", filename)) if value is not None)
        head = f"--{boundary}\r\nContent-Disposition: form-data{names}\r\n"
        head += "".join(f"{key}: {value}\r\n" for key, value in headers
                        if key.lower() != "content-disposition")
        pieces.extend((head.encode(), b"\r\n", data, b"\r\n"))
    for name, value in fields:
        part(name, None, (), str(value).encode())
    for name, file in files:
        headers = Headers(file.headers)
        if "Content-Type" not in headers:
            headers["Content-Type"] = _guess_type(file.filename or "")[0]
        part(name, file.filename, headers, file.stream.read())
    return boundary, b"".join((*pieces, f"--{boundary}--\r\n".encode()))

class EnvironBuilder:
    """Make a WSGI environ: `EnvironBuilder(app, path, ...)`, or without the app.

    `data` is a body (str, bytes), or a form (a dict; files are (file, name[, type]));
    `json` any object; `auth` (name, password); `base_url` scheme, host and script name.
    """
    def __init__(
        self, app: Any = None, path: Any = "/", base_url: str | None = None,
        subdomain: str | None = None, url_scheme: str | None = None,
        query_string: Any = None, method: str = "GET", input_stream: Any = None,
        content_type: str | None = None, content_length: int | None = None,
        errors_stream: Any = None, multithread: bool = False,
        multiprocess: bool = False, run_once: bool = False, headers: Any = None,
        data: Any = None, environ_base: dict | None = None,
        environ_overrides: dict | None = None, mimetype: str | None = None,
        json: Any = None, auth: Any = None,
    ) -> None:
        if isinstance(app, str):        # Werkzeug's has no application
            app, path = None, app
        self.app, self.request_uri, url = app, path, urlsplit(path)
        self.path, self.query_string = iri_to_uri(url.path), url.query
        self._set_base(url, base_url, subdomain, url_scheme)
        if query_string is not None:
            self._set_query(query_string)
        self.method, self.errors_stream = method, errors_stream or sys.stderr
        self.environ_base, self.environ_overrides = environ_base, environ_overrides
        self.flags = {"wsgi.multithread": multithread, "wsgi.run_once": run_once,
                      "wsgi.multiprocess": multiprocess}
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        if isinstance(auth, tuple):
            auth = Authorization("basic", {"username": auth[0], "password": auth[1]})
        kind = mimetype and get_content_type(mimetype, "utf-8") or content_type
        given = {"Authorization": auth, "Content-Type": kind,
                 "Content-Length": content_length}
        self.headers.update({name: v for name, v in given.items() if v is not None})
        self.fields: list = []
        self.files: list = []
        self.input_stream = input_stream
        self._set_body(data, json)

    def _set_query(self, query_string: Any) -> None:
        if self.query_string:
            raise ValueError("the query is in the path, and an argument, too")
        text = isinstance(query_string, str)
        self.query_string = query_string if text else _urlencode(query_string)

    def _configured_base(self, url: Any, subdomain: str | None,
                         url_scheme: str | None) -> str:
        config = {"APPLICATION_ROOT": "/", "PREFERRED_URL_SCHEME": "http",
                  **(self.app.config if self.app is not None else {})}
        host = url.netloc or config.get("SERVER_NAME") or "localhost"
        host = f"{subdomain}.{host}" if subdomain and not url.netloc else host
        scheme = url.scheme or url_scheme or config["PREFERRED_URL_SCHEME"]
        return f"{scheme}://{host}/{config['APPLICATION_ROOT'].strip('/')}"

    def _set_base(self, url: Any, base_url: str | None, subdomain: str | None,
                  url_scheme: str | None) -> None:
        if base_url is None:
            base_url = self._configured_base(url, subdomain, url_scheme)
        elif subdomain or url_scheme:
            raise AssertionError("subdomain and url_scheme do not go with base_url")
        base = urlsplit(iri_to_uri(base_url))
        if base.query or base.fragment:
            raise ValueError("base url must not contain a query string or fragment")
        self.url_scheme, self.host = base.scheme, base.netloc
        self.script_root = base.path.rstrip("/")

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as the application's JSON."""
        provider = self.app.json if self.app is not None else json_library
        return provider.dumps(obj, **kwargs)

    def _set_body(self, data: Any, json: Any) -> None:
        if json is not None:
            if data is not None:
                raise TypeError("can't provide both json and data")
            data = self.json_dumps(json)
            self.headers.setdefault("Content-Type", "application/json")
        if not data:
            return
        if self.input_stream is not None:
            raise TypeError("can't provide input stream and data")
        data = data.read() if hasattr(data, "read") else data
        if isinstance(data, (str, bytes)):
            data = data.encode() if isinstance(data, str) else data
            self.input_stream = io.BytesIO(data)
        else:
            self.fields, self.files = _files_and_fields(data)

    def _body(self) -> tuple[Any, str | None, int | None]:
        """Return (stream, content type, content length)."""
        kind = self.headers.get("Content-Type")
        length = self.headers.get("Content-Length", type=int)
        if self.input_stream is not None:
            if hasattr(self.input_stream, "getbuffer"):
                length = self.input_stream.getbuffer().nbytes - self.input_stream.tell()
            return self.input_stream, kind, length
        mimetype = (kind or "").partition(";")[0].strip()
        if self.files or mimetype == "multipart/form-data":
            boundary, body = encode_multipart(self.fields, self.files)
            kind = f'multipart/form-data; boundary="{boundary}"'
            return io.BytesIO(body), kind, len(body)
        if self.fields or mimetype == "application/x-www-form-urlencoded":
            body = _urlencode(self.fields).encode()
            kind = kind or "application/x-www-form-urlencoded"
            return io.BytesIO(body), kind, len(body)
        return io.BytesIO(), kind, length

    def get_environ(self) -> dict:
        """Return the environ, with a body that can be read once."""
        stream, content_type, content_length = self._body()
        def latin(text: str) -> str:
            return text.encode().decode("latin-1")
        has_port = re.search(r":\d*\Z", self.host)
        name, _, port = self.host.rpartition(":") if has_port else (self.host, "", "")
        uri = latin(self.request_uri)
        environ: dict = {
            **(self.environ_base or {}), "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": latin(unquote(self.script_root)),
            "PATH_INFO": latin(unquote(self.path)),
            "QUERY_STRING": latin(self.query_string), "REQUEST_URI": uri,
            "RAW_URI": uri, "SERVER_NAME": name,
            "SERVER_PORT": port or ("443" if self.url_scheme == "https" else "80"),
            "HTTP_HOST": self.host, "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0), "wsgi.url_scheme": self.url_scheme,
            "wsgi.input": stream, "wsgi.errors": self.errors_stream, **self.flags}
        for key in dict.fromkeys(name.lower() for name in self.headers.keys()):
            values = ", ".join(self.headers.getlist(key))
            environ[f"HTTP_{key.upper().replace('-', '_')}"] = values
        for key, value in zip(_BODY_KEYS, (content_type, content_length)):
            environ.pop(f"HTTP_{key}", None)
            if value is not None:
                environ[key] = str(value)
        return {**environ, **(self.environ_overrides or {})}

    def get_request(self, cls: Any = Request) -> Any:
        """Return a request."""
        return cls(self.get_environ())

    def close(self) -> None:
        """Close the files."""
        for _, file in self.files:
            file.close()

def create_environ(*args: Any, **kwargs: Any) -> dict:
    """Return the WSGI environ of an EnvironBuilder without an application."""
    return EnvironBuilder(None, *args, **kwargs).get_environ()

# --------------------------------------------------------------------------------------
# 34. Testing: the client  (skip on first reading)
#
# The client calls the application with an environ that EnvironBuilder made, keeps the
# cookies, and follows redirects if asked. FlaskClient opens the session, too, and keeps
# the context of the last request inside of `with client:`.
# --------------------------------------------------------------------------------------

class Cookie:
    """A cookie that a client keeps (RFC 6265 section 5.3)."""
    def __init__(self, key: str, value: str, server: str, path: str,
                 attributes: Any) -> None:
        self.key = self.decoded_key = key
        self.value = value
        self.decoded_value = next(iter(parse_cookie(f"{key}={value}").values()), value)
        self.domain = attributes.get("domain") or server
        self.origin_only = not attributes.get("domain")
        self.path = attributes.get("path") or path.rpartition("/")[0] or "/"
        self.secure, self.http_only = "secure" in attributes, "httponly" in attributes
        self.same_site = attributes.get("samesite")
        self.expires = parse_date(attributes.get("expires"))
        age = attributes.get("max-age")
        self.max_age = int(age) if age and age.lstrip("-").isdigit() else None

    def matches(self, server: str, path: str) -> bool:
        """Tell whether the cookie is sent to this host and path."""
        host_fits = server == self.domain or (
            not self.origin_only and server.endswith(f".{self.domain}"))
        below = f"{self.path.rstrip('/')}/"
        return host_fits and (path == self.path or path.startswith(below))

    def is_dead(self) -> bool:
        """Tell whether the client must forget it."""
        expired = self.expires is not None and self.expires.timestamp() == 0
        return self.max_age == 0 or expired

class TestResponse:
    """A response as the client got it: with `request`, and `history` of redirects."""
    __test__ = False
    default_mimetype = None
    request: Any
    get_data: Any
    history: tuple = ()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.get_data(as_text=True)

class Client:
    """A client of a WSGI application; it keeps cookies unless told otherwise."""
    def __init__(self, application: Any, response_wrapper: Any = None,
                 use_cookies: bool = True,
                 allow_subdomain_redirects: bool = False) -> None:
        self.application = application
        base = response_wrapper or Response
        self.response_wrapper = type("WrapperTestResponse", (TestResponse, base), {})
        self._cookies: dict[tuple, Cookie] | None = {} if use_cookies else None
        self.allow_subdomain_redirects = allow_subdomain_redirects

    def _jar(self) -> dict[tuple, Cookie]:
        if self._cookies is None:
            raise TypeError("Cookies are disabled: make a client with use_cookies=True")
        return self._cookies

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Any:
        """Return a cookie, or None."""
        return self._jar().get((domain, path, key))

    def set_cookie(self, key: str, value: str = "", *, domain: str = "localhost",
                   origin_only: bool = True, path: str = "/", **kwargs: Any) -> None:
        """Put a cookie into the client; the attributes are those of dump_cookie."""
        self._jar()
        own = None if origin_only else domain
        cookie = dump_cookie(key, value, domain=own, path=path, **kwargs)
        self._keep_cookies(domain, path, [cookie])

    def delete_cookie(self, key: str, *, domain: str = "localhost",
                      path: str = "/") -> None:
        """Take a cookie out of the client."""
        self._jar().pop((domain, path, key), None)

    def _keep_cookies(self, server: str, path: str, fields: Iterable[str]) -> None:
        for field in fields if self._cookies is not None else ():
            pair, *rest = field.split(";")
            attributes = {key.strip().lower(): value.strip() for key, _, value in (
                item.partition("=") for item in rest)}
            key, _, value = pair.partition("=")
            cookie = Cookie(key.strip(), value.strip(), server, path, attributes)
            place = (cookie.domain, cookie.path, cookie.key)
            self._jar().pop(place, None)
            if not cookie.is_dead():
                self._jar()[place] = cookie

    def _add_cookies(self, environ: dict) -> None:
        server, path = environ["HTTP_HOST"].partition(":")[0], environ["PATH_INFO"]
        path = f"{environ['SCRIPT_NAME'].rstrip('/')}/{path.lstrip('/')}"
        kept = (self._cookies or {}).values()
        pairs = [f"{cookie.key}={cookie.value}" for cookie in kept
                 if cookie.matches(server, path)]
        if pairs:
            given = environ.get("HTTP_COOKIE")
            environ["HTTP_COOKIE"] = "; ".join([*pairs, *([given] if given else [])])

    def _builder(self, args: tuple, kwargs: dict) -> Any:
        return EnvironBuilder(*args, **kwargs)

    def run_wsgi_app(self, environ: dict, buffered: bool = False) -> tuple:
        """Call the application, with the cookies."""
        self._add_cookies(environ)
        result = run_wsgi_app(self.application, environ, buffered)
        self._keep_cookies(environ["HTTP_HOST"].partition(":")[0], environ["PATH_INFO"],
                           result[2].getlist("Set-Cookie"))
        return result

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False,
             **kwargs: Any) -> Any:
        """Make a request of EnvironBuilder's arguments, of one, or of an environ."""
        builder = None
        if args and isinstance(args[0], dict):
            environ = dict(args[0])
        elif args and isinstance(args[0], Request):
            environ = dict(args[0].environ)
        else:
            builder = args[0] if args and isinstance(args[0], EnvironBuilder) else (
                self._builder(args, kwargs))
            environ = builder.get_environ()
        response = self._respond(environ, buffered)
        history: list = []
        codes = (301, 302, 303, 305, 307, 308)
        while follow_redirects and response.status_code in codes:
            if len(history) >= 20:
                raise ClientRedirectError("Loop detected: 20 redirects, and no end")
            response.make_sequence()
            history.append(response)
            response = self._respond(self._redirected(response, builder), buffered)
            response.history = tuple(history)
        return response

    def _respond(self, environ: dict, buffered: bool) -> Any:
        body, status, headers = self.run_wsgi_app(environ, buffered)
        response = self.response_wrapper(body, status, headers)
        response.request = Request(environ)
        if callable(getattr(self.application, "ensure_sync", None)):
            response.json_module = self.application.json
        return response

    def _redirected(self, response: Any, builder: Any) -> dict:
        """Return the environ of the request that a redirect asks for."""
        old = response.request.environ
        here = f"{old['wsgi.url_scheme']}://{old['HTTP_HOST']}"
        root = old["SCRIPT_NAME"].rstrip("/")
        path = quote(root + old["PATH_INFO"], safe=_URL_SAFE)
        url = urlsplit(urljoin(here + path, response.location))
        self._check_redirect(old["HTTP_HOST"].partition(":")[0],
                             url.netloc.partition(":")[0])
        inner = unquote(url.path)
        inside = inner == root or inner.startswith(f"{root}/")
        uri = url.path + (f"?{url.query}" if url.query else "")
        environ = {**old, "wsgi.url_scheme": url.scheme, "HTTP_HOST": url.netloc,
                   "SCRIPT_NAME": root if inside else "", "QUERY_STRING": url.query,
                   "PATH_INFO": (inner[len(root):] if inside else inner) or "/",
                   "REQUEST_URI": uri, "RAW_URI": uri}
        environ.pop("HTTP_COOKIE", None)
        self._set_body(environ, response.status_code in (307, 308), builder)
        return environ

    def _set_body(self, environ: dict, is_same: bool, builder: Any) -> None:
        """Send the body again if the redirect asks for the same request."""
        if is_same and builder:
            environ["wsgi.input"] = builder.get_environ()["wsgi.input"]
            environ["wsgi.input"].seek(0)
            return
        if environ["REQUEST_METHOD"] != "HEAD" and not is_same:
            environ["REQUEST_METHOD"] = "GET"
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
            environ.pop(key, None)
        environ["wsgi.input"] = io.BytesIO()

    def _check_redirect(self, old: str, new: str) -> None:
        if new == old:
            return
        if not new.endswith(f".{old}"):
            raise RuntimeError("Following external redirects is not supported.")
        if not self.allow_subdomain_redirects:
            raise RuntimeError("Following subdomain redirects is not enabled.")

    def _verb(method: str) -> Any:  # noqa: N805
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return self.open(*args, **{**kwargs, "method": method})
        call.__name__, call.__doc__ = method.lower(), f"`open` with {method}."
        return call

    get, post, put, patch, delete, head, options, trace = map(
        _verb, "GET POST PUT PATCH DELETE HEAD OPTIONS TRACE".split())

class ClientRedirectError(Exception):
    """The redirects that a client follows do not end."""

class FlaskClient(Client):
    """The client of an application: it knows the session and the context."""
    application: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        self._new_contexts: list = []
        self._context_stack = contextlib.ExitStack()
        self.environ_base = {"REMOTE_ADDR": "127.0.0.1",
                             "HTTP_USER_AGENT": f"microflask/{__version__}"}

    def _builder(self, args: tuple, kwargs: dict) -> Any:
        base = {**self.environ_base, **(kwargs.pop("environ_base", None) or {})}
        return EnvironBuilder(self.application, *args, environ_base=base, **kwargs)

    def run_wsgi_app(self, environ: dict, buffered: bool = False) -> tuple:
        """Call the application, with the cookies."""
        environ = {**self.environ_base, **environ}
        if isinstance(self.application, Flask):
            self.application._is_plain = None   # a test may have patched the class
        if self.preserve_context:
            environ["werkzeug.debug.preserve_context"] = self._new_contexts.append
        return super().run_wsgi_app(environ, buffered)

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False,
             **kwargs: Any) -> Any:
        """Make a request; inside of `with client:` its context stays until the next."""
        self._context_stack.close()
        response = super().open(*args, buffered=buffered,
                                follow_redirects=follow_redirects,
                                **kwargs)
        for context in self._new_contexts[-1:]:
            self._context_stack.enter_context(context)
        self._new_contexts.clear()
        return response

    @contextlib.contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Give the session to change it: `with client.session_transaction() as s:`."""
        self._jar()
        app = self.application
        context = app.test_request_context(*args, **kwargs)
        self._add_cookies(context.request.environ)
        interface = app.session_interface
        with context:
            opened = interface.open_session(app, context.request)
        if opened is None:
            raise RuntimeError("The session does not open: is there a SECRET_KEY?")
        yield opened
        if interface.is_null_session(opened):
            return
        response = app.response_class()
        with context:
            interface.save_session(app, opened, response)
        self._keep_cookies(context.request.host.partition(":")[0], context.request.path,
                           response.headers.getlist("Set-Cookie"))

    def __enter__(self) -> FlaskClient:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        self.preserve_context = True
        return self

    def __exit__(self, *_: Any) -> None:
        self.preserve_context = False
        self._context_stack.close()

# --------------------------------------------------------------------------------------
# 35. The debugger  (skip on first reading)
#
# With debug on, an exception becomes a page: what went wrong, where, and in each frame
# a console that evaluates Python there. As this lets anybody run anything, it must be
# sure who asks: only a local Host, only this page (its secret, its origin), only who
# has typed the PIN that the terminal shows; ten wrong ones lock it. Without all that
# it is a plain error page.
# --------------------------------------------------------------------------------------

_LOCAL_HOST = re.compile(
    r"(?:([\w-]+\.)*localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?\Z", re.I)
_DEBUG_STYLE = """
:root { color-scheme: light dark; background: light-dark(#fff, #17191c) }
:root { --ink: light-dark(#1d2126, #e4e6e9); --dim: light-dark(#5c6670, #9aa4ae) }
:root { --soft: light-dark(#f5f6f8, #1f2226); --mark: light-dark(#ffe2dd, #55261f) }
:root { --line: light-dark(#dfe2e6, #363b42); --red: light-dark(#c4321d, #ff7b66) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; color: var(--ink) }
body { margin: auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere }
header { display: flex; gap: 1rem; align-items: center; justify-content: space-between }
h1 { font-size: clamp(1.15rem, 4vw, 1.5rem); line-height: 1.35; white-space: pre-wrap }
h1 { margin: 1rem 0; padding-left: .7rem; border-left: 4px solid var(--red) }
h2 { font-size: 1rem; margin: 2.5rem 0 -.5rem; color: var(--dim) }
pre, code, input, .console { font: 14px/1.6 ui-monospace, monospace }
pre { margin: 0; overflow-x: auto }
details { border: 1px solid var(--line); border-radius: 8px; margin: .6rem 0 }
details details { margin: 0; border-width: 1px 0 0; border-radius: 0 }
summary { padding: .45rem .8rem; cursor: pointer }
:focus-visible { outline: 2px solid #3b82f6; outline-offset: 1px }
.now { background: var(--mark); display: inline-block; min-width: 100% }
.dim, .now > i, pre > i { color: var(--dim); font-style: normal }
pre i { user-select: none }
pre, table, .console { padding: .6rem .8rem; background: var(--soft) }
table { border-spacing: 0; width: 100% }
td { vertical-align: top; padding: .1rem 1rem .1rem 0; color: var(--dim) }
td + td { width: 100%; white-space: pre-wrap; color: var(--ink) }
td:first-child { overflow-wrap: normal }
@media (max-width: 40rem) { td { display: block } td + td { padding-bottom: .5rem } }
.console { border-top: 1px solid var(--line) }
.console output { display: block; white-space: pre-wrap }
output:not(:empty) { margin-bottom: .5rem }
input, button { color: inherit; border: 1px solid var(--line); border-radius: 6px }
input { width: 100%; box-sizing: border-box; padding: .3rem .6rem }
input, button { background: light-dark(#fff, #17191c) }
button { font: inherit; font-size: 14px; padding: .3rem .8rem; white-space: nowrap }"""
_DEBUG_SCRIPT = """
const secret = document.body.dataset.secret;
const send = (command, values) => fetch("?__debugger__=" + command, {
  method: "POST", body: new URLSearchParams({secret, ...values})
}).then(answer => answer.text(), () => "The server does not answer.\\n");
for (const form of document.querySelectorAll("form.console"))
  form.onsubmit = async event => {
    event.preventDefault();
    const input = form.querySelector("input"), output = form.querySelector("output");
    const code = input.value, values = {frame: form.dataset.frame, code};
    let answer, word = "The console is locked.";
    while ((answer = await send("eval", values)) === "PIN") {
      const pin = prompt(word + " The PIN stands in the terminal:");
      if (pin === null) return;
      word = await send("pin", {pin});
      if (word.startsWith("Too")) return output.append(word + "\\n");
    }
    input.value = "";
    output.append(">>> " + code + "\\n" + answer);
  };
document.querySelector("#copy").onclick = async event => {
  await navigator.clipboard.writeText(document.querySelector("#text").textContent);
  event.target.textContent = "Copied";
};"""

class _Frame:
    """One frame of a traceback, kept as long as its page can ask for it."""
    def __init__(self, frame: Any, line: int) -> None:
        self.frame, self.line, self.file = frame, line, frame.f_code.co_filename
        self.id = str(id(self))
        self.names = dict(frame.f_locals)
        library = os.path.dirname(os.__file__)
        inside = f"{os.sep}site-packages{os.sep}" in self.file or (
            self.file.startswith((library, "<frozen")))
        self.is_users = not inside and self.file != __file__

    def evaluate(self, source: str) -> str:
        """Run a line of Python here, and return what it prints."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                code = compile(source, "<debugger>", "single")
                exec(code, self.frame.f_globals, self.names)
            except BaseException:
                import traceback
                traceback.print_exc(limit=-1)
        return output.getvalue()

    def html(self, with_console: bool) -> str:
        """Return the frame as a part of the page."""
        import linecache
        first = max(1, self.line - 5)
        near = linecache.getlines(self.file)[first - 1:self.line + 5]
        lines = [(at, text.rstrip("\n")) for at, text in enumerate(near, first)]
        source = "\n".join(
            f'<span class="now"><i>{at:4}  </i>{escape(text)}</span>'
            if at == self.line else f"<i>{at:4}  </i>{escape(text)}"
            for at, text in lines)
        short = self.file.rpartition(f"site-packages{os.sep}")[2].removeprefix(
            os.getcwd() + os.sep)
        names = _rows((name, value) for name, value in self.names.items()
                      if name[:2] != "__")
        names = names and ("<details><summary>Local variables</summary>"
                           f"<table>{names}</table></details>")
        console = f"""<form class="console" data-frame="{self.id}"><output></output>
<input aria-label="Python, evaluated in this frame" placeholder=">>> "
autocomplete="off" spellcheck="false"></form>""" if with_console else ""
        return f"""<details{' open' if self.is_users else ''}><summary>
<code>{escape(self.frame.f_code.co_name)}</code> <span class="dim"
title="{escape(self.file)}">in {escape(short)}, line {self.line}</span></summary>
<pre>{source}</pre>{console}{names}</details>"""

def _folded(frames: list[_Frame], with_console: bool) -> Iterator[str]:
    """Yield the frames as HTML, innermost first; those of libraries are folded."""
    for is_users, group in groupby(reversed(frames), lambda frame: frame.is_users):
        shown = [frame.html(with_console) for frame in group]
        if not is_users:
            plural = "s" * (len(shown) > 1)
            yield (f'<details><summary class="dim">{len(shown)} frame{plural} of'
                   f" libraries</summary>{''.join(shown)}</details>")
        else:
            yield "".join(shown)

def _safe_repr(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<repr failed: {type(error).__name__}>"
    return text if len(text) < 500 else f"{text[:500]} ..."

def _rows(items: Iterable[tuple[str, Any]]) -> str:
    return "".join(f"<tr><td><code>{escape(name)}</code><td><code>"
                   f"{escape(_safe_repr(value))}</code>" for name, value in items)

def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield an exception, what it came from, and the members of a group."""
    seen, queue = set(), [("", error)]
    while queue:
        how, current = queue.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield how, current
        for member in getattr(current, "exceptions", ()):
            queue.append(("In this group", member))
        if current.__cause__ is not None:
            queue.append(("Caused by", current.__cause__))
        elif current.__context__ is not None and not current.__suppress_context__:
            queue.append(("While handling", current.__context__))

def _new_pin() -> str:
    import secrets
    return f"{secrets.randbelow(10**9):09}"

def _chosen_pin() -> str:
    """Return WERKZEUG_DEBUG_PIN, if that has digits: "off" is no PIN, and none is."""
    wanted = os.environ.get("WERKZEUG_DEBUG_PIN", "")
    return wanted if re.search("[0-9]", wanted) else _new_pin()

class DebuggedApplication:
    """A WSGI application whose exceptions are shown in the browser; for development."""
    def __init__(self, app: Callable, evalex: bool = False, **options: Any) -> None:
        import secrets
        self.app, self.evalex = app, evalex
        self.secret, self.failures = secrets.token_urlsafe(20), 0
        digits = _chosen_pin()
        self.pin = digits.replace("-", "")
        self.frames: dict[str, _Frame] = {}
        self.pages: list[list[str]] = []        # the frames of the last tracebacks
        if evalex:
            shown = "-".join(re.findall(".{1,3}", self.pin))
            print(f" * Debugger is active!\n * Debugger PIN: {shown}", file=sys.stderr)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        if environ.get("QUERY_STRING", "").startswith("__debugger__=") and self.evalex:
            answer = self._answer(Request(environ))
            return answer(environ, start_response)
        return self._watch(environ, start_response)

    def _watch(self, environ: dict, start_response: Callable) -> Iterator[bytes]:
        result: Any = None
        try:
            result = self.app(environ, start_response)
            yield from result
        except Exception as error:
            import traceback
            traceback.print_exc(file=environ["wsgi.errors"])
            page = self._page(error, environ)
            with contextlib.suppress(Exception):        # too late if a part was sent
                start_response("500 INTERNAL SERVER ERROR", [
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Length", str(len(page))), ("X-XSS-Protection", "0")],
                    sys.exc_info())
                yield page
        finally:
            if hasattr(result, "close"):
                result.close()

    def _is_local(self, environ: dict) -> bool:
        return bool(_LOCAL_HOST.match(environ.get("HTTP_HOST", "")))

    def _token(self) -> str:
        return hmac.new(self.secret.encode(), self.pin.encode(), "sha256").hexdigest()

    def _answer(self, request: Request) -> Response:
        """Answer what the page's script asks: evaluate in a frame, or take a PIN."""
        environ, form = request.environ, request.form
        host = request.environ.get("HTTP_HOST", "")
        origin = environ.get("HTTP_ORIGIN", f"{request.scheme}://{host}")
        if not self._is_local(environ) or request.method != "POST" or (
                origin != f"{request.scheme}://{host}") or not hmac.compare_digest(
                form.get("secret", "").encode(), self.secret.encode()):
            return Response("Forbidden", 403, mimetype="text/plain")
        if request.args.get("__debugger__") == "pin":
            return self._take_pin(form.get("pin", ""))
        cookie = request.cookies.get("__microflask_debugger", "")
        if not hmac.compare_digest(cookie.encode(), self._token().encode()):
            return Response("PIN", mimetype="text/plain")
        frame = self.frames.get(form.get("frame", ""))
        text = frame.evaluate(form.get("code", "")) if frame else (
            "This page is too old: its frames are gone. Reload it.\n")
        return Response(text, mimetype="text/plain")

    def _take_pin(self, pin: str) -> Response:
        if self.failures >= 10:
            return Response("Too many wrong PINs: restart the server.",
                            mimetype="text/plain")
        if not hmac.compare_digest(pin.strip().replace("-", "").encode(),
                                   self.pin.encode()):
            self.failures += 1
            time.sleep(5 if self.failures > 5 else 0.5)
            return Response("That is not the PIN.", mimetype="text/plain")
        self.failures = 0
        response = Response("ok", mimetype="text/plain")
        response.set_cookie("__microflask_debugger", self._token(), httponly=True,
                            samesite="Strict")
        return response

    def _page(self, error: Exception, environ: dict) -> bytes:
        """Return the page: for a Host that is not local, one that shows nothing."""
        import traceback
        if not self._is_local(environ):
            return InternalServerError().get_body().encode()
        parts, kept = [], []
        for how, each in _chain(error):
            frames = [_Frame(frame, line) for frame, line in traceback.walk_tb(
                each.__traceback__) if frame.f_code.co_name != "_watch"]
            kept += [frame.id for frame in frames]
            self.frames.update((frame.id, frame) for frame in frames)
            title = "".join(traceback.format_exception_only(type(each), each)).strip()
            heading = f"<h2>{how}</h2>" if how else ""
            parts.append(f"{heading}<h1>{escape(title)}</h1>" + "".join(
                _folded(frames, self.evalex)))
        self._keep(kept)
        text = "".join(traceback.format_exception(type(error), error,
                                                  error.__traceback__))
        rows = _rows(sorted(environ.items()))
        line = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
        return f"""<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(type(error).__name__)} // microflask debugger</title>
<style>{_DEBUG_STYLE}</style><body data-secret="{self.secret if self.evalex else ''}">
<header><code class="dim">{escape(line)}</code>
<button id="copy">Copy as text</button></header><main>{''.join(parts)}
<h2>More</h2><details><summary>The request</summary><table>{rows}</table></details>
<details><summary>As text</summary><pre id="text">{escape(text)}</pre></details></main>
<script>{_DEBUG_SCRIPT}</script>""".encode()

    def _keep(self, ids: list[str]) -> None:
        """Keep the frames of the last few pages only."""
        self.pages.append(ids)
        for old in self.pages[:-5]:
            for frame_id in old:
                self.frames.pop(frame_id, None)
        del self.pages[:-5]

# --------------------------------------------------------------------------------------
# 36. The development server: a request and its answer  (skip on first reading)
#
# The server side of HTTP/1.1 and of PEP 3333, for one request. The body is a stream
# that ends where the request says; what the application leaves of it is read away, or
# the connection closes. The answer is sent as the application makes it.
# --------------------------------------------------------------------------------------

_HEAD_LINE = 65536          # bytes of a line of the head, and of all its fields
_STATUS_LINE = re.compile(r"[1-9][0-9]{2} [\t\x20-\x7e\x80-\xff]*")

def _split_field(line: bytes) -> tuple[str, str] | None:
    """Return name (in lower case) and value of a field line, None if malformed."""
    name, colon, value = line.decode("latin-1").partition(":")
    if colon and _FIELD_NAME.fullmatch(name) and not _NOT_IN_VALUE.search(value):
        return name.lower(), value.strip(" \t")
    return None

class _RequestBody(io.RawIOBase):
    """The body of a request on a connection: `length` bytes, chunked if it is None."""
    def __init__(self, file: Any, length: int | None, on_first_read: Callable) -> None:
        self.file, self.left, self.chunked = file, length or 0, length is None
        self.done, self.failed = length == 0, False
        self.on_first_read = on_first_read

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; OSError if the client sends less than it said."""
        self.on_first_read()
        if self.failed:
            self._fail("the body is malformed")
        if self.chunked and not self.left and not self.done:
            self._next_chunk()
        data = b"" if self.done else self._read_some(len(buffer))
        if not data:
            return 0
        buffer[:len(data)] = data
        self.left -= len(data)
        if not self.left and self.chunked:
            self._expect_line_end()
        self.done |= not (self.left or self.chunked)
        return len(data)

    def _read_some(self, size: int) -> bytes:
        data = self.file.read1(min(size, self.left)) if size else b""
        if size and not data:
            self._fail("the client went away in the middle of the body")
        return data

    def _fail(self, reason: str) -> NoReturn:
        self.failed = True      # whatever follows is not to be trusted
        raise ConnectionAbortedError(reason)

    def _next_chunk(self) -> None:
        line = self.file.readline(1024)
        match = re.fullmatch(rb"([0-9a-fA-F]{1,15})[ \t]*(;[^\r\n\0]*)?\r\n", line)
        if match is None:
            self._fail(f"malformed size of a chunk: {line[:40]!r}")
        self.left = int(match[1], 16)
        if self.left == 0:
            self._skip_trailers()
            self.done = True

    def _skip_trailers(self) -> None:
        left = _HEAD_LINE
        while (line := self.file.readline(left)) != b"\r\n":
            left -= len(line)
            if not line.endswith(b"\r\n") or not _split_field(line[:-2]):
                self._fail("the trailers are malformed")

    def _expect_line_end(self) -> None:
        if self.file.read(2) != b"\r\n":
            self._fail("a chunk does not end where it says")

    def drain(self) -> bool:
        """Read away a little that was left over; tell whether that was all."""
        with contextlib.suppress(OSError):
            for _ in range(8):
                self.done or self.read(8192)
        return self.done and not self.failed

def _check_length(lengths: set[str]) -> None:
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]+", text) for text in lengths):
        raise ValueError(f"the Content-Length is malformed: {lengths}")

class _Exchange:
    """One request and its answer, by PEP 3333."""
    def __init__(self, connection: Any, environ: dict) -> None:
        self.connection, self.environ = connection, environ
        self.status, self.headers = "", []      # type: str, list[tuple[str, str]]
        self.sent_head = self.chunked = False
        self.left: int | None = None            # bytes that the Content-Length promises

    def start_response(self, status: str, headers: list, exc_info: Any = None) -> Any:
        """Keep the head until the first byte of the body."""
        if exc_info and self.sent_head:
            raise exc_info[1].with_traceback(exc_info[2])
        if self.status and not exc_info:
            raise AssertionError("start_response was called twice without exc_info")
        if not _STATUS_LINE.fullmatch(status):
            raise ValueError(f"{status!r} is no status line")
        fields = [_field_line(name, value) for name, value in headers]
        _check_length({value for name, value in fields
                       if name.lower() == "content-length"})
        "".join(chain.from_iterable(fields)).encode("latin-1")      # or ValueError
        self.status, self.headers = status, fields
        return self.write

    def _begin(self) -> bytes:
        """Return the head: now it is known how the end of the body will be told."""
        connection = self.connection
        fields = {name.lower(): value for name, value in self.headers}
        self.sent_head = True
        if any(connection.waits):       # too late to say 100 Continue
            connection.waits.clear()
            connection.keep_alive = False
        self.bare = self.status[0] == "1" or self.status[:3] in ("204", "304")
        silent = self.bare or self.environ["REQUEST_METHOD"] == "HEAD"
        drop = ["connection", "transfer-encoding"] + ["content-length"] * self.bare
        headers = [line for line in self.headers if line[0].lower() not in drop]
        if silent:
            self.left = 0
        elif "content-length" in fields:
            self.left = int(fields["content-length"])
        elif connection.http11:
            self.chunked = True
            headers.append(("Transfer-Encoding", "chunked"))
        else:
            connection.keep_alive = False
        if word := self._connection():
            headers.append(("Connection", word))
        return connection.head(self.status, headers)

    def _connection(self) -> str:
        if self.status.startswith("101"):
            return "Upgrade"
        if not self.connection.keep_alive:
            return "close"
        return "" if self.connection.http11 else "keep-alive"

    def write(self, data: bytes) -> None:
        """Send a piece of the body, as far as the Content-Length goes."""
        if not self.status:
            raise AssertionError("start_response was not called before the body")
        if not isinstance(data, bytes):
            raise TypeError(f"the body must be bytes, not {type(data).__name__}")
        head = b"" if self.sent_head else self._begin()
        if self.left is not None:
            data = data[:self.left]
            self.left -= len(data)
        if data and self.chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if head or data:        # in one: a packet of its own would wait for the first
            self.connection.sock.sendall(head + data)

    def run(self) -> None:
        """Call the application and send what it answers; a 500 if it fails before."""
        connection = self.connection
        result: Any = None
        try:
            result = connection.server.app(self.environ, self.start_response)
            for data in result:
                if data:
                    self.write(data)
            self._end()
        except (ConnectionError, TimeoutError):
            connection.keep_alive = False
        except Exception:
            self._fail()
        finally:
            if hasattr(result, "close"):
                with contextlib.suppress(Exception):
                    result.close()
            # Without a status: the application took the socket over, for a WebSocket.
            connection.log_request(int(self.status[:3] or 101))

    def _end(self) -> None:
        self.write(b"")
        if self.chunked:
            self.connection.sock.sendall(b"0\r\n\r\n")
        if self.left or any(self.connection.waits) or not self._drained():
            self.connection.keep_alive = False

    def _drained(self) -> bool:
        self.connection.sock.settimeout(1)
        done = self.connection.body.drain()
        self.connection.sock.settimeout(60)
        return done

    def _fail(self) -> None:
        import traceback
        traceback.print_exc(file=sys.stderr)
        self.connection.keep_alive = False
        if not self.sent_head:
            self.status, text = "500 Internal Server Error", b"Internal Server Error\n"
            self.headers = [("Content-Type", "text/plain"),
                            ("Content-Length", str(len(text)))]
            self.write(text)

# --------------------------------------------------------------------------------------
# 37. The development server: connections  (skip on first reading)
#
# Plain sockets, one thread a connection. The head of a request is read line by line,
# bounded and strict: what two programs might read in two ways is refused, for that is
# how requests are smuggled (RFC 9112).
# --------------------------------------------------------------------------------------

_REQUEST_LINE = re.compile(
    rf"({_TOKEN}) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])", re.A)

class _Refusal(Exception):
    """A request that is not handed on: (status, what is wrong with it)."""

def _log(type: str, message: str, *args: Any) -> None:
    getattr(_access_log(), type)(message, *args)

@functools.lru_cache(maxsize=None)
def _access_log() -> Any:
    """Return the logger "werkzeug": programs know that name, and turn it down."""
    import logging
    logger = logging.getLogger("werkzeug")
    logger.setLevel(logger.level or logging.INFO)
    if not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())
    return logger

class WSGIRequestHandler:
    """A client's connection: requests are answered on it, one after the other."""
    def __init__(self, server: BaseWSGIServer, sock: Any, address: Any) -> None:
        self.server, self.sock = server, sock
        self.address = address if isinstance(address, tuple) else ("127.0.0.1", 0)
        self.line, self.keep_alive = "-", True

    def serve(self) -> None:
        """Answer requests until one side closes."""
        self.sock.settimeout(60)
        try:
            if self.server.ssl_context:     # here, where it holds up nobody else
                self.sock = self.server.ssl_context.wrap_socket(
                    self.sock, server_side=True)
            with self.sock, self.sock.makefile("rb", _HEAD_LINE) as self.file:
                while self.keep_alive:
                    self.keep_alive = False
                    self._serve_one()
                self._linger()
        except OSError:
            pass        # the client is gone, or too slow
        finally:
            self.sock.close()

    def _serve_one(self) -> None:
        try:
            environ = self._environ()
        except _Refusal as refusal:
            self.keep_alive = False
            status, reason = refusal.args
            body = f"{reason}\n".encode()
            self.sock.sendall(self.head(f"{status} {HTTP_STATUS_CODES[status]}", [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(body))), ("Connection", "close")]) + body)
            self.log_request(status)
            return
        if environ is not None:
            _Exchange(self, environ).run()

    def _linger(self) -> None:
        """Read on a little: to close at once might cost the client the answer."""
        self.sock.shutdown(1)
        self.sock.settimeout(0.5)
        for _ in range(64):
            if not self.sock.recv(_HEAD_LINE):
                break

    def _read_line(self, status: int) -> bytes:
        raw = self.file.readline(_HEAD_LINE + 1)
        if len(raw) > _HEAD_LINE:
            raise _Refusal(status, "a line of the head is too long")
        if not raw.endswith(b"\n"):
            raise ConnectionResetError("the client went away in the middle of the head")
        line = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
        if b"\r" in line or b"\0" in line:
            raise _Refusal(400, "the head has a bare CR or a NUL")
        return line

    def _environ(self) -> dict | None:
        """Read the head of a request; None if the client has closed."""
        self.line = "-"
        if not self.file.peek(1):
            return None
        method, target, minor = self._request_line()
        self.http11 = minor != "0"
        fields = self._fields()
        path, query, host = self._target(method, target)
        hosts = [host] if host else fields.get("host", [])
        if len(fields.get("host", [])) > 1 or self.http11 and "host" not in fields:
            raise _Refusal(400, "there must be one Host field")
        self.keep_alive = self._may_stay(fields)
        name, port = self.server.server_address
        environ = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": query,
            "PATH_INFO": unquote(path, "latin-1"), "REQUEST_URI": target,
            "RAW_URI": target, "SERVER_NAME": name, "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": f"HTTP/1.{minor}", "SERVER_SOFTWARE": "microflask",
            "REMOTE_ADDR": self.address[0], "REMOTE_PORT": str(self.address[1]),
            "wsgi.version": (1, 0), "wsgi.url_scheme": self.server.scheme,
            "wsgi.errors": sys.stderr, "wsgi.multithread": self.server.threaded,
            "wsgi.multiprocess": False, "wsgi.run_once": False,
            "wsgi.input_terminated": True, "werkzeug.socket": self.sock,
            **self._as_variables(fields)}
        if hosts:
            environ["HTTP_HOST"] = hosts[0]
        if "HTTP_UPGRADE" in environ:
            self.keep_alive = False
            self.sock.settimeout(None)      # a WebSocket may be silent for long
        environ["wsgi.input"] = io.BufferedReader(self._body(fields))
        return environ

    def _request_line(self) -> tuple[str, str, str]:
        """Return (method, target, minor version); one empty line before is forgiven."""
        line = self._read_line(414) or self._read_line(414)
        self.line = line.decode("latin-1")
        match = _REQUEST_LINE.fullmatch(self.line)
        if match is None:
            raise _Refusal(400, "the request line is malformed")
        method, target, major, minor = match.groups()
        if major != "1":
            raise _Refusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        return method, target, minor

    def _may_stay(self, fields: dict[str, list[str]]) -> bool:
        words = [word.strip().lower() for word in ",".join(
            fields.get("connection", [])).split(",")]
        return self.server.threaded and "close" not in words and (
            self.http11 or "keep-alive" in words)

    def _as_variables(self, fields: dict[str, list[str]]) -> dict[str, str]:
        """Return the fields under their names in the environ."""
        variables = {}
        for key, values in fields.items():
            if "_" not in key:      # X_Y would pass for X-Y in the environ
                text = ("; " if key == "cookie" else ", ").join(values)
                variables["HTTP_" + key.upper().replace("-", "_")] = text
        for key in _BODY_KEYS:
            if f"HTTP_{key}" in variables:
                variables[key] = variables.pop(f"HTTP_{key}").partition(",")[0]
        return variables

    def _fields(self) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        size = 0
        for _ in range(101):
            line = self._read_line(431)
            size += len(line)
            if not line:
                return fields
            if size > _HEAD_LINE:
                raise _Refusal(431, "the header fields are too long")
            field = _split_field(line)
            if field is None:
                raise _Refusal(400, "a header field is malformed")
            fields.setdefault(field[0], []).append(field[1])
        raise _Refusal(431, "there are too many header fields")

    def _target(self, method: str, target: str) -> tuple[str, str, str]:
        """Return (path, query, host if the target names one)."""
        host = ""
        if match := re.match(r"https?://([^/?#]+)/?", target, re.I):
            host, target = match[1], f"/{target[match.end():]}"
        path, _, query = target.partition("#")[0].partition("?")
        if (method, path) == ("OPTIONS", "*"):
            path = ""       # of the whole server; PEP 3333 knows no "*"
        elif not path.startswith("/"):
            raise _Refusal(400, "the target must be a path or an http URL")
        return path, query, host

    def _body_length(self, fields: dict[str, list[str]]) -> int | None:
        """Return the bytes of the body, or None: chunked."""
        codings, lengths = fields.get("transfer-encoding"), fields.get("content-length")
        if codings and (lengths or not self.http11):
            raise _Refusal(400, "Transfer-Encoding and Content-Length contradict")
        if codings and [coding.lower() for coding in codings] != ["chunked"]:
            raise _Refusal(501, "the only transfer coding here is chunked")
        return None if codings else self._said_length(lengths or ["0"])

    def _said_length(self, lengths: list[str]) -> int:
        if len(set(lengths)) > 1 or not re.fullmatch("[0-9]{1,18}", lengths[0]):
            raise _Refusal(400, "the Content-Length is malformed")
        return int(lengths[0])

    def _body(self, fields: dict[str, list[str]]) -> _RequestBody:
        length = self._body_length(fields)
        expects = [text.lower() for text in fields.get("expect", ())]
        if expects and expects != ["100-continue"]:
            raise _Refusal(417, "the only expectation here is 100-continue")
        waits = [bool(expects) and self.http11]
        def on_first_read() -> None:
            if waits and waits.pop():
                self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.body = _RequestBody(self.file, length, on_first_read)
        self.waits = waits
        return self.body

    def head(self, status: str, headers: list[tuple[str, str]]) -> bytes:
        """Return the bytes of a head, with a Date."""
        names = {name.lower() for name, _ in headers}
        if "date" not in names:
            headers = [("Date", http_date()), *headers]
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def address_string(self) -> str:
        """Return the client's address."""
        return self.address[0]

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write a line of the access log; on a terminal errors have a colour."""
        shown = repr(self.line)[1:-1]
        color = {3: "36", 4: "33", 5: "1;31"}.get(int(code) // 100)
        if color and sys.stderr.isatty():
            shown = f"\x1b[{color}m{shown}\x1b[0m"
        self.log("info", '"%s" %s %s', shown, code, size)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Write a message about this client to the log."""
        when = time.strftime("%d/%b/%Y %H:%M:%S")
        _log(type, f"%s - - [{when}] {message}", self.address_string(), *args)

class BaseWSGIServer:
    """A listening socket, and a thread for each connection."""
    def __init__(self, sock: Any, app: Callable, threaded: bool = True,
                 ssl_context: Any = None, handler: Any = None) -> None:
        self.socket, self.app, self.threaded = sock, app, threaded
        self.ssl_context, self.scheme = ssl_context, "https" if ssl_context else "http"
        self.handler = handler or WSGIRequestHandler
        bound: Any = sock.getsockname()
        self.host, self.port = bound[:2] if isinstance(bound, tuple) else ("", 80)
        self.host = self.host or "localhost"
        self.server_name, self.server_port = self.server_address = self.host, self.port
        self.ending = False

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Accept connections until KeyboardInterrupt or another thread's `shutdown`."""
        self.socket.settimeout(poll_interval)   # a signal just before accept() is late
        while not self.ending:
            try:
                sock, address = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                time.sleep(0.05)        # out of file descriptors, for one
                continue
            connection = self.handler(self, sock, address)
            if self.threaded:
                try:
                    threading.Thread(target=connection.serve, daemon=True).start()
                except RuntimeError:    # no more threads: this client is sent away
                    sock.close()
            else:
                connection.serve()

    def shutdown(self) -> None:
        """Take no more connections; `serve_forever` returns."""
        self.ending = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(2)     # wakes it from `accept`

    def server_close(self) -> None:
        """Close the listening socket."""
        self.socket.close()

# --------------------------------------------------------------------------------------
# 38. Starting the server, and starting it again  (skip on first reading)
#
# `run_simple` opens the socket. With the reloader it runs the server in a process of
# its own, which it starts anew, on the same socket, whenever a file has changed.
# --------------------------------------------------------------------------------------

def make_server(host: str, port: int, app: Callable, threaded: bool = False,
                processes: int = 1, request_handler: Any = None,
                passthrough_errors: bool = False, ssl_context: Any = None,
                fd: int | None = None) -> BaseWSGIServer:
    """Return a server that listens (port 0: on a free one) until `server_close`.

    The other arguments are those of run_simple; `fd` is a socket's that listens.
    """
    import socket
    context = _ssl_context(ssl_context) if ssl_context else None
    sock = _listen(host, port) if fd is None else socket.socket(fileno=fd)
    return BaseWSGIServer(sock, app, threaded, context, request_handler)

def is_running_from_reloader() -> bool:
    """Tell whether this is the process that the reloader started."""
    return os.environ.get("WERKZEUG_RUN_MAIN") == "true"

def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Print what is served, once: not again in a process of the reloader."""
    if is_running_from_reloader():
        return
    if app_import_path is not None:
        print(f" * Serving Flask app '{app_import_path}'")
    print(f" * Debug mode: {'on' if debug else 'off'}", flush=True)

def _listen(hostname: str, port: int) -> Any:
    """Return a listening socket; SystemExit with one clear line if that cannot be."""
    import socket
    import stat
    unix = hostname.removeprefix("unix://") if hostname.startswith("unix://") else ""
    family = socket.AF_INET6 if ":" in hostname else socket.AF_INET
    sock = socket.socket(socket.AF_UNIX if unix else family)
    try:
        if unix:
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISSOCK(os.stat(unix).st_mode):
                    os.unlink(unix)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(unix or (hostname, port))
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or error
        sys.exit(f"Cannot listen on {hostname}:{port}: {reason}. Is the host right, and"
                 " does no other program use this port? Another one: microflask run"
                 " --port 8000, or app.run(port=8000).")
    sock.listen(256)
    return sock

def _ssl_context(setting: Any) -> Any:
    """Return an ssl.SSLContext of a (certificate, key) pair, or of 'adhoc'."""
    import ssl
    if isinstance(setting, ssl.SSLContext):
        return setting
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if setting != "adhoc":
        context.load_cert_chain(*((setting,) if isinstance(setting, str) else setting))
        return context
    import tempfile
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(_adhoc_certificate())
        file.flush()
        context.load_cert_chain(file.name)
    return context

def _adhoc_certificate() -> bytes:
    """Return a key and a certificate that nobody vouches for, in PEM."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        sys.exit("ssl_context='adhoc' needs the package cryptography: install it")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now,
        now + timedelta(days=30)).add_extension(names, False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

def _end(signum: int, frame: Any) -> NoReturn:
    import signal
    signal.signal(signum, signal.SIG_IGN)       # a second one finds us ending
    sys.exit(0)

def run_simple(hostname: str, port: int, application: Callable,
               use_reloader: bool = False, use_debugger: bool = False,
               use_evalex: bool = True, extra_files: Iterable[str] | None = None,
               exclude_patterns: Iterable[str] | None = None,
               reloader_interval: float = 0.5, reloader_type: str = "auto",
               threaded: bool = False, processes: int = 1, request_handler: Any = None,
               static_files: Any = None, passthrough_errors: bool = False,
               ssl_context: Any = None) -> None:
    """Serve a WSGI application until Ctrl-C or SIGTERM; for development only.

    `hostname` may be an IPv6 address or `unix://path`; `ssl_context` a pair of files,
    an ssl.SSLContext, or "adhoc".
    """
    import signal
    if use_debugger and (is_running_from_reloader() or not use_reloader):
        application = DebuggedApplication(application, use_evalex)
    server = make_server(hostname, port, application, threaded, processes,
                         request_handler, passthrough_errors, ssl_context,
                         _inherited_socket())
    if not is_running_from_reloader():
        where = hostname if hostname.startswith("unix://") else (
            f"{server.scheme}://{f'[{hostname}]' if ':' in hostname else hostname}"
            f":{server.port}")
        print("WARNING: This is a development server. Do not use it in a production"
              " deployment. Use a production WSGI server instead.\n"
              f" * Running on {where}\nPress CTRL+C to quit", file=sys.stderr,
              flush=True)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)
    with server.socket, contextlib.suppress(KeyboardInterrupt):
        if use_reloader:
            os.environ["WERKZEUG_SERVER_FD"] = str(server.socket.fileno())
            server.socket.set_inheritable(True)
            run_with_reloader(server.serve_forever, extra_files, exclude_patterns,
                              reloader_interval, reloader_type)
        else:
            server.serve_forever()

def _inherited_socket() -> int | None:
    """Return the number of the socket that the reloader keeps open, or None."""
    number = os.environ.get("WERKZEUG_SERVER_FD", "")
    with contextlib.suppress(OSError, ValueError):
        os.fstat(int(number))
        return int(number) if is_running_from_reloader() else None
    return None

def run_with_reloader(main_func: Callable[[], Any], extra_files: Any = None,
                      exclude_patterns: Any = None, interval: float = 1,
                      reloader_type: str = "auto") -> None:
    """Run a function in a process of its own that is started anew on every change."""
    if not is_running_from_reloader():
        sys.exit(_restart_again_and_again(extra_files, exclude_patterns))
    wait = _waiting(reloader_type, interval)
    threading.Thread(target=_exit_on_change, daemon=True,
                     args=(wait, extra_files, exclude_patterns)).start()
    main_func()

def _watched_files(extra: Any, exclude: Any) -> set[str]:
    """Return the files whose change makes a restart: of all modules, and given ones."""
    from fnmatch import fnmatch
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    found = {os.path.abspath(file) for file in (*files, *(extra or ())) if file}
    return {file for file in found if not any(fnmatch(file, p) for p in exclude or ())}

def _stamps(files: Iterable[str]) -> dict[str, float]:
    stamps = {}
    for file in files:
        with contextlib.suppress(OSError):
            stamps[file] = os.stat(file).st_mtime
    return stamps

def _waiting(kind: str, interval: float) -> Callable[[Iterable[str]], None]:
    """Return what waits some time, or until Watchdog sees a change beside the files.

    Watchdog takes a thread for each folder: those of installed packages have none.
    """
    try:
        if kind == "stat":
            raise ImportError
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer
    except ImportError:
        if kind == "watchdog":
            sys.exit("reloader_type='watchdog' needs the package watchdog: install it")
        return lambda files: time.sleep(interval)
    observer, woken, seen = Observer(), threading.Event(), set[str]()
    handler: Any = FileSystemEventHandler()
    handler.dispatch = lambda event: woken.set()
    observer.start()
    def wait(files: Iterable[str]) -> None:
        own = [file for file in files if not file.startswith(_INSTALLED)]
        for folder in {os.path.dirname(file) for file in own} - seen:
            seen.add(folder)
            with contextlib.suppress(OSError):
                observer.schedule(handler, folder)
        woken.wait(10 * interval)
        woken.clear()
    return wait

_INSTALLED = tuple({os.path.join(os.path.abspath(prefix), "")
                    for prefix in (sys.prefix, sys.base_prefix)} - {os.sep})

def _exit_on_change(wait: Callable, extra: Any, exclude: Any) -> None:
    """Watch the files, and end this process with the code 3 when one has changed."""
    started = float(os.environ.get("MICROFLASK_STARTED", "inf"))
    stamps = {file: min(stamp, started) for file, stamp in _stamps(
        _watched_files(extra, exclude)).items()}    # one may have changed since
    while True:
        wait(stamps)
        now = _stamps(_watched_files(extra, exclude))
        changed = [file for file in stamps if now.get(file) != stamps[file]]
        if changed:
            print(f" * Detected change in {changed[0]!r}, reloading", file=sys.stderr,
                  flush=True)
            os._exit(3)
        stamps = {**now, **stamps}

def _restart_again_and_again(extra: Any, exclude: Any) -> int:
    """Run this program in a process of its own, again whenever it ends for a change.

    If it dies of an error (a syntax error, say), wait until a file changes.
    """
    import subprocess
    print(" * Restarting on every change of a file", file=sys.stderr, flush=True)
    pin = _chosen_pin()
    environ = {**os.environ, "WERKZEUG_RUN_MAIN": "true", "WERKZEUG_DEBUG_PIN": pin}
    while True:
        before = _stamps(_nearby_files(extra, exclude))
        environ["MICROFLASK_STARTED"] = str(time.time())
        child = subprocess.Popen(_this_command(), env=environ, close_fds=False)
        try:
            code = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
        if code == 3:
            continue
        if code <= 0:
            return -code
        print(" * It ended with an error: waiting for a file to change",
              file=sys.stderr, flush=True)
        while _stamps(_nearby_files(extra, exclude)) == before:
            time.sleep(0.3)

def _nearby_files(extra: Any, exclude: Any) -> set[str]:
    """Return the watched files, and all modules beside the program."""
    found = _watched_files(extra, exclude)
    for folder in {os.path.dirname(os.path.abspath(sys.argv[0])), os.getcwd()}:
        for name in os.listdir(folder):
            if name.endswith(".py"):
                found.add(os.path.join(folder, name))
    return found

def _this_command() -> list[str]:
    """Return the command that started this process."""
    program = sys.modules["__main__"]
    if getattr(program, "__package__", None) and program.__spec__ is not None:
        name = program.__spec__.name.removesuffix(".__main__")
        return [sys.executable, "-m", name, *sys.argv[1:]]
    return [sys.executable, *sys.argv]

# --------------------------------------------------------------------------------------
# 39. Standing in for Flask  (skip on first reading)
#
# What others wrote for Flask imports `flask` and `werkzeug`, and their submodules. Here
# is one module; so each of those names is an empty module whose attributes are looked
# up in this file. A finder in `sys.meta_path` (PEP 451) makes them, before Python finds
# those that are installed.
# --------------------------------------------------------------------------------------

_MODULES = {f"{package}{'.' * bool(name)}{name}" for package, names in {
    "flask": """ app blueprints cli config ctx debughelpers globals helpers json
        json.provider json.tag logging sansio sansio.app sansio.blueprints
        sansio.scaffold sessions signals templating testing typing views wrappers""",
    "werkzeug": """ _internal _reloader datastructures datastructures.accept
        datastructures.auth datastructures.cache_control datastructures.csp
        datastructures.etag datastructures.file_storage datastructures.headers
        datastructures.mixins datastructures.range datastructures.structures debug
        debug.tbtools exceptions formparser http local middleware
        middleware.dispatcher middleware.proxy_fix routing routing.converters
        routing.exceptions routing.map routing.rules sansio sansio.http sansio.request
        sansio.response sansio.utils security serving test urls user_agent utils
        wrappers wrappers.request wrappers.response wsgi""",
}.items() for name in ["", *names.split()]}

class _StandIn(ModuleType):
    """A module `flask…` or `werkzeug…`: its names are those of this file."""
    def __getattr__(self, name: str) -> Any:
        whole = f"{self.__name__}.{name}"
        if whole in _MODULES:
            return importlib.import_module(whole)
        if whole in _OTHER_NAMES:
            return _OTHER_NAMES[whole]()
        if self.__name__ == "flask.typing" and name[0] != "_":
            return Any      # they are for type checkers, which read Flask's own
        if name[0] != "_" and hasattr(_here, name):
            return getattr(_here, name)
        if name == "__all__":
            return dir(self)
        raise AttributeError(f"microflask stands in for {self.__name__!r} here, and has"
                             f" no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Replace a name in this file, too: what patches `run_simple` means ours."""
        ours = name[0] != "_" and name in vars(_here) and f"{self.__name__}.{name}"
        if ours and ours not in _MODULES:
            _replaced.setdefault(name, getattr(_here, name))
            setattr(_here, name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Put back what was replaced: so `mock.patch` ends."""
        if name in _replaced:
            setattr(_here, name, _replaced.pop(name))
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return [name for name, value in vars(_here).items() if name[0] != "_" and (
            getattr(value, "__module__", __name__) == __name__
            and not isinstance(value, ModuleType))]

_here: Any = sys.modules[__name__]
_replaced: dict[str, Any] = {}

_OTHER_NAMES: dict[str, Callable] = {   # what means another thing, or nothing, in here
    "flask.__version__": lambda: "3.1.3",
    "werkzeug.__version__": lambda: "3.1.9",
    "flask.json.dumps": lambda: json.dumps,
    "flask.json.dump": lambda: json.dump,
    "flask.json.loads": lambda: json.loads,
    "flask.json.load": lambda: json.load,
    "flask.logging.default_handler": _default_handler,
    "flask.sessions.session_json_serializer": TaggedJSONSerializer,
    "flask.views.http_method_funcs": lambda: frozenset(_HTTP_METHODS),
    "werkzeug._internal._log": lambda: _log,
}

class _StandInFinder:
    """A finder and loader (PEP 451) of the modules that this file stands in for."""
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec of a stand-in; ModuleNotFoundError for what there is not."""
        if name in _MODULES:
            return ModuleSpec(name, self, origin=__file__,  # type: ignore[arg-type]
                              is_package=True)
        if name.partition(".")[0] in ("flask", "werkzeug"):
            raise ModuleNotFoundError("microflask stands in for Flask and Werkzeug, and"
                                      f" has no module {name!r}", name=name)
        return None

    def create_module(self, spec: Any) -> ModuleType:
        """Return an empty stand-in."""
        module = _StandIn(spec.name, f"microflask, as {spec.name}.")
        module.__file__ = __file__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the names are looked up when they are asked for."""

def install_as_flask() -> None:
    """Let `import flask` and `import werkzeug`, and their submodules, find this file.

    Raises RuntimeError if the real ones have been imported before.
    """
    if any(isinstance(finder, _StandInFinder) for finder in sys.meta_path):
        return
    present = sorted({"flask", "werkzeug"} & set(sys.modules))
    if present:
        raise RuntimeError(f"Imported already: {' and '.join(present)}. Call"
                           " install_as_flask() before anything imports them.")
    sys.meta_path.insert(0, _StandInFinder())       # type: ignore[arg-type]

# --------------------------------------------------------------------------------------
# 40. Commands  (skip on first reading)
#
# A command is a function: its arguments are the command's, defaults make options, type
# hints their types, the docstring the help. An error is one line that names the nearest
# thing that exists. The application that they are for is found by its name, as Flask
# finds it.
# --------------------------------------------------------------------------------------

def _nearest(word: str, words: Iterable[str]) -> str:
    from difflib import get_close_matches
    near = get_close_matches(word, list(words), 1)
    return f" Did you mean {near[0]!r}?" if near else ""

class Command:
    """A function as a command."""
    def __init__(self, name: str, callback: Callable,
                 with_appcontext: bool = True) -> None:
        self.name, self.callback, self.with_appcontext = name, callback, with_appcontext
        self.help = (callback.__doc__ or "").strip()

    def parser(self) -> Any:
        """Return the argparse.ArgumentParser of the function's signature."""
        import argparse
        import inspect
        parser = argparse.ArgumentParser(self.name, description=self.help,
                                         add_help=False)
        parser.add_argument("--help", action="help", help="Show this and exit.")
        for name, parameter in inspect.signature(self.callback).parameters.items():
            hint = str(parameter.annotation)
            kind = next((k for k in (int, float) if k.__name__ in hint), str)
            if parameter.default is not parameter.empty:
                self._add_option(parser, name, parameter.default, hint, kind)
                continue
            several = parameter.kind is parameter.VAR_POSITIONAL
            parser.add_argument(name, type=_is_true if "bool" in hint else kind,
                                nargs="*" if several else None)
        return parser

    def _add_option(self, parser: Any, name: str, default: Any, hint: str,
                    kind: type) -> None:
        import argparse
        flags = [f"--{name.replace('_', '-')}", *_SHORT_FLAGS.get(name, ())]
        is_switch = "bool" in hint or isinstance(default, bool)
        variable = f"FLASK_{self.name}_{name}".upper().replace("-", "_")
        default = os.environ.get(variable, default)
        if not is_switch:
            kind = type(default) if isinstance(default, (int, float)) else kind
            parser.add_argument(*flags, type=kind, default=default)
            return
        if isinstance(default, str):
            default = _is_true(default)
        if name.startswith("with_"):
            parser.add_argument(f"--without-{name[5:]}", dest=name,
                                action="store_false")
        parser.add_argument(*flags, action=argparse.BooleanOptionalAction,
                            default=default)

    def main(self, args: list[str], app: Any = None) -> Any:
        """Parse the arguments; call the function inside of an application context."""
        values = vars(self.parser().parse_args(args))
        inside = app and self.with_appcontext
        import inspect
        call = inspect.signature(self.callback).bind_partial()
        call.arguments.update({name: tuple(value) if isinstance(value, list) else value
                               for name, value in values.items()})
        with _inside(app) if inside else contextlib.nullcontext():
            try:
                return self.callback(*call.args, **call.kwargs)
            except Exception as error:
                if not hasattr(error, "show") or not hasattr(error, "exit_code"):
                    raise
                error.show()        # a ClickException says what the user did wrong
                raise SystemExit(error.exit_code) from None

def _is_true(text: str) -> bool:
    return text.lower() not in ("", "0", "false", "no", "off")

_SHORT_FLAGS = {"host": ("-h",), "port": ("-p",), "sort": ("-s",)}

class AppGroup:
    """The commands of an application or a blueprint, by name."""
    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        self.name = name
        self.commands: dict[str, Any] = {}
        self.help = kwargs.get("help") or kwargs.get("short_help") or ""

    def command(self, name: Any = None, *, with_appcontext: bool = True,
                **kwargs: Any) -> Any:
        """Make a function a command (a decorator), by its name or another."""
        if callable(name):
            return self.command()(name)
        def decorator(f: Any) -> Any:
            called = name or getattr(f, "__name__", "").lower().replace("_", "-")
            if _is_of_click(f):
                import click
                f = globals()["with_appcontext"](f) if with_appcontext else f
                f = click.command(called, **kwargs)(f)
            made = f if hasattr(f, "main") else Command(called, f, with_appcontext)
            self.add_command(made, called)
            return made
        return decorator

    def group(self, name: Any = None, **kwargs: Any) -> Any:
        """Make a function a group of commands (a decorator); its docstring is the help.

        With click's decorators on the function it is a group of click's.
        """
        if callable(name):
            return self.group()(name)
        def decorator(f: Any) -> Any:
            called = name or f.__name__.lower().replace("_", "-")
            made: Any = AppGroup(called, **{"help": f.__doc__, **kwargs})
            if _is_of_click(f):
                import click
                made = click.group(called, **kwargs)(f)
            self.add_command(made, called)
            return made
        return decorator

    def add_command(self, cmd: Any, name: str | None = None) -> None:
        """Add a command or a group, ours or one of click's."""
        self.commands[name or cmd.name] = cmd

    def main(self, args: list[str], app: Any = None) -> Any:
        """Run the command that the first argument names."""
        if not args or args[0] == "--help":
            print(_command_list(self.commands))
            return None
        command = self.commands.get(args[0])
        if command is None:
            print(f"No such command {args[0]!r}.{_nearest(args[0], self.commands)}",
                  file=sys.stderr)
            raise SystemExit(2)
        return _run_any(command, args[1:], app, args[0])

def _is_of_click(f: Any) -> bool:
    """Tell whether click's decorators are on a function, which is no command yet."""
    home = getattr(f, "__globals__", {}).get("__name__", "")
    return hasattr(f, "__click_params__") or home.startswith("click.")

def _run_any(command: Any, args: list[str], app: Any, name: str | None = None) -> Any:
    """Run a command, ours or one of click's, which then is inside of a context."""
    if isinstance(command, (Command, AppGroup)):
        return command.main(args, app=app)
    code: Any = None
    with _inside(app):
        try:
            command.main(args, prog_name=name, obj=ScriptInfo(create_app=lambda: app))
        except SystemExit as stop:      # so click ends, and it is no error
            code = stop.code
    if code:
        raise SystemExit(code)
    return None

def _inside(app: Any) -> Any:
    """Return a context of the application, or nothing to enter where it is current."""
    is_current = current_app and current_app == app
    return contextlib.nullcontext() if is_current else app.app_context()

def _command_list(commands: Mapping[str, Any]) -> str:
    lines = []
    for name, command in sorted(commands.items()):
        first = (getattr(command, "help", "") or "").strip().partition("\n")[0]
        lines.append(f"  {name:<12} {first}".rstrip())
    return "\n".join(["Commands:", *lines])

def with_appcontext(f: Callable) -> Callable:
    """Run a command of click's inside of an application context, as `app.cli` does."""
    @functools.wraps(f)
    def inside(*args: Any, **kwargs: Any) -> Any:
        if current_app:
            return f(*args, **kwargs)
        from click import get_current_context
        info = get_current_context().ensure_object(ScriptInfo)
        with info.load_app().app_context():
            return f(*args, **kwargs)
    return inside

class NoAppException(Exception):
    """No application was found, or it could not be imported."""

def _import_module(name: str) -> Any:
    """Import a module by its name or its path; NoAppException says what is wrong."""
    given, path = name, os.path.realpath(name)
    if os.path.isdir(path) or os.path.exists(f"{path.removesuffix('.py')}.py"):
        folder, base = os.path.split(path.removesuffix(".py").removesuffix("/__init__"))
        parts = [base]
        while os.path.exists(os.path.join(folder, "__init__.py")):
            folder, base = os.path.split(folder)
            parts.insert(0, base)
        sys.path[:0] = [folder] if folder not in sys.path[:1] else []
        name = ".".join(parts)
    else:
        sys.path[:0] = [os.getcwd()] if os.getcwd() not in sys.path else []
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise
        raise NoAppException(f"Could not import {given!r}: there is no such file or"
                             f" module in {os.getcwd()!r}.") from None

def _find_in(module: Any, wanted: str) -> Any:
    """Return the application in a module: a name, a call, or what Flask looks for."""
    if wanted:
        return _find_named(module, wanted)
    for name in ("app", "application"):
        if isinstance(getattr(module, name, None), Flask):
            return getattr(module, name)
    found = [value for value in vars(module).values() if isinstance(value, Flask)]
    if len(found) == 1:
        return found[0]
    for name in ("create_app", "make_app"):
        if callable(getattr(module, name, None)):
            return _find_named(module, f"{name}()")
    what = "are several applications" if found else "is no application"
    raise NoAppException(f"There {what} in {module.__name__!r}: name one, as in"
                         f" --app {module.__name__}:name, or :factory().")

def _parse_call(wanted: str) -> tuple[str, bool, list, dict[str, Any]]:
    """Return (name, whether it is called, arguments, named arguments)."""
    import ast
    try:
        node = ast.parse(wanted.strip(), mode="eval").body
        if not isinstance(node, ast.Call):
            return getattr(node, "id"), False, [], {}
        return (getattr(node.func, "id"), True, [*map(ast.literal_eval, node.args)],
                {str(word.arg): ast.literal_eval(word.value) for word in node.keywords})
    except (SyntaxError, ValueError, AttributeError):
        raise NoAppException(f"{wanted!r} is neither a name nor a call with literal"
                             " arguments.") from None

def _find_named(module: Any, wanted: str) -> Any:
    name, is_call, args, named = _parse_call(wanted)
    found = getattr(module, name, None)
    if found is None:
        raise NoAppException(f"There is no {name!r} in {module.__name__!r}."
                             f"{_nearest(name, vars(module))}")
    try:
        if is_call or not isinstance(found, Flask):
            found = found(*args, **named)
    except TypeError as error:
        raise NoAppException(f"The factory {wanted!r} could not be called: {error}"
                             ) from error
    if not isinstance(found, Flask):
        raise NoAppException(f"{module.__name__}:{wanted} is no application.")
    return found

class ScriptInfo:
    """What a command line knows of its application: where it is, or what makes it."""
    def __init__(self, app_import_path: str | None = None, create_app: Any = None,
                 set_debug_flag: bool = True,
                 load_dotenv_defaults: bool = True) -> None:
        self.app_import_path, self.create_app = app_import_path, create_app
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = load_dotenv_defaults
        self.data: dict[Any, Any] = {}

    def load_app(self) -> Any:
        """Return the application, found or made once; NoAppException if none is."""
        if not hasattr(self, "app"):
            path = self.app_import_path or os.environ.get("FLASK_APP")
            self.app = self.create_app() if self.create_app else locate_app(path)
            if self.set_debug_flag and "FLASK_DEBUG" in os.environ:
                self.app.debug = get_debug_flag()
        return self.app

def locate_app(wanted: str | None) -> Any:
    """Return the application of `module:name`, else of wsgi.py or app.py here."""
    if wanted:
        module, _, name = re.match(r"([^:\\/]*(?:[\\/][^:]*)?)(:?)(.*)\Z", wanted,
                                   re.S).groups()  # type: ignore[union-attr]
        return _find_in(_import_module(module), name)
    for name in ("wsgi.py", "app.py"):
        if os.path.exists(name):
            return _find_in(_import_module(name), "")
    raise NoAppException("Could not locate an application: no wsgi.py or app.py is"
                         " here. Use --app module:name, or set FLASK_APP.")

# --------------------------------------------------------------------------------------
# 41. The command line  (skip on first reading)
#
# `run`, `routes` and `shell` are functions, too. What is made with click, click runs;
# what click's programs ask of Flask (FlaskGroup) is made when they ask, for click need
# not be installed. FlaskCliRunner calls commands in tests, `main` from the terminal.
# --------------------------------------------------------------------------------------

def _run_command(
    host: str = "127.0.0.1", port: int = 5000, reload: bool | None = None,
    debugger: bool | None = None, with_threads: bool = True, cert: str | None = None,
    key: str | None = None, extra_files: str = "", exclude_patterns: str = "",
) -> None:
    """Run a development server."""
    app = current_app._get_current_object()
    show_server_banner(app.debug, app.import_name)
    context: Any = cert if cert in (None, "adhoc") else (cert, key) if key else cert
    run_simple(host, port, app, use_reloader=app.debug if reload is None else reload,
               use_debugger=app.debug if debugger is None else debugger,
               threaded=with_threads, ssl_context=context,
               extra_files=[file for file in extra_files.split(os.pathsep) if file],
               exclude_patterns=[p for p in exclude_patterns.split(os.pathsep) if p])

def _route_rows(url_map: Map, hidden: set[str]) -> list[list[str]]:
    domain = attrgetter("host" if url_map.host_matching else "subdomain")
    return [[str(rule.endpoint), ", ".join(sorted((rule.methods or set()) - hidden)),
             domain(rule) or "", rule.rule] for rule in url_map.iter_rules()]

def _routes_command(sort: str = "endpoint", all_methods: bool = False) -> None:
    """Show the routes: sort by endpoint, methods, domain, rule or match."""
    heads = ["Endpoint", "Methods", "Domain", "Rule"]
    orders = ["endpoint", "methods", "domain", "rule", "match"]
    if sort not in orders:
        print(f"No such order {sort!r}.{_nearest(sort, orders)}", file=sys.stderr)
        raise SystemExit(2)
    rows = _route_rows(current_app.url_map, set() if all_methods else {
        "HEAD", "OPTIONS"})
    if sort != "match":
        rows.sort(key=itemgetter(orders.index(sort)))
    if not any(row[2] for row in rows):
        heads, rows = heads[:2] + heads[3:], [row[:2] + row[3:] for row in rows]
    _print_table(heads, rows)

def _print_table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in (heads, ["-" * width for width in widths], *rows):
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths)]
        print("  ".join(cells).rstrip())

def _shell_command() -> None:
    """Run a Python shell that knows the application."""
    names = current_app.make_shell_context()
    banner = f"Python {sys.version.split()[0]}\nApp: {current_app.import_name}"
    try:
        from IPython import start_ipython
    except ImportError:
        import code
        code.interact(banner, local=names)
    else:
        start_ipython(argv=[], user_ns=names)

_COMMANDS = {"run": Command("run", _run_command),
             "routes": Command("routes", _routes_command),
             "shell": Command("shell", _shell_command)}

def _pass_script_info() -> Any:
    import click
    return click.make_pass_decorator(ScriptInfo, ensure=True)

def _as_click(name: str, command: Any) -> Any:
    """Return a command of ours as one of click's, which hands on its arguments."""
    if not isinstance(command, (Command, AppGroup)):
        return command
    import click
    @click.command(name, help=command.help, add_help_option=False,
                   context_settings={"ignore_unknown_options": True})
    @click.argument("args", nargs=-1, type=click.UNPROCESSED)
    @_pass_script_info()
    def run(info: ScriptInfo, args: tuple) -> Any:
        return command.main(list(args), info.load_app())
    return run

@functools.lru_cache(maxsize=None)
def _flask_group() -> Any:
    import click

    class FlaskGroup(click.Group):
        """A group of click's with the commands of an application, and run, routes."""
        def __init__(self, *args: Any, create_app: Any = None,
                     add_default_commands: bool = True, add_version_option: bool = True,
                     load_dotenv: bool = True, set_debug_flag: bool = True,
                     **extra: Any) -> None:
            extra.setdefault("context_settings", {})["obj"] = ScriptInfo(
                create_app=create_app, set_debug_flag=set_debug_flag)
            super().__init__(*args, **extra)
            for name, command in _COMMANDS.items() if add_default_commands else ():
                self.add_command(_as_click(name, command))

        def _all(self, ctx: Any) -> dict[str, Any]:
            app = ctx.ensure_object(ScriptInfo).load_app()
            return {**app.cli.commands, **self.commands}

        def get_command(self, ctx: Any, name: str) -> Any:
            command = self._all(ctx).get(name)
            return command and _as_click(name, command)

        def list_commands(self, ctx: Any) -> list[str]:
            return sorted(self._all(ctx))

        def invoke(self, ctx: Any) -> Any:
            with _inside(ctx.ensure_object(ScriptInfo).load_app()):
                return super().invoke(ctx)
    return FlaskGroup

_WHEN_ASKED: dict[str, Callable[[], Any]] = {
    "Environment": _environment_class, "DispatchingJinjaLoader": _loader_class,
    "FlaskGroup": _flask_group, "pass_script_info": _pass_script_info,
    **{f"{name}_command": functools.partial(_as_click, name, command)
       for name, command in _COMMANDS.items()}}

def __getattr__(name: str) -> Any:
    """Return what needs Jinja or click, which are imported only now (PEP 562)."""
    if name in _WHEN_ASKED:
        return _WHEN_ASKED[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

class Result:
    """What a command did: its `output`, `exit_code`, and `exception` if it failed."""
    def __init__(self, output: str, exit_code: int, exception: BaseException | None,
                 return_value: Any = None) -> None:
        self.output = self.stdout = output
        self.exit_code, self.exception = exit_code, exception
        self.return_value = return_value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.exception or 'okay'!r}>"

class FlaskCliRunner:
    """Call the application's commands: app.test_cli_runner().invoke(args=["name"])."""
    def __init__(self, app: Any, **kwargs: Any) -> None:
        self.app, self.options = app, kwargs

    def invoke(self, cli: Any = None, args: Any = None, input: Any = None,
               env: Mapping | None = None, catch_exceptions: bool = True,
               **kwargs: Any) -> Any:
        """Run a command of the application, or one given, and catch what it prints.

        Where click is installed its CliRunner does it, and returns its own Result.
        """
        try:
            from click.testing import CliRunner
        except ImportError:
            return self._invoke(cli, args, input, env, catch_exceptions)
        kwargs.setdefault("obj", ScriptInfo(create_app=lambda: self.app))
        command = _as_click(self.app.name, cli or self.app.cli)
        return CliRunner(**self.options).invoke(command, args, input, env,
                                                catch_exceptions, **kwargs)

    def _invoke(self, cli: Any, args: Any, input: Any, env: Mapping | None,
                catch_exceptions: bool) -> Result:
        import shlex
        args = shlex.split(args) if isinstance(args, str) else list(args or ())
        output, code, value = io.StringIO(), 0, None
        error: BaseException | None = None
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                with _surroundings(input, env):
                    value = _run_any(cli or self.app.cli, args, self.app)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
            output.write(f"{stop.code}\n" if isinstance(stop.code, str) else "")
            error = stop if code else None
        except Exception as exception:
            if not catch_exceptions:
                raise
            code, error = 1, exception
        return Result(output.getvalue(), code, error, value)

@contextlib.contextmanager
def _surroundings(input: Any, env: Mapping | None) -> Iterator[None]:
    """Have another standard input and some more environment for a while."""
    text = input.decode() if isinstance(input, bytes) else input or ""
    before = os.environ.copy(), sys.stdin
    os.environ.update(env or {})
    sys.stdin = io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before[1]
        os.environ.clear()
        os.environ.update(before[0])

def _own_options(args: list[str]) -> dict[str, Any]:
    """Take the options before the command's name out of the arguments."""
    own: dict[str, Any] = {}
    while args and args[0].startswith("-"):
        name, equals, value = args.pop(0).partition("=")
        if name in ("--debug", "--no-debug"):
            own["debug"] = name == "--debug"
        elif name in ("--version", "--help", "--as-flask"):
            own[name[2:]] = True
        elif name in ("--app", "-A", "--env-file", "-e") and (equals or args):
            own["app" if name in ("--app", "-A") else "env_file"] = (
                value if equals else args.pop(0))
        else:
            known = ("--app", "--debug", "--no-debug", "--env-file", "--version",
                     "--help", "--as-flask")
            sys.exit(f"No such option {name!r}, or it lacks its value."
                     f"{_nearest(name, known)}")
    return own

def load_dotenv(path: Any = None, load_defaults: bool = True) -> bool:
    """Read .env and .flaskenv, if python-dotenv is there; tell whether any was."""
    try:
        from dotenv import find_dotenv, load_dotenv as load
    except ImportError:
        return False
    if path is not None:
        return load(path, encoding="utf-8")
    names = (".env", ".flaskenv") if load_defaults else ()
    found = [find_dotenv(name, usecwd=True) for name in names]
    return any([load(name, encoding="utf-8") for name in found if name])

def _set_environment(own: dict[str, Any]) -> None:
    """Set what files and options say, for the application and a reloader's process."""
    env_file = own.get("env_file")
    if env_file is not None and not os.path.isfile(env_file):
        sys.exit(f"Error: there is no file {env_file!r} to read variables from.")
    if not _is_switched_on("FLASK_SKIP_DOTENV"):
        load_dotenv(env_file)
    if "debug" in own:
        os.environ["FLASK_DEBUG"] = "1" if own["debug"] else "0"
    os.environ["FLASK_RUN_FROM_CLI"] = "true"

def _commands_of_extensions() -> dict[str, Any]:
    """Return the commands that installed extensions announce to Flask's own."""
    from importlib.metadata import entry_points
    return {point.name: point.load() for point in entry_points(group="flask.commands")}

def main(args: list[str] | None = None) -> None:
    """Run the command line: `microflask --app hello run`."""
    args = list(sys.argv[1:] if args is None else args)
    own = _own_options(args)
    if "version" in own:
        print(f"microflask {__version__}, Python {sys.version.split()[0]}")
        return
    if args[:1] == ["run"] and {"--debug", "--no-debug"} & set(args):
        own["debug"] = "--debug" in args
        args = [arg for arg in args if arg not in ("--debug", "--no-debug")]
    _set_environment(own)
    commands = dict(_COMMANDS)
    if "as-flask" in own:
        install_as_flask()
        commands.update(_commands_of_extensions())
    if not args or "help" in own:
        args = ["--help"]
    try:
        _run_named(args, own, commands)
        sys.stdout.flush()
    except BrokenPipeError:         # `microflask routes | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

def _run_named(args: list[str], own: dict[str, Any], commands: dict) -> None:
    usage = ("Usage: microflask [--app NAME] [--debug] [--env-file FILE] [--as-flask]"
             " COMMAND")
    try:
        app = locate_app(own.get("app") or os.environ.get("FLASK_APP"))
    except NoAppException as error:
        if args != ["--help"]:
            sys.exit(f"Error: {error}")
        print(f"{usage}\n{_command_list(commands)}\n\n{error}")
        return
    if "debug" in own:
        app.debug = own["debug"]
    group = AppGroup()
    group.commands.update({**commands, **app.cli.commands})
    if args == ["--help"]:
        print(usage)
    group.main(args, app)

if __name__ == "__main__":
    sys.modules["microflask"] = sys.modules["__main__"]     # not a second copy of it
    main()
