"""Errors and findings carry code, sentence and data, and survive JSON and pickling."""

import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, NotFoundError, Refused
from poweroptix.kernel.finding import Finding, Severity


@pytest.mark.parametrize(
    ("kind", "status"), [(Refused, 400), (Forbidden, 403), (NotFoundError, 404), (Conflict, 409)]
)
def test_each_kind_has_its_http_status(kind, status):
    error = kind("a.b", "A sentence.", where="here")

    assert isinstance(error, DomainError)
    assert (error.http_status, error.exit_code, str(error)) == (status, 1, "A sentence.")
    assert error.data == {"where": "here"}


def test_an_error_survives_a_process_boundary():
    error = Refused("a.b", "A sentence.", findings=[Finding("c", "d")], line=3)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert (copy.code, copy.message, copy.findings, copy.data) == (
        "a.b",
        "A sentence.",
        error.findings,
        {"line": 3},
    )


def test_a_finding_survives_json():
    finding = Finding(
        "meters.gap",
        "3 intervals are missing.",
        Severity.ESTIMATE,
        where="TEN-ALFA/DEL_KWH",
        metric=Decimal("3"),
        threshold=Decimal("0.5"),
        start_utc=datetime(2026, 3, 1, 6, tzinfo=UTC),
        end_utc=datetime.fromisoformat("2026-03-01T00:45:00-06:00"),
        data={"count": 3},
        fix="Send the file again.",
    )

    document = json.loads(json.dumps(finding.to_json()))

    assert document["start_utc"] == "2026-03-01T06:00:00Z"
    assert Finding.from_json(document) == finding


def test_a_finding_blocks_unless_it_says_otherwise():
    assert Finding("a", "b").severity is Severity.BLOCK
