"""Front door."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from poweroptix.db.scope import scope_free
from poweroptix.security import views

# Browsers ask for it on every page that names no icon, such as a file that they show themselves.
_icon = scope_free(RedirectView.as_view(url="/static/po/mark.svg", permanent=True))
_login = RedirectView.as_view(pattern_name="login", query_string=True)

urlpatterns = [
    path("", views.front_door, name="home"),
    path("favicon.ico", _icon),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("accounts/login/", views.login, name="login"),
    path("accounts/logout/", views.logout, name="logout"),
    path("accounts/password/", views.password_change, name="password_change"),
    # One way in and out for everybody; the admin's own pages would need rights that the web
    # login does not have.
    path("admin/login/", _login),
    path("admin/logout/", views.logout),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
    path("office/", include("poweroptix.office.urls")),
    path("portal/", include("billing.portal.urls")),
    path("api/", include("poweroptix.api.urls")),
]
