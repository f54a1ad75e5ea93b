"""The benchmark runs, checks its answers, and writes what it found."""
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

FILE = Path(__file__).resolve().with_name("benchmark.py")


def run(*options):
    """What the benchmark prints with these options."""
    path = os.pathsep.join(filter(None, [
        os.environ.get("PYTHONPATH"), str(FILE.parent.parent)]))
    return subprocess.run(
        [sys.executable, FILE, *options], env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
        timeout=100).stdout


def test_two_rows(tmp_path):
    """Two rows give a table, numbers as JSON, and a chart."""
    pytest.importorskip("flask")
    table = run("--quick", "--rows", "hello,session", "--on", "flask,microflask",
                "--json", tmp_path / "a.json", "--svg", tmp_path / "a.svg")
    assert "hello" in table and "session" in table and "params" not in table
    found = json.loads((tmp_path / "a.json").read_text())
    assert set(found) == {"hello", "session", "geometric mean"}
    assert found["hello"]["microflask"]["best"] > 0
    assert found["session"]["microflask"]["times"] > 0
    chart = ElementTree.parse(tmp_path / "a.svg").getroot()
    bars = chart.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 3 * 2


def test_every_answer_is_right():
    """microflask gives the answer that each row expects."""
    assert "without" not in run("--quick", "--on", "microflask")
