"""Flask-RESTful: resources, arguments that are checked, errors in JSON."""
import as_flask
as_flask.install()

from flask import Blueprint, Flask                          # noqa: E402
from flask_restful import (Api, Resource, abort, fields,    # noqa: E402
                           marshal_with, reqparse)

app = Flask(__name__)
blueprint = Blueprint("api", __name__, url_prefix="/api")
api = Api(blueprint, catch_all_404s=True)
TASKS = {1: {"id": 1, "text": "read", "done": False, "secret": "x"}}

parser = reqparse.RequestParser(bundle_errors=True)
parser.add_argument("text", required=True, help="A task needs a text")
parser.add_argument("done", type=bool, default=False)
shape = {"id": fields.Integer, "text": fields.String, "done": fields.Boolean,
         "address": fields.Url("api.task", absolute=True)}

class Task(Resource):
    @marshal_with(shape)
    def get(self, id):
        return TASKS.get(id) or abort(404, message=f"No task {id}")

    def delete(self, id):
        TASKS.pop(id, None)
        return "", 204

class Tasks(Resource):
    @marshal_with(shape)
    def post(self):
        number = max(TASKS) + 1
        TASKS[number] = {"id": number, **parser.parse_args()}
        return TASKS[number], 201, {"Location": api.url_for(Task, id=number)}

api.add_resource(Task, "/tasks/<int:id>", endpoint="task")
api.add_resource(Tasks, "/tasks")
app.register_blueprint(blueprint)

def tour():
    client = app.test_client()
    first = {"id": 1, "text": "read", "done": False,
             "address": "http://localhost/api/tasks/1"}
    assert client.get("/api/tasks/1").json == first
    made = client.post("/api/tasks", json={"text": "write"})
    assert (made.status_code, made.location) == (201, "/api/tasks/2")
    wrong = client.post("/api/tasks", json={})
    assert (wrong.status_code, wrong.json) == (
        400, {"message": {"text": "A task needs a text"}})
    assert client.get("/api/tasks/7").json == {"message": "No task 7"}
    assert "message" in client.get("/api/nothing").json
    assert client.put("/api/tasks").status_code == 405
    assert client.delete("/api/tasks/1").status_code == 204
    assert client.get("/api/tasks/1").status_code == 404
