"""Headers of every answer, and the limits of requests and sessions."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from poweroptix.clock import now

STRICT = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# The admin theme evaluates expressions in attributes and sets inline styles; inline scripts
# stay forbidden there too. Tenants never load an admin page.
RELAXED = {
    **STRICT,
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
}
_SEEN_KEY, _SEEN_EVERY_SECONDS = "seen", 60

Handler = Callable[[HttpRequest], HttpResponse]


def policy_header(path: str) -> str:
    """Return the content security policy of a page.

    >>> "unsafe" in policy_header("/office/")
    False
    """
    policy = RELAXED if path.startswith("/admin/") else STRICT
    return "; ".join(f"{name} {value}" for name, value in policy.items())


class HeadersMiddleware:
    """Adds the security headers that Django has no setting for."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with headers."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy_header(request.path))
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        if "Cookie" in response.headers.get("Vary", ""):  # made for one person
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class BodyLimitMiddleware:
    """Refuses a body that is too long before any of it is read.

    Django limits forms and JSON but not files. A request without a length has no body to Django.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413 with the limit, or pass on."""
        length = request.headers.get("Content-Length") or "0"
        if length.isdecimal() and int(length) <= settings.UPLOAD_MAX_BYTES:
            return self.get_response(request)
        megabytes = settings.UPLOAD_MAX_BYTES // 1_000_000
        detail = f"A request may carry {megabytes} MB; larger files go in by manage.py ingest."
        if request.path.startswith("/api/"):
            problem = {"type": "about:blank", "title": "Too large", "status": 413, "detail": detail}
            return JsonResponse(problem, status=413, content_type="application/problem+json")
        return render(request, "400.html", {"message": detail}, status=413)


class SessionLimitMiddleware:
    """Ends a session that was idle too long; SESSION_COOKIE_AGE ends it in any case."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Log out whoever was away, else note the visit at most once a minute."""
        if request.user.is_authenticated:
            second = int(now().timestamp())
            idle = second - request.session.get(_SEEN_KEY, second)
            if idle > settings.SESSION_IDLE_MINUTES * 60:
                logout(request)
            elif idle > _SEEN_EVERY_SECONDS or _SEEN_KEY not in request.session:
                request.session[_SEEN_KEY] = second
        return self.get_response(request)
