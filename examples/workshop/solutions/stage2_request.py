# flake8: noqa: F811, F821
from urllib.parse import parse_qs

def first_values(query):
    """Return the first value of each name: {"q": "tea"} for "q=tea&q=milk"."""
    values = parse_qs(query, keep_blank_values=True)
    return {name: first for name, (first, *_) in values.items()}

class Request(Request):
    @property
    def args(self):                                                             # 2.1
        return first_values(self.environ.get("QUERY_STRING", ""))

    @property
    def form(self):                                                             # 2.2
        length = int(self.environ.get("CONTENT_LENGTH") or 0)
        return first_values(self.environ["wsgi.input"].read(length).decode())

def redirect(location):                                                         # 2.3
    if "\r" in location or "\n" in location:
        raise ValueError(f"a line end in {location!r}")
    response = Response(status=302)
    response.headers.append(("Location", location))
    return response
