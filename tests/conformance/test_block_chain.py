"""C09: a late correction in a block contract changes the months after it, through the settlement.

Three documents, each with the carry that the one before left; then the first is corrected.
"""

from decimal import Decimal

from settlement.calc.delta import Billed, billed_rows, compare, total
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from tests.contracts.cases import example

HOURS = {"2026-07": 744, "2026-08": 744, "2026-09": 720}
TERM = {
    "line_code": 10,
    "charge_type": "block_energy@1",
    "label": "Energy",
    "parameters": {
        "blocks": [{"up_to": "90000", "price": "59.00"}, {"price": "51.50"}],
        "counts": "CONTRACT_YEAR",
        "volume": "MARGINAL",
        "part_month": "WHOLE",
    },
}


def document(label, mwh, carry):
    runs = [[1, str(mwh * 1000)], [HOURS[label] - 1, "0"]]
    return {
        "contract": "PPA",
        "zone": "America/Chicago",
        "period": label,
        "versions": [{"anchor_date": "2026-07-01", "terms": [TERM]}],
        "series": {"delivered": {"minutes": 60, "runs": runs}},
        "carry_in": carry,
    }


def chain(volumes):
    """Settle the months in order; each gets what the one before carried out."""
    outcomes, carry = [], {}
    for label, mwh in zip(HOURS, volumes, strict=True):
        outcome = settle(from_document(document(label, mwh, carry)))
        outcomes.append(outcome)
        carry = outcome.carry_out
    return outcomes


def billed(outcome):
    return [
        Billed(
            (line.line_code, line.label, f"{line.first_date}"),
            line.label,
            line.quantity,
            line.unit,
            line.amount_usd,
            billed_rows(line.worksheet),
        )
        for line in outcome.lines
    ]


def test_c09_the_chain_of_later_months():
    expected = example("C09")["expected"]
    original, corrected = chain([81_500, 6_500, 7_200]), chain([82_300, 6_500, 7_200])
    assert [f"{one.total_usd}" for one in original] == expected["original"]
    assert [f"{one.total_usd}" for one in corrected] == expected["corrected"]
    sums = [
        total(compare(billed(before), billed(after)))
        for before, after in zip(original, corrected, strict=True)
    ]
    assert [f"{one.amount_usd:.2f}" for one in sums] == expected["deltas"]
    assert f"{sum(one.amount_usd for one in sums):.2f}" == expected["total_delta"]
    assert [one.price_usd for one in sums] == [Decimal(0)] * 3  # 800 MWh moved into another block
