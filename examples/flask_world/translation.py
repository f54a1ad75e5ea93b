"""Flask-Babel: dates and numbers in the language that the browser asks for."""
from datetime import date

import as_flask
as_flask.install()

from flask import Flask, render_template_string, request    # noqa: E402
from flask_babel import (Babel, force_locale, format_date,  # noqa: E402
                         format_decimal, get_locale, gettext)

app = Flask(__name__)

def choose():
    return request.args.get("lang") or request.accept_languages.best_match(
        ["de", "fr", "en"])

Babel(app, default_locale="en", locale_selector=choose)

@app.get("/")
def index():
    return render_template_string(
        "{{ today }} {{ number | numberformat }} {{ _('Hello %(name)s', name='Ada') }}",
        today=format_date(date(2026, 3, 1), "long"), number=1234567.5)

@app.get("/forced")
def forced():
    with force_locale("fr"):
        return f"{get_locale()} {format_decimal(0.5)} {gettext('yes')}"

def tour():
    client = app.test_client()
    german = {"Accept-Language": "de-AT, de;q=0.9, en;q=0.5"}
    assert client.get("/", headers=german).text == "1. März 2026 1.234.567,5 Hello Ada"
    assert client.get("/").text == "March 1, 2026 1,234,567.5 Hello Ada"
    assert client.get("/?lang=fr").text.startswith("1 mars 2026")
    assert client.get("/forced", headers=german).text == "fr 0,5 yes"
