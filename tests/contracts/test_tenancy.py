from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.utils import ProgrammingError

from contracts import queries
from contracts.models import (
    Contract,
    ContractDocument,
    ContractExample,
    ContractVersion,
    CreditSupport,
    DiaryEntry,
    Holiday,
    HolidayCalendar,
    IndexBlock,
    IndexSeries,
    OpeningBalance,
    Party,
    TenantPoint,
    Term,
    TouCalendar,
)
from contracts.services import (
    activate_version,
    add_holidays,
    add_nerc_holidays,
    add_term,
    assign_point,
    create_contract,
    desk_check,
    new_version,
    publish_index,
    sentences,
    set_opening_balance,
)
from meters.services import validate_days
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.db.scope import portal_scope
from poweroptix.kernel.errors import Forbidden, Refused
from poweroptix.kernel.period import Period
from tests.contracts.conftest import ACTOR, NOW
from tests.meters.builders import ingest, long_csv, make_channel

pytestmark = pytest.mark.django_db
MARCH = Period.month("America/Chicago", "2026-03")


@pytest.fixture
def channel(campus):
    return make_channel("TEN-ALFA/DEL_KWH", campus=campus)


@pytest.fixture
def point(contract, channel):
    return assign_point(contract, channel.delivery_point, first_day=date(2026, 1, 1), actor=ACTOR)


def other_contract(campus, parties):
    return create_contract(
        code="PPA-BRAVO",
        name="Power for Bravo",
        seller=parties["SELLER"],
        offtaker=parties["BRAVO"],
        campus=campus,
        zone="America/Chicago",
        actor=ACTOR,
    )


def test_the_tenant_is_copied_down(draft, point, tenants):
    rows = [draft.contract, draft, draft.terms.get(), draft.examples.get(), point]
    assert {row.tenant_id for row in rows} == {tenants[0].pk}


def test_an_offtaker_without_a_tenant_is_refused(campus, parties):
    with pytest.raises(Refused, match="offtaker: Seller has no tenant; its people would see"):
        create_contract(
            code="PPA-X",
            name="X",
            seller=parties["SELLER"],
            offtaker=parties["SELLER"],
            campus=campus,
            zone="America/Chicago",
            actor=ACTOR,
        )


def test_a_point_serves_one_contract_at_a_time(campus, parties, point, channel):
    other = other_contract(campus, parties)
    with pytest.raises(Refused, match="already serves a contract on some of the days"):
        assign_point(other, channel.delivery_point, first_day=date(2026, 6, 1), actor=ACTOR)
    row = TenantPoint(
        contract=other,
        delivery_point=channel.delivery_point,
        valid=DateRange(date(2026, 6, 1), None),
    )
    with pytest.raises(IntegrityError, match="tenant_point_no_overlap"), transaction.atomic():
        row.save()


def test_a_point_of_another_campus_is_unknown(contract):
    from meters.models import Campus, DeliveryPoint

    elsewhere = Campus.objects.create(code="ELS", name="Elsewhere", zone="America/Denver")
    foreign = DeliveryPoint.objects.create(
        campus=elsewhere, code="TEN-X", name="X", kind="TENANT_LOAD"
    )
    with pytest.raises(Refused, match="there is no point 'TEN-X'"):
        assign_point(contract, foreign, first_day=date(2026, 1, 1), actor=ACTOR)


def test_channels_a_tenant_may_see_now_or_ever(campus, parties, tenants, contract, point, channel):
    TenantPoint.objects.filter(pk=point.pk).update(
        valid=DateRange(date(2025, 1, 1), date(2025, 6, 1))
    )
    assert queries.channels_of_tenant(tenants[0].pk) == [channel.pk]
    assert queries.channels_of_tenant(tenants[1].pk) == []
    assert list(queries.tenant_points(contract, MARCH)) == []


def test_contracts_of_a_campus_and_of_a_month(campus, parties, active):
    other_contract(campus, parties)
    assert [c.code for c in queries.contracts_of_campus(campus)] == ["PPA-ALFA", "PPA-BRAVO"]
    assert [c.code for c in queries.contracts_of_campus(campus, MARCH)] == ["PPA-ALFA"]
    before = Period.month("America/Chicago", "2025-12")
    assert not queries.contracts_of_campus(campus, before).exists()


def test_the_portal_sees_its_own_contract_and_its_seller(campus, parties, tenants, active, point):
    other_contract(campus, parties)
    for tenant, codes in ((tenants[0], ["PPA-ALFA"]), (tenants[1], ["PPA-BRAVO"])):
        with portal_scope(tenant.pk, []):
            assert [c.code for c in Contract.objects.order_by("code")] == codes
            own = tenant.code
            assert sorted(p.code for p in Party.objects.all()) == sorted([own, "SELLER"])
            count = 1 if own == "ALFA" else 0
            assert ContractVersion.objects.count() == count
            assert Term.objects.count() == count
            assert TenantPoint.objects.count() == count


@pytest.mark.parametrize(
    "model",
    [ContractDocument, ContractExample, CreditSupport, DiaryEntry, OpeningBalance],
)
def test_the_portal_cannot_read_the_rest(tenants, active, model):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        portal_scope(tenants[0].pk, []),
    ):
        model.objects.count()


def test_the_portal_sees_no_draft(tenants, draft):
    with portal_scope(tenants[0].pk, []):
        assert Contract.objects.count() == 1
        assert ContractVersion.objects.count() == 0
        assert Term.objects.count() == 0


def test_the_portal_reads_the_prices_that_its_terms_name(campus, parties, tenants, draft):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for code in ("HUB", "NODE", "DA"):
        series = IndexSeries.objects.create(code=code, name=code, zone="America/Chicago")
        publish_index(series, [(start, Decimal(1))], vintage="final", actor=ACTOR, now=NOW)
    add_term(
        draft,
        line_code=11,
        charge_type_key="index_adder@1",
        label="Index",
        parameters={"index": "HUB", "ladder": [{"take": "SERIES", "series": "DA"}]},
        actor=ACTOR,
    )
    activate_version(draft, actor=ACTOR, now=NOW)
    with portal_scope(tenants[0].pk, []):
        assert [series.code for series in IndexSeries.objects.all()] == ["DA", "HUB"]
        assert IndexBlock.objects.count() == 2
    with portal_scope(tenants[1].pk, []):
        assert IndexSeries.objects.count() == IndexBlock.objects.count() == 0


def test_the_portal_can_change_nothing(tenants, active):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        portal_scope(tenants[0].pk, []),
    ):
        Contract.objects.update(name="mine")


def test_every_tenant_table_has_row_security():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relname LIKE 'contracts_%%' AND c.relkind = 'r' "
            "AND a.attname = 'tenant_id' AND NOT c.relrowsecurity"
        )
        assert cursor.fetchall() == []


def test_only_those_with_the_right_activate_or_publish(draft):
    analyst = User.objects.create(username="ann", role="analyst", is_staff=True)
    viewer = User.objects.create(username="vic", role="viewer", is_staff=True)
    with pytest.raises(Forbidden, match="may not activate in contracts"):
        activate_version(draft, actor=Actor.of_user(analyst), now=NOW)
    hub = IndexSeries.objects.create(code="HUB", name="Hub", zone="America/Chicago")
    with pytest.raises(Forbidden, match="may not publish index in contracts"):
        publish_index(hub, [], vintage="final", actor=Actor.of_user(viewer), now=NOW)


def test_desk_check_prices_a_past_month_and_saves_nothing(draft, point, channel):
    count = 31 * 96 - 4
    ingest(long_csv(channel.code, MARCH.start_utc, ["1000"] * count))
    validate_days([channel.pk], date(2026, 3, 1), date(2026, 3, 31), now=NOW, actor=ACTOR)
    (term, sheet), *rest = desk_check(draft, "2026-03")
    assert (term.line_code, str(sheet.amount_usd), rest) == (10, "148600.00", [])


def test_desk_check_counts_only_the_days_of_the_point_and_its_share(draft, contract, channel):
    assign_point(
        contract,
        channel.delivery_point,
        first_day=date(2026, 3, 31),
        share_ratio="0.25",
        actor=ACTOR,
    )
    ingest(long_csv(channel.code, MARCH.start_utc, ["1000"] * (31 * 96 - 4)))
    validate_days([channel.pk], date(2026, 3, 1), date(2026, 3, 31), now=NOW, actor=ACTOR)
    assert str(desk_check(draft, "2026-03")[0][1].amount_usd) == "1200.00"


def test_desk_check_without_a_point_is_refused(draft):
    with pytest.raises(Refused, match="PPA-ALFA has no metered point in 2026-03"):
        desk_check(draft, "2026-03")


def test_opening_balance_is_checked_and_found(contract):
    carry = {"20": {"peaks": {"2025-12": "26000", "2025-11": None}}}
    set_opening_balance(
        contract, period="2026-01", carry=carry, reason="Statement of 2025", actor=ACTOR, now=NOW
    )
    assert queries.opening_balance(contract, "2026-01").carry == carry
    assert queries.opening_balance(contract, "2026-02") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reason": " "}, "an opening balance needs a reason"),
        ({"period": "2026-13"}, "Give the month as 2026-01"),
        ({"carry": {"20": {"peaks": {"Dec": "1"}}}}, "'Dec' is not a month such as 2025-12"),
        ({"carry": {"twenty": {}}}, "'twenty' is not a line code with its carry"),
        (
            {"carry": {"20": {"peaks": {"2025-12": "lots"}}}},
            "peak of 2025-12: 'lots' is not a number of kW",
        ),
    ],
)
def test_wrong_opening_balances_are_refused(contract, change, message):
    fields = {"period": "2026-01", "carry": {"20": {"peaks": {}}}, "reason": "x"} | change
    with pytest.raises(Refused) as caught:
        set_opening_balance(contract, **fields, actor=ACTOR, now=NOW)
    assert message in caught.value.message


@pytest.mark.parametrize("zone", ["EST", "Mars/Base", ""])
def test_a_contract_needs_an_iana_zone(campus, parties, zone):
    with pytest.raises(Refused, match="zone: "):
        create_contract(
            code="PPA-X",
            name="X",
            seller=parties["SELLER"],
            offtaker=parties["ALFA"],
            campus=campus,
            zone=zone,
            actor=ACTOR,
        )


@pytest.mark.parametrize("fact", [50000, "5e4", "lots", None])
def test_facts_are_decimal_numbers_in_quotes(contract, fact):
    with pytest.raises(Refused, match=r"facts: contract_kw: .* is not a decimal number in quotes"):
        new_version(
            contract,
            first_day=date(2026, 1, 1),
            facts={"contract_kw": fact},
            actor=ACTOR,
            now=NOW,
        )


def test_holidays_by_rule_and_by_hand():
    nerc = HolidayCalendar.objects.create(code="NERC", name="NERC")
    assert add_nerc_holidays(nerc, [2026, 2027], actor=ACTOR) == 12
    assert add_nerc_holidays(nerc, [2027, 2028], actor=ACTOR) == 6
    assert add_holidays(nerc, [(date(2026, 1, 1), "Other name")], actor=ACTOR) == 0
    assert nerc.holidays.get(date=date(2026, 1, 1)).name == "New Year's Day"


def test_terms_of_a_version_take_one_query(active, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = queries.terms(active)
    assert [(term.clause, term.parameters["price"]) for term in found] == [("4.2", "50")]


def test_capacity_steps_keep_their_dates_through_the_database(draft):
    term = add_term(
        draft,
        line_code=21,
        charge_type_key="capacity@1",
        label="Capacity",
        parameters={
            "capacity_kw": "100",
            "rate": "1",
            "steps": [{"from_date": "2026-05-11", "capacity_kw": "90"}],
        },
        actor=ACTOR,
    )
    term.refresh_from_db()
    assert term.parameters["steps"] == [{"from_date": "2026-05-11", "capacity_kw": "90"}]


def test_prices_published_late_change_what_is_read():
    hub = IndexSeries.objects.create(code="HUB", name="Hub", zone="America/Chicago")
    start = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [(start + timedelta(hours=at), Decimal(30)) for at in range(24)]
    publish_index(hub, rows, vintage="prelim", actor=ACTOR, now=NOW)
    found, _pins = queries.prices_for(["HUB"], MARCH)
    assert (found["HUB"].final, found["HUB"].vintage) == (False, "prelim")


def test_the_portal_reads_the_holidays_of_its_own_calendar_in_words(tenants, draft):
    rows = [
        {"day_types": days, "start": "00:00", "end": "24:00", "period": period}
        for days, period in ((["weekday"], "PEAK"), (["weekend", "holiday"], "OFF"))
    ]
    for code, day in (("own", date(2026, 10, 12)), ("else", date(2026, 10, 13))):
        holidays = HolidayCalendar.objects.create(code=code, name=code)
        add_holidays(holidays, [(day, "Site day")], actor=ACTOR)
        TouCalendar.objects.create(
            code=code,
            name=code,
            zone="America/Chicago",
            schedule={"rows": rows},
            holidays=holidays,
        )
    prices = [{"period": "PEAK", "price": "80"}, {"period": "OFF", "price": "50"}]
    term = add_term(
        draft,
        line_code=12,
        charge_type_key="tou_energy@1",
        label="By time of use",
        parameters={"calendar": "own", "prices": prices},
        actor=ACTOR,
    )
    activate_version(draft, actor=ACTOR, now=NOW)
    with portal_scope(tenants[0].pk, []):
        assert [holiday.calendar.code for holiday in Holiday.objects.all()] == ["own"]
        said = sentences(Term.objects.filter(pk=term.pk))[term.pk]
        assert "Holidays are 12 October 2026 (Site day)." in said
        assert "OFF is weekends and holidays 00:00 to 24:00; PEAK is all other hours" in said
    with portal_scope(tenants[1].pk, []):
        assert Holiday.objects.count() == HolidayCalendar.objects.count() == 0
