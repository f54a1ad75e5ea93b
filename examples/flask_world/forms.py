"""Flask-WTF: forms that are checked, and cannot be forged from elsewhere."""
import io
import re

import as_flask
as_flask.install()

from flask import Flask, render_template_string             # noqa: E402
from flask_wtf import CSRFProtect, FlaskForm                # noqa: E402
from flask_wtf.file import FileAllowed, FileField           # noqa: E402
from wtforms import EmailField, StringField                 # noqa: E402
from wtforms.validators import DataRequired, Length, Regexp  # noqa: E402

app = Flask(__name__)
app.secret_key = "only for this example"
CSRFProtect(app)

class Registration(FlaskForm):
    name = StringField("Name", [DataRequired(), Length(max=20)])
    mail = EmailField("Mail", [Regexp(r".+@.+", message="That is no address.")])
    photo = FileField("Photo", [FileAllowed(["png"], "Only PNG.")])

PAGE = """<form method=post enctype=multipart/form-data>{{ form.csrf_token }}
{% for field in (form.name, form.mail, form.photo) %}
  <p>{{ field.label }} {{ field }} {{ field.errors | join(" ") }}
{% endfor %} <button>Register</button></form>"""

@app.route("/", methods=["GET", "POST"])
def register():
    form = Registration()
    if form.validate_on_submit():
        photo = form.photo.data
        return f"Welcome, {form.name.data}: {len(photo.read()) if photo else 0} bytes"
    return render_template_string(PAGE, form=form)

@app.post("/api")
def api():
    return "done"

def tour():
    client = app.test_client()
    ada = {"name": "Ada", "mail": "ada@example.org"}
    assert client.post("/", data=ada).status_code == 400, "no token"
    page = client.get("/").text
    ada["csrf_token"] = re.search(r'csrf_token.*?value="(.+?)"', page)[1]
    assert client.post("/", data=ada).text == "Welcome, Ada: 0 bytes"
    photo = {"photo": (io.BytesIO(b"\x89PNG"), "ada.png")}
    assert client.post("/", data=ada | photo).text == "Welcome, Ada: 4 bytes"
    program = {"photo": (io.BytesIO(b"MZ"), "ada.exe")}
    assert "Only PNG." in client.post("/", data=ada | program).text
    assert "no address" in client.post("/", data=ada | {"mail": "ada"}).text
    assert app.test_client().post("/", data=ada).status_code == 400, "another's token"
    assert client.post("/api").status_code == 400
    header = {"X-CSRFToken": ada["csrf_token"]}
    assert client.post("/api", headers=header).text == "done"
