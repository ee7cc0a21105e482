"""Tests, certificates and interruptions: what the database refuses, what lapses when."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.calc.availability import outage_minutes
from meters.models import (
    CapacityStep,
    GeneratingUnit,
    Interruption,
    MeterTest,
    MeterTestPoint,
    TransformerCertificate,
    capacity_steps,
)
from meters.queries.metrology import (
    certificates_due,
    channels_without_proof,
    current_proofs,
    lapsed_of,
    outages,
)
from tests.meters.builders import NOW, make_campus, make_channel

pytestmark = pytest.mark.django_db
TODAY = date(2026, 4, 2)


def a_test(channel, on=date(2025, 4, 10), due=date(2026, 4, 10), **more):
    meter = channel.installations.get().meter
    said = {"certificate_number": "T-1", "laboratory": "NIST lab", "accuracy_class": "0.2S",
            "result": "PASSED", "recorded_by": "user:ann", "recorded_at": NOW} | more  # fmt: skip
    return MeterTest.objects.create(meter=meter, tested_on=on, next_due=due, **said)


def certified(channel, until, issued=date(2016, 4, 1), **more):
    said = {"certificate_number": "C-1", "laboratory": "NIST lab", "accuracy_class": "0.2S",
            "kind": "CT", "serials": "A1,B1,C1", "primary_rating": 2000, "secondary_rating": 5,
            "burden_va": 15, "recorded_by": "user:ann", "recorded_at": NOW} | more  # fmt: skip
    return TransformerCertificate.objects.create(
        delivery_point=channel.delivery_point, issued_on=issued, expires_on=until, **said
    )


def out(channel, start, end, **more):
    said = {"cause": "FORCED", "recorded_by": "user:ann", "recorded_at": NOW} | more
    return Interruption.objects.create(
        delivery_point=channel.delivery_point, during=DateTimeTZRange(start, end), **said
    )


def at(day, hour=0, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_what_lapses_is_listed_before_it_does():
    channel = make_channel()
    a_test(channel)
    certified(channel, date(2026, 3, 31))
    due = certificates_due(8, today=TODAY)
    assert [(one.kind, one.days_left, one.has_lapsed) for one in due] == [
        ("CT certificate", -2, True),
        ("Test", 8, False),
    ]
    assert [one.kind for one in certificates_due(7, today=TODAY)] == ["CT certificate"]
    assert due[0].says == (
        "CT certificate C-1 of TEN-ALFA/DEL_KWH (main) lapsed on 2026-03-31: have it renewed and "
        "record the new one."
    )
    assert [one.kind for one in lapsed_of(channel, TODAY)] == ["CT certificate"]
    assert lapsed_of(channel, date(2026, 3, 31)) == []


def test_a_failed_test_has_lapsed_at_once():
    channel = make_channel()
    a_test(channel, result="FAILED")
    (found,) = certificates_due(0, today=TODAY)
    assert found.has_lapsed
    assert "failed: exchange or adjust it" in found.says


def test_a_correction_replaces_its_row_and_a_newer_test_the_older():
    channel = make_channel()
    wrong = a_test(channel, due=date(2028, 1, 1))
    a_test(channel, corrects=wrong, certificate_number="T-1b", comment="wrong due date")
    assert [one.certificate_number for one in current_proofs(TODAY)] == ["T-1b"]
    a_test(channel, on=date(2026, 4, 1), due=date(2027, 4, 1), certificate_number="T-2")
    assert [one.certificate_number for one in current_proofs(TODAY)] == ["T-2"]
    assert [one.certificate_number for one in current_proofs(date(2026, 3, 1))] == ["T-1b"]


def test_a_row_is_corrected_once():
    channel = make_channel()
    wrong = a_test(channel)
    a_test(channel, corrects=wrong, comment="typing error")
    with pytest.raises(IntegrityError), transaction.atomic():
        a_test(channel, corrects=wrong, comment="again")


def test_a_correction_is_of_the_same_meter_and_says_why():
    one, other = make_channel(), make_channel("TEN-B/DEL_KWH")
    row = a_test(one)
    stray = a_test(other, certificate_number="T-9")
    stray.corrects = row
    with pytest.raises(ValidationError, match="is about something else"):
        stray.clean()
    again = a_test(one, certificate_number="T-3", corrects=row)
    with pytest.raises(ValidationError, match="Say what was wrong"):
        again.clean()


@pytest.mark.parametrize("what", ["test", "point", "certificate"])
@pytest.mark.parametrize("deed", ["update", "delete"])
def test_records_are_only_ever_added(what, deed):
    channel = make_channel()
    test = a_test(channel)
    row = {
        "test": lambda: test,
        "point": lambda: MeterTestPoint.objects.create(
            test=test, load_pct=100, as_found_pct="0.12", as_left_pct="0.03"
        ),
        "certificate": lambda: certified(channel, date(2027, 1, 1)),
    }[what]()
    rows = type(row).objects.filter(pk=row.pk)
    with (
        pytest.raises(DatabaseError, match="meters_"),
        transaction.atomic(),
    ):
        rows.update(id=row.pk) if deed == "update" else rows.delete()


def test_a_test_is_due_after_it_was_made():
    with pytest.raises(IntegrityError, match="meter_test_due_after_test"), transaction.atomic():
        a_test(make_channel(), due=date(2025, 4, 10))


def test_interruptions_of_a_point_do_not_overlap():
    channel, other = make_channel(), make_channel("TEN-B/DEL_KWH")
    out(channel, at(1, 6), at(1, 8))
    out(channel, at(1, 8), at(1, 9))
    out(other, at(1, 7), at(1, 8))
    with pytest.raises(IntegrityError, match="interruption_no_overlap"), transaction.atomic():
        out(channel, at(1, 7, 59), None)
    with pytest.raises(IntegrityError, match="interruption_not_empty"), transaction.atomic():
        out(channel, at(2), at(2))


def test_minutes_of_a_month_are_cut_to_it_and_an_open_one_lasts_until_now():
    channel = make_channel()
    out(channel, at(1) - timedelta(hours=2), at(1, 1), is_planned=True)
    out(channel, at(31, 23), None)
    rows = outages(at(1), at(31, 23, 45), now=at(31, 23, 30), campus_id=make_campus().pk)
    found = outage_minutes([outage for _row, outage in rows], at(1), at(31, 23, 45))
    assert (found.total, found.planned, found.unplanned) == (90, 60, 30)


@pytest.mark.parametrize("count", [1, 6])
def test_the_list_asks_as_often_for_many_channels_as_for_one(django_assert_num_queries, count):
    for n in range(count):
        channel = make_channel(f"TEN-{n}/DEL_KWH")
        a_test(channel)
        certified(channel, date(2027, 1, 1))
    with django_assert_num_queries(4):
        assert len(certificates_due(1000, today=TODAY)) == 2 * count


def test_channels_without_a_test_are_named():
    a_test(make_channel())
    make_channel("TEN-B/DEL_KWH")
    assert channels_without_proof(TODAY, make_campus().pk) == ["TEN-B/DEL_KWH"]


def a_unit(**more):
    said = {"code": "G1", "name": "G1", "technology": "GAS_ENGINE", "nameplate_kw": 1000} | more
    return GeneratingUnit.objects.create(campus=make_campus(), **said)


def test_phases_of_a_unit():
    unit = a_unit(commissioning_date=date(2026, 1, 1), retired_date=date(2027, 1, 1))
    step = CapacityStep.objects.create(
        generating_unit=unit, effective_from=date(2026, 3, 11), nameplate_kw=3000
    )
    assert capacity_steps(unit, [step]) == (
        (date(2026, 1, 1), 1000),
        (date(2026, 3, 11), 3000),
        (date(2027, 1, 1), 0),
    )
    with pytest.raises(IntegrityError, match="capacity_step_start_once"), transaction.atomic():
        CapacityStep.objects.create(
            generating_unit=unit, effective_from=date(2026, 3, 11), nameplate_kw=1
        )


def test_a_step_begins_after_commissioning_and_before_retirement():
    unit = a_unit(commissioning_date=date(2026, 1, 1), retired_date=date(2027, 1, 1))
    early = CapacityStep(generating_unit=unit, effective_from=date(2026, 1, 1), nameplate_kw=1)
    with pytest.raises(ValidationError, match="is commissioned on 2026-01-01"):
        early.clean()
    late = CapacityStep(generating_unit=unit, effective_from=date(2027, 1, 1), nameplate_kw=1)
    with pytest.raises(ValidationError, match="is retired on 2027-01-01"):
        late.clean()
