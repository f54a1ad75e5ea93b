def wsgi_app(environ, start_response):
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")    # 1.1
    body = f"You asked for {path}\n".encode()
    start_response("200 OK", [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]                # 1.2

def add_header(wsgi_app, name, value):                                          # 1.3
    def middleware(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, (name, value)], exc_info)
        return wsgi_app(environ, start)
    return middleware
