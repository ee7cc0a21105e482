"""The contract in words: who sells to whom, since when, at which prices."""

from itertools import groupby

from django.shortcuts import render
from django.views import View

from billing.access import contracts_of, versions_of
from billing.portal.base import TenantPage
from contracts.charges import charge_type
from contracts.models import Term


class ContractPage(TenantPage, View):
    """All contracts of the tenant with their terms; nothing can be edited here."""

    def get(self, request):
        """Show them."""
        contracts = {one.pk: one for one in contracts_of(self.tenant_id)}
        shown = []
        for contract_id, versions in groupby(versions_of(self.tenant_id), lambda v: v.contract_id):
            contract = contracts[contract_id]
            shown.append({"contract": contract, "versions": [_version(one) for one in versions]})
        zone = next((one.zone for one in contracts.values()), "UTC")
        return render(request, "portal/contract.html", {"shown": shown, "zone": zone})


def _version(version) -> dict:
    terms = sorted(version.terms.all(), key=lambda one: one.position)
    return {
        "version": version,
        "valid": version.valid_text(),
        "terms": [{"term": one, "sentence": sentence_of(one)} for one in terms],
    }


def sentence_of(term: Term) -> str:
    """Return what a term says, in plain words made from its parameters."""
    kind = charge_type(term.charge_type)
    return kind.sentence(kind.parse(term.parameters))
