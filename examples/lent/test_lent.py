"""Step 6: tests. The test client calls the app directly, so it needs no server."""
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

@pytest.fixture
def client(monkeypatch, request):
    """Return a client of the step, with a new app and new data."""
    monkeypatch.syspath_prepend(HERE)
    for name in ("store", "step1", "step2", "step3", "step4", "step5"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(f"step{request.param}").app.test_client()

def steps(*numbers):
    return pytest.mark.parametrize("client", numbers, indirect=True)

@steps(1, 2, 5)
def test_a_loan_has_a_page(client):
    assert "Ada" in client.get("/loan/1").text
    assert client.get("/loan/999").status_code == 404

@steps(2, 5)
def test_the_list_links_to_each_loan(client):
    assert '<a href="/loan/1">drill</a>' in client.get("/").text

@steps(3, 5)
def test_the_form_takes_a_loan(client):
    page = client.post("/", data={"thing": "rope", "to": "Cy"}, follow_redirects=True)
    assert page.request.path == "/loan/3" and "Noted: the rope." in page.text
    assert 'value="Cy"' in client.get("/").text
    page = client.post("/", data={"thing": " ", "to": ""}, follow_redirects=True)
    assert "Say both" in page.text

@steps(4, 5)
def test_the_api_speaks_json_in_errors_too(client):
    made = client.post("/api/loans", json={"thing": "saw", "to": "Di"})
    assert (made.status_code, made.json) == (201, {"thing": "saw", "to": "Di"})
    assert client.get(made.headers["Location"]).json == made.json
    assert {"number": 3, **made.json} in client.get("/api/loans").json
    assert client.get("/api/loans/999").json == {"error": "There is no loan 999."}
    assert client.post("/api/loans", json=["saw"]).status_code == 400

def test_a_friend_is_reminded():
    import microflask
    done = subprocess.run(
        [sys.executable, microflask.__file__, "--app", "step5.py", "remind", "Bo"],
        cwd=HERE, capture_output=True, text=True, check=True)
    assert done.stdout == "Dear Bo, do you still need my tent?\n"
