# flake8: noqa: F811, F821
import traceback

class MethodNotAllowed(HTTPException):                                          # 5.3
    def __init__(self, valid_methods):
        super().__init__(405)
        self.valid_methods = valid_methods

    def get_response(self):
        response = super().get_response()
        response.headers.append(("Allow", ", ".join(sorted(self.valid_methods))))
        return response

class Flask(Flask):
    def __init__(self):
        super().__init__()
        self.methods = {}                   # endpoint -> methods

    def errorhandler(self, code):                                               # 5.1
        def decorator(f):
            self.error_handler_spec[code] = f
            return f
        return decorator

    def handle_user_exception(self, error):
        handler = self.error_handler_spec.get(error.code)
        if handler is None:
            return error.get_response()
        rv = handler(error)
        return rv if isinstance(rv, Response) else Response(rv, error.code)

    def handle_exception(self, error):                                          # 5.2
        traceback.print_exception(error)
        return self.handle_user_exception(HTTPException(500))

    def route(self, rule, methods=("GET", "HEAD")):                             # 5.3
        def decorator(f):
            self.methods[f.__name__] = methods
            self.add_url_rule(rule, f.__name__, f)
            return f
        return decorator

    def dispatch_request(self, request):
        allowed = set()
        for rule in self.url_map.rules:
            values = rule.match(request.path)
            if values is not None:
                if request.method in self.methods[rule.endpoint]:
                    return self.view_functions[rule.endpoint](request, **values)
                allowed.update(self.methods[rule.endpoint])
        raise MethodNotAllowed(allowed) if allowed else HTTPException(404)
