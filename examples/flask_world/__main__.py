"""Extensions that others wrote for Flask, at work on microflask.

    python examples/flask_world              takes a tour of each example
    python examples/flask_world login        takes a tour of this one
    python examples/flask_world/login.py     serves it on http://127.0.0.1:5000

Each example is a small application that uses one extension as its users do.  Its `tour`
says what a client then sees; its `visit` says so over a real socket.  The extensions
come with `pip install -e '.[flask-world]'`.
"""
import contextlib
import pathlib
import re
import runpy
import subprocess
import sys

import microflask

HERE = pathlib.Path(__file__).parent

@contextlib.contextmanager
def serving(path):
    """Serve an example by the command line, and give its address."""
    line = [sys.executable, microflask.__file__, "--as-flask", "--app", path, "run",
            "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as server:
        try:
            address = re.compile(r"http://[\d.:]+").search
            yield next(filter(None, map(address, server.stdout)))[0]
        finally:
            server.terminate()
            server.communicate(timeout=10)

def borrowed():
    """Return the modules of Flask and Werkzeug that come from their own files."""
    return [name for name, module in sys.modules.items()
            if name.partition(".")[0] in ("flask", "werkzeug")
            and module.__file__ != microflask.__file__]

def take_tour(name):
    """Run one example; return what it could not import, or None."""
    path = str(HERE / f"{name}.py")
    try:
        example = runpy.run_path(path)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] in ("flask", "werkzeug"):
            raise
        return (f"{name} needs {error.name}, which is not installed:"
                " pip install -e '.[flask-world]'")
    if "tour" in example:
        example["tour"]()
    if "visit" in example:
        with serving(path) as address:
            example["visit"](address)
    assert not borrowed(), borrowed()
    print(f"{name:15} {example['__doc__'].splitlines()[0]} Done.", flush=True)

def main(names):
    if len(names) == 1:
        return take_tour(*names)
    names = names or sorted(path.stem for path in HERE.glob("[!_]*.py"))
    return max(subprocess.run([sys.executable, HERE, name], timeout=120).returncode
               for name in names)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
