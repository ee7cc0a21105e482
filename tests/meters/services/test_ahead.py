"""Reading ahead: order, limit, faults, early stop."""

import threading
import time

import pytest

from meters.services.arriving.ahead import Ahead


def test_order_is_kept():
    with Ahead(iter(range(500)), limit=7, weight=lambda _: 1) as ahead:
        assert list(ahead) == list(range(500))


def test_no_more_than_the_limit_is_held():
    made = []

    def source():
        for number in range(50):
            made.append(number)
            yield number

    with Ahead(source(), limit=3, weight=lambda _: 1) as ahead:
        time.sleep(0.05)
        assert len(made) <= 4
        assert list(ahead) == list(range(50))


def test_fault_comes_after_what_was_read_before_it():
    def source():
        yield 1
        raise ValueError("line 2 is broken")

    seen = []
    with (
        pytest.raises(ValueError, match="line 2 is broken"),
        Ahead(source(), limit=9, weight=lambda _: 1) as ahead,
    ):
        seen.extend(iter(ahead))
    assert seen == [1]


def test_early_stop_ends_the_thread():
    with Ahead(iter(range(10**9)), limit=2, weight=lambda _: 1) as ahead:
        for item in ahead:
            if item == 5:
                break
    assert not [t for t in threading.enumerate() if t.name == "read-ahead"]
