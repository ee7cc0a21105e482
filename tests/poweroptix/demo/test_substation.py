"""The files of the substation and of the field crew, without a database."""

import csv
import io

import numpy as np
import pytest

from poweroptix.demo.files import inside, month_bounds, monthly_files
from poweroptix.demo.flows import generate
from poweroptix.demo.substation import (
    DIRTY,
    charlie_faults,
    register_file,
    reread_sheet,
    substation_file,
)


@pytest.fixture(scope="module")
def flows():
    return generate()


def rows(file):
    return list(csv.DictReader(io.StringIO(file.content.decode())))


def thousandths(file, meter, channel):
    said = [row for row in rows(file) if (row["meter_id"], row["channel"]) == (meter, channel)]
    return np.array([int(row["value"].replace(".", "")) for row in said])


def charlie(flows, label):
    return flows.wh["TEN-CHARLIE"][inside(flows.start_minutes, *month_bounds(label))]


def test_the_check_meter_agrees_in_a_clean_month(flows):
    main, check = charlie(flows, "2026-09"), thousandths(
        substation_file(flows, "2026-09"), "TEN-CHARLIE-CHK", "DEL_KWH"
    )  # fmt: skip
    assert (np.abs(check - main) <= main * 4 // 10_000).all()
    assert abs(int((check - main).sum())) < 2_000


def test_its_fuse_is_loose_for_one_day_of_the_dirty_month(flows):
    main, check = charlie(flows, DIRTY), thousandths(
        substation_file(flows, DIRTY), "TEN-CHARLIE-CHK", "DEL_KWH"
    )  # fmt: skip
    apart = np.flatnonzero(np.abs(check - main) * 100 > main)
    assert apart.tolist() == list(range(19 * 96, 20 * 96))


def test_the_state_of_charge_is_one(flows):
    charge = thousandths(substation_file(flows, DIRTY), "BAT-1", "SOC")
    assert 10_000 <= charge.min() < charge.max() <= 100_000


def test_what_the_dirty_month_lacks_and_what_it_says_wrong(flows):
    within = inside(flows.start_minutes, *month_bounds(DIRTY))
    start, wh = flows.start_minutes[within], charlie(flows, DIRTY)
    said, hole = charlie_faults(start, wh)
    assert hole.sum() == 8
    wrong = np.flatnonzero(said != wh)
    assert wrong[0] == 13 * 96 + 9 * 4
    assert said[wrong[0]] == 3 * wh[wrong[0]]
    assert wrong[1:].tolist() == list(range(18 * 96 + 32, 18 * 96 + 72))
    assert len(set(said[wrong[1:]])) == 1
    assert (wh == 0).sum() == 4


def test_closed_months_have_no_fault_of_the_last(flows):
    for label in ("2026-08", "2026-09"):
        plain, dirty = (
            {file.name: file.content for file in monthly_files(flows, label, faults)}
            for faults in (None, charlie_faults)
        )
        assert plain == dirty


def test_the_register_of_charlie_rolls_over(flows):
    first, last = (int(row["register"]) for row in rows(register_file(flows, DIRTY)))
    assert (first, last) == (7_752_723, 1_666_084)
    assert abs((last - first) % 10**7 * 1000 - int(charlie(flows, DIRTY).sum())) <= 1000


def test_the_exchange_of_may_has_both_reads_at_one_moment(flows):
    told = rows(register_file(flows, "2026-05"))
    assert [row["read_type"] for row in told] == ["SCHEDULED", "REMOVE", "INSTALL", "SCHEDULED"]
    assert told[1]["read_time"] == told[2]["read_time"] == "2026-05-14T15:00:00Z"
    assert [row["multiplier"] for row in told] == ["1", "1", "400", "400"]
    assert told[2]["register"] == "0000000"


def test_the_sheet_is_the_same_every_time(flows):
    assert reread_sheet(flows).content == reread_sheet(flows).content
