"""Tests of README.md: its code runs, its links lead somewhere, its tables are true."""
import ast
import os
import re
import shlex
import subprocess
import sys
from datetime import timedelta

import pytest

import microflask
from conftest import FOLDER

ROOT = FOLDER.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"((?:[^\n]+\n)+)\n```(\w+)\n(.*?)```", README, re.S)
COMMANDS = [line for _, kind, text in BLOCKS if kind == "sh"
            for line in text.splitlines()]
START = "python3 -m venv .venv && .venv/bin/pip install -q -e "
CHAPTER = re.compile(r"^# (\d+)\. (.+)$", re.M)

def test_the_readme_is_short():
    lines = README.splitlines()
    assert len(lines) <= 450
    assert [line for line in lines if len(line) > 100 and line[0] not in "|"] == []

def test_the_commands_stand_there():
    mine = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert mine == [START + ". && .venv/bin/python examples/hello.py",
                    START + "'.[test]' && .venv/bin/python -m pytest",
                    START.replace(".venv", ".world") + "'.[world]'"]
    assert set(mine) <= set(COMMANDS)

def test_the_python_blocks_run(tmp_path, monkeypatch, capsys):
    """The words before a block say whether it is complete or continues the last one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET_KEY", "only for this test")
    apps, values = [], {}
    for before, kind, text in BLOCKS:
        if kind == "python":
            is_complete = "complete" in before
            assert is_complete or "continues" in before, before
            values = {"__name__": "readme"} if is_complete else values
            exec(compile(text, f"README.md, after {before!r}", "exec"), values)
            apps.append(values["app"])
    assert len(apps) == len(re.findall("^```python", README, re.M)) >= 4
    assert apps[0].test_client().get("/").text == "Hello, World!"
    client = apps[-1].test_client()
    here = {"base_url": "https://example.org"}
    response = client.get("/price/9.50", **here)
    assert response.json == {"price": 9.5, "with_tax": 11.4}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/price/9", **here).status_code == 404
    assert client.post("/notes", data={"text": " "}, **here).status_code == 400
    assert client.post("/notes", data={"text": "tea"}, **here).location == "/notes#last"
    assert client.get("/", base_url="https://example.com").status_code == 400
    values["remind"]("Ada", times=2)
    assert capsys.readouterr().out.count("Ada, you have a note.") == 2

@pytest.mark.skipif(os.name != "posix", reason="the commands are for a Unix shell")
def test_the_quick_commands_run(tmp_path):
    """Run what needs no network and no server, in a folder beside the repository."""
    tools, mine = tmp_path / "bin", tmp_path / "mine"
    tools.mkdir()
    mine.mkdir()
    (tmp_path / "microflask").symlink_to(ROOT)
    (mine / "examples").symlink_to(FOLDER)
    for name, call in (("python", ""), ("microflask", "-m microflask")):
        (tools / name).write_text(f'#!/bin/sh\nexec {sys.executable} {call} "$@"\n')
        (tools / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}",
               "PYTHONPATH": str(ROOT)}
    ran = 0
    for line in COMMANDS:
        if re.match("cp|sha256sum|python microflask.py|microflask", line):
            done = subprocess.run(line, shell=True, cwd=mine, env=environ, text=True,
                                  capture_output=True, stdin=subprocess.DEVNULL)
            assert done.returncode == 0, (line, done.stderr)
            ran += 1
    assert ran >= 3
    for line in re.findall(r"`(sha256sum[^`]+|diff[^`]+)`", README):
        subprocess.run(line, shell=True, cwd=mine, env=environ, check=True)

def test_the_commands_name_files_and_options_that_exist():
    lines = COMMANDS + re.findall(r"`((?:python|microflask) [^`]+)`", README)
    for line in lines:
        words = shlex.split(line)
        if "python" in words[0] and words[1:] and words[1].startswith("examples/"):
            file = ROOT / words[1]
            file = file / "__main__.py" if file.is_dir() else file
            text = file.read_text() if "NAME" not in words[1] else ""
            options = [word[2:] for word in words if word[:2] == "--"]
            assert all(option in text for option in options), line
        for word in words:
            if re.match(r"examples/\w+\.py", word):
                assert (ROOT / word).exists(), line

@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)\s]+)\)", README))))
def test_the_links_lead_somewhere(target):
    titles = re.findall("^#+ (.+)$", README.lower(), re.M)
    anchors = {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}
    assert target.startswith("https://") or (
        target[1:] in anchors if target[0] == "#" else (ROOT / target).exists())

def test_the_map_has_the_chapters_of_the_file():
    chapters = CHAPTER.findall((ROOT / "microflask.py").read_text(encoding="utf-8"))
    shown = re.findall(r"^\| \**(\d+)\** \| \**([^|*]+?)\** \|", README, re.M)
    part_two = README.partition("**Part two: the workbench**")[2].partition("\n\n")[0]
    shown += re.findall(r"(\d\d) ([^·]+?)(?= ·|\Z)", part_two.replace("\n", " "))
    assert [number for number, _ in shown] == [number for number, _ in chapters]
    for (_, name), (_, title) in zip(shown, chapters):
        assert title.startswith(name)

def test_the_configuration_keys_and_their_defaults():
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`(.+?)`|(\d+) days) \|", README, re.M)
    shown = {key: timedelta(days=int(days)) if days else ast.literal_eval(value)
             for key, value, days in rows}
    assert shown == microflask.Flask.default_config
