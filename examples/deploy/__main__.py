"""Two instances of an app under gunicorn, behind nginx.

    pip install gunicorn        and nginx, from the system's packages
    python examples/deploy          http://127.0.0.1:8080; load the page a few times

runs on this computer what a server would have its init system run, with a SECRET_KEY
made up for the occasion, the same for both:

    INSTANCE=one gunicorn --bind 127.0.0.1:8081 --workers 2 app:app
    INSTANCE=two gunicorn --bind 127.0.0.1:8082 --workers 2 app:app
    nginx -c nginx.conf

`python examples/deploy 9000` takes the ports 9000 to 9002. Ctrl-C ends all of it.
"""
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def commands(port, folder):
    """The three programs, as (arguments, environment)."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not nginx:
        sys.exit("nginx is not installed: sudo apt install nginx")
    if not importlib.util.find_spec("gunicorn"):
        sys.exit("gunicorn is not installed: pip install gunicorn")
    conf = (HERE / "nginx.conf").read_text()
    for offset in range(3):
        conf = conf.replace(f":{8080 + offset};", f":{port + offset};")
    (folder / "nginx.conf").write_text(conf)
    common = {"SECRET_KEY": secrets.token_hex(), **os.environ}
    for offset, name in enumerate(["one", "two"], 1):
        yield [sys.executable, "-m", "gunicorn", "--chdir", HERE, "--workers", "2",
               "--bind", f"127.0.0.1:{port + offset}", "app:app"], {
                   **common, "INSTANCE": name}
    yield [nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"], common


def main(port):
    """Run the three until one of them ends, or a signal comes."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    running = []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)     # nginx's workers may be another user
        try:
            for arguments, environment in commands(port, Path(folder)):
                running.append(subprocess.Popen(arguments, env=environment))
            print(f" * Running on http://127.0.0.1:{port}", flush=True)
            while all(process.poll() is None for process in running):
                time.sleep(0.2)
            sys.exit("One of the programs has ended, and so all do.")
        except KeyboardInterrupt:
            pass
        finally:
            for process in reversed(running):
                process.terminate()
            for process in running:
                process.wait(10)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
