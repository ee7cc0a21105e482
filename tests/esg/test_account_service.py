"""Carbon of a settled campus: evidence, conservation, policy, verification, restatement."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError

from contracts.models import IndexBlock
from esg.models import EmissionRun
from esg.services import account_carbon, load_factors, set_policy, verify_emission_run
from esg.services.factor_files import read_all
from meters.models import GeneratingUnit
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from poweroptix.kernel.worksheet import Worksheet
from settlement.services import current_allocation, run_allocation, run_settlement
from tests.billing.world import NOW, QUICK_HASHERS, BilledWorld
from tests.settlement.world import MARCH, SYSTEM, person, readings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_people(settings):
    settings.PASSWORD_HASHERS = QUICK_HASHERS


@pytest.fixture
def world():
    return BilledWorld()


def test_the_account_is_conserved_and_reaches_down_to_fuel_and_factor(world):
    run = world.carbon
    lines = list(run.lines.all())
    assert {line.sink for line in lines} == {"CONTRACT", "HOUSE", "EXPORT", "STORAGE", "LOSSES"}
    assert sum(line.co2e_g for line in lines) == run.co2e_g
    assert sum(line.co2_mg for line in lines) == run.co2_mg
    fuel = next(row for row in run.sources if row["code"] == "FUEL-1")
    assert Decimal(fuel["quantity"]) == Decimal("3.172") * 743
    assert Decimal(fuel["masses_kg"]["CO2"]) == Decimal("3.172") * 743 * Decimal("53.06")
    alfa = run.lines.get(contract=world.alfa)
    sheet = Worksheet.from_json(alfa.worksheet)
    assert abs(sheet.exact_usd * 1000 - alfa.co2e_g) < 1
    assert alfa.tenant == world.alfa.tenant


def test_operator_keeps_the_carbon_of_losses_and_the_line_carries_settled_energy(world):
    alfa = world.carbon.lines.get(contract=world.alfa)
    assert alfa.pooled_kwh == 60 * 2972
    assert alfa.energy_kwh > alfa.pooled_kwh
    assert (
        alfa.energy_kwh
        == world.runs["PPA-ALFA"]
        .allocation_run.parts.get(contract=world.alfa, kind="TOTAL")
        .total_kwh
    )


def test_losses_pass_through_when_the_policy_says_so():
    world = BilledWorld(carbon=False)
    set_policy(
        world.campus, effective_from=MARCH.first_date, actor=SYSTEM, loss_carbon="PASS_THROUGH"
    )
    run = account_carbon(
        current_allocation(world.campus, MARCH.label), now=NOW, actor=world.analyst
    )
    alfa = run.lines.get(contract=world.alfa)
    assert alfa.pooled_kwh == alfa.energy_kwh
    assert run.lines.get(sink="LOSSES").co2e_g == 0


def test_the_same_allocation_is_accounted_once(world):
    allocation = current_allocation(world.campus, MARCH.label)
    again = account_carbon(allocation, now=NOW, actor=world.analyst)
    assert again.pk == world.carbon.pk
    assert EmissionRun.objects.count() == 1


def test_verification_reproduces_every_digit(world):
    report = verify_emission_run(world.carbon)
    assert report.ok, report.differences
    assert report.lines == world.carbon.lines.count()


def test_verification_stays_after_a_later_correction_of_the_fuel(world):
    readings(world.fuel, "9.999", now=NOW)
    assert verify_emission_run(world.carbon).ok


@pytest.mark.no_doctor("a line is spoiled on purpose")
def test_verification_finds_a_changed_line(world):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE esg_emissionline DISABLE TRIGGER USER")
        cursor.execute("UPDATE esg_emissionline SET co2e_g = co2e_g + 1 WHERE sink = 'HOUSE'")
        cursor.execute("ALTER TABLE esg_emissionline ENABLE TRIGGER USER")
    report = verify_emission_run(world.carbon)
    assert not report.ok
    assert any("HOUSE: CO2e is" in text for text in report.differences)


def test_a_new_allocation_supersedes_the_account(world):
    readings(world.alfa_meter, "61", now=NOW)
    allocation = run_allocation(world.campus, MARCH, now=NOW, actor=world.analyst)
    newer = account_carbon(allocation, now=NOW, actor=world.analyst)
    assert newer.version == 2
    world.carbon.refresh_from_db()
    assert world.carbon.state == "SUPERSEDED"
    old = newer.lines.model.objects.get(run=world.carbon, contract=world.alfa)
    assert newer.lines.get(contract=world.alfa).energy_kwh > old.energy_kwh


def test_a_superseded_allocation_is_not_accounted():
    world = BilledWorld(carbon=False)
    old = current_allocation(world.campus, MARCH.label)
    readings(world.alfa_meter, "61", now=NOW)
    run_allocation(world.campus, MARCH, now=NOW, actor=world.analyst)
    old.refresh_from_db()
    with pytest.raises(Conflict) as error:
        account_carbon(old, now=NOW, actor=world.analyst)
    assert error.value.code == "esg.allocation_superseded"


def test_the_pool_intensity_is_published_as_an_index(world):
    blocks = IndexBlock.objects.filter(series__code="CAP-POOL-CO2E")
    assert blocks.count() == 32
    assert set(world.carbon.intensity) <= {v for block in blocks for v in block.values}


def test_without_a_policy_it_says_what_to_do():
    world = BilledWorld(carbon=False)
    world.campus.carbon_policies.all().delete()
    with pytest.raises(Refused) as error:
        account_carbon(current_allocation(world.campus, MARCH.label), now=NOW, actor=world.analyst)
    assert error.value.code == "esg.no_policy"
    assert "--grid-region" in str(error.value)


def test_an_unknown_grid_region_is_refused():
    world = BilledWorld(carbon=False)
    set_policy(world.campus, effective_from=MARCH.first_date, actor=SYSTEM, grid_region="XXXX")
    with pytest.raises(Refused) as error:
        account_carbon(current_allocation(world.campus, MARCH.label), now=NOW, actor=world.analyst)
    assert error.value.code == "esg.no_factor"
    assert str(error.value) == (
        "No carbon factor of CH4, CO2, N2O for grid region XXXX at TIE in 2026-03: "
        "correct the region in the carbon policy or run manage.py load_factors."
    )


def test_a_missing_factor_of_a_fuel_names_gas_unit_and_month():
    world = BilledWorld(carbon=False)
    GeneratingUnit.objects.exclude(fuel="").update(fuel="PEAT")
    with pytest.raises(Refused) as error:
        account_carbon(current_allocation(world.campus, MARCH.label), now=NOW, actor=world.analyst)
    assert str(error.value) == (
        "No carbon factor of CH4, CO2, N2O for fuel PEAT of GE-1 in 2026-03: "
        "correct the unit's fuel or run manage.py load_factors."
    )


def test_an_engine_without_fuel_meter_is_refused():
    world = BilledWorld(carbon=False)
    world.fuel.role = "CHECK"
    world.fuel.save()
    with pytest.raises(Refused) as error:
        account_carbon(current_allocation(world.campus, MARCH.label), now=NOW, actor=world.analyst)
    assert error.value.code == "esg.no_fuel_meter"


def test_a_gap_in_the_fuel_is_refused_with_its_hour():
    world = BilledWorld(carbon=False)
    readings(world.fuel, ["3.172"] * 100 + [None] + ["3.172"] * 642, now=NOW)
    with pytest.raises(Refused) as error:
        account_carbon(current_allocation(world.campus, MARCH.label), now=NOW, actor=world.analyst)
    assert "missing" in error.value.code
    assert EmissionRun.objects.count() == 0


def test_only_who_may_accounts(world):
    with pytest.raises(Forbidden):
        account_carbon(
            current_allocation(world.campus, MARCH.label), now=NOW, actor=person("eve", "viewer")
        )


def test_factors_load_once_and_never_change(world):
    again = load_factors(now=NOW, actor=SYSTEM)
    assert again.added == 0
    assert again.present == len(read_all())
    from dataclasses import replace

    spoiled = [replace(read_all()[0], value=Decimal("53.02"))]
    with pytest.raises(Refused) as error:
        load_factors(now=NOW, actor=SYSTEM, factors=spoiled)
    assert error.value.code == "esg.factor_changed"


def test_the_database_keeps_factors_and_runs_as_they_are(world):
    for statement in (
        "UPDATE esg_emissionfactor SET value = 1",
        "DELETE FROM esg_emissionfactor",
        "UPDATE esg_gwpvalue SET value = 1",
        "UPDATE esg_emissionrun SET co2e_g = 1",
        "DELETE FROM esg_emissionline",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_database_refuses_a_run_that_loses_carbon(world):
    run = world.carbon
    fields = {
        field.attname: getattr(run, field.attname)
        for field in EmissionRun._meta.concrete_fields
        if field.attname not in ("id", "allocation_run_id", "state", "version")
    }
    readings(world.alfa_meter, "61", now=NOW)
    allocation = run_allocation(world.campus, MARCH, now=NOW, actor=world.analyst)
    EmissionRun.objects.filter(pk=run.pk).update(state="SUPERSEDED")
    draft = EmissionRun.objects.create(**fields, allocation_run=allocation, version=2)
    with pytest.raises(IntegrityError, match="do not add up"), transaction.atomic():
        EmissionRun.objects.filter(pk=draft.pk).update(state="CALCULATED")
    draft.delete()


def test_commands_tell_what_came_out(world, capsys):
    call_command("account_carbon", campus="CAP", period="2026-03", verify=True, as_json=False)
    said = capsys.readouterr().out
    assert "verified: the same to the milligram" in said
    assert "PPA-ALFA" in said
    with pytest.raises(SystemExit):
        call_command("account_carbon", campus="NOWHERE", period="2026-03")
    assert "There is no campus NOWHERE" in capsys.readouterr().err
    call_command("load_factors")
    assert "0 factors added" in capsys.readouterr().out


def test_settlement_of_another_month_does_not_need_carbon(world):
    assert run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst).pk
