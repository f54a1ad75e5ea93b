"""Flask-Admin: pages to list, add, change and delete what a database holds."""
import as_flask
as_flask.install()

from flask import Flask                                     # noqa: E402
from flask_admin import Admin                               # noqa: E402
from flask_admin.contrib.sqla import ModelView              # noqa: E402
from flask_babel import Babel                               # noqa: E402
from flask_sqlalchemy import SQLAlchemy                     # noqa: E402

app = Flask(__name__)
app.secret_key = "only for this example"
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
Babel(app)
db = SQLAlchemy(app)

class Plant(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), nullable=False)
    height = db.Column(db.Integer)

class Plants(ModelView):
    column_searchable_list = ["name"]
    column_filters = ["height"]
    can_export = True

admin = Admin(app, name="Garden")
admin.add_view(Plants(Plant, db))
with app.app_context():
    db.create_all()

def tour():
    client = app.test_client()
    assert "Garden" in client.get("/admin/").text
    for name, height in [("Oak", 2000), ("Daisy", 10), ("<Rose>", 80)]:
        form = {"name": name, "height": height}
        added = client.post("/admin/plant/new/", data=form, follow_redirects=True)
        assert added.status_code == 200
    page = client.get("/admin/plant/").text
    assert "Oak" in page and "&lt;Rose&gt;" in page
    assert "Oak" not in client.get("/admin/plant/?search=daisy").text
    tall = client.get("/admin/plant/?flt0_2=100").text
    assert "Oak" in tall and "Daisy" not in tall
    client.post("/admin/plant/edit/?id=2", data={"name": "Dandelion"})
    assert "Dandelion" in client.get("/admin/plant/").text
    client.post("/admin/plant/delete/", data={"id": "1"})
    assert "Oak" not in client.get("/admin/plant/").text
    csv = client.get("/admin/plant/export/csv/")
    assert csv.mimetype == "text/csv" and "Dandelion" in csv.text
    style = client.get("/admin/static/admin/css/bootstrap4/admin.css")
    assert style.status_code == 200 and style.mimetype == "text/css"
    style.close()
    with app.app_context():
        db.engine.dispose()
