"""What-ifs: exact, beside their run with causes, and out of reach of every bill."""

import csv
import html
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm
from poweroptix.accounts.models import User
from poweroptix.kernel.errors import Forbidden, Refused
from settlement.calc.causes import AMENDMENT, METER, PRICE, causes_between
from settlement.calc.settle import settle
from settlement.calc.what_if import changed, numbers_of, read_changes, with_numbers
from settlement.models import SettlementRun, WhatIf
from settlement.services.what_if import ask_what_if
from tests.settlement.acts import approve, publish_hub, with_index
from tests.settlement.acts import settle as settle_run
from tests.settlement.test_causes import ENERGY, MWH, inputs_of
from tests.settlement.world import NOW

INDEX = PricedTerm(2, 12, "index_adder@1", "Index", parameters={"index": "HUB", "adder": "5"})


def month():
    return inputs_of([MWH] * 23, ENERGY, INDEX)


def test_loads_prices_and_terms_each_do_their_part():
    changes = read_changes(
        {
            "load_ratio": "1.5",
            "prices": {"HUB": {"ratio": "1.2", "adder": "-1"}},
            "terms": {"10": {"price": "40"}},
        }
    )
    before, after = month(), changed(month(), changes)
    assert settle(after).total_usd == Decimal("34.5") * 40 + Decimal("34.5") * (25 * 6 // 5 - 1 + 5)
    energy, index = causes_between(before, after)
    assert energy.by_cause == {METER.key: Decimal("575.00"), AMENDMENT.key: Decimal("-345.00")}
    assert index.by_cause == {METER.key: Decimal("345.00"), PRICE.key: Decimal("138.00")}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.integers(-100, 100), st.integers(0, 200))
def test_causes_of_a_what_if_sum_to_its_difference(percent, adder, price):
    document = {
        "load_ratio": format(Decimal(percent) / 100, "f"),
        "prices": {"HUB": {"adder": str(adder)}},
        "terms": {"10": {"price": str(price)}},
    }
    before = month()
    after = changed(before, read_changes(document))
    deltas = causes_between(before, after)
    moved = sum((usd for one in deltas for usd in one.by_cause.values()), Decimal(0))
    assert moved == settle(after).total_usd - settle(before).total_usd


def test_another_version_prices_the_whole_month():
    [version] = month().versions
    other = replace(version, number=2, terms=(replace(ENERGY, parameters={"price": "60"}),))
    after = changed(month(), read_changes({"version": 2}), other)
    assert settle(after).total_usd == Decimal("1380.00")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Nothing is changed: scale loads, prices or terms"),
        ({"loads": "2"}, "There is no change 'loads'; known: load_ratio, prices, terms, version"),
        ({"load_ratio": "3"}, "load_ratio is 3; loads can be scaled from 0 to 2"),
        ({"load_ratio": 1.1}, "load_ratio is 1.1; write a number such as 1.05"),
        ({"load_ratio": "1e9"}, "write a number such as"),
        ({"prices": {"WEST": {"adder": "1"}}}, "reads no prices 'WEST'; it reads: AHEAD, GAS, HUB"),
        ({"terms": {"99": {"price": "1"}}}, "no line 99 to change; the month has the lines 10, 12"),
    ],
)
def test_what_cannot_be_asked_is_refused(document, message):
    with pytest.raises(Refused, match=message):
        changed(month(), read_changes(document))


def test_numbers_in_blocks_are_found_and_changed_where_they_stand():
    parameters = {
        "prices": [{"period": "ON", "blocks": [{"up_to_kw": "50", "rate": "9"}, {"rate": "7.5"}]}],
        "ratchet_ratio": "0.8",
        "calendar": "2026",
        "kw_rounding": "WHOLE",
    }
    found = {one.name: (one.label, one.value) for one in numbers_of(parameters)}
    assert found["prices-0-blocks-1-rate"] == ("ON blocks 2 rate", "7.5")
    assert found["ratchet_ratio"] == ("ratchet_ratio", "0.8")
    changed_ones = with_numbers(parameters, {("prices", 0, "blocks", 1, "rate"): "8"})
    assert changed_ones["prices"][0]["blocks"] == [{"up_to_kw": "50", "rate": "9"}, {"rate": "8"}]
    assert parameters["prices"][0]["blocks"][1]["rate"] == "7.5"
    assert set(changed_ones) == {"prices"}


@pytest.mark.django_db
def test_a_what_if_stands_beside_its_run_and_no_bill_can_name_it(client):
    world = with_index()
    publish_hub([30] * 743)
    run = approve(world, settle_run(world))
    client.force_login(User.objects.get(username="ana"))
    form = client.get(f"/office/settlement/{run.pk}/what-if/").content.decode()
    assert 'name="adder-HUB"' in form
    assert 'name="term-10-price"' in form
    said = {"title": "Ten more", "load_percent": "110", "adder-HUB": "2", "term-10-price": "50"}
    answer = client.post(f"/office/settlement/{run.pk}/what-if/", said)
    asked = WhatIf.objects.get()
    assert answer["Location"] == f"/office/settlement/what-if/{asked.pk}/"
    assert asked.changes == {"load_ratio": "1.10", "prices": {"HUB": {"adder": "2"}}}
    shown = client.get(answer["Location"]).content.decode()
    assert "nothing can bill, approve or carry it" in shown
    assert "Other loads" in shown
    rows = list(
        csv.DictReader(client.get(f"{answer['Location']}?export=csv").content.decode().splitlines())
    )
    assert sum(Decimal(row["now"]) for row in rows) == asked.total_usd
    assert sum(Decimal(row["difference"]) for row in rows) == asked.total_usd - run.total_usd
    wrong = {**said, "title": 'Cooler "May"', "load_percent": "abc", "ratio-HUB": "90"}
    wrong |= {"adder-HUB": "1,5", "term-10-price": "80,00"}
    refused = client.post(f"/office/settlement/{run.pk}/what-if/", wrong)
    kept = html.unescape(refused.content.decode())
    assert refused.status_code == 400
    told = kept.split('class="card stack"')[0]  # every wrong field is named by its label
    labels = re.findall(r"(?:>|\s)([^<>]*?) is not a plain number", told)
    assert "3 fields are not plain numbers." in told
    assert [one.strip() for one in labels] == [
        "Loads, percent of the metered ones: 'abc'",
        "HUB, plus, in its own unit: '1,5'",
        "10 Energy, Price (USD/MWh): '80,00'",
    ]
    kept = refused.content.decode()
    for name, value in {**wrong, "title": "Cooler &quot;May&quot;"}.items():
        [field] = re.findall(rf'<input[^>]* name="{name}"[^>]*>', kept)
        assert f'value="{value}"' in field
    assert client.post(f"/office/settlement/{run.pk}/what-if/", {"title": "x"}).status_code == 400
    assert WhatIf.objects.count() == 1

    with pytest.raises(Forbidden):
        ask_what_if(run, {"load_ratio": "1.1"}, title="x", now=NOW, actor=world.approver)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = 'settlement_whatif'::regclass"
        )
        assert cursor.fetchall() == []  # no table can refer to a what-if, invoices included
    for sql in ("UPDATE settlement_whatif SET total_usd = 1", "DELETE FROM settlement_whatif"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    assert SettlementRun.objects.count() == 1
