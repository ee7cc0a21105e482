"""Definitions: what is refused and in which words, what ends what, and what the database keeps."""

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from meters.models import Channel, VirtualDefinition, VirtualTerm
from meters.queries import final_series
from meters.services.virtual.checking import Order, check
from meters.services.virtual.definitions import define, end, withdraw
from poweroptix.audit.models import AuditEvent
from poweroptix.jobs.services import drain
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from tests.meters.builders import NOW, person
from tests.meters.virtual.makers import ADMIN, DAY, SINCE, defined, metered, values, virtual

pytestmark = pytest.mark.django_db
LATER = DAY + timedelta(hours=12)


def faults(channel, expression="", **more):
    """Return the faults of an order by field."""
    with pytest.raises(Refused) as caught:
        check(Order(channel, more.pop("since", SINCE), expression=expression, **more))
    return {one.where: one.message for one in caught.value.findings}


def refused(match, action):
    with pytest.raises(DatabaseError, match=match), transaction.atomic():
        action()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "names no channel|empty"),
        ("2 + 3", "names no channel"),
        ("[G/KWH] - [NOPE]", "There is no channel 'NOPE'"),
        ("[G/KWH] - ", "cannot be read at column"),
        ("[G/KWH", "A bracket in .* is not closed"),
        ("[G/KWH] ** 2", "Pow is not allowed"),
        ("[] + [G/KWH]", "brackets at column 1 are empty"),
        ("[V] - [G/KWH]", "V cannot rest on itself"),
        ("[G/KWH] + [G/KVARH]", "adds kWh and kVArh"),
        ("[G/KWH] * [G/KWH]", r"The expression is in kWh\^2, the channel in kWh"),
        ("[G/KWH] / [G/KWH]", "The expression is in no unit"),
    ],
)
def test_a_fault_of_an_expression_is_told_at_its_field(expression, said):
    metered("G/KWH")
    metered("G/KVARH", unit="kVArh", quantity="KVARH")
    found = faults(virtual("V"), expression)
    assert list(found) == ["expression"]
    assert re.search(said, found["expression"]), found


def test_a_written_number_may_convert_a_unit():
    metered("G/KW", unit="kW", quantity="KW")
    assert check(Order(virtual("V"), SINCE, expression="0.25 * [G/KW]")).formula == "0.25 * G_KW"


def test_lengths_that_do_not_fit_are_refused():
    metered("T/KWH", minutes=10)
    metered("P/KW", minutes=5, unit="kW", quantity="KW")
    assert "neither add up to 15 minutes" in faults(virtual("V"), "[T/KWH]")["expression"]
    kw = virtual("W", unit="kW")
    assert "kW do not add up" in faults(kw, "[P/KW]")["expression"]


def test_a_definition_begins_with_an_interval():
    metered("G/KWH", minutes=60)
    found = faults(virtual("V", minutes=60), "[G/KWH]", since=SINCE + timedelta(minutes=15))
    assert "not the start of a 60-minute interval" in found["from_utc"]


def test_a_metered_channel_is_not_defined():
    assert "is metered" in faults(metered("G/KWH"), "[X]")["channel"]


def test_losses_name_their_faults_by_field():
    metered("M/DEL")
    metered("M/REC", direction="RECEIVED")
    channel = virtual("D", direction="DELIVERED")
    found = faults(channel, method="LOSS_FACTOR", parameters={"loss_ratio": "0.9"}, metered="M/REC",
                   opposite="M/REC")  # fmt: skip
    assert "loss_ratio" in found
    assert "losses are added to one and taken from the other" in found["metered"]
    assert "leave this empty" in found["opposite"]
    net = faults(virtual("N"), method="LOSS_FACTOR", parameters={"loss_ratio": "1"},
                 metered="M/DEL")  # fmt: skip
    assert "not net" in net["channel"]
    assert "Name the metered channel" in faults(channel, method="LINE")["metered"]
    assert "There is no method 'GUESS'" in faults(channel, method="GUESS")["method"]


def test_a_point_with_a_loss_factor_takes_no_second_compensation():
    metered("M/DEL")
    channel = virtual("D", direction="DELIVERED")
    channel.delivery_point.loss_factors.create(effective_from=SINCE.date(), loss_ratio="1.01")
    found = faults(channel, method="LOSS_FACTOR", parameters={"loss_ratio": "1.0125"},
                   metered="M/DEL")  # fmt: skip
    assert "settlement would add losses a second time" in found["method"]


def test_a_circle_is_refused_with_the_loop_by_name():
    metered("G/KWH")
    a, b, c = virtual("A"), virtual("B"), virtual("C")
    defined(a, "[G/KWH]")
    defined(b, "[A] + [G/KWH]")
    defined(c, "2 * [B]")
    text = faults(a, "[C] - [G/KWH]")["expression"]
    assert "rest on each other" in text
    assert all(f"{x} -> {y}" in f"{text} -> " for x, y in (("A", "C"), ("C", "B"), ("B", "A")))


def test_two_channels_may_change_places_over_time():
    metered("G/KWH", ["7"] * 96)
    a, b = virtual("A"), virtual("B")
    defined(a, "[G/KWH]")
    defined(b, "[A]")
    defined(b, "[G/KWH]", since=LATER)
    defined(a, "2 * [B]", since=LATER)
    assert values(a, LATER - timedelta(minutes=15), hours=1)[:2] == ["7", "14"]


def test_the_database_refuses_a_circle_overlap_and_change():
    metered("G/KWH")
    a, b = virtual("A"), virtual("B")
    one = defined(a, "[G/KWH]")
    two = defined(b, "[A]")
    refused("rest on each other: A -> B -> A|rest on each other: B -> A -> B",
            lambda: VirtualTerm.objects.create(definition=one, name="B", channel=b))  # fmt: skip
    refused("virtual_one_definition_at_a_time", lambda: VirtualDefinition.objects.create(
        channel=a, valid=(LATER, None), formula="G", recorded_by="t", recorded_at=NOW))  # fmt: skip
    one.formula = "2 * G_KWH"
    refused("can no longer change", one.save)
    two.valid = (SINCE - timedelta(days=1), None)
    refused("may only end earlier", two.save)
    refused(
        "meters_virtualdefinition",
        lambda: VirtualDefinition.objects.filter(pk=two.pk)._raw_delete("default"),
    )
    a.kind = "METERED"
    refused("has readings, a meter or definitions", a.save)


def test_a_new_definition_ends_the_one_before_and_the_same_changes_nothing():
    metered("G/KWH", ["7"] * 96)
    channel = virtual("V")
    first = defined(channel, "[G/KWH]")
    again = define(Order(channel, SINCE, expression=" [G/KWH]"), actor=ADMIN, now=NOW)
    assert again.pk == first.pk
    defined(channel, "3 * [G/KWH]", since=LATER)
    first.refresh_from_db()
    assert first.valid.upper == LATER
    assert values(channel, LATER - timedelta(minutes=15), hours=1)[:2] == ["7", "21"]
    told = AuditEvent.objects.filter(action__startswith="virtual").values_list("action", flat=True)
    assert sorted(told) == ["virtual.define", "virtual.define", "virtual.end"]


def test_a_correction_replaces_and_keeps_what_it_replaced():
    metered("G/KWH", ["7"] * 4)
    channel = virtual("V")
    wrong = defined(channel, "2 * [G/KWH]")
    right = defined(channel, "[G/KWH]", comment="The factor was a mistake.")
    wrong.refresh_from_db()
    assert (wrong.is_live, wrong.withdrawn_reason) == (False, "The factor was a mistake.")
    assert right.computed_at is not None
    assert values(channel) == ["7"] * 4
    with pytest.raises(Conflict, match="withdrawn already"):
        withdraw(wrong, reason="Once more, please.", actor=ADMIN, now=NOW)


def test_without_a_definition_there_is_no_value():
    metered("G/KWH", ["7"] * 96)
    channel = virtual("V")
    made = defined(channel, "[G/KWH]")
    with pytest.raises(Refused, match="lies outside"):
        end(made, SINCE, reason="The feeder was removed.", actor=ADMIN, now=NOW)
    end(made, LATER, reason="The feeder was removed.", actor=ADMIN, now=NOW)
    drain(60)
    assert values(channel, LATER - timedelta(minutes=15), hours=1)[:2] == ["7", None]
    with pytest.raises(Refused, match="at least 10 characters"):
        withdraw(made, reason="no", actor=ADMIN, now=NOW)
    withdraw(made, reason="It was never so.", actor=ADMIN, now=NOW)
    drain(60)
    series, _ = final_series(channel.pk, DAY, DAY + timedelta(days=1))
    assert series.missing.all()


def test_only_who_may_configure_defines():
    metered("G/KWH")
    order = Order(virtual("V"), SINCE, expression="[G/KWH]")
    with pytest.raises(Forbidden):
        define(order, actor=person("vera", "viewer"), now=NOW)


@pytest.mark.parametrize("kind", ["GENERATOR", "TENANT_LOAD"])
def test_energy_of_the_balance_counts_once(kind):
    metered("G/KWH", kind=kind)
    aux = metered("A/KWH")
    channel = virtual("NET", kind="GENERATOR")
    text = faults(channel, "[G/KWH] - [A/KWH]")["expression"]
    assert text == (
        "NET counts in the balance of the campus as main channel, and so does G/KWH: the energy "
        "would count twice. Make one of them a check channel."
    )
    Channel.objects.filter(code="G/KWH").update(role="CHECK")
    assert check(Order(channel, SINCE, expression="[G/KWH] - [A/KWH]")).terms["A_KWH"] == aux
    beside = virtual("NET2", kind="GENERATOR", point=channel.delivery_point)
    assert "so does NET:" in faults(beside, "[A/KWH]")["expression"]


def test_what_counts_twice_is_found_at_any_depth():
    metered("G/KWH", kind="GENERATOR")
    defined(virtual("STEP"), "[G/KWH]")
    found = faults(virtual("NET", kind="GENERATOR"), "2 * [STEP]")
    assert "G/KWH: the energy would count twice" in found["expression"]
