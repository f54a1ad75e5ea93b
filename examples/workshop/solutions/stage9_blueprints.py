# flake8: noqa: F811, F821

class Flask(Flask):
    def __init__(self):
        super().__init__()
        self.after_request_funcs = []

    def after_request(self, f):                                                 # 9.1
        self.after_request_funcs.append(f)
        return f

    def full_dispatch_request(self):
        response = super().full_dispatch_request()
        for f in reversed(self.after_request_funcs):
            response = f(response)
        return response

class Blueprint(Blueprint):
    def before_request(self, f):                                                # 9.2
        def for_own_views():
            rule = request.url_rule     # None if there is no such page
            if rule and rule.endpoint.startswith(f"{self.name}."):
                return f()
        self.record_once(lambda app: app.before_request(for_own_views))
        return f
