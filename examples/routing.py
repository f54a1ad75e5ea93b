"""Which rule matches? Type a path, and see.

    python examples/routing.py          http://127.0.0.1:5000

Shows rules and their converters, two converters of one's own, a default that redirects,
rules for one method only, and url_for, which makes every link here: no path is written
twice.

Read on in microflask.py: Converters; Rules: how a path becomes a regular expression;
Routing: which rule matches.
"""
import math
import uuid
from datetime import date, timedelta

from microflask import (
    BaseConverter, Flask, HTTPException, MethodNotAllowed, NotFound, RequestRedirect,
    ValidationError, render_template, request, url_for,
)

app = Flask(__name__)


class DateConverter(BaseConverter):
    """2031-05-04 in the path, a datetime.date in Python."""

    regex = r"\d{4}-\d\d-\d\d"

    def to_python(self, value):
        """Return the date; ValidationError says: look for another rule."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError from None

    def to_url(self, value):
        """Return the date as it stands in a path."""
        return value.isoformat()


class ListConverter(BaseConverter):
    """a+b+c in the path, ["a", "b", "c"] in Python."""

    def to_python(self, value):
        """Return the words."""
        return value.split("+")

    def to_url(self, value):
        """Return the words as they stand in a path, each quoted."""
        return "+".join(map(super().to_url, value))


app.url_map.converters.update(date=DateConverter, list=ListConverter)


@app.get("/")
def index():
    """The table of rules; ?path=/square/7&method=GET asks which of them would match."""
    path, method = request.args.get("path", ""), request.args.get("method", "GET")
    return page(tried=tried("/" + path.lstrip("/"), method) if path else None)


@app.get("/hello/<string(minlength=2):name>")
def hello(name):
    """A string, which is what a converter takes where none is named: no slash in it."""
    return page(f"Hello, {name}!")


@app.get("/square/<int(max=1000000):number>")
def square(number):
    """An integer."""
    return page(f"The square of {number} is {number * number}.")


@app.get("/circle/<float(min=0):radius>")
def circle(radius):
    """A number with a point."""
    area = math.pi * radius ** 2
    return page(f"A circle of radius {radius} has the area {area:.2f}.")


@app.get("/file/<path:name>")
def file(name):
    """A path takes slashes, too."""
    return page(f"The file {name} has {name.count('/')} folders above it.")


@app.get("/<any(red, green, blue):colour>")
def colour(colour):
    """One of some words."""
    return page(f"{colour.capitalize()} is a fine colour.")


@app.get("/thing/<uuid:key>")
def thing(key):
    """A UUID."""
    return page(f"The number of this thing is {key.int}.")


@app.get("/day/<date:day>")
def day(day):
    """A converter of our own; it makes the links, too."""
    links = [(each.isoformat(), url_for("day", day=each))
             for each in (day + timedelta(days=1), day + timedelta(days=7))
             ] if day.year < 9999 else []
    return page(f"{day.day} {day:%B} {day.year} is a {day:%A}.", links)


@app.get("/sorted/<list:words>")
def in_order(words):
    """Another one, for a list."""
    return page(f"In order: {', '.join(sorted(words))}.")


@app.get("/news/", defaults={"number": 1})
@app.get("/news/<int(min=1):number>")
def news(number):
    """Two rules for one view; /news/1 redirects to the one that has it as a default."""
    further = url_for("news", number=number + 1)
    return page(f"News, page {number}.", [("Next page", further)])


@app.post("/order")
def order():
    """Only for POST: a GET is answered with 405, and Allow says what is allowed."""
    return page("Ordered.")


@app.errorhandler(404)
@app.errorhandler(405)
def sorry(error):
    """No rule matched: the page says why, with the error's own status and headers."""
    response = error.get_response()
    response.data = page(error.description)
    return response


def examples():
    """One link for each rule, made by url_for from the values."""
    return {
        "hello": url_for("hello", name="Ada"),
        "square": url_for("square", number=7),
        "circle": url_for("circle", radius=1.5),
        "file": url_for("file", name="docs/notes/today.txt"),
        "colour": url_for("colour", colour="green"),
        "thing": url_for("thing", key=uuid.UUID(int=2031)),
        "day": url_for("day", day=date(2031, 5, 4)),
        "in_order": url_for("in_order", words=["pear", "apple", "fig"]),
        "news": url_for("news", number=2),
    }


def tried(path, method):
    """What the map answers to a path and a method: (kind, rule, values or words)."""
    adapter = app.create_url_adapter(request)
    try:
        rule, values = adapter.match(path, method, return_rule=True)
        return "match", rule, values
    except RequestRedirect as redirect:
        return "redirect", None, f"308, on to {redirect.new_url}"
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(error.valid_methods))
        return "no", None, f"405, a rule matches, but for {allowed}"
    except NotFound:
        return "no", None, "404, no rule matches"
    except HTTPException as error:
        return "no", None, f"{error.code}, {error.description}"


def page(answer="", links=(), tried=None):
    """The page with the answer, the rule that matched, and the table of all rules."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    return render_template("routing.html", answer=answer, links=links, rules=rules,
                           tried=tried, examples=examples())


if __name__ == "__main__":
    app.run()
