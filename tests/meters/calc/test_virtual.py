"""Virtual channels: arithmetic, gaps, statuses, lengths, versions, and circles."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.expressions import compute
from meters.calc.virtual import Version, Virtual, evaluate, in_order
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import START, series, with_status

ALWAYS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def numbers(found):
    return [None if value is None else f"{value.normalize():f}" for value in found.decimals()]


def virtual(code, formula, *, minutes=15, unit="kWh", split=False, since=ALWAYS, **names):
    return Virtual(code, unit, minutes, (Version(since, formula, names),), split)


# -- one expression ------------------------------------------------------------------------------


@needs_cases
@pytest.mark.parametrize("name", ["V1", "V2"])
def test_net_generation_examples(name):
    case, want = example(name)["given"], example(name)["expect"]
    terms = {"GROSS": series([case["gross"]]), "AUX": series([case["aux"]])}
    formulas = {
        "net": "+GROSS - AUX",
        "net_signed": "+GROSS - AUX",
        "net_generation": "max(0, GROSS - AUX)",
        "station_service": "max(0, AUX - GROSS)",
    }
    for key, value in want.items():
        assert compute(formulas[key], terms).decimals() == [Decimal(value)]


@needs_cases
def test_campus_balance_as_virtual_channels():
    terms = {key.upper(): series([kwh]) for key, kwh in example("B1")["given"].items()}
    for changed, name in (({}, "B1"), (example("B2")["given"], "B2")):
        terms |= {key.upper(): series([kwh]) for key, kwh in changed.items()}
        want = example(name)["expect"]
        assert compute("GEN + IMP + DIS", terms).decimals() == [Decimal(want["sources"])]
        assert compute("LOAD + EXP + CHG", terms).decimals() == [Decimal(want["sinks"])]
        loss = "(GEN + IMP + DIS - LOAD - EXP - CHG)"
        assert compute(loss, terms).decimals() == [Decimal(want["loss"])]
        percent = compute(f"round(100 * {loss} / (GEN + IMP + DIS), 4)", terms, unit="%")
        assert percent.decimals() == [Decimal(want["loss_pct"])]


@needs_cases
def test_mean_power_as_energy():
    case = example("M2")["given"]
    power = series([case["avg_kw"]], case["seconds"] // 60, "kW")
    found = compute(f"KW * {case['seconds']} / 3600", {"KW": power}, unit="kWh")
    assert found.decimals() == [Decimal(example("M2")["expect"]["kwh"])]


@needs_cases
def test_an_aggregate_of_incomplete_parts_is_missing():
    children = [None if c == "MISSING" else 100 for c in example("A3")["given"]["children"]]
    found = compute("A", {"A": series(children, 5)}, minutes=15)
    assert found.decimals() == [example("A3")["expect"]["value"]]
    assert Status(int(found.status[0])).name == example("A3")["expect"]["status"]


@needs_cases
def test_sums_and_peaks_of_longer_intervals():
    case, want = example("A1")["given"], example("A1")["expect"]
    terms = {"A": series(case["five_min"], 5)}
    fifteen = compute("A", terms, minutes=15)
    assert numbers(fifteen) == want["fifteen"]
    hour = compute("A", terms, minutes=60)
    assert hour.decimals() == [Decimal(want["hour"])] == [Decimal(want["avg_kw_hour"])]
    assert max(compute("A * 4", {"A": fifteen}, unit="kW").decimals()) == Decimal(
        want["peak_15_kw"]
    )


def test_a_missing_term_makes_the_result_missing_and_the_worst_status_stays():
    a = with_status(series([10, None, 30, 40]), 2, Status.ESTIMATED)
    b = with_status(series([1, 2, 3, None]), 0, Status.SUSPECT)
    found = compute("A + B", {"A": a, "B": b})
    assert numbers(found) == ["11", None, "33", None]
    assert found.status.tolist() == [
        Status.SUSPECT, Status.MISSING, Status.ESTIMATED, Status.MISSING,
    ]  # fmt: skip


def test_a_share_of_a_feeder():
    terms = {"FEEDER": series([100, 100]), "A": series([30, 1]), "B": series([10, 2])}
    assert numbers(compute("FEEDER * A / (A + B)", terms)) == ["75", "33.333333"]
    empty = terms | {"A": series([30, 0]), "B": series([10, 0])}
    with pytest.raises(Refused, match=r"division by zero in .* at 2026-03-02T06:15Z"):
        compute("FEEDER * A / (A + B)", empty)


def test_the_finest_length_to_which_all_terms_can_be_summed():
    terms = {"A": series([1] * 12, 5), "B": series([10] * 4, 15), "C": series([7] * 6, 10)}
    assert numbers(compute("A + B", terms)) == ["13"] * 4
    assert numbers(compute("B + C", terms)) == ["41", "41"]
    assert compute("A + B + C", terms).grid.minutes == 30


def test_longer_terms_are_cut_only_when_allowed_and_are_no_surer_for_it():
    terms = {"A": series([1, 1, 1, 1]), "H": series([10], 60, status=Status.ESTIMATED)}
    with pytest.raises(Refused, match="H has 60-minute intervals, the result 15"):
        compute("A + H", terms, minutes=15)
    found = compute("A + H", terms, minutes=15, split=True)
    assert numbers(found) == ["3.5"] * 4
    assert set(found.status.tolist()) == {Status.ESTIMATED}
    sure = compute("H", {"H": series([10], 60)}, minutes=15, split=True)
    assert set(sure.status.tolist()) == {Status.CALCULATED}


def test_what_cannot_be_computed_is_refused():
    terms = {"A": series([1, 2]), "B": series([1]), "Q": series([1, 1], unit="kvarh")}
    with pytest.raises(Refused, match=r"B covers .*, A covers .*; take the same range"):
        compute("A + B", terms)
    with pytest.raises(Refused, match="mixes kWh, kvarh; say the unit"):
        compute("A + Q", terms)
    with pytest.raises(Refused, match="names no channel"):
        compute("1 + 1", terms)
    with pytest.raises(Refused, match="unknown name 'C'; known: A, B, Q"):
        compute("A + C", terms)
    with pytest.raises(Refused, match="can be called"):
        compute("open(A)", terms)


statuses = st.sampled_from([each for each in Status if each != Status.MISSING])
readings = st.one_of(st.none(), st.tuples(st.integers(-(10**9), 10**9), statuses))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(readings, readings), min_size=1, max_size=30))
def test_a_result_is_never_surer_than_its_worst_term(rows):
    def column(at):
        filled = series([None if row[at] is None else row[at][0] for row in rows])
        for index, row in enumerate(rows):
            if row[at] is not None:
                filled = with_status(filled, index, row[at][1])
        return filled

    a, b = column(0), column(1)
    found = compute("A - B", {"A": a, "B": b})
    assert (found.status >= a.status).all()
    assert (found.status >= b.status).all()
    assert (found.missing == (a.missing | b.missing)).all()
    assert found.equals(a.subtract(b))


@given(st.lists(st.integers(0, 10**9), min_size=12, max_size=12))
def test_sums_do_not_depend_on_the_way_up(values):
    five = {"A": series(values, 5)}
    quarter, hour = compute("A", five, minutes=15), compute("A", five, minutes=60)
    assert quarter.total() == hour.total() == five["A"].total()
    assert compute("A", {"A": quarter}, minutes=60).equals(hour)


# -- several channels ----------------------------------------------------------------------------


def run(virtuals, channels, quarters=2):
    end = START + dt.timedelta(minutes=15 * quarters)
    return evaluate(virtuals, channels, START, end)


def test_channels_are_computed_after_those_they_rest_on():
    virtuals = [
        virtual("LOSS", "NET - LOAD"),
        virtual("NET", "GROSS - AUX", GROSS="C1.GEN1:DEL", AUX="C1.AUX1:DEL"),
    ]
    metered = {
        "C1.GEN1:DEL": series([100, 100]),
        "C1.AUX1:DEL": series([10, 20]),
        "LOAD": series([85, 70]),
    }
    assert [each.code for each in in_order(virtuals, START)] == ["NET", "LOSS"]
    found = run(virtuals, metered)
    assert numbers(found["NET"]) == ["90", "80"]
    assert numbers(found["LOSS"]) == ["5", "10"]


def test_a_circle_is_refused_by_name():
    circle = [virtual("A", "B + 1"), virtual("B", "C - X"), virtual("C", "2 * A")]
    with pytest.raises(Refused) as refused:
        in_order(circle, START)
    text = str(refused.value)
    assert text.startswith("These virtual channels rest on each other: ")
    assert any(
        turn in text for turn in ("A -> B -> C -> A", "B -> C -> A -> B", "C -> A -> B -> C")
    )
    with pytest.raises(Refused, match="A -> A"):
        in_order([virtual("A", "A + 1")], START)


def test_a_term_that_is_not_there_or_a_code_given_twice_is_refused():
    with pytest.raises(Refused, match="A rests on GONE, which is not there"):
        run([virtual("A", "X", X="GONE")], {})
    with pytest.raises(Refused, match="A is defined more than once"):
        in_order([virtual("A", "X"), virtual("A", "Y")], START)


def test_a_version_holds_from_its_instant_and_before_the_first_there_is_nothing():
    change, first = START + dt.timedelta(minutes=30), START + dt.timedelta(minutes=15)
    versions = (Version(change, "X - Y"), Version(first, "X"))
    found = run(
        [Virtual("A", "kWh", 15, versions)], {"X": series([9] * 4), "Y": series([2] * 4)}, 4
    )
    assert numbers(found["A"]) == [None, "9", "7", "7"]


def test_two_channels_may_change_places_over_time():
    change = START + dt.timedelta(minutes=15)
    a = Virtual("A", "kWh", 15, (Version(ALWAYS, "X"), Version(change, "B + 1")))
    b = Virtual("B", "kWh", 15, (Version(ALWAYS, "A + 10"), Version(change, "X")))
    found = run([a, b], {"X": series([5, 6])})
    assert (numbers(found["A"]), numbers(found["B"])) == (["5", "7"], ["15", "6"])


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(8)), st.data())
def test_the_order_of_definition_does_not_matter(order, data):
    edges = {
        n: data.draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3)) if n else []
        for n in range(8)
    }
    formulas = {n: " + ".join(["X", *(f"V{m}" for m in edges[n])]) for n in range(8)}
    channels = {"X": series([1, 2])}
    plain = run([virtual(f"V{n}", formulas[n]) for n in range(8)], channels)
    mixed = run([virtual(f"V{n}", formulas[n]) for n in order], channels)
    assert all(plain[code].equals(mixed[code]) for code in plain)
