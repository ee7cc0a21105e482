"""Addresses of the portal."""

from django.urls import path, re_path
from django.views import View

from billing.access import not_yours
from billing.portal.base import TenantPage
from billing.portal.carbon import Carbon, CarbonLine
from billing.portal.contract import ContractPage
from billing.portal.explain import Explain, ExplainDay, ExplainInterval
from billing.portal.home import Home
from billing.portal.invoices import InvoiceFile, InvoiceList, InvoicePage
from billing.portal.usage import Usage, UsageSeries

LINE = "invoices/<str:number>/lines/<int:position>/"


class Unknown(TenantPage, View):
    """Every other address: the same answer as for what belongs to somebody else."""

    known_parameters = None

    def get(self, request, **_kwargs):
        """Refuse."""
        raise not_yours()


urlpatterns = [
    path("", Home.as_view(), name="portal-home"),
    path("usage/", Usage.as_view(), name="portal-usage"),
    path("usage/series.json", UsageSeries.as_view(), name="portal-usage-series"),
    path("invoices/", InvoiceList.as_view(), name="portal-invoices"),
    path("invoices/<str:number>/", InvoicePage.as_view(), name="portal-invoice"),
    path("invoices/<str:number>/<str:form>", InvoiceFile.as_view(), name="portal-invoice-file"),
    path(LINE, Explain.as_view(), name="portal-line"),
    path(f"{LINE}days/<str:day>/", ExplainDay.as_view(), name="portal-day"),
    path(f"{LINE}intervals/<str:stamp>/", ExplainInterval.as_view(), name="portal-interval"),
    path("carbon/", Carbon.as_view(), name="portal-carbon"),
    path("carbon/<str:period>/<str:contract>/", CarbonLine.as_view(), name="portal-carbon-line"),
    path("contract/", ContractPage.as_view(), name="portal-contract"),
    re_path(r"^(?P<rest>.+/)$", Unknown.as_view(), name="portal-unknown"),
]
