"""Upload pictures with a progress bar, and see them in a gallery.

    python examples/upload.py          http://127.0.0.1:5000

Shows how files are taken without trouble: a limit on the size of a request; a type
that is read from the first bytes and not believed from the name; a name that cannot
leave its folder or hide another file; and an answer that no browser takes for a page.
The progress bar is XMLHttpRequest's, since fetch tells nothing of an upload; without
JavaScript the form works, too. The thumbnails are the pictures themselves, scaled by
the browser.

The pictures are kept in examples/instance/pictures, or where UPLOAD_FOLDER says.

Read on in microflask.py: Multipart forms; Files and passwords.
"""
import secrets
from pathlib import Path

from microflask import (
    Flask, HTTPException, abort, redirect, render_template, request, secure_filename,
    send_from_directory, url_for,
)

app = Flask(__name__)
app.config.from_mapping(
    FOLDER=str(Path(app.instance_path, "pictures")), ROOM=200,
    MAX_CONTENT_LENGTH=8 * 1024 * 1024)
app.config.from_prefixed_env("UPLOAD")

# How the files of each type begin. No SVG: it can hold scripts.
BEGINNINGS = {
    "gif": (b"GIF87a", b"GIF89a"),
    "jpg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
}


def folder():
    """The folder of the pictures."""
    path = Path(app.config["FOLDER"])
    path.mkdir(parents=True, exist_ok=True)
    return path


def pictures():
    """(name of the file, name that it came with) of all pictures, newest first."""
    files = sorted(folder().iterdir(), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    return [(file.name, file.name.partition("-")[2]) for file in files]


@app.get("/")
def index():
    """The form and the gallery."""
    return render_template("upload.html", pictures=pictures())


@app.post("/")
def upload():
    """Take pictures: all of them, or none if one of them is no picture."""
    files = [file for file in request.files.getlist("picture") if file.filename]
    if not files:
        abort(400, "No picture was chosen.")
    names = [name_for(file) for file in files]
    if len(pictures()) + len(files) > app.config["ROOM"]:
        abort(409, "The gallery is full.")
    for file, name in zip(files, names):
        file.save(folder() / name)
    if wants_json():
        taken = [{"url": url_for("picture", name=name), "name": name.partition("-")[2]}
                 for name in names]
        return {"pictures": taken}, 201
    return redirect(url_for("index"))


def name_for(file):
    """A name to keep the file under; 415 if it is no picture that we take."""
    start = file.stream.read(16)
    file.stream.seek(0)
    for kind, beginnings in BEGINNINGS.items():
        if start.startswith(beginnings):
            stem = Path(secure_filename(file.filename)).stem[:60] or "picture"
            return f"{secrets.token_hex(8)}-{stem}.{kind}"
    abort(415, f"{file.filename} is no GIF, JPEG or PNG.")


@app.get("/picture/<name>")
def picture(name):
    """A picture; its name is its own for ever, so browsers may keep it."""
    response = send_from_directory(folder(), name, max_age=31536000)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def wants_json():
    """Whether the page's script asks, rather than the browser itself."""
    return request.accept_mimetypes.best == "application/json"


@app.errorhandler(HTTPException)
def sorry(error):
    """An error as JSON for the script, and as a page for everybody else."""
    text = error.description
    if error.code == 413:
        limit = app.config["MAX_CONTENT_LENGTH"] // 1024 ** 2
        text = f"That is too much: at most {limit} MB at once."
    if wants_json():
        return {"error": text}, error.code
    return render_template("upload.html", pictures=pictures(), error=text), error.code


if __name__ == "__main__":
    app.run()
