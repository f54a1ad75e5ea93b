"""Fixtures for the tests of the examples: a browser, and served examples."""
import contextlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from test_microflask import browser, need, program, served  # noqa: E402, F401

@pytest.fixture
def serve(tmp_path):
    """Return a function that serves an example and returns its URL."""
    with contextlib.ExitStack() as stack:
        def start(name, *options, **environ):
            command = ["-m", "microflask", "--app", FOLDER / name, "run", "--port", "0"]
            server = served(*command, *options, cwd=tmp_path, **environ)
            return stack.enter_context(server)[0]

        yield start
