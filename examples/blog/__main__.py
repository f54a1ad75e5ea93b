"""Serve the blog on this computer: python examples/blog [port]."""
import sys
from pathlib import Path

if not __package__:  # python put this folder on its path; the package is one above
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from blog import create_app  # noqa: E402

if __name__ == "__main__":
    create_app().run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
