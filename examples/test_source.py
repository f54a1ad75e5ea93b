"""Tests of the annotated source: its pages hold the file, and its names lead right."""
import html
import re

import pytest

import source

@pytest.fixture(scope="module")
def client():
    return source.app.test_client()

@pytest.fixture(scope="module")
def pages(client):
    return {chapter.number: client.get(f"/{chapter.number or ''}").text
            for chapter in source.book().chapters}

def plain(text):
    return html.unescape(re.sub("<[^>]*>", "", text))

def test_the_pages_hold_every_line_of_the_file(pages):
    book, all_pages = source.book(), "".join(pages.values())
    shown = {int(number): plain(text) for number, text in re.findall(
        r'<span class="l" id="L(\d+)"[^>]*><a.*?></a>(.*?)\n</span>', all_pages, re.S)}
    assert {number: book.lines[number - 1] for number in shown} == shown
    prose = {number for first, (last, _) in book.prose.items()
             for number in range(first, last + 1)}
    assert not prose & {*shown}
    rest = {*range(1, len(book.lines) + 1)} - prose - {*shown}
    assert "".join(map(book.line, rest)) == ""
    words = re.sub(r"\W+", " ", plain(all_pages))
    assert [text for _, text in book.prose.values()
            if re.sub(r"\W+", " ", text).strip() not in words] == []

def test_every_link_leads_to_a_line_that_is_there(pages, client):
    ids = {number: re.findall(r' id="(L\d+)"', page) for number, page in pages.items()}
    assert all(len(found) == len({*found}) for found in ids.values())
    links = {link for page in pages.values()
             for link in re.findall(r'href="\./(\d*)#(L\d+)"', page)}
    assert [link for link in links if link[1] not in ids[int(link[0] or 0)]] == []
    assert re.findall('href="([^"]+)"><span class="n"',
                      client.get("/uses?of=Flask.full_dispatch_request").text)

def test_a_book_has_parts_and_chapters():
    book = source.book()
    first, *others = book.chapters
    assert (first.number, first.title) == (0, "Title page")
    assert [one.number for one in others] == [*range(1, len(others) + 1)]
    assert [one.part[:9] for one in others if one.part] == ["Part one:", "Part two:"]
    assert {*book.hour} < {one.number for one in others}

@pytest.mark.parametrize("place, meant", [
    ("Flask.wsgi_app", "Flask.full_dispatch_request"), ("Blueprint", "Scaffold"),
    ("Flask.wsgi_app", "AppContext.push"),
    ("Flask.full_dispatch_request", "Flask.dispatch_request")])
def test_a_name_leads_to_what_it_means(place, meant):
    book = source.book()
    here = book.names.find(place)
    assert meant in {definition.name for (line, _), (definition, is_there)
                     in book.names.links.items()
                     if here.line <= line <= here.end and not is_there}

def test_you_find_words(client):
    place = source.book().href(source.book().names.find("wsgi_app").line)
    assert f'href="{place}"' in client.get("/find?q=WSGI_APP+environ").text
    assert "&lt;b&gt;" in client.get("/find?q=<b>").text
    for path in ("/999", "/uses?of=nobody"):
        assert client.get(path).status_code == 404

def test_begin_to_read_opens_the_path_of_the_hour(pages):
    hour = source.book().hour
    assert f'href="{hour[0]}">Begin to read' in pages[0]
    for here, onward in zip(hour, hour[1:]):
        assert f'href="./{onward}" rel="next"' in pages[here]
    assert source.minutes(source.LINES_AN_HOUR) == 60

@pytest.mark.parametrize("phone", [False, True])
def test_a_browser_remembers_what_you_have_read(serve, browser, phone):
    from selenium.webdriver.common.keys import Keys
    url, find = serve("source.py"), browser.driver.find_element
    first, second = source.book().hour[:2]

    def press(key):
        browser.driver.switch_to.active_element.send_keys(key)

    def rest():
        return find("id", "rest").get_attribute("textContent")

    for page in ("/", "/uses?of=Flask", "/find?q=cookie", f"/{first}"):
        browser.open(url + page, dark=phone, phone=phone)
        assert browser.driver.execute_script(
            "return document.documentElement.scrollWidth <= innerWidth")
        assert find("css selector", "[data-chapter]").is_displayed() != phone
    before = rest()
    press("m")
    assert rest() != before
    press("n")
    browser.wait_for(lambda driver: driver.current_url == f"{url}/{second}")
    done = find("css selector", ".hour.done a").get_attribute("href")
    assert done == f"{url}/{first}"
    press("/")
    press("full_dispatch_request" + Keys.ENTER)
    browser.wait_for(lambda driver: driver.find_elements("css selector", ".found a"))
    find("css selector", ".found a").click()
    browser.wait_for(lambda driver: re.search(r"/\d+#L\d+$", driver.current_url))
