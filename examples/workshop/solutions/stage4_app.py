# flake8: noqa: F811, F821
import json

class Flask(Flask):
    def make_response(self, rv):                                                # 4.1
        if rv is None:
            raise TypeError("The view returned None. Is a `return` missing?")
        if isinstance(rv, dict):
            return Response(json.dumps(rv), content_type="application/json")
        return rv if isinstance(rv, Response) else Response(rv)

    def url_for(self, endpoint, **values):                                      # 4.2
        for rule in self.url_map.rules:
            if rule.endpoint == endpoint:
                return rule.build(values)
        raise LookupError(f"no endpoint {endpoint!r}")
