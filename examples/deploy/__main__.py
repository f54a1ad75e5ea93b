"""Two instances of an app under gunicorn, behind nginx.

    pip install gunicorn        and nginx, from the system's packages
    python examples/deploy          http://127.0.0.1:8080; load the page a few times

On a server, systemd would start the three programs, and could pass their sockets on as
this file does. `python examples/deploy 9000` takes another port. Ctrl-C ends all.
"""
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

def main(port):
    """Run the three programs until one of them ends, or a signal comes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)     # as Ctrl-C
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not nginx:
        sys.exit("nginx is not installed: sudo apt install nginx")
    try:    # the programs inherit listening sockets: nobody can take a port in between
        front = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"Port {port}: {error.strerror}")
    backs = {name: socket.create_server(("127.0.0.1", 0)) for name in ("one", "two")}
    conf = (HERE / "nginx.conf").read_text()
    for number, sock in zip((8080, 8081, 8082), (front, *backs.values())):
        conf = conf.replace(f"127.0.0.1:{number}", f"127.0.0.1:{sock.getsockname()[1]}")
    common = {"SECRET_KEY": secrets.token_hex(), **os.environ}
    running = []
    print(f" * Running on http://127.0.0.1:{front.getsockname()[1]}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)     # nginx's workers may be another user
        Path(folder, "nginx.conf").write_text(conf)
        try:
            for name, sock in backs.items():
                fd = sock.fileno()
                running.append(subprocess.Popen(
                    [sys.executable, "-m", "gunicorn", "--chdir", HERE, "-w", "2",
                     "--bind", f"fd://{fd}", "app:app"],
                    env={**common, "INSTANCE": name}, pass_fds=[fd]))
            fd = front.fileno()     # nginx reads in NGINX which sockets it inherits
            running.append(subprocess.Popen(
                [nginx, "-p", folder, "-c", "nginx.conf", "-e", "stderr"],
                env={**common, "NGINX": f"{fd};"}, pass_fds=[fd]))
            while all(process.poll() is None for process in running):
                time.sleep(0.2)
            sys.exit("One of the programs has ended, so all of them end.")
        except KeyboardInterrupt:
            pass
        finally:
            for process in reversed(running):
                process.terminate()
            for process in running:
                process.wait()

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
