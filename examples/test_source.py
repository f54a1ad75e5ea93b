"""Tests of the annotated source: its pages hold the file, and its names lead right."""
import contextlib
import inspect
import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urldefrag

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys

import microflask
import source
from test_microflask import Browser

TEXT = source.FILE.read_text(encoding="utf-8")
LINES = TEXT.splitlines()
TITLES = re.findall(r"^# (\d+)\. (.*)$", TEXT, re.M)


@pytest.fixture
def client():
    source.app.testing = True
    return source.app.test_client()


class Page(HTMLParser):
    """The lines of a page by their number, all its ids, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.lines, self.ids, self.links, self.depth = {}, Counter(), set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "href" in attrs:
            self.links.add(attrs["href"])
        name = attrs.get("id", "")
        self.ids[name] += "id" in attrs
        if re.fullmatch(r"L\d+", name):
            self.number = int(name[1:])
            self.lines[self.number] = ""
            self.depth = 1
        elif self.depth:
            self.depth += 1

    def handle_endtag(self, tag):
        self.depth = max(self.depth - 1, 0)

    def handle_data(self, data):
        if self.depth:
            self.lines[self.number] += data


@pytest.fixture(scope="module")
def pages():
    client = source.app.test_client()
    paths = ["/", *(f"/{number}" for number, _ in TITLES)]
    return {path: Page(client.get(path).text) for path in paths}


def test_the_lines_of_all_pages_are_the_file(pages):
    found = Counter(name for page in pages.values() for name in page.ids.elements()
                    if re.fullmatch(r"L\d+", name))
    assert found == Counter(f"L{number}" for number in range(1, len(LINES) + 1))
    lines = {number: line for page in pages.values()
             for number, line in page.lines.items()}
    assert [lines[number] for number in sorted(lines)] == [
        line + "\n" for line in LINES]


def test_no_page_has_an_id_twice(pages):
    assert {page.ids.most_common(1)[0][1] for page in pages.values()} == {1}


def test_every_link_leads_somewhere(pages, client):
    links = {urldefrag(link if link[0] != "#" else path + link)
             for path, page in pages.items() for link in page.links}
    assert [link for link in links if link[0] in pages and link[1]
            and not pages[link[0]].ids[link[1]]] == []
    for path in {link[0] for link in links} - pages.keys():
        with client.get(path) as answer:
            assert answer.status_code == 200, path


def test_the_pages_of_names_lead_to_lines_that_are_there(pages, client):
    for name in ("MultiDict", "Flask.wsgi_app", "_missing", "Request.environ"):
        for link in Page(client.get(f"/name/{name}").text).links:
            path, fragment = urldefrag(link)
            assert not fragment or path in ("", *pages)
            assert not fragment or fragment == "content" or pages[path].ids[fragment]


@pytest.mark.parametrize("number, title", TITLES)
def test_every_chapter_has_its_page_and_its_place_at_the_side(client, number, title):
    page = client.get(f"/{number}").text
    skip = "(skip on first reading)" in title
    title = title.replace("(skip on first reading)", "").strip()
    assert f"<title>{number}. {title} · microflask.py</title>" in page
    kind = "skip-it" if skip else "path"
    assert re.search(f'<li class="{kind}"\\s+data-chapter="{number}">', page)


def test_every_class_and_function_is_found_where_it_stands():
    written = {match[1]: TEXT[:match.start()].count("\n") + 1
               for match in reversed(list(re.finditer(
                   r"^(?:class|def|async def) (\w+)", TEXT, re.M)))}
    definitions = source.book().names.definitions
    assert written.keys() <= definitions.keys()
    assert {name: definitions[name].line for name in written} == written


@pytest.mark.parametrize("name, user", [
    ("Flask.full_dispatch_request", "Flask.wsgi_app"),
    ("Flask.preprocess_request", "Flask.full_dispatch_request"),
    ("_AppServices._find_error_handler", "Flask.handle_user_exception"),
    ("AppContext.push", "Flask.wsgi_app"),       # by what request_context returns
    ("AppContext.pop", "Flask.wsgi_app"),
    ("Response.get_wsgi_headers", "Flask._answer_error"),
    ("Request", "Flask.raise_routing_exception"),
    ("_context", "Flask.dispatch_request"),
    ("InternalServerError", "Flask.handle_exception"),
    ("MultiDict", "ImmutableMultiDict"),
])
def test_a_definition_knows_who_uses_it(client, name, user):
    value = microflask
    for part in user.split("."):
        value = getattr(value, part)
    lines, start = inspect.getsourcelines(value)
    page = Page(client.get(f"/name/{name}").text)
    used = {int(link.partition("#L")[2]) for link in page.links if "#L" in link}
    assert used & set(range(start, start + len(lines)))


PROGRAM = '''\
import os
def free(): return os.name
def shadow(free): return free()
def plain(): return free()
class Base:
    count: int = 0
    def turn(self): return self.count + self.late
    def __init__(self): self.late = os.path
class Heir(Base):
    def turn(self): return super().turn()
    def other(self, base: Base): return base.turn(), [free for free in self.turn()]
def make() -> Heir: return Heir()
def outer():
    def inner(): return made.other(1)
    made = make()
    return inner() + made.turn() + "free".turn()
def späť(): return free()  # ä before it
text = f"{free()}"
class Alone(Exception):
    def __init__(self): super().__init__(self.strip(), text.strip())
    def strip(self): return strip() + __init__
'''


@pytest.mark.parametrize("line, word, nth, meant", [
    (2, "os", 0, "os"), (2, "name", 0, None),       # what a module has is not ours
    (3, "free", 1, None),                           # an argument of the same name
    (4, "free", 0, "free"),
    (7, "count", 0, "Base.count"), (7, "late", 0, "Base.late"),
    (8, "late", 0, "Base.late"), (9, "Base", 0, "Base"),
    (10, "turn", 1, "Base.turn"), (11, "turn", 0, "Base.turn"),
    (11, "free", 0, None), (11, "free", 1, None), (11, "turn", 1, "Heir.turn"),
    (12, "Heir", 0, "Heir"), (12, "Heir", 1, "Heir"),
    (15, "make", 0, "make"), (16, "inner", 0, "outer.inner"),
    (16, "turn", 0, "Heir.turn"), (16, "turn", 1, None),
    (17, "free", 0, "free"), (18, "free", 0, "free"),
    (20, "__init__", 1, None),                      # Exception's
    (20, "strip", 0, "Alone.strip"), (20, "strip", 1, None),    # a str's, rather
    (21, "strip", 1, None),                         # only self.strip is the method
])
def test_a_name_leads_to_what_it_means(line, word, nth, meant):
    text = PROGRAM.splitlines()[line - 1]
    places = [match.start() for match in re.finditer(rf"\b{word}\b", text)]
    link = source.Names(PROGRAM).links.get(line, {}).get(places[nth])
    assert (link and link[0].name) == meant


PROSE = '''\
"""A program: `free` is an example.

    one

    two
"""
# {dashes}
# 1. The title  (skip on first reading)
#
# It is a well-
# known word.
# {dashes}

def free():
    """Tell of
    free things, of FreeThings and `Free.thing()`."""
    # Why
    return 1  # not prose
'''.format(dashes="-" * 80)


def test_prose_is_shown_without_its_marks():
    book = source.Book(PROSE)
    page = "".join(source.Page(book, chapter, "").html() for chapter in book.chapters)
    shown = re.sub('(<i class="m"[^>]*>[^<]*</i>|</?(span|a|section)[^>]*>)', "", page)
    assert re.findall(r"<(p|h1|pre)[^>]*>([^<]*(?:<code>.*?)?)</\1>", shown, re.S) == [
        ("p", "A program: <code>free</code> is an example.\n"),
        ("pre", "one\n\ntwo\n"),
        ("h1", "1. The title  (skip on first reading)\n"),
        ("p", "It is a well-known word.\n"),
        ("p", "Tell of\nfree things, of FreeThings and <code>Free.thing()</code>.\n"),
        ("pre", "def free():\n"),
        ("p", "Why\n"),
        ("pre", "    return 1  # not prose\n"),
    ]
    assert re.findall(r'<a href="([^"]+)">(\w+)</a>', page) == [("/1#L14", "free")]


@pytest.mark.parametrize("query, found", [
    ("full_dispatch", "Flask.full_dispatch_request"),
    ("multidict", "MultiDict"),
    ("Response.set_cookie", "Response.set_cookie"),
    ("teapot", "I&#39;m a teapot"),
    ("session cookie", "SecureCookieSession"),
    ("<script>", "&lt;script&gt;"),
    ("no such words here", "0 names, 0 lines"),
    ("", "Find a name, a word or a line"),
])
def test_a_search_finds(client, query, found):
    page = client.get("/search", query_string={"q": query})
    assert page.status_code == 200
    assert found in page.text


@pytest.mark.parametrize("path, number", [
    ("/line/{}", TEXT[:TEXT.index("def wsgi_app")].count("\n") + 1),
    ("/search?q={}", len(LINES)), ("/search?q=L{}", 1),
])
def test_a_line_number_leads_to_its_line(client, pages, path, number):
    place = client.get(path.format(number)).location
    page, fragment = urldefrag(place)
    assert fragment == f"L{number}"
    assert number in pages[page].lines


@pytest.mark.parametrize("path", [
    f"/{len(TITLES) + 1}", "/line/0", f"/line/{len(LINES) + 1}", "/name/nobody"])
def test_what_is_not_there_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_links_keep_the_prefix_under_which_the_app_is_mounted(client):
    page = Page(client.get("/2", environ_overrides={"SCRIPT_NAME": "/read"}).text)
    assert [link for link in page.links if not link.startswith(("/read/", "#"))] == []


def test_the_pages_follow_the_file(client, tmp_path, monkeypatch):
    file = tmp_path / "program.py"
    monkeypatch.setattr(source, "FILE", file)
    for text in ('"""First."""\none = 1\n', '"""Second, longer."""\ntwo = one = 2\n'):
        file.write_text(text)
        page = Page(client.get("/").text)
        assert "".join(page.lines[number] for number in sorted(page.lines)) == text


# In a browser

HEART = next(f"/{number}" for number, title in TITLES if "at work" in title)
LOOKS = [(dark, phone) for dark in (False, True) for phone in (False, True)]


def line_of(text):
    """The number of the first line of the file with this text."""
    return TEXT[:TEXT.index(text)].count("\n") + 1


def press(browser, keys):
    browser.driver.switch_to.active_element.send_keys(keys)


def overflow(browser):
    return browser.run("return document.documentElement.scrollWidth - innerWidth")


def test_it_looks_well_by_day_and_night_on_wall_and_phone(serve, browser):
    url = serve("source.py")
    for dark, phone in LOOKS:
        look = f"{'dark' if dark else 'light'}-{'phone' if phone else 'desktop'}"
        heart = f"{HEART}#L{line_of('def wsgi_app')}"
        for name, path in {"title": "/", "heart": heart,
                           "uses": "/name/MultiDict", "search": "/search?q=cookie",
                           "skip": "/4"}.items():
            browser.open(url + path, dark, phone)
            browser.picture(f"source-{name}-{look}")
            assert overflow(browser) <= 0, (name, look)
            assert browser.run(
                "return [...document.querySelectorAll('pre.code')]"
                ".filter(code => code.scrollWidth > code.clientWidth).length") == 0
            folded = browser.find("#chapters").get_attribute("open") is None
            assert folded == phone
    assert browser.errors() == []


def test_a_name_leads_to_its_definition_and_back_to_its_uses(serve, browser):
    browser.open(serve("source.py") + HEART)
    use, there = line_of("self.full_dispatch_request"), line_of("def full_dispatch_re")
    browser.find(f"#L{use} a[href='#L{there}']").click()
    assert browser.driver.current_url.endswith(f"#L{there}")
    definition = browser.find(f"#L{there} a.d")
    top = browser.run("return arguments[0].getBoundingClientRect().top", definition)
    assert 0 < top < Browser.SIZES[False][1]
    definition.click()
    panel = browser.find("#uses")
    browser.wait_for(panel.is_displayed)
    assert "Flask.full_dispatch_request" in panel.text
    browser.picture("source-panel")
    browser.find(f"#uses a[href='{HEART}#L{use}']").click()
    browser.wait_for(lambda: browser.driver.current_url.endswith(f"#L{use}"))
    definition.click()
    browser.wait_for(panel.is_displayed)
    press(browser, Keys.ESCAPE)
    assert not panel.is_displayed()
    assert browser.driver.switch_to.active_element == definition
    assert browser.errors() == []


def test_keys_find_and_turn_the_page(serve, browser):
    url = serve("source.py")
    browser.open(url + "/2")
    for key, path in (("n", "/3"), ("n", "/4"), ("p", "/3")):
        press(browser, key)
        browser.wait_for(lambda: browser.driver.current_url == url + path)
    press(browser, "/")
    press(browser, "full_disp")
    browser.wait_for(lambda: browser.all("#found .names a"))
    browser.picture("source-found")
    press(browser, Keys.ARROW_DOWN)
    press(browser, Keys.ENTER)
    place = f"{url}{HEART}#L{line_of('def full_dispatch_request')}"
    browser.wait_for(lambda: browser.driver.current_url == place)
    browser.open(url + "/2")
    press(browser, Keys.TAB)
    skip = browser.driver.switch_to.active_element
    assert skip.text == "Skip to the content" and skip.location["x"] >= 0
    assert browser.errors() == []


def test_what_was_read_stays_marked(serve, browser):
    url = serve("source.py")
    browser.open(url + "/1")
    assert not browser.find("#read input").is_selected()
    press(browser, "m")
    browser.run("document.getElementById('L200').scrollIntoView()")
    browser.wait_for(lambda: browser.run(
        "return (localStorage.getItem('microflask-source') || '').includes('L')"))
    browser.driver.refresh()
    assert browser.find("#read input").is_selected()
    assert browser.all("[data-chapter='1'].done")
    assert browser.find("#progress b").text.startswith("1 of ")
    browser.open(url)
    browser.picture("source-go-on")
    browser.find("#go-on").click()
    browser.wait_for(lambda: re.search(r"/1#L\d+$", browser.driver.current_url))
    browser.find("#read input").click()
    assert not browser.all("[data-chapter].done")
    assert browser.errors() == []


def test_on_paper_there_is_only_what_is_read(serve, browser):
    def media(kind):
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind})

    browser.open(serve("source.py") + "/4", dark=True)
    media("print")
    try:
        browser.picture("source-print")
        shown = {selector: browser.find(selector).is_displayed() for selector in (
            ".top", "footer", ".turn", "#uses", ".opening h1", ".prose p", ".code .l")}
        paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    finally:
        media("screen")
    assert [selector for selector in shown if shown[selector]] == [
        ".opening h1", ".prose p", ".code .l"]
    assert paper == "rgb(255, 255, 255)"


def test_it_reads_without_javascript(serve, browser):
    def command(name, **arguments):
        return browser.driver.execute_cdp_cmd(name, arguments)

    def is_shown():     # `page_source` would run a script, as does waiting for a page
        with contextlib.suppress(WebDriverException):
            root = command("DOM.getDocument")["root"]["nodeId"]
            page = command("DOM.getOuterHTML", nodeId=root)["outerHTML"]
            return 'id="chapters" open' in page and (
                "def full_dispatch_request" in re.sub("<[^>]+>", "", page))

    url = serve("source.py")
    command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(url + HEART, phone=True)
        assert browser.wait_for(is_shown)
    finally:
        command("Emulation.setScriptExecutionDisabled", value=False)
