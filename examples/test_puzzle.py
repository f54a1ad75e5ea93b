"""Tests of the ordering puzzle: its lines are the methods, and it can be solved."""
import ast
import inspect
import textwrap

import pytest
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.keys import Keys

import puzzle


@pytest.fixture
def client():
    puzzle.app.testing = True
    return puzzle.app.test_client()


@pytest.fixture(params=puzzle.LEVELS)
def level(request):
    return puzzle.level_of(request.param)


def test_the_lines_of_a_level_are_the_method(level):
    method = getattr(puzzle.LEVELS[level.name], level.name)
    made = ast.parse(level.head + f"\n    {level.doc!r}\n"
                     + textwrap.indent("\n".join(level.lines), "    "))
    wanted = ast.parse(textwrap.dedent(inspect.getsource(method)))
    assert ast.dump(made) == ast.dump(wanted)


def test_a_level_is_long_enough_to_puzzle_and_short_enough_to_solve(level):
    assert 6 <= len(level.lines) <= 30


def test_a_shuffled_level_has_all_its_lines(level):
    orders = [level.shuffled(seed) for seed in range(20)]
    assert {tuple(sorted(lines)) for lines in orders} == {tuple(sorted(level.lines))}
    assert len({tuple(lines) for lines in orders}) > 1


def test_two_lines_are_shuffled_to_the_other_order():
    level = puzzle.level_of("dispatch_request")
    level.lines = ["first", "second"]
    assert {tuple(level.shuffled(seed)) for seed in range(9)} == {("second", "first")}


def test_the_page_shows_the_shuffled_lines(client, level):
    page = client.get(f"/{level.name}?seed=3").text
    places = [page.index(f">{puzzle.microflask.escape(line)}</pre")
              for line in dict.fromkeys(level.shuffled(3))]
    assert places == sorted(places)


@pytest.mark.parametrize("given, wanted, stays", [
    ("abc", "abc", "111"), ("cab", "abc", "011"), ("bca", "abc", "110"),
    ("acbd", "abcd", "1011"), ("aab", "aba", "101"), ("", "", ""),
])
def test_the_lines_that_stay_are_the_longest_run(given, wanted, stays):
    found = puzzle.in_order(given, wanted)
    assert [given[at] for at, stay in enumerate(found) if stay] == [
        given[at] for at, stay in enumerate(stays) if stay == "1"]
    assert sum(found) == stays.count("1")


def test_the_check_tells_right_from_wrong(client, level):
    def checked(lines):
        return client.post(f"/{level.name}/check", json={"lines": lines}).json

    everything = [True] * len(level.lines)
    assert checked(level.lines) == {"stays": everything, "solved": True}
    first_at_the_end = level.lines[1:] + level.lines[:1]
    assert checked(first_at_the_end) == {
        "stays": [*everything[1:], False], "solved": False}


def test_hints_lead_to_the_solution(client, level):
    lines, hints = level.shuffled(1), 0
    while True:
        hint = client.post(f"/{level.name}/hint", json={"lines": lines}).json
        if hint["place"] is None:
            break
        lines.insert(hint["place"], lines.pop(hint["from"]))
        hints += 1
        assert hints < len(lines)
    assert lines == level.lines


@pytest.mark.parametrize("body", [
    "x", [], {}, {"lines": "x"}, {"lines": [1]}, {"lines": []},
    {"lines": ["try:"] * 10}])
def test_other_lines_are_refused(client, body):
    for question in ("check", "hint"):
        answer = client.post(f"/dispatch_request/{question}", json=body)
        assert answer.status_code == 400


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/", 302), ("GET", "/no_such", 404), ("POST", "/no_such/check", 404),
    ("GET", "/wsgi_app/check", 405)])
def test_other_paths(client, method, path, status):
    assert client.open(path, method=method, json={}).status_code == status


# In a browser

def lines_in(browser):
    return browser.run("return [...document.querySelectorAll('#lines pre')]"
                       ".map(line => line.textContent)")


def press(browser, keys):
    browser.driver.switch_to.active_element.send_keys(keys)


def test_it_looks_well_by_day_and_night_on_wall_and_phone(serve, browser):
    url = serve("puzzle.py")
    for dark in (False, True):
        for phone in (False, True):
            browser.open(url + "/wsgi_app", dark, phone)
            browser.find("#check").click()
            browser.wait_for(lambda: browser.all("#lines .moves"))
            look = f"{'dark' if dark else 'light'}-{'phone' if phone else 'desktop'}"
            browser.picture(f"puzzle-{look}")
            assert browser.run(
                "return document.documentElement.scrollWidth - innerWidth") <= 0, look
    assert browser.errors() == []


def test_it_is_solved_by_keyboard_alone(serve, browser):
    level = puzzle.level_of("full_dispatch_request")
    browser.open(serve("puzzle.py"))
    active = "return document.activeElement.textContent"
    said = browser.find("#said")
    for place, line in enumerate(level.lines):
        for _ in range(60):     # Tab goes round the page until it is on the line
            if browser.run(active).rstrip() == line:
                break
            press(browser, Keys.TAB)
        while lines_in(browser).index(line) > place:
            press(browser, Keys.ARROW_UP)
            now = lines_in(browser).index(line) + 1
            assert said.get_attribute("textContent").startswith(
                f"{line.strip()}: line {now} of {len(level.lines)}, ")
    assert lines_in(browser) == level.lines
    press(browser, Keys.HOME)
    press(browser, "c")
    browser.wait_for(lambda: "Move the other one" in browser.find("#verdict").text)
    press(browser, "h")
    browser.wait_for(lambda: browser.all("#lines .hinted"))
    browser.picture("puzzle-hint")
    press(browser, Keys.END)
    press(browser, "c")
    browser.wait_for(lambda: "All" in browser.find("#verdict").text)
    browser.picture("puzzle-solved")
    assert browser.driver.switch_to.active_element.text == "Next: dispatch_request"
    press(browser, Keys.ENTER)
    browser.wait_for(lambda: browser.driver.current_url.endswith("/dispatch_request"))
    assert browser.all(f"[data-level={level.name}].done")
    assert browser.errors() == []


@pytest.mark.parametrize("kind, hold", [("mouse", "pre"), ("touch", ".grip")])
def test_a_line_is_dragged(serve, browser, kind, hold):
    browser.open(serve("puzzle.py") + "/dispatch_request", phone=kind == "touch")
    browser.run("document.getElementById('lines').scrollIntoView()")
    before = lines_in(browser)
    first, third = (browser.all(f"#lines li {hold}")[at] for at in (0, 2))
    action = ActionBuilder(
        browser.driver, mouse=PointerInput(kind, kind), duration=50)
    hand = action.pointer_action
    hand.move_to(first).pointer_down().move_to(third).move_to(third, y=12)
    action.perform()
    browser.picture(f"puzzle-drag-{kind}")
    hand.pointer_up()
    action.perform()
    assert lines_in(browser) == [*before[1:3], before[0], *before[3:]]
    assert browser.errors() == []


def test_a_finger_beside_the_grip_scrolls(serve, browser):
    browser.open(serve("puzzle.py") + "/wsgi_app", phone=True)
    before = lines_in(browser)
    browser.run("document.getElementById('lines').scrollIntoView()")
    action = ActionBuilder(
        browser.driver, mouse=PointerInput("touch", "touch"), duration=50)
    hand, lines = action.pointer_action, browser.all("#lines li pre")
    hand.move_to(lines[0]).pointer_down().move_to(lines[3]).pointer_up()
    action.perform()
    assert lines_in(browser) == before
    assert not browser.all(".held")
