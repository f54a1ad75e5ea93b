"""Tests of the puzzle: its lines are the methods, and you can derive their order."""
import ast

import pytest

import puzzle
import source

@pytest.mark.parametrize("name", puzzle.levels())
def test_the_lines_of_a_level_are_the_method(name):
    level, client = puzzle.levels()[name], puzzle.app.test_client()
    line = source.book().names.known[name].line
    method = next(node for node in ast.walk(source.book().tree)
                  if isinstance(node, ast.FunctionDef) and node.lineno == line)
    made = ast.parse("\n".join([level.head, *level.lines])).body[0].body
    assert [*map(ast.dump, made)] == [*map(ast.dump, method.body[bool(level.doc):])]

    assert level.head.split("(")[0] in client.get(f"/{name}").text
    right = client.post(f"/{name}/check", json=level.lines).json
    assert right == [True] * len(level.lines)
    wrong = client.post(f"/{name}/check", json=level.shuffled(1)).json
    assert False in wrong
    for lines in ([], level.lines[1:], [1], {"lines": 1}):
        assert client.post(f"/{name}/check", json=lines).status_code == 400

@pytest.mark.parametrize("one, other, is_free", [
    ("a = 1", "b = a", False), ("a = b", "b = 1", False), ("a = 1", "a = 2", False),
    ("a = f()", "b = g()", False), ("a = f()", "b = c", True),
    ("a = f()", "b = c.d", False), ("self.a = 1", "self.b = 2", True),
    ("a = b.c", "d = b.e", True), ("a = 1", "raise b", False),
    ("if a: raise b.c", "d = b.e", True), ("if a: b()", "c = b.d", False)])
def test_statements_are_independent_if_none_can_notice(one, other, is_free):
    nodes = [ast.parse(text).body[0] for text in (one, other)]
    assert puzzle.independent(*nodes) is puzzle.independent(*nodes[::-1]) is is_free

@pytest.mark.parametrize("phone", [False, True])
def test_a_level_is_solved_by_hand_and_by_keyboard(serve, browser, phone):
    from selenium.webdriver import Keys
    find, find_all = browser.driver.find_element, browser.driver.find_elements
    browser.open(serve("puzzle.py"), dark=not phone, phone=phone)
    lines = find_all("css selector", "#lines li")
    lines[0].click()
    lines[1].click()
    assert find_all("css selector", "#lines li") == [lines[1], lines[0], *lines[2:]]
    level = next(iter(puzzle.levels().values()))
    for at, text in enumerate(level.lines):
        line = next(line for line in find_all("css selector", "#lines li")[at:]
                    if text.strip() in line.text)
        line.send_keys(Keys.HOME + at * Keys.ARROW_DOWN)
    find("id", "check").click()
    browser.wait_for(lambda driver: find("id", "after").is_displayed())
    assert find("id", "verdict").text == "The order is right."
    assert browser.driver.execute_script(
        "return document.documentElement.scrollWidth <= innerWidth")
