"""The flows of a campus: both sides add up, missing is not lost, and a width is an energy."""

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.accounts.models import User
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.period import Period
from settlement.pages.flows import ENERGY_HEIGHT, LABEL_HEIGHT, SHOWN_EACH_SIDE, picture
from settlement.queries.day import day_view
from settlement.queries.flows import LOSSES, SURPLUS, UNMATCHED, Flow, Flows, flows
from tests.settlement.world import MARCH, ZONE, World, campus_with, person, point, readings

DAY = date(2026, 3, 18)
TUESDAY = Period.day(ZONE, DAY)


def named(side):
    return {one.name: one.energy_kwh for one in side}


@pytest.mark.django_db
class TestFigures:
    """Of the same balance as the page of the day."""

    def test_a_day_is_that_of_the_balance(self):
        world = World()
        found, view = flows(world.campus, TUESDAY), day_view(world.campus, DAY)
        assert named(found.sources) == {"GEN": Decimal(101 * 96)}
        assert named(found.sinks) == {
            "TEN-ALFA": Decimal(60 * 96), "TEN-BRAVO": Decimal(40 * 96), LOSSES: Decimal(96)
        }  # fmt: skip
        assert found.total_kwh == view.balance.sources_kwh
        assert found.residual_kwh == view.balance.residual_kwh
        metered = [one for one in found.sinks if one.part]
        assert [(one.name, one.energy_kwh, one.channels, one.letter) for one in metered] == [
            (leg.name, leg.energy_kwh, leg.channels, leg.letter)
            for leg in view.legs
            if not leg.is_source
        ]

    def test_a_month_is_the_sum_of_its_days(self):
        world = World()
        month = flows(world.campus, MARCH)
        days = [flows(world.campus, Period.day(ZONE, day)) for day in MARCH.days()]
        assert month.total_kwh == sum(one.total_kwh for one in days) == 101 * 2972

    def test_storage_and_the_grid_flow_both_ways(self):
        world = World()
        tie = [point(world.campus, "TIE", "GRID_TIE", direction=way)
               for way in ("DELIVERED", "RECEIVED")]  # fmt: skip
        cell = [point(world.campus, "BAT", "STORAGE", direction=way)
                for way in ("DELIVERED", "RECEIVED")]  # fmt: skip
        for channel, kwh in zip([*tie, *cell], (7, 3, 2, 4), strict=True):
            readings(channel, kwh)
        found = flows(world.campus, TUESDAY)
        parts = {one.part: one.energy_kwh / 96 for one in (*found.sources, *found.sinks)}
        assert parts["Import"] == 7
        assert (parts["Export"], parts["Discharge"], parts["Charging"]) == (3, 2, 4)
        assert found.residual_kwh == (101 + 7 + 2 - 60 - 40 - 3 - 4) * 96

    def test_too_much_metered_is_a_source_and_no_negative_loss(self):
        world = World()
        readings(world.alfa_meter, 63)
        found = flows(world.campus, TUESDAY)
        assert named(found.sources)[SURPLUS] == 2 * 96
        assert LOSSES not in named(found.sinks)
        assert found.total_kwh == sum(named(found.sinks).values()) == 103 * 96

    def test_a_missing_reading_is_no_loss(self):
        world = World()
        first = (TUESDAY.start_utc - MARCH.start_utc).total_seconds() / 900
        values = [60] * 2972
        values[int(first) + 10] = values[int(first) + 11] = None
        readings(world.alfa_meter, values)
        found = flows(world.campus, TUESDAY)
        assert (found.missing_count, found.interval_count) == (2, 96)
        sinks = named(found.sinks)
        assert sinks[LOSSES] == 94 == found.residual_kwh
        assert sinks[UNMATCHED] == 2 * 61
        assert sum(sinks.values()) == found.total_kwh == 101 * 96
        [alfa] = [one for one in found.sinks if one.name == "TEN-ALFA"]
        assert (alfa.missing_count, alfa.letter) == (2, "X")

    def test_a_missing_source_has_no_counterpart_on_the_other_side(self):
        world = World()
        first = int((TUESDAY.start_utc - MARCH.start_utc).total_seconds() / 900)
        readings(world.gen, [None if at == first else 101 for at in range(2972)])
        found = flows(world.campus, TUESDAY)
        assert named(found.sources) == {"GEN": 101 * 95, UNMATCHED: 100}
        assert found.total_kwh == sum(named(found.sinks).values())

    def test_auxiliaries_count_against_generation_as_in_the_balance(self):
        world = World()
        readings(point(world.campus, "AUX", "GENERATOR_AUX"), Decimal("0.5"))
        found, view = flows(world.campus, TUESDAY), day_view(world.campus, DAY)
        came, went = found.counted()
        assert [(one.name, kwh / 96) for one, kwh in came] == [
            ("GEN", 101), ("AUX", Decimal("-0.5"))
        ]  # fmt: skip
        assert sum(kwh for _one, kwh in went) == sum(kwh for _one, kwh in came)
        assert found.sources_kwh == view.balance.sources_kwh == Decimal("100.5") * 96
        [losses] = [one.share for one in picture(found)[0] if one.name == LOSSES]
        assert losses == found.residual_kwh / found.sources_kwh == Decimal("0.5") / Decimal("100.5")
        assert abs(losses - view.balance.residual_ratio) < Decimal("0.000001")

    def test_a_campus_without_a_source_has_no_flow(self):
        with pytest.raises(NotFoundError, match="No source of CAP is metered"):
            flows(campus_with(), TUESDAY)


@pytest.mark.django_db
class TestPage:
    """The picture and its table."""

    @pytest.fixture
    def ana(self, client):
        world = World()
        readings(point(world.campus, "TIE", "GRID_TIE"), 0)
        tie = point(world.campus, "TIE", "GRID_TIE", direction="RECEIVED")
        readings(tie, [0.25 if at != 1700 else None for at in range(2972)])
        client.force_login(User.objects.get(username="ana"))
        return client

    def test_a_day_a_month_and_the_way_between_them(self, ana, django_assert_max_num_queries):
        with django_assert_max_num_queries(25):
            page = ana.get("/office/campus/CAP/2026-03-18/flows/").content.decode()
        assert "TIE export" in page
        assert "9,696.000000" in page
        assert page.count('class="ribbon"') == 7
        assert 'href="/office/campus/CAP/2026-03-19/flows/"' in page
        assert 'href="/office/campus/CAP/2026-03-18/"' in page
        assert 'href="/office/campus/CAP/2026-03/flows/"' in page
        month = ana.get("/office/campus/CAP/2026-03/flows/").content.decode()
        assert "1 of 2,972 intervals lack a reading" in month
        assert "1 interval missing" in " ".join(month.split())
        assert 'class="fx"' in month
        assert 'href="/office/campus/CAP/2026-04/flows/"' in month

    def test_what_is_not_there(self, ana):
        assert ana.get("/office/campus/CAP/soon/flows/").status_code == 400
        assert ana.get("/office/campus/NONE/2026-03/flows/").status_code == 404
        person("tess", "viewer")
        ana.force_login(User.objects.get(username="tess"))
        assert ana.get("/office/campus/CAP/2026-03/flows/").status_code == 200


ENERGIES = st.lists(st.decimals(0, 10**7, places=6), min_size=1, max_size=40)


def drawn(sources, sinks):
    """Return flows of these energies; what is over goes to the losses or comes from them."""
    sides = [[Flow(f"{name}{i}", "Tenant", one) for i, one in enumerate(side)]
             for name, side in (("S", sources), ("T", sinks))]  # fmt: skip
    rest = sum(sources, Decimal(0)) - sum(sinks, Decimal(0))
    sides[0 if rest < 0 else 1].append(Flow(LOSSES, "", abs(rest)))
    return Flows(TUESDAY, tuple(sides[0]), tuple(sides[1]), rest, 0, 96)


@given(ENERGIES, ENERGIES)
def test_widths_are_energies_and_labels_keep_apart(sources, sinks):
    found = drawn(sources, sinks)
    bands, bus, height = picture(found)
    for at, energies in ((240, found.sources), (748, found.sinks)):
        side = [one for one in bands if one.bar_x == at]
        assert len(side) == min(len(energies), SHOWN_EACH_SIDE)
        assert sum(one.flow.energy_kwh for one in side) == found.total_kwh
        labels = [Decimal(one.label_y) for one in side]
        assert all(b - a > LABEL_HEIGHT - 1 for a, b in pairwise(labels))
        assert all(0 < label < height for label in labels)
        for one in side:
            if found.total_kwh and one.flow.energy_kwh * ENERGY_HEIGHT > found.total_kwh:
                expected = one.flow.energy_kwh * ENERGY_HEIGHT / found.total_kwh
                assert abs(Decimal(one.bar_height) - expected) < Decimal("0.01")
    assert Decimal(bus["height"]) == (ENERGY_HEIGHT if found.total_kwh else 0)
    for one in bands:
        assert re.fullmatch(r"[MCVZ\d. -]+", one.path)


def test_a_day_without_energy_is_drawn_as_nothing():
    bands, bus, height = picture(drawn([Decimal(0)], [Decimal(0)]))
    assert [one.share for one in bands] == [None] * 3
    assert (bus["height"], height > 0) == ("0.00", True)
