"""Front door."""

import logging

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from poweroptix.security import views

_login = RedirectView.as_view(pattern_name="login", query_string=True)

urlpatterns = [
    path("", views.front_door, name="home"),
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
]

for prefix, module in [
    ("office/", "poweroptix.office.urls"),
    ("office/", "meters.pages.urls"),
    ("office/", "contracts.pages.urls"),
    ("office/", "settlement.pages.urls"),
    ("office/", "esg.pages.urls"),
    ("office/", "billing.pages.urls"),
    ("portal/", "billing.portal.urls"),
    ("api/", "poweroptix.api.urls"),
]:
    try:
        urlpatterns.append(path(prefix, include(module)))
    except ImportError as error:
        logging.getLogger(__name__).warning("pages of %s are not open: %s", module, error)
