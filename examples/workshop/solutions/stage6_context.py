# flake8: noqa: F811, F821

class LocalProxy:
    def __init__(self, local):
        object.__setattr__(self, "_local", local)

    def _get_current_object(self):                                              # 6.1
        try:
            return self._local()
        except LookupError:
            raise RuntimeError("Working outside of request context.") from None

    def __getattr__(self, name):
        return getattr(self._get_current_object(), name)

    def __setattr__(self, name, value):                                         # 6.2
        setattr(self._get_current_object(), name, value)

current_app = LocalProxy(lambda: _context.get().app)
request = LocalProxy(lambda: _context.get().request)
