"""Estimates that rest on another measurement: reread, check meter, node, SCADA."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.evidence import Check, Evidence, Flow, Named, Node
from meters.estimation.check_meter import CheckMeterParameters
from meters.estimation.scada import ScadaParameters
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import estimate as rounded
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import number, run, series, texts, with_status

GAP = slice(1, 3)
HOLE = series([10, None, None, 10])


# -- reread@1 ------------------------------------------------------------------------------------


def reread(values, **facts):
    return run("reread@1", HOLE, GAP, Evidence(reread=Named("call 2", values)), facts=facts)


def test_a_reread_is_taken_as_it_came_with_all_its_digits():
    estimate = reread(series([1, "11.123456", 12, 1]))
    assert estimate.status == Status.VALIDATED  # a reading of the meter, not an estimate
    assert estimate.decimals() == [Decimal("11.123456"), Decimal(12)]
    assert estimate.used == ("call 2",)
    assert estimate.worksheet["rounding"] == "not rounded"


@pytest.mark.parametrize(
    "again",
    [
        series([1, None, 12, 1]),
        with_status(series([1, 11, 12, 1]), 1, Status.RAW),
        with_status(series([1, 11, 12, 1]), 2, Status.ESTIMATED),
        series([1, 11, 12, 1], minutes=30),
        series([1, -11, 12, 1]),
    ],
)
def test_a_reread_that_is_not_good_all_over_the_gap_is_not_taken(again):
    assert reread(again) is None


def test_a_net_channel_may_be_negative():
    assert texts(reread(series([1, -11, 12, 1]), direction="NET")) == ["-11.000", "12.000"]


def test_without_a_reread_the_next_method_is_asked():
    assert run("reread@1", HOLE, GAP) is None


# -- check_meter@1 -------------------------------------------------------------------------------


def pair(k_main=102, k_check=100, hours=24, check_gap=("98", "99")):
    """Return a main and a check series: an hourly history, then a gap of two."""
    main = series([k_main] * hours * 4 + [None, None])
    check = series([k_check] * hours * 4 + list(check_gap))
    return main, check, slice(hours * 4, hours * 4 + 2)


def checked(main, check, gap, parameters=None, loss_factor=None, **context):
    evidence = Evidence(checks=(Check("C1", check, loss_factor),))
    return run("check_meter@1", main, gap, evidence, parameters, **context)


def test_the_check_meter_is_scaled_by_its_own_ratio():
    estimate = checked(*pair())
    assert texts(estimate) == ["99.960", "100.980"]
    sheet = estimate.worksheet
    assert sheet["ratio"] == {
        "k": "1.02", "intervals": 96, "sum": "9792", "other_sum": "9600", "window_hours": 168,
    }  # fmt: skip
    again = [rounded(number(v) * number(sheet["ratio"]["k"])) for v in sheet["check_values"]]
    assert again == estimate.decimals()


def test_a_ratio_without_end_is_kept_exact():
    estimate = checked(*pair(k_main=200, k_check=199))
    assert estimate.worksheet["ratio"]["k"] == "200/199"
    assert estimate.decimals()[0] == rounded(Fraction(98 * 200, 199))


def test_a_ratio_off_by_exactly_the_limit_serves_and_a_little_more_does_not():
    assert texts(checked(*pair(k_main=105))) == ["102.900", "103.950"]
    assert checked(*pair(k_main="105.001")) is None
    assert checked(*pair(k_main=95)) is not None
    assert checked(*pair(k_main="94.999")) is None
    assert checked(*pair(k_main=106), CheckMeterParameters(limit_pct=Decimal(6))) is not None


def test_fewer_than_96_common_intervals_are_too_few():
    main, check, gap = pair()
    assert checked(with_status(main, 5, Status.ESTIMATED), check, gap) is None
    assert checked(main, with_status(check, 5, Status.SUSPECT), gap) is None
    few = CheckMeterParameters(min_intervals=95)
    assert checked(with_status(main, 5, Status.ESTIMATED), check, gap, few) is not None


def test_the_ratio_looks_back_168_hours_and_not_across_an_installation():
    main = series([500] * 4 + [100] * 672 + [None])
    check = series([100] * 677)
    assert checked(main, check, slice(676, 677)).worksheet["ratio"]["intervals"] == 672
    assert checked(main, check, slice(676, 677)).worksheet["ratio"]["k"] == "1"
    recent = checked(main, check, slice(676, 677), barriers=[576])
    assert recent.worksheet["ratio"]["intervals"] == 100
    assert checked(main, check, slice(676, 677), barriers=[581]) is None


def test_meters_on_two_sides_of_a_transformer_take_the_loss_factor():
    main, check, gap = pair(k_main=150)  # a ratio that would be refused
    estimate = checked(main, check, gap, loss_factor=Decimal("1.0125"))
    assert texts(estimate) == ["99.225", "100.238"]
    assert estimate.worksheet["loss_factor"] == "1.0125"


def test_an_estimated_check_value_never_serves_and_the_backup_is_asked():
    main, check, gap = pair()
    doubtful = with_status(check, gap.start, Status.ESTIMATED)
    evidence = Evidence(checks=(Check("C1", doubtful), Check("B1", check)))
    assert run("check_meter@1", main, gap, evidence).used == ("B1",)
    assert checked(main, doubtful, gap) is None


def test_a_check_meter_that_stood_still_gives_no_ratio():
    assert checked(*pair(k_check=0)) is None


# -- node_calc@1 ---------------------------------------------------------------------------------


def node(flows, inward=False, loss_pct="0"):
    return Evidence(
        node=Node(
            "bus 1",
            tuple(Flow(name, values, into) for name, values, into in flows),
            inward,
            Decimal(loss_pct),
        )
    )


@needs_cases
def test_node_balance_example():
    case, want = example("U3")["given"], example("U3")["expect"]
    flows = [("incomer", series([case["incomer"]]), True)]
    flows += [(f"F{n}", series([kwh]), False) for n, kwh in enumerate(case["feeders"], 1)]
    hole = series([None])
    estimate = run("node_calc@1", hole, slice(0, 1), node(flows, loss_pct=case["loss_pct"]))
    assert texts(estimate) == [want["value"]]
    assert estimate.used == ("incomer", "F1", "F2", "F3")


def test_an_unknown_inflow_carries_the_losses():
    flows = [("A", series([60]), True), ("B", series([99]), False)]
    estimate = run("node_calc@1", series([None]), slice(0, 1), node(flows, True, "1"))
    assert texts(estimate) == ["40.000"]


def test_a_node_with_a_negative_rest_or_an_estimated_flow_is_no_answer():
    into, out = series([50, 50, 50, 50]), series([60, 60, 60, 60])
    flows = [("A", into, True), ("B", out, False)]
    assert run("node_calc@1", HOLE, GAP, node(flows)) is None
    fine = [("A", out, True), ("B", into, False)]
    assert texts(run("node_calc@1", HOLE, GAP, node(fine))) == ["10.000", "10.000"]
    guessed = [("A", with_status(out, 1, Status.ESTIMATED), True), ("B", into, False)]
    assert run("node_calc@1", HOLE, GAP, node(guessed)) is None
    assert run("node_calc@1", HOLE, GAP, node([])) is None
    assert run("node_calc@1", HOLE, GAP, node(fine, loss_pct="100")) is None


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**5), min_size=1, max_size=5),
    st.integers(0, 50),
)
def test_a_node_balances_with_what_was_estimated(unknown, others, loss_per_mille):
    kept = Fraction(1000 - loss_per_mille, 1000)
    inflow = (Fraction(unknown) + sum(others)) / kept
    incomer = rounded(inflow)
    flows = [("in", series([incomer]), True)]
    flows += [(str(n), series([kwh]), False) for n, kwh in enumerate(others)]
    evidence = node(flows, loss_pct=str(Decimal(loss_per_mille) / 10))
    estimate = run("node_calc@1", series([None]), slice(0, 1), evidence)
    if estimate is None:  # rounding the incomer down may leave less than nothing
        assert unknown == 0
    else:
        assert abs(estimate.decimals()[0] - unknown) <= Decimal("0.001")


# -- scada@1 -------------------------------------------------------------------------------------


def scada(samples, hole=None, gap=slice(0, 1), minutes=5, parameters=None, **context):
    evidence = Evidence(scada=Named("EMS", series(samples, minutes, "MW")))
    return run("scada@1", hole or series([None]), gap, evidence, parameters, **context)


@needs_cases
def test_scada_example():
    case = example("U2")["given"]
    estimate = scada(case["mw_5min"])
    assert texts(estimate) == [example("U2")["expect"]["kwh"]]
    assert estimate.warnings == ("no history to compare with the meter: k is 1",)


def test_scada_is_set_to_the_meter_by_their_ratio():
    hole = series([255] * 96 + [None])
    estimate = scada([1] * 97, hole, slice(96, 97), minutes=15)
    assert texts(estimate) == ["255.000"]
    sheet = estimate.worksheet
    assert sheet["ratio"]["k"] == "1.02"
    [[sample]] = sheet["samples"]
    kw = number(sample) * number(sheet["kw_per_unit"])
    assert kw * number(sheet["hours"]) * number(sheet["ratio"]["k"]) == 255


def test_scada_is_not_compared_with_a_meter_that_is_gone():
    hole = series([1000] * 100 + [250] * 96 + [None])  # another meter came at 100
    estimate = scada([1] * 197, hole, slice(196, 197), minutes=15, barriers=[100])
    assert estimate.worksheet["ratio"] == {
        "k": "1", "intervals": 96, "sum": "24000", "other_sum": "24000",
    }  # fmt: skip
    assert scada([1] * 197, hole, slice(196, 197), minutes=15) is None


def test_scada_off_the_meter_serves_with_a_warning_until_it_cannot_be_the_same_plant():
    near = scada([1] * 97, series([265] * 96 + [None]), slice(96, 97), minutes=15)
    assert (texts(near), near.warnings) == (
        ["265.000"],
        ("EMS is more than 5 % off the meter: have it calibrated",),
    )
    edge = scada([1] * 97, series(["312.5"] * 96 + [None]), slice(96, 97), minutes=15)
    assert texts(edge) == ["312.500"]
    assert scada([1] * 97, series([313] * 96 + [None]), slice(96, 97), minutes=15) is None


def test_eighty_percent_of_the_samples_are_enough_and_less_is_not():
    enough = [1, 1, 1, 1, None]
    hole = series([None], minutes=5)
    assert texts(scada(enough, hole, minutes=1)) == ["83.333"]
    assert scada([1, 1, 1, None, None], hole, minutes=1) is None
    strict = ScadaParameters(good_pct=Decimal(100))
    assert scada(enough, hole, minutes=1, parameters=strict) is None


def test_scada_that_does_not_fit_or_runs_backwards_is_no_answer():
    assert scada([1, 1], minutes=10) is None
    assert scada([1, 1, 1, 1]) is None
    assert scada([-1, -1, -1]) is None
    assert texts(scada([-1, -1, -1], facts={"direction": "NET"})) == ["-250.000"]
    amperes = Evidence(scada=Named("EMS", series([1, 1, 1], 5, "A")))
    assert run("scada@1", series([None]), slice(0, 1), amperes) is None


@pytest.mark.parametrize(("unit", "samples"), [("kW", [990, 1000, 1010]), ("kWh", [82, 83, 85])])
def test_scada_may_come_as_kilowatts_or_as_energy(unit, samples):
    evidence = Evidence(scada=Named("EMS", series(samples, 5, unit)))
    assert texts(run("scada@1", series([None]), slice(0, 1), evidence)) == ["250.000"]
