"""The replacement ranking, by table and by law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.services.arriving.ranking import Side, rank
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status

RAW, EST, SUB, EDITED = Status.RAW, Status.ESTIMATED, Status.SUBSTITUTED_FINAL, Status.EDITED
NOTHING = (MISSING, Status.MISSING, 0)


def side(value, status, method=0):
    return Side(np.array([value]), np.array([int(status)]), np.array([int(method)]))


@pytest.mark.parametrize(
    ("current", "incoming", "final", "expected"),
    [
        (NOTHING, (5, RAW), None, "take"),
        (NOTHING, (5, EST, Method.SOURCE), None, "take"),
        ((5, RAW), NOTHING, None, ""),
        ((5, RAW), (5, RAW), None, "same"),
        ((5000, RAW), (5005, RAW), Status.VALIDATED, "take replaced"),
        ((5000, RAW), (5006, RAW), Status.VALIDATED, "take replaced large"),
        ((5, RAW), (6, EST), Status.VALIDATED, "ignored"),
        ((5, RAW), (6, EST), Status.VERIFIED, "ignored"),
        ((5, RAW), (6, EST), Status.SUSPECT, "take replaced large"),
        ((5, RAW), (6, EST), None, "take replaced large"),
        ((5, EST, Method.SOURCE), (6, RAW), Status.ESTIMATED, "take replaced"),
        ((5, EST, Method.LIKE_DAY), (6, EST, Method.CHECK_METER), EST, "take replaced"),
        ((5, EST, Method.CHECK_METER), (6, EST, Method.LIKE_DAY), EST, "ignored"),
        ((5, EST, Method.MANUAL), (6, EST, Method.SOURCE), EST, "ignored"),
        ((5, EST, Method.MANUAL), (6, EST, Method.SOURCE), Status.SUSPECT, "take replaced"),
        ((5, EST, Method.MANUAL), (6, EST, Method.SOURCE), None, "ignored"),
        ((5, SUB), (6, RAW), SUB, "take replaced large"),
        ((5, SUB), (6, EST), SUB, "ignored"),
        ((5, RAW), (6, RAW), EDITED, "take replaced large"),
        ((0, RAW), (1, RAW), Status.VALIDATED, "take replaced large"),
    ],
)
def test_table(current, incoming, final, expected):
    verdict = rank(
        side(*current), side(*incoming), None if final is None else np.array([int(final)])
    )
    words = ("take", "same", "replaced", "ignored", "large")
    assert " ".join(w for w in words if getattr(verdict, w)[0]) == expected


READING = st.one_of(
    st.just((MISSING, int(Status.MISSING), 0)),
    st.tuples(
        st.integers(-(10**15), 10**15),
        st.sampled_from([int(s) for s in (RAW, EST, SUB, Status.SUSPECT)]),
        st.integers(0, 20),
    ),
)


@given(st.lists(st.tuples(READING, READING), min_size=1, max_size=20))
def test_every_arrival_is_counted_once_and_a_second_time_changes_nothing(pairs):
    def sided(rows):
        return Side(*(np.array(column) for column in zip(*rows, strict=True)))

    current, incoming = sided([a for a, _ in pairs]), sided([b for _, b in pairs])
    verdict = rank(current, incoming, None)
    arrives = incoming.values != MISSING
    counted = verdict.take.astype(int) + verdict.same + verdict.ignored
    assert (counted == arrives).all()
    assert not (verdict.replaced & ~verdict.take).any()
    after = Side(
        *(
            np.where(verdict.take, getattr(incoming, name), getattr(current, name))
            for name in ("values", "status", "method")
        )
    )
    assert not rank(after, incoming, None).take.any()
