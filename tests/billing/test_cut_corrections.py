"""A correction of a line that an amendment cut inside the month shows its parts on the invoice."""

from decimal import Decimal
from types import SimpleNamespace

from billing.documents.correction_view import _line as shown
from billing.services.corrections import _line as line_of
from poweroptix.kernel.canonical import canonical_json
from settlement.calc.delta import billed_of, compare
from settlement.calc.settle import settle
from tests.settlement.test_cut_lines import CUT, WHOLE


def run_of(outcome):
    """Return what a correction reads of a stored run."""
    lines = [
        SimpleNamespace(**{**vars(one), "worksheet": one.worksheet.to_json()})
        for one in outcome.lines
    ]
    return SimpleNamespace(
        lines=SimpleNamespace(all=lambda: lines), contract=SimpleNamespace(zone="America/Chicago")
    )


def test_both_parts_stand_beside_the_line_that_was_billed_whole():
    before, after = settle(WHOLE), settle(CUT)
    [delta] = compare(billed_of(before.lines), billed_of(after.lines))
    billing = SimpleNamespace(position=2, amount_usd=delta.amount_usd)
    line = line_of(billing, delta.document(), run_of(before), run_of(after), first=())
    assert canonical_json(line)
    assert (line["before"]["quantity"], line["before"]["amount"]) == (37440, Decimal("2340000.00"))
    now = line["after"]
    assert (now["quantity"], now["amount"]) == (37440, Decimal("2420640.00"))
    assert now["exact"] == Decimal("2420640")
    assert [(row["label"].split(", ")[-1], Decimal(row["exact"])) for row in now["rows"]] == [
        ("1-15 October", Decimal(900000)), ("16-31 October", Decimal(1520640)),
    ]  # fmt: skip
    said = shown(line, "USD")
    assert [row["before"] == "not billed" for row in said["rows"]] == [True, True, False]
    assert [said[name] for name in ("before", "after", "amount")] == [
        "$2,340,000.00", "$2,420,640.00", "$80,640.00",
    ]  # fmt: skip


def test_a_line_whose_amount_no_lines_make_is_not_shown():
    before, after = settle(WHOLE), settle(CUT)
    [delta] = compare(billed_of(before.lines), billed_of(after.lines))
    other = delta.document() | {"after_usd": "1.00"}
    billing = SimpleNamespace(position=2, amount_usd=delta.amount_usd)
    line = line_of(billing, other, run_of(before), run_of(after), first=())
    assert line["after"] is None
