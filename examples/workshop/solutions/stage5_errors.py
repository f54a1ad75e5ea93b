# flake8: noqa: F811, F821
import traceback

class Flask(Flask):
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
