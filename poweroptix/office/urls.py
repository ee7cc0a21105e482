"""Addresses of the back office: its own pages and those of every app."""

from django.urls import include, path

from poweroptix.office.pages import campus, completeness, jobs, today

urlpatterns = [
    path("", today.Today.as_view(), name="office-today"),
    path("search/", today.Search.as_view(), name="office-search"),
    path("campus/", campus.CampusPage.as_view(), name="office-campus"),
    path("completeness/", completeness.CompletenessBoard.as_view(), name="office-completeness"),
    path("jobs/", jobs.JobList.as_view(), name="office-jobs"),
    path("jobs/<int:pk>/", jobs.JobPage.as_view(), name="office-job"),
    path("", include("meters.pages.urls")),
    path("", include("contracts.pages.urls")),
    path("", include("settlement.pages.urls")),
    path("", include("esg.pages.urls")),
    path("", include("billing.pages.urls")),
]
