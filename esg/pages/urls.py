"""Addresses of the work pages of carbon, below /office/."""

from django.urls import path

from esg.pages import carbon

urlpatterns = [
    path("carbon/", carbon.EmissionList.as_view(), name="office-carbon"),
    path("carbon/<int:pk>/", carbon.EmissionPage.as_view(), name="office-emission"),
]
