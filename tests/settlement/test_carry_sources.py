"""Where the carry of a month comes from, without a database."""

from types import SimpleNamespace

import pytest

from poweroptix.kernel.period import Period
from settlement.queries.carry import carry_in
from settlement.queries.shelf import Shelf

MARCH = Period.month("America/Chicago", "2026-03")
CONTRACT = SimpleNamespace(pk=1)
PEAKS = {"20": {"peaks": {"2026-02": "400"}}}
LATE = {"90": {"open_items": []}}
FEBRUARY = SimpleNamespace(
    pk=7, period="2026-02", is_settled=True, carry_out=PEAKS, inputs_sha256="ab"
)


def opening(carry, period="2026-03"):
    return SimpleNamespace(pk=3, period=period, carry=carry, open_items=[])


@pytest.mark.parametrize(
    ("openings", "runs", "carry", "kind", "run"),
    [
        ([], [], {}, "none", None),
        ([], [FEBRUARY], PEAKS, "run", FEBRUARY),
        ([opening(LATE)], [], LATE, "opening", None),
        ([opening(LATE)], [FEBRUARY], PEAKS | LATE, "opening", FEBRUARY),
        ([opening({"20": {}})], [FEBRUARY], {"20": {}}, "opening", FEBRUARY),
        ([opening(LATE, "2026-01")], [FEBRUARY], PEAKS, "run", FEBRUARY),
    ],
)
def test_an_opening_balance_replaces_the_lines_that_it_names(openings, runs, carry, kind, run):
    shelf = Shelf(openings={1: openings}, history={1: runs}, versions={1: ()})
    found, source, of = carry_in(CONTRACT, MARCH, shelf)
    assert (found, source["kind"], of) == (carry, kind, run)
