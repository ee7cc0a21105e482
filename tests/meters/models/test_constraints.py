"""What the database itself refuses, and what forms say before."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.models import (
    Campus,
    Channel,
    DeliveryPoint,
    GeneratingUnit,
    ImportFile,
    Installation,
    LossFactor,
    Meter,
    Publication,
    RuleSetting,
)
from tests.meters.builders import LONG_AGO, NOW, install, make_campus, make_channel

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def refused(match, action):
    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        action()


def test_two_meters_never_share_a_channel_at_one_time():
    channel = make_channel(installed_from=None)
    first = install(channel, MARCH, APRIL)
    install(channel, APRIL, None)
    refused(
        "installation_one_meter_at_a_time",
        lambda: install(channel, datetime(2026, 3, 31, 23, 59, tzinfo=UTC), APRIL),
    )
    again = Installation(channel=channel, meter=first.meter, valid=DateTimeTZRange(MARCH, None))
    with pytest.raises(ValidationError, match="Another meter is installed"):
        again.full_clean()
    other = make_channel("B/KWH", installed_from=None)
    install(other, MARCH, APRIL)


@pytest.mark.parametrize("ratio", ["0", "-1", "NaN"])
def test_ratio_must_be_a_positive_number(ratio):
    channel = make_channel(installed_from=None)
    meter = Meter.objects.create(campus=make_campus(), serial="1")
    row = Installation(
        channel=channel, meter=meter, valid=DateTimeTZRange(LONG_AGO, None), ct_ratio=Decimal(ratio)
    )
    with pytest.raises((IntegrityError, ValidationError)), transaction.atomic():
        row.save()


def test_channel_has_a_known_length_and_a_code_of_its_own():
    channel = make_channel()
    refused(
        "channel_minutes_known",
        lambda: Channel.objects.create(delivery_point=channel.delivery_point, code="X", minutes=20),
    )
    refused(
        "meters_channel_code",
        lambda: Channel.objects.create(
            delivery_point=channel.delivery_point, code=channel.code, minutes=15
        ),
    )
    with pytest.raises(ValidationError, match="differs in interval length"):
        Channel(
            delivery_point=channel.delivery_point, code="Y", minutes=15, successor_of=channel
        ).full_clean()
    elsewhere = make_channel("Z/KWH").delivery_point
    with pytest.raises(ValidationError, match="belongs to the same point"):
        Channel(delivery_point=elsewhere, code="Y", minutes=30, successor_of=channel).full_clean()


def test_zone_must_exist():
    with pytest.raises(ValidationError, match="is not a time zone we can use"):
        Campus(code="X", name="X", zone="EST").full_clean()
    refused(
        "campus_tolerance_range",
        lambda: Campus.objects.create(
            code="X", name="X", zone="UTC", balance_tolerance_low_ratio=Decimal("0.1")
        ),
    )


def test_point_takes_no_unit_of_another_campus():
    unit = GeneratingUnit.objects.create(
        campus=make_campus("A"), code="G1", name="G1", technology="GAS_ENGINE", nameplate_kw=1000
    )
    point = DeliveryPoint(
        campus=make_campus("B"), code="P", name="P", kind="GENERATOR", generating_unit=unit
    )
    with pytest.raises(ValidationError, match="stands on another campus"):
        point.full_clean()
    unit.retired_date, unit.commissioning_date = date(2020, 1, 1), date(2021, 1, 1)
    refused("unit_retired_after_commissioning", unit.save)


def test_start_only_rows_have_one_start():
    point = make_channel().delivery_point
    row = {"delivery_point": point, "effective_from": date(2026, 1, 1), "loss_ratio": "1.01"}
    LossFactor.objects.create(**row)
    refused("loss_factor_start_once", lambda: LossFactor.objects.create(**row))
    rule = {"rule_key": "spike@1", "parameters": {}, "effective_from": date(2026, 1, 1)}
    RuleSetting.objects.create(**rule)
    refused("rule_setting_start_once", lambda: RuleSetting.objects.create(**rule))
    with pytest.raises(ValidationError, match="unknown field"):
        RuleSetting(**rule | {"parameters": {"treshold": "1"}}).full_clean()


def test_file_states_move_only_forward():
    file = ImportFile.objects.create(
        sha256="0" * 64, source="s", name="n", size=1, path="p", format="f", received_at=NOW
    )
    file.state = "ACCEPTED"
    refused("RECEIVED.*ACCEPTED", file.save)
    refused(
        "file_content_once",
        lambda: ImportFile.objects.create(
            sha256="0" * 64, source="s", name="m", size=1, path="p", format="f", received_at=NOW
        ),
    )


def test_published_is_for_ever():
    row = Publication.objects.create(kind="VEE", actor="t", created_at=NOW, published_at=NOW)
    row.published_at = None
    refused("meters_publication", row.save)
    refused("meters_publication", row.delete)
