"""Step 4: a JSON API in a blueprint."""
from microflask import Blueprint, HTTPException, abort, request, url_for

from step3 import app
from store import LENT, add

bp = Blueprint("api", __name__, url_prefix="/api")

@bp.get("/loans")
def loans():
    return [{"number": number, **loan} for number, loan in LENT.items()]

@bp.get("/loans/<int:number>")
def loan(number):
    return LENT.get(number) or abort(404, f"There is no loan {number}.")

@bp.post("/loans")
def lend():
    match request.get_json():
        case {"thing": str(thing), "to": str(to)}:
            number = add(thing, to)
            return LENT[number], 201, {"Location": url_for(".loan", number=number)}
    abort(400, 'Send {"thing": ..., "to": ...}, both as text.')

@bp.errorhandler(HTTPException)
def sorry(error):
    return {"error": error.description}, error.code

app.register_blueprint(bp)
