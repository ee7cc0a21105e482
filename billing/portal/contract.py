"""The contract in words: who sells to whom, since when, at which prices."""

from itertools import groupby

from django.shortcuts import render
from django.views import View

from billing.access import contracts_of, versions_of
from billing.portal.base import TenantPage
from contracts.services import sentences


class ContractPage(TenantPage, View):
    """All contracts of the tenant with their terms; nothing can be edited here."""

    def get(self, request):
        """Show them."""
        contracts = {one.pk: one for one in contracts_of(self.tenant_id)}
        held = versions_of(self.tenant_id)
        said = sentences(term for version in held for term in version.terms.all())
        shown = []
        for contract_id, versions in groupby(held, lambda one: one.contract_id):
            contract = contracts[contract_id]
            rows = [_version(one, said) for one in versions]
            shown.append({"contract": contract, "versions": rows})
        zone = next((one.zone for one in contracts.values()), "UTC")
        return render(request, "portal/contract.html", {"shown": shown, "zone": zone})


def _version(version, said: dict[int, str]) -> dict:
    terms = sorted(version.terms.all(), key=lambda one: one.position)
    return {
        "version": version,
        "valid": version.valid_text(),
        "terms": [{"term": one, "sentence": said[one.pk]} for one in terms],
    }
