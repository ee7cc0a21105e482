"""A neighbour sees nothing: every address is tried with another tenant's objects.

Each pattern of the portal and the API must stand in one of the tables below; a new address without
an expectation fails the suite.
"""

import re
from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from contracts.models import Contract, ContractVersion, Term
from meters.models import Channel, DeliveryPoint
from settlement.models import SettlementRun

pytestmark = pytest.mark.django_db

#: Addresses without an object, open to a tenant: name -> path.
OPEN = {
    "portal-home": "/portal/",
    "portal-usage": "/portal/usage/?month=2026-03",
    "portal-usage-series": "/portal/usage/series.json?month=2026-03",
    "portal-invoices": "/portal/invoices/",
    "portal-carbon": "/portal/carbon/",
    "portal-contract": "/portal/contract/",
    "api-schema": "/api/schema/",
    "api-docs": "/api/docs/",
    "api-campuses": "/api/v1/campuses",
    "api-delivery-points": "/api/v1/delivery-points",
    "api-channels": "/api/v1/channels",
    "api-contracts": "/api/v1/contracts",
    "api-contract-versions": "/api/v1/contract-versions",
    "api-terms": "/api/v1/terms",
    "api-settlement-runs": "/api/v1/settlement-runs",
    "api-invoices": "/api/v1/invoices",
    "api-emission-lines": "/api/v1/emission-lines",
    "api-jobs": "/api/v1/jobs",
}
#: Addresses that no tenant may use at all.
STAFF_ONLY = (
    "generating-units",
    "meters",
    "findings",
    "import-files",
    "index-series",
    "allocation-runs",
    "virtual-definitions",
    "register-reads",
    "clock-checks",
    "sources",
    "source-runs",
    "meter-tests",
    "transformer-certificates",
    "interruptions",
    "capacity-steps",
    "import-profiles",
    "rule-settings",
    "quarantined-records",
    "counterparty-statements",
    "disputes",
    "what-ifs",
    "contract-events",
    "contract-quantities",
    "allocation-pools",
    "money-pools",
    "money-pool-items",
    "money-pool-months",
    "ownerships",
    "owner-months",
)
#: Answers of every address to an unknown object.
ALWAYS_UNKNOWN = {"portal-unknown": "/portal/nothing/at/all/", "api-unknown": "/api/v1/nothing"}
SPAN = "?start=2026-03-12T06:00:00Z&end=2026-03-12T07:00:00Z"


def objects(world, code: str) -> dict[str, list[str]]:
    """Addresses of objects by name of the pattern; one per object of a tenant."""
    number = world.invoices[f"PPA-{code}"].number
    contract = Contract.objects.get(code=f"PPA-{code}")
    version = ContractVersion.objects.get(contract=contract)
    term = Term.objects.filter(version=version).first()
    run = SettlementRun.objects.get(contract=contract)
    channel = Channel.objects.get(code=f"HALL-{code[0]}/DEL_KWH")
    point = DeliveryPoint.objects.get(code=f"HALL-{code[0]}")
    line = f"/portal/invoices/{number}/lines/1/"
    api = "/api/v1"
    return {
        "portal-invoice": [f"/portal/invoices/{number}/"],
        "portal-invoice-file": [f"/portal/invoices/{number}/{f}" for f in ("pdf", "csv", "json")],
        "portal-line": [line],
        "portal-day": [f"{line}days/2026-03-12/"],
        "portal-interval": [f"{line}intervals/20260312T1215Z/"],
        "portal-carbon-line": [f"/portal/carbon/2026-03/PPA-{code}/"],
        "api-delivery-points-one": [f"{api}/delivery-points/{point.pk}"],
        "api-channels-one": [f"{api}/channels/{channel.pk}"],
        "api-channel-series": [f"{api}/channels/{channel.pk}/series{SPAN}"],
        "api-contracts-one": [f"{api}/contracts/{contract.code}"],
        "api-contract-versions-one": [f"{api}/contract-versions/{version.pk}"],
        "api-terms-one": [f"{api}/terms/{term.pk}"],
        "api-settlement-runs-one": [f"{api}/settlement-runs/{run.pk}"],
        "api-run-lines": [f"{api}/settlement-runs/{run.pk}/lines"],
        "api-run-line": [f"{api}/settlement-runs/{run.pk}/lines/1/explain"],
        "api-run-line-intervals": [
            f"{api}/settlement-runs/{run.pk}/lines/1/intervals?day=2026-03-12"
        ],
        "api-run-line-trace": [
            f"{api}/settlement-runs/{run.pk}/lines/1/trace?at=2026-03-12T12:15:00Z"
        ],
        "api-invoices-one": [f"{api}/invoices/{number}"],
        "api-invoice-lines": [f"{api}/invoices/{number}/lines"],
        "api-invoice-pdf": [f"{api}/invoices/{number}/pdf"],
        "api-invoice-csv": [f"{api}/invoices/{number}/csv"],
        "api-invoice-json": [f"{api}/invoices/{number}/json"],
        "api-emission-lines-one": [f"{api}/emission-lines/{_emission(contract)}"],
        "portal-usage": [f"/portal/usage/?month=2026-03&place={channel.code}"],
        "portal-usage-series": [f"/portal/usage/series.json?month=2026-03&place={channel.code}"],
    }


def _emission(contract) -> int:
    return contract.emission_lines.get().pk


def unknown_of(address: str, world, code: str) -> str:
    """Return the address with the object's key replaced by one that never existed."""
    number = world.invoices[f"PPA-{code}"].number
    address = address.replace(number, "MESA-999999").replace(f"PPA-{code}", "PPA-NOBODY")
    address = address.replace(f"HALL-{code[0]}/DEL_KWH", "HALL-X/DEL_KWH")
    head, _, rest = address.partition("/api/v1/")
    if not head and rest:
        parts = rest.split("/")
        if parts[1].partition("?")[0].isdecimal():
            parts[1] = "987654321"
        return "/api/v1/" + "/".join(parts)
    return address


def names() -> set[str]:
    """Names of every pattern of the portal and the API."""
    found = set()

    def walk(patterns, prefix=""):
        for one in patterns:
            path = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                walk(one.url_patterns, path)
            elif isinstance(one, URLPattern) and path.startswith(("portal/", "api/")):
                assert one.name, f"{path} has no name, so nothing can be expected of it"
                found.add(one.name)

    walk(get_resolver().url_patterns)
    return found


@pytest.fixture
def alfa(world, client):
    client.force_login(world.people["alfa"])
    return client


@pytest.fixture(scope="package")
def token(world):
    from poweroptix.accounts.permissions import SCOPES

    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, tenant='alfa')}"}


def ask(client, token, address):
    """Ask the portal with the session and the API with the token."""
    return client.get(address, **(token if address.startswith("/api/v1") else {}))


def test_every_address_has_an_expectation(world):
    expected = {*OPEN, *ALWAYS_UNKNOWN, *objects(world, "ALFA"), "api-jobs-one"}
    expected |= {"api-campuses-one", "api-index-values", "api-channel-readings"}
    expected |= {"api-campus-quality", "api-campus-completeness", "api-contract-replay"}
    expected |= {"api-finding-assign", "api-finding-accept"}
    expected |= {"api-run-compare", "api-what-if-compare", "api-statement-compare"}
    expected |= {"api-pool-month-shares", "api-owner-statements"}
    expected |= {"api-money-pool-item-withdraw", "api-contract-event-withdraw"}
    expected |= {f"api-{name}" for name in STAFF_ONLY} | {f"api-{n}-one" for n in STAFF_ONLY}
    assert names() == expected


@pytest.mark.parametrize("name", OPEN)
def test_own_pages_open_and_name_no_neighbour(alfa, token, name):
    answer = ask(alfa, token, OPEN[name])
    assert answer.status_code == 200
    if name != "api-schema":
        text = answer.content.decode()
        for word in ("BRAVO", "bravo", "HALL-B", "Hall B", "47.31", "secret price"):
            assert word not in text, word


def test_own_objects_open_and_foreign_ones_answer_as_unknown(alfa, token, world):
    mine, theirs = objects(world, "ALFA"), objects(world, "BRAVO")
    for name, addresses in theirs.items():
        for own, foreign in zip(mine[name], addresses, strict=True):
            assert ask(alfa, token, own).status_code == 200, own
            refusal = ask(alfa, token, foreign)
            unknown = ask(alfa, token, unknown_of(foreign, world, "BRAVO"))
            assert unknown_of(foreign, world, "BRAVO") != foreign
            assert refusal.status_code == unknown.status_code == 404, foreign
            assert _said(refusal) == _said(unknown), foreign


def _said(answer) -> object:
    if answer["Content-Type"] != "application/problem+json":
        return answer.content
    return {k: v for k, v in answer.json().items() if k not in ("request_id", "instance")}


@pytest.mark.parametrize("name", STAFF_ONLY)
def test_what_is_for_staff_is_refused(client, token, name):
    for address in (f"/api/v1/{name}", f"/api/v1/{name}/1", f"/api/v1/{name}/nothing"):
        assert client.get(address, **token).status_code == 403


@pytest.mark.parametrize("address", ALWAYS_UNKNOWN.values())
def test_other_addresses_are_unknown(alfa, token, address):
    assert ask(alfa, token, address).status_code == 404


def test_filters_reach_no_neighbour(alfa, token):
    for query in (
        "settlement-runs?contract=PPA-BRAVO",
        "invoices?contract=PPA-BRAVO",
        "terms?contract=PPA-BRAVO",
        "channels?code=HALL-B/DEL_KWH",
        "delivery-points?code=HALL-B",
        "emission-lines?contract=PPA-BRAVO",
    ):
        answer = alfa.get(f"/api/v1/{query}", **token)
        assert (answer.status_code, answer.json()["data"]) == (200, []), query
    assert b"BRAVO" not in alfa.get("/portal/invoices/?q=BRAVO&export=csv").content


def test_nobody_sees_anything_without_logging_in(client, world):
    for addresses in [[a] for a in OPEN.values()] + list(objects(world, "ALFA").values()):
        for address in addresses:
            answer = client.get(address)
            if address.startswith(("/api/v1", "/api/schema")):
                assert answer.status_code == 401, address
            else:
                assert answer.status_code == 302, address
                assert answer["Location"].startswith("/accounts/login/"), address


def test_files_of_readings_are_for_staff_even_of_own_channels(client, token, world):
    for code in ("A", "B"):
        channel = Channel.objects.get(code=f"HALL-{code}/DEL_KWH")
        address = f"/api/v1/channels/{channel.pk}/readings?first=2026-03-12&last=2026-03-12"
        assert client.get(address, **token).status_code == 403


def test_staff_have_no_portal(client, world):
    client.force_login(world.people["billing"])
    for address in ["/portal/", *objects(world, "ALFA")["portal-invoice"]]:
        assert client.get(address).status_code == 404


def test_answers_do_not_depend_on_a_neighbours_rows(alfa, token, world):
    """Give BRAVO new readings, a draft and a run; every answer to ALFA stays the same."""
    from billing.services import draft_invoice, void_invoice
    from tests.factories.campus import HEAD, NOW, deliver

    addresses = [*OPEN.values(), *(a for some in objects(world, "ALFA").values() for a in some)]
    before = {address: _stable(ask(alfa, token, address)) for address in addresses}
    later = NOW + timedelta(days=2)
    rows = "HALL-B,DEL_KWH,2026-04-01T05:00:00Z,900,1999.000,kWh,A"
    deliver("bravo_secret.csv", f"{HEAD}\n{rows}\n".encode(), now=later)
    billing = world.actor("billing")
    void_invoice(world.invoices["PPA-BRAVO"], actor=billing, now=later, reason="wrong address")
    draft_invoice(SettlementRun.objects.get(contract__code="PPA-BRAVO"), actor=billing, now=later)
    changed = [a for a in addresses if _stable(ask(alfa, token, a)) != before[a]]
    assert changed == []


def _stable(answer) -> tuple:
    """Return what is said, without the token that guards forms."""

    text = re.sub(
        rb'(csrfmiddlewaretoken" value|X-CSRFToken": |data-token=)[^>]*', b"", answer.content
    )
    return answer.status_code, text
