"""Addresses of the work pages of billing, below /office/."""

from django.urls import path, re_path

from billing.pages import invoices

urlpatterns = [
    path("invoices/", invoices.InvoiceList.as_view(), name="office-invoices"),
    path("invoices/<int:pk>/", invoices.InvoicePage.as_view(), name="office-invoice"),
    re_path(
        r"^invoices/(?P<pk>\d+)\.(?P<form>pdf|json|cancellation)$",
        invoices.InvoiceFile.as_view(),
        name="office-invoice-file",
    ),
]
