"""Lists: what is in the address decides what is shown, and nothing else is taken from it."""

import csv
import io

import pytest
from openpyxl import load_workbook

from meters.models import ImportFile

pytestmark = pytest.mark.django_db
FILES, RUNS = "/office/imports/", "/office/settlement/"


@pytest.fixture
def analyst(world, client):
    client.force_login(world.people["analyst"])
    return client


def shown(answer):
    return [item["row"] for item in answer.context["shown"]]


def test_search_narrows_by_every_word(analyst):
    assert len(shown(analyst.get(RUNS))) == 2
    hits = shown(analyst.get(RUNS, {"q": "alfa 2026-03"}))
    assert [run.contract.code for run in hits] == ["PPA-ALFA"]
    assert shown(analyst.get(RUNS, {"q": "alfa 2031-01"})) == []


def test_a_search_that_finds_nothing_offers_to_clear(analyst):
    page = analyst.get(RUNS, {"q": "no such contract"}).content.decode()
    assert "Nothing matches" in page
    assert "clear the filters" in page


@pytest.mark.parametrize(
    "query", ["contract__tenant__name=x", "state=NOPE", "state=REVIEW&password=1"]
)
def test_unknown_filters_and_values_are_not_found(analyst, query):
    assert analyst.get(f"{RUNS}?{query}").status_code == 404


def test_a_known_filter_narrows(analyst):
    assert len(shown(analyst.get(RUNS, {"state": "INVOICED"}))) == 2
    assert shown(analyst.get(RUNS, {"state": "REVIEW"})) == []


def test_sorting_takes_columns_of_the_list_alone(analyst):
    up = [run.contract.code for run in shown(analyst.get(RUNS, {"sort": "contract__code"}))]
    down = [run.contract.code for run in shown(analyst.get(RUNS, {"sort": "-contract__code"}))]
    assert up == sorted(up)
    assert down == up[::-1]
    plain = [run.pk for run in shown(analyst.get(RUNS))]
    foreign = analyst.get(RUNS, {"sort": "contract__tenant__users__password"})
    assert [run.pk for run in shown(foreign)] == plain


def test_the_sorted_column_says_so(analyst):
    page = analyst.get(RUNS, {"sort": "-total_usd"}).content.decode()
    assert 'aria-sort="descending"' in page


@pytest.mark.parametrize("page", ["2", "-1", "x", "99999999999", "1' or 1=1"])
def test_any_page_number_shows_a_page(analyst, page):
    assert analyst.get(RUNS, {"page": page, "size": page}).status_code == 200


def test_a_nul_in_the_search_is_harmless(analyst):
    assert analyst.get(RUNS, {"q": "al\x00fa"}).status_code == 200


def hostile_file():
    return ImportFile.objects.create(
        sha256="f" * 64,
        source="=cmd|'/c calc'!A1",
        name='=HYPERLINK("http://evil","x")',
        size=1,
        path="x",
        state="REFUSED",
        received_at="2026-03-01T00:00:00Z",
        receipt={},
        uploaded_by="+1",
    )


def test_cells_of_a_csv_never_start_a_formula(analyst):
    hostile_file()
    answer = analyst.get(FILES, {"export": "csv"})
    assert answer["Content-Disposition"].startswith("attachment;")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == ImportFile.objects.count()
    assert rows[0]["Name"] == '\'=HYPERLINK("http://evil","x")'
    assert rows[0]["Source"].startswith("'=")
    assert rows[1]["Intervals"].isdecimal()


def test_cells_of_a_workbook_are_typed_and_hold_no_formula(analyst):
    hostile_file()
    answer = analyst.get(FILES, {"export": "xlsx"})
    sheet = load_workbook(io.BytesIO(answer.content)).active
    head, first, second = list(sheet.iter_rows())[:3]
    assert [cell.value for cell in head][:2] == ["File", "Name"]
    assert {cell.data_type for cell in first} <= {"s", "inlineStr", "n"}
    assert isinstance(second[4].value, int)
    assert sheet.freeze_panes == "A2"


def test_the_download_is_what_is_filtered(analyst):
    rows = analyst.get(RUNS, {"export": "csv", "q": "alfa"}).content.decode().splitlines()
    assert len(rows) == 2
    assert rows[1].startswith("PPA-ALFA,2026-03")
