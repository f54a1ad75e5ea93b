# flake8: noqa: F811, F821
from urllib.parse import quote

class Rule(Rule):
    def __init__(self, rule, endpoint):                                         # 3.2
        self.rule = rule
        self.endpoint = endpoint
        self.numbers = re.findall(r"<int:(\w+)>", rule)

        def group(variable):
            expression = "[0-9]+" if variable[1] else "[^/]+"
            return f"(?P<{variable[2]}>{expression})"

        self.regex = re.compile(re.sub(r"<(int:)?(\w+)>", group, re.escape(rule)))

    def match(self, path):
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        values = found.groupdict()
        for name in self.numbers:
            values[name] = int(values[name])
        return values

    def build(self, values):                                                    # 3.1
        def fill(variable):
            return quote(str(values[variable[1]]), safe="")
        return re.sub(r"<(?:int:)?(\w+)>", fill, self.rule)
