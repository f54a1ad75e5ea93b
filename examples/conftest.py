"""What the tests of the examples share: a real Chromium, and served examples."""
import contextlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from test_microflask import (  # noqa: E402
    DEVSERVER_FILE, browser, chromium, devserver_process)

__all__ = ["browser", "chromium", "serve"]


@pytest.fixture
def serve(tmp_path):
    """Serve an example as a process of its own: serve("hello.py") gives its URL.

    It runs `python microflask.py --app examples/hello.py run --port 0`, which does for
    a file and for a package and takes a free port, so an example needs no option for
    it. More options of `run` may follow, keywords go to the environment. The current
    folder is empty, and the processes end with the test.
    """
    with contextlib.ExitStack() as stack:
        def start(name, *options, **environment):
            command = [DEVSERVER_FILE, "--app", FOLDER / name, "run", "--port", 0]
            _, port, _ = stack.enter_context(
                devserver_process(tmp_path, *command, *options, **environment))
            return f"http://127.0.0.1:{port}"

        yield start
