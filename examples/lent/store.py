"""The data: what you have lent, and to whom. A dict stands for the database."""

LENT = {1: {"thing": "drill", "to": "Ada"}, 2: {"thing": "tent", "to": "Bo"}}

def add(thing, to):
    """Note a loan, and return its number."""
    number = max(LENT, default=0) + 1
    LENT[number] = {"thing": thing, "to": to}
    return number
