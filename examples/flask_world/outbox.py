"""Flask-Mail: a mail with a template and an attachment."""
import as_flask
as_flask.install()

from flask import Flask, render_template_string, request    # noqa: E402
from flask_mail import Mail, Message                        # noqa: E402

app = Flask(__name__)
app.config.update(MAIL_DEFAULT_SENDER=("The app", "app@example.org"),
                  MAIL_SUPPRESS_SEND=True)      # take this away to send for real
mail = Mail(app)

@app.post("/invite")
def invite():
    letter = Message("Come to the café", recipients=[request.form["to"]])
    letter.body = "Plain."
    letter.html = render_template_string("<b>{{ name }}</b>", name="<Ada>")
    letter.attach("map.txt", "text/plain", "Left, then right.")
    mail.send(letter)
    return "sent"

def tour():
    client = app.test_client()
    with app.app_context(), mail.record_messages() as outbox:
        answer = client.post("/invite", data={"to": "ada@example.org"})
        assert "<app@example.org>" in outbox[0].as_string()
    assert (answer.text, outbox[0].subject) == ("sent", "Come to the café")
    assert outbox[0].recipients == ["ada@example.org"]
    assert outbox[0].html == "<b>&lt;Ada&gt;</b>"
    assert outbox[0].attachments[0].filename == "map.txt"
