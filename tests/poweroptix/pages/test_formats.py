"""Figures, dates and moments are written by the filters of `po` and by nothing else."""

import re
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.utils.formats import date_format as django_date

from poweroptix.pages.templatetags import po

#: What addresses and attributes need; people never read it.
MACHINE = re.compile(r"""\|(date:(["'])Y-m(-d)?(\\TH:i:s)?\2|stringformat:(["'])[ds]\5)""")
BESIDE = re.compile(r"\|(date|time|floatformat|stringformat|localize|intcomma|naturaltime)\b")
#: The weekday stands beside a date of the filter `day`.
WEEKDAY = re.compile(r"""\|date:(["'])[Dl]\1""")


def templates():
    folders = (settings.BASE_DIR / "templates", settings.BASE_DIR / "billing" / "templates")
    return [file for folder in folders for file in sorted(folder.rglob("*.html"))]


def test_no_template_formats_beside_the_filters():
    assert len(templates()) > 40
    wrong = []
    for file in templates():
        text = WEEKDAY.sub("", MACHINE.sub("", file.read_text()))
        wrong += [
            f"{file.relative_to(settings.BASE_DIR)}: {hit[0]}" for hit in BESIDE.finditer(text)
        ]
    assert wrong == []


def test_the_search_finds_what_it_should():
    assert BESIDE.search('{{ x|date:"j M Y" }}')
    assert not BESIDE.search(MACHINE.sub("", "{{ x|date:'Y-m-d' }}"))
    assert MACHINE.search('|date:"j M"') is None


@pytest.mark.django_db
def test_the_set_up_writes_dates_as_the_pages_do(world, client):
    client.force_login(world.people["administrator"])
    page = client.get("/admin/meters/importfile/").content.decode()
    assert "2026-04-02 15:00 UTC" in page
    assert "April 2, 2026" not in page
    assert django_date(datetime(2026, 4, 3, 15, tzinfo=UTC), "DATETIME_FORMAT") == (
        "2026-04-03 15:00 UTC"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("shows 110486.322: 1.732467 % apart", "shows 110,486.322: 1.732467 % apart"),
        ("advanced over zero by 3918081 kWh", "advanced over zero by 3,918,081 kWh"),
        ("8542.04 kWh apart.", "8,542.04 kWh apart."),
        ("meter 22198 of file #30511, 2026-10-01", "meter 22198 of file #30511, 2026-10-01"),
        ("register 0179584 at 2026-10-01 00:00", "register 0179584 at 2026-10-01 00:00"),
        ("A1/12345.6 and v12345.6 stay, 1,234.5 kWh too", None),
        (None, ""),
    ],
)
def test_the_figures_of_a_sentence_are_grouped_and_names_are_not(text, shown):
    assert po.sentence(text) == (text if shown is None else shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("False", "no"),
        (True, "yes"),
        ("14000", "14,000"),
        ("0.3", "0.3"),
        ("ALL", "ALL"),
        ({"RESET": "HOLD_DAY"}, "RESET: hold day"),
    ],
)
def test_a_parameter_is_said_as_people_read_it(value, shown):
    assert po.setting(value) == shown


def test_nested_data_is_said_in_words():
    items = [{"reference": "2025-118", "amount_usd": "1250.00", "payments": []}]
    assert po.plain(items) == "reference 2025-118, amount usd 1,250.00, payments —"
    assert po.plain("120000") == "120,000"
