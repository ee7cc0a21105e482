"""The doctor finds virtual readings that are not their expression, and energy that counts twice."""

from datetime import timedelta

import pytest
from django.db import connection

from meters.models import Channel
from poweroptix.doctor import examine
from tests.meters.virtual.makers import DAY, defined, metered, virtual

pytestmark = [pytest.mark.django_db, pytest.mark.no_doctor]


def ill(code):
    """Return what the doctor says of one invariant."""
    (found,) = [one for one in examine(connection) if one.code == code]
    return list(found.violations)


def test_a_forged_reading_is_found():
    metered("G/KWH", ["7"] * 96)
    channel = virtual("V")
    made = defined(channel, "2 * [G/KWH]")
    assert ill("meters.virtual_follows") == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE meters_virtualdefinition DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE meters_virtualdefinition SET formula = '3 * G_KWH' WHERE id = %s", [made.pk]
        )
        cursor.execute("ALTER TABLE meters_virtualdefinition ENABLE TRIGGER USER")
    (said,) = ill("meters.virtual_follows")
    assert said == f"channel {channel.pk}: 96 readings from {DAY:%Y-%m-%d %H:%M} differ"


def test_a_definition_that_waits_for_its_worker_is_not_ill():
    metered("G/KWH", ["7"] * 96)
    channel = virtual("V")
    defined(channel, "2 * [G/KWH]")
    defined(channel, "3 * [G/KWH]", since=DAY + timedelta(hours=1), compute=False)
    assert ill("meters.virtual_follows") == []


def test_a_term_that_became_a_main_channel_is_found():
    term = metered("G/KWH", kind="GENERATOR")
    Channel.objects.filter(pk=term.pk).update(role="CHECK")
    defined(virtual("NET", kind="GENERATOR"), "0.9 * [G/KWH]")
    assert ill("meters.counted_once") == []
    Channel.objects.filter(pk=term.pk).update(role="MAIN")
    (said,) = ill("meters.counted_once")
    assert "so does G/KWH: the energy would count twice" in said


def test_a_meter_on_a_virtual_channel_is_found():
    term = metered("G/KWH")
    channel = virtual("V")
    defined(channel, "[G/KWH]")
    term.installations.update(channel=channel)
    assert ill("meters.virtual_is_computed") == [
        "virtual channel V has a meter, an edit or a received reading"
    ]
