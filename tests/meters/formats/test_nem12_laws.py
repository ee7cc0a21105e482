"""NEM12: laws of the reader, whatever the numbers, the order and the size of a chunk."""

import datetime as dt
import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from meters.formats._nem12_index import index_chunk
from tests.meters.cases import as_dict, blocks, read
from tests.meters.formats.test_nem12 import day, head, nem12

NUMBERS = st.one_of(
    st.decimals(-(10**6), 10**6, places=3), st.decimals(0, 100, places=6), st.integers(0, 10**9)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(NUMBERS, min_size=48, max_size=48), min_size=1, max_size=4), st.data())
def test_round_trip_of_any_numbers(days, data):
    start = dt.date(2026, 3, 2)
    order = data.draw(st.permutations(range(len(days))))
    records = [
        day(
            f"{start + dt.timedelta(n):%Y%m%d}",
            [f"{value:f}" if isinstance(value, Decimal) else str(value) for value in days[n]],
        )
        for n in order
    ]
    (block,) = blocks(read("nem12@1", nem12(head(), *records)))
    assert [Decimal(int(v)).scaleb(-6) for v in block.values] == [v for d in days for v in d]


def test_vector_and_careful_path_give_the_same(monkeypatch):
    rng = random.Random(3)
    records = []
    for meter in range(20):
        records.append(head(nmi=f"NMI{meter:07d}"))
        for n in range(1, 20):
            values = [
                f"{rng.random() * 10 ** rng.randint(0, 6):.{rng.randint(0, 6)}f}" for _ in range(48)
            ]
            records.append(day(f"202603{n:02d}", values, stamp=rng.choice(["", "20260401000000"])))
    text = nem12(*records)
    fast = as_dict(read("nem12@1", text))
    real = index_chunk

    def careful(data):
        index = real(data)
        index.valued[:] = index.plain[:] = False
        return index

    monkeypatch.setattr("meters.formats.nem12.index_chunk", careful)
    assert as_dict(read("nem12@1", text)) == fast
    assert len(fast) == 20 * 19 * 48


def test_small_chunks_give_the_same(monkeypatch):
    text = nem12(head(), day(quality="V"), "400,1,20,F14,76,", "400,21,48,A,,", day("20260303"))
    whole = as_dict(read("nem12@1", text))
    for size in (1, 7, 64, 500):
        monkeypatch.setattr("meters.formats._text.CHUNK_BYTES", size)
        monkeypatch.setattr(
            "meters.formats._text.chunks.__kwdefaults__",
            {"size": size, "final_break": True, "first_line": 1},
        )
        assert as_dict(read("nem12@1", text)) == whole
