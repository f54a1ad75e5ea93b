"""Upload pictures, and see them in a gallery.

    python examples/upload.py          http://127.0.0.1:5000

Never trust an upload. The size of a request has a limit. The first bytes of a
file decide its type. A random name cannot leave the folder or replace a file. And
two headers keep browsers from showing a picture as a page.

The pictures are in examples/instance/pictures, or the folder that UPLOAD_FOLDER names.

Read on in microflask.py: Bodies and multipart forms; Files.
"""
import os
import secrets
from pathlib import Path

from microflask import (
    Flask, HTTPException, abort, redirect, render_template, request, secure_filename,
    send_from_directory, url_for)

app = Flask(__name__)
app.config.update(
    FOLDER=os.environ.get("UPLOAD_FOLDER", Path(app.instance_path, "pictures")),
    MAX_PICTURES=200, MAX_CONTENT_LENGTH=8 * 1024 * 1024)

# The first bytes of each type. SVG is missing because it can hold scripts.
SIGNATURES = {b"GIF87a": "gif", b"GIF89a": "gif", b"\xff\xd8\xff": "jpg",
              b"\x89PNG\r\n\x1a\n": "png"}

def folder():
    """Return the folder of the pictures."""
    path = Path(app.config["FOLDER"])
    path.mkdir(parents=True, exist_ok=True)
    return path

def show(error=None, status=200):
    """Return the page, with the newest picture first."""
    files = sorted(folder().iterdir(), key=lambda file: -file.stat().st_mtime_ns)
    return render_template("upload.html", files=files, error=error), status

@app.get("/")
def index():
    """Show the form and the gallery."""
    return show()

@app.post("/")
def upload():
    """Save all pictures, or none if one of them is not a picture."""
    files = [file for file in request.files.getlist("picture") if file.filename]
    if not files:
        abort(400, "Choose a picture first.")
    names = [safe_name(file) for file in files]
    if len(list(folder().iterdir())) + len(files) > app.config["MAX_PICTURES"]:
        abort(409, "The gallery is full.")
    for file, name in zip(files, names):
        file.save(folder() / name)
    return redirect(url_for("index"))

def safe_name(file):
    """Return a new name for the file, or answer 415 if it is not a picture."""
    start = file.stream.read(16)
    file.stream.seek(0)
    for signature, ending in SIGNATURES.items():
        if start.startswith(signature):
            stem = Path(secure_filename(file.filename)).stem[:60] or "picture"
            return f"{secrets.token_hex(8)}-{stem}.{ending}"
    abort(415, f"{file.filename} is not a GIF, JPEG or PNG.")

@app.get("/picture/<name>")
def picture(name):
    """Send a picture. Its name is never used again, so browsers may keep it."""
    response = send_from_directory(folder(), name, max_age=31536000)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response

@app.errorhandler(HTTPException)
def sorry(error):
    """Show an error above the gallery."""
    too_large = "These pictures are too large. Choose fewer, or smaller ones."
    return show(too_large if error.code == 413 else error.description, error.code)

if __name__ == "__main__":
    app.run()
