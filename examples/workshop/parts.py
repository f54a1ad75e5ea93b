"""A server, and the way to earlier stages: from parts.stage2_request import Request.

An import through this file gets the original stage, without your changes. Python finds
it in examples/workshop, beside the folder that you work in. (If there is no such
folder, Python takes the stage beside this file.)
"""
import sys
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

HERE = Path(__file__).resolve().parent
ORIGINALS = HERE.parent / "examples" / "workshop"
__path__ = [str(ORIGINALS if ORIGINALS.exists() else HERE)]     # makes it a package

class ThreadedWSGIServer(ThreadingMixIn, WSGIServer):
    """Uses a thread for each connection: a browser may open one and send nothing."""
    daemon_threads = True

def run_simple(hostname, port, application):
    """Serve an application. A port on the command line replaces `port`."""
    if sys.argv[1:]:
        port = int(sys.argv[1])
    try:
        server = make_server(hostname, port, application, ThreadedWSGIServer)
    except OSError as error:
        sys.exit(f"Port {port}: {error.strerror}. Is another stage still running?")
    with server, suppress(KeyboardInterrupt):
        print(f"http://{hostname}:{server.server_port} (Ctrl-C to quit)", flush=True)
        server.serve_forever()
