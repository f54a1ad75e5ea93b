# flake8: noqa: F811, F821
import time

class LocalProxy(LocalProxy):                                                   # 8.1
    def __getitem__(self, key):
        return self._get_current_object()[key]

    def __setitem__(self, key, value):
        self._get_current_object()[key] = value

session = LocalProxy(lambda: _context.get().session)

class SecureCookieSessionInterface:
    def open_session(self, app, request):
        cookies = parse_cookie(request.environ.get("HTTP_COOKIE", ""))
        try:
            serializer = URLSafeSerializer(app.config["SECRET_KEY"])
            then, session = serializer.loads(cookies.get("session", ""))
        except BadSignature:
            return {}
        age = time.time() - then                                                # 8.2
        return session if age <= app.config["PERMANENT_SESSION_LIFETIME"] else {}

    def save_session(self, app, session, response):
        serializer = URLSafeSerializer(app.config["SECRET_KEY"])
        value = serializer.dumps([time.time(), session])
        cookie = f"session={value}; Path=/; HttpOnly; SameSite=Lax"
        response.headers.append(("Set-Cookie", cookie))

Flask.session_interface = SecureCookieSessionInterface()
