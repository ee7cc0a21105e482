"""Runs of sources, digests and slices of batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.storage.batch import Batch, lines_of, run_lengths, spread


@st.composite
def origins(draw):
    """Draw files, lines and presence of some day blocks."""
    per_day = draw(st.sampled_from([4, 24]))
    rows = draw(st.integers(1, 4))
    shape = (rows, per_day)
    pick = st.integers(0, 3)
    files = np.array(draw(st.lists(pick, min_size=rows * per_day, max_size=rows * per_day)))
    lines = np.array(draw(st.lists(pick, min_size=rows * per_day, max_size=rows * per_day)))
    there = np.array(
        draw(st.lists(st.booleans(), min_size=rows * per_day, max_size=rows * per_day))
    )
    return files.reshape(shape) + 1, lines.reshape(shape) + 1, there.reshape(shape)


@given(origins())
def test_runs_tell_file_and_line_of_every_present_reading(drawn):
    files, lines, there = drawn
    runs, counts = run_lengths(files, lines, there)
    assert counts.sum() == len(runs)
    start = 0
    for row, count in enumerate(counts.tolist()):
        got_files, got_lines = lines_of(runs[start : start + count], files.shape[1])
        start += count
        assert got_files[there[row]].tolist() == files[row][there[row]].tolist()
        assert got_lines[there[row]].tolist() == lines[row][there[row]].tolist()


def test_consecutive_lines_and_repeated_lines_are_one_run_each():
    lines = np.array([[5, 6, 7, 8, 9, 9, 9, 9]])
    runs, _ = run_lengths(np.full((1, 8), 3), lines, np.ones((1, 8), bool))
    assert runs.tolist() == [[0, 3, 5, 1], [5, 3, 9, 0]]


def test_digest_changes_with_value_status_and_method():
    batch = Batch.empty(60, 4)
    batch.values[1, 0], batch.status[2, 0], batch.method[3, 0] = 1, 10, 5
    batch.compute_digests()
    assert len(np.unique(batch.digests)) == 4
    assert not batch.tampered().any()
    batch.values[0, 5] = 7
    assert batch.tampered().tolist() == [True, False, False, False]


def test_take_keeps_each_block_with_its_runs():
    batch = Batch.empty(60, 3)
    batch.days = np.array([1, 2, 3])
    batch.runs = np.arange(12).reshape(3, 4)
    batch.run_counts = np.array([2, 0, 1])
    taken = batch.take(np.array([2, 0]))
    assert taken.days.tolist() == [3, 1]
    assert taken.runs.tolist() == [[8, 9, 10, 11], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert taken.sources_of(1).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_spread_of_nothing():
    assert spread(np.array([], np.int64), np.array([], np.int64)).size == 0
