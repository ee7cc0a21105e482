"""Any issued invoice's lines come back to the byte, whatever happened since."""

import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from billing.services import draft_invoice, issue_invoice
from contracts.models import IndexSeries
from contracts.services import publish_index
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import NotFoundError, Refused
from settlement.queries.replay import replay
from settlement.queries.resolver import StoredResolver
from settlement.services import approve_together, run_settlement
from tests.billing.world import NOW, QUICK_HASHERS, BilledWorld, quick_pdf
from tests.settlement.world import MARCH, SYSTEM, readings

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=9)


def said(*words):
    out = io.StringIO()
    call_command("settle", *words, stdout=out)
    return out.getvalue()


def test_the_lines_of_an_issued_invoice_come_back_to_the_byte(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)
    world = BilledWorld()
    run = world.runs["PPA-ALFA"]
    invoice = issue_invoice(
        draft_invoice(run, actor=world.billing, now=NOW), actor=world.billing, now=NOW
    )
    at = invoice.issued_at
    address = ("--contract", run.contract.code, "--period", "2026-03", "--as-of", at.isoformat())
    then = said(*address)
    rows = json.loads(then)
    issued = list(invoice.lines.order_by("position"))
    assert [(one["label"], one["amount_usd"]) for one in rows] == [
        (one.label, format(one.amount_usd, "f")) for one in issued
    ]
    digests = [sha256(canonical_json(one)) for one in rows]
    assert digests == list(run.lines.order_by("position").values_list("sha256", flat=True))

    readings(world.alfa_meter, 61, now=LATER)
    hub = IndexSeries.objects.get(code="hub")
    revised = [(MARCH.start_utc, Decimal(99))]
    publish_index(hub, revised, vintage="revised", final=True, actor=SYSTEM, now=LATER)
    true_up = run_settlement(run.contract, MARCH, kind="TRUE_UP", now=LATER, actor=world.analyst)
    run_settlement(
        world.bravo, MARCH, kind="TRUE_UP", now=LATER, actor=world.analyst,
        allocation=true_up.allocation_run,
    )  # fmt: skip
    approve_together(true_up, actor=world.approver, now=LATER)
    assert said(*address) == then
    now = replay(run.contract, "2026-03", LATER)
    assert (now.run, now.outcome.total_usd) == (true_up, true_up.total_usd)
    assert now.lines().decode() != then

    early = run.approved_at - timedelta(seconds=1)
    with pytest.raises(NotFoundError, match="the first was approved at"):
        replay(run.contract, "2026-03", early)
    with pytest.raises(NotFoundError, match="was ever approved"):
        replay(run.contract, "2026-02", LATER)
    whole = StoredResolver.series
    monkeypatch.setattr(
        StoredResolver, "series", lambda self, name, ref: whole(self, name, ref).negated()
    )
    with pytest.raises(Refused, match="has the digest"):
        replay(run.contract, "2026-03", at)
