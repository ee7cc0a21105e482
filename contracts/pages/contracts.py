"""The list of contracts."""

from django.urls import reverse

from contracts.models import Contract, IndexSeries
from poweroptix.pages.guards import StaffPage
from poweroptix.pages.lists import Column, Filter, ListPage


def _link(contract: Contract) -> str:
    return reverse("office-contract", args=[contract.code])


class ContractList(StaffPage, ListPage):
    """All contracts."""

    verb = "contracts.view"
    title = "Contracts"
    intro = "Terms are written on a contract's page, proved by worked examples, then never edited."
    name = "contracts"
    template_name = "contracts/list.html"
    search = ("code", "name", "offtaker__name")
    default_sort = "code"
    columns = (
        Column("code", "Contract", sort="code", link=_link),
        Column("name", "Name", sort="name", link=_link),
        Column("seller__name", "Seller"),
        Column("offtaker__name", "Offtaker", sort="offtaker__name"),
        Column("campus__name", "Campus"),
        Column("currency", "Money"),
        Column("state", "State", sort="state", value=lambda c: c.get_state_display()),
    )
    filters = (Filter("state", "State", lambda: Contract.State.choices),)
    empty_text = "Enter one in the set-up, or apply a portfolio document."

    def rows(self):
        """Return all contracts."""
        return Contract.objects.select_related("seller", "offtaker", "campus")

    def extra(self):
        """Return the index series with their newest day."""
        return {"indices": IndexSeries.objects.order_by("code")}
