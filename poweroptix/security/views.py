"""Log-in, log-out, change of password, the front door, and health."""

from typing import Any

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from poweroptix.db.scope import scope_free
from poweroptix.server.readiness import readiness


class OwnPasswordForm(PasswordChangeForm):
    """Writes the password and nothing else: the web login may change no other column."""

    def save(self, commit: bool = True) -> AbstractBaseUser:
        """Store the new password."""
        self.user.set_password(self.cleaned_data["new_password1"])
        if commit:
            self.user.save(update_fields=["password"])
        return self.user


@require_safe
@never_cache
@scope_free
def front_door(request: HttpRequest) -> HttpResponse:
    """Send everybody where they work: staff to the back office, tenants to their portal."""
    user: Any = request.user
    if not user.is_authenticated:
        return redirect_to_login("/")
    return redirect("/portal/" if user.tenant_id else "/office/")


@require_safe
@scope_free
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers; asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
@scope_free
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether work can be done here: database, migrations, disk, background work."""
    checks = readiness()
    ready = all(check.ok for check in checks)
    document = {
        "status": "ready" if ready else "not ready",
        "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in checks},
    }
    return JsonResponse(document, status=200 if ready else 503)


login = scope_free(auth_views.LoginView.as_view())
logout = scope_free(auth_views.LogoutView.as_view())
password_change = scope_free(
    auth_views.PasswordChangeView.as_view(
        form_class=OwnPasswordForm, success_url=reverse_lazy("home")
    )
)
