"""Addresses of the work pages of settlement, below /office/."""

from django.urls import path

from settlement.pages import runs

urlpatterns = [
    path("settlement/", runs.RunList.as_view(), name="office-settlement"),
    path("settlement/<int:pk>/", runs.RunPage.as_view(), name="office-run"),
    path("settlement/lines/<int:pk>/", runs.LinePage.as_view(), name="office-line"),
]
