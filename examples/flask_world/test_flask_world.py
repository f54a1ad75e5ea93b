"""Each extension at work on microflask, and what as_flask promises.

    python -m pytest examples/flask_world

The extensions come with pip; a test whose extension is missing is skipped.
"""
import contextlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent.parent)]

import as_flask     # noqa: E402
import microflask   # noqa: E402

as_flask.install()
ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}

def example(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] in ("flask", "werkzeug"):
            raise
        pytest.skip(f"pip install {error.name}")

@contextlib.contextmanager
def serving(name):
    """Serve an example with the command line, and give its address."""
    line = [sys.executable, as_flask.__file__, "--app", FOLDER / f"{name}.py", "run",
            "--port", "0"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=ENVIRON) as server:
        try:
            address = re.compile(r"http://[\d.:]+").search
            yield next(filter(None, map(address, server.stderr)))[0]
        finally:
            server.terminate()
            server.communicate(timeout=10)

@pytest.mark.parametrize("name", [
    "database", "login", "forms", "migrations", "cross_origin", "outbox",
    "translation", "rate_limit", "server_session", "cached", "rest_api", "tokens",
    "http_auth", "admin_pages", "toolbar", "socket_io"])
def test_what_a_client_sees(name):
    example(name).tour()

@pytest.mark.parametrize("name", ["echo_socket", "socket_io"])
def test_what_a_client_sees_over_a_socket(name):
    visit = example(name).visit
    with serving(name) as address:
        visit(address)
