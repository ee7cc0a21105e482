"""A month that is amended inside: what stays goes on whole, what changes is priced in parts."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from settlement.calc.inputs import from_bytes, from_document
from settlement.calc.settle import settle
from settlement.calc.stretches import stretches

AVAILABILITY = {
    "guaranteed_ratio": "0.985", "rate": "22000", "points": "PRO_RATA", "tested": "MONTH",
    "cap": "NONE", "excused": "PLANNED",
}  # fmt: skip
OUTAGE = {
    "kind": "outage@1", "start_utc": "2026-10-12T08:00:00Z", "end_utc": "2026-10-12T14:00:00Z",
    "values": {"category": "FORCED", "caused_by": "SELLER"},
}  # fmt: skip
PEAK = {"prices": [{"period": "ALL", "blocks": [{"rate": "10"}]}]}


def term(code, kind, **parameters):
    return {"line_code": code, "charge_type": kind, "label": kind, "parameters": parameters}


def version(number, first, last, *terms, **more):
    return {
        "number": number, "in_force": [first, last], "anchor_date": "2025-10-01",
        "terms": list(terms), **more,
    }  # fmt: skip


def october(first, second, **more):
    """October 2026 with 40 MW in its first half and 60 MW from the 16th, amended on that day."""
    return {
        "contract": "PPA", "zone": "America/Chicago", "period": "2026-10",
        "versions": [
            version(1, "2026-10-01", "2026-10-15", *first),
            version(2, "2026-10-16", "2026-10-31", *second),
        ],
        "series": {"delivered": {"runs": [[15 * 96, "10000"], [16 * 96, "15000"]]}},
        "events": [OUTAGE], **more,
    }  # fmt: skip


def amounts(document):
    return [
        (line.line_code, f"{line.first_date:%d}-{line.last_date:%d}", str(line.amount_usd))
        for line in settle(from_document(document)).lines
    ]


def test_what_an_amendment_leaves_alone_is_tested_and_billed_once():
    kept = (
        term(20, "demand@1", **PEAK),
        term(40, "recurring_fee@1", fee="1000", per="MONTH"),
        term(50, "availability_guarantee@1", **AVAILABILITY),
    )
    small, large = (
        term(21, "capacity@1", capacity_kw=kw, rate="8.25") for kw in ("60000", "62000")
    )
    document = october((small, *kept), (large, *kept))
    # Six hours of 744 are above 98.5 %; of the 360 hours of the first half alone they are not.
    assert amounts(document) == [
        (20, "01-31", "600000.00"),
        (21, "01-15", "239516.13"),
        (21, "16-31", "264000.00"),
        (40, "01-31", "1000.00"),
        (50, "01-31", "0.00"),
    ]
    # Settled before: every version priced its own days, and is computed so for ever.
    before = amounts({**document, "format": "settlement.inputs@1"})
    assert before[0] == (20, "01-15", "193548.39")
    assert before[-2:] == [(50, "01-15", "-3667.40"), (50, "16-31", "0.00")]


def test_the_document_says_how_it_was_priced():
    fee = term(40, "recurring_fee@1", fee="1000", per="MONTH")
    inputs = from_document(october((fee,), (fee,)))
    content, _sha256 = inputs.frozen()
    assert b'"settlement.inputs@2"' in content
    again = from_bytes(content)
    assert again.frozen()[0] == content
    assert settle(again).lines_sha256() == settle(inputs).lines_sha256()
    old, _sha256 = replace(inputs, joined=False).frozen()
    assert b'"settlement.inputs@1"' in old
    assert not from_bytes(old).joined
    single = october((fee,), (fee,)) | {"versions": [version(1, "2026-10-01", "2026-10-31", fee)]}
    assert b'"settlement.inputs@1"' in from_document(single).frozen()[0]


@pytest.mark.parametrize("more", [{"facts": {"contract_kw": "5"}}, {"anchor_date": "2025-11-01"}])
def test_other_facts_or_another_contract_year_end_every_term(more):
    fee = term(40, "recurring_fee@1", fee="1000", per="MONTH")
    document = october((fee,), (fee,))
    document["versions"][1] |= more
    assert [days for _code, days, _usd in amounts(document)] == ["01-15", "16-31"]


def tax(ratio, *lines):
    rates = [{"from_date": "2025-01-01", "rate_ratio": ratio}]
    return term(80, "tax@1", rates=rates, lines=list(lines), method="ON_TOP", tax_day="LAST_DAY")


def test_a_tax_that_changes_takes_its_lines_apart_and_a_tax_that_stays_adds_them_up():
    fee = term(40, "recurring_fee@1", fee="3100", per="MONTH")
    small, large = (
        term(21, "capacity@1", capacity_kw=kw, rate="8.25") for kw in ("60000", "62000")
    )
    same = amounts(october((small, fee, tax("0.10", 21, 40)), (large, fee, tax("0.10", 21, 40))))
    assert same[2:] == [(40, "01-31", "3100.00"), (80, "01-31", "50661.61")]
    other = amounts(october((small, fee, tax("0.10", 21, 40)), (large, fee, tax("0.20", 21, 40))))
    assert other[2:] == [
        (40, "01-15", "1500.00"),
        (40, "16-31", "1600.00"),
        (80, "01-15", "24101.61"),
        (80, "16-31", "53120.00"),
    ]


def test_three_versions_join_where_they_touch():
    fee, dearer = (term(40, "recurring_fee@1", fee=usd, per="MONTH") for usd in ("310", "620"))
    document = october((fee,), (fee,))
    document["versions"] = [
        version(1, "2026-10-01", "2026-10-10", fee),
        version(2, "2026-10-11", "2026-10-20", fee),
        version(3, "2026-10-21", "2026-10-31", dearer),
    ]
    assert amounts(document) == [(40, "01-20", "200.00"), (40, "21-31", "220.00")]
    [joined, last] = stretches(from_document(document))
    assert (joined.version.number, joined.days) == (2, (date(2026, 10, 1), date(2026, 10, 20)))
    assert last.version.number == 3
    assert Decimal(310) * 20 / 31 == 200
