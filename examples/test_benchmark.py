"""The benchmark runs, checks its answers, and writes what it found."""
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

from conftest import FOLDER, need

def run(*options):
    """Return what the benchmark prints with these options."""
    path = os.pathsep.join(
        filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, FOLDER / "benchmark.py", *options], text=True, check=True,
        env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, timeout=300).stdout

def test_two_rows_give_a_table_and_numbers(tmp_path):
    need("flask")
    table = run("--quick", "--rows", "hello,session", "--on", "flask,microflask",
                "--json", tmp_path / "a.json", "--svg", tmp_path / "a.svg")
    assert "hello" in table and "session" in table and "params" not in table
    found = json.loads((tmp_path / "a.json").read_text())
    assert set(found) == {"hello", "session", "geometric mean"}
    assert found["hello"]["microflask"]["best"] > 0
    assert found["session"]["microflask"]["times"] > 0
    tags = [tag.get("class") for tag in ElementTree.parse(tmp_path / "a.svg").iter()]
    assert (tags.count("microflask"), tags.count("flask")) == (4, 1)   # 3 bars, a legend

def test_every_answer_is_right():
    assert "without" not in run("--quick", "--on", "microflask")
