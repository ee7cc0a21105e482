"""V22: the meter against the control system, per local day."""

from hypothesis import given
from hypothesis import strategies as st

from meters.validation.scada import ScadaParameters
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import D, companion, judge, lacks, micro_series, series, span


def test_two_percent_of_a_day_pass_and_a_millionth_more_warns():
    main = series([100] * 192)
    assert judge("scada_check@1", main, companion("SCADA", [98] * 192)) == []
    low = companion("SCADA", [98] * 96 + [98] * 95 + ["97.999999"], code="EMS/MW")
    (finding,) = judge("scada_check@1", main, low)
    assert (finding.code, finding.severity, span(finding)) == ("V22", Severity.WARN, (96, 192))
    assert finding.threshold == 2
    assert finding.metric > 2
    assert finding.message == (
        "EMS/MW shows 9,407.999999 kWh where this channel shows 9,600: 2 % apart (limit 2 %)."
    )
    assert finding.fix == "Compare scaling and clock of the control system with the meter."


def test_power_is_turned_into_energy():
    main = series([100] * 96)
    assert judge("scada_check@1", main, companion("SCADA", [400] * 96, unit="kW")) == []
    (finding,) = judge("scada_check@1", main, companion("SCADA", [420] * 96, unit="kW", code="EMS"))
    assert finding.message == (
        "EMS shows 10,080 kWh where this channel shows 9,600: 5 % apart (limit 2 %)."
    )


def test_differences_inside_a_day_may_cancel():
    """The control system samples: only the day counts."""
    assert judge("scada_check@1", series([100] * 96), companion("SCADA", [50, 150] * 48)) == []


def test_a_thin_day_and_a_day_near_zero_are_not_judged():
    thin = companion("SCADA", [50] * 76 + [None] * 20)
    assert judge("scada_check@1", series([100] * 96), thin) == []
    small = companion("SCADA", [2] * 96)
    assert len(judge("scada_check@1", series([1] * 96), small)) == 1
    assert judge("scada_check@1", series([1] * 96), small, capacity_kw=D(800)) == []


def test_a_wider_limit_may_be_set():
    wide = ScadaParameters(tolerance_pct=D(5))
    assert (
        judge("scada_check@1", series([100] * 96), companion("SCADA", [95] * 96), parameters=wide)
        == []
    )


def test_lacks_the_control_system():
    wanted = "a figure of the control system on the same intervals"
    assert lacks("scada_check@1", series([1] * 96)) == wanted
    assert (
        lacks("scada_check@1", series([1] * 96), companion("SCADA", [1] * 96, unit="V")) == wanted
    )
    assert lacks("scada_check@1", series([1] * 96), companion("SCADA", [1] * 96, unit="kW")) == ""
    assert judge("scada_check@1", series([1] * 96)) == []


@given(st.lists(st.integers(0, 10**9), min_size=96, max_size=96), st.integers(0, 10**6))
def test_a_figure_off_by_up_to_two_percent_never_warns(values, off):
    main = micro_series([value * 50 for value in values])
    near = micro_series([value * 50 + value * off // 10**6 for value in values])
    assert judge("scada_check@1", main, companion("SCADA", near)) == []
