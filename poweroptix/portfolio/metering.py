"""Sections of metering that are more than rows: who owns a rule, and what proves a meter."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from meters.models import MeterTest, MeterTestPoint
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.changes import CREATE, Change
from poweroptix.portfolio.rows import Section, apply_row, listed

#: Whom a setting or a rule set can be for; an item names one of them.
SETTING_OWNERS = ("channel", "rule_set", "campus")
USE_OWNERS = ("channel", "delivery_point", "source")
CERTIFICATES = Section(
    "transformer_certificates",
    "meters.TransformerCertificate",
    ("delivery_point", "certificate_number"),
    added_only=True,
)
TESTS = Section("meter_tests", "meters.MeterTest", ("meter", "certificate_number"), added_only=True)
POINTS = Section(
    "meter_test_points",
    "meters.MeterTestPoint",
    ("load_pct", "power_factor_ratio"),
    added_only=True,
)
INTERRUPTIONS = Section("interruptions", "meters.Interruption", ("delivery_point", "during"))


def apply_rule_setting(
    item: Mapping[str, Any], where: str, actor: Actor, _now: datetime
) -> list[Change]:
    """Set a rule from a day on for a channel, a rule set or a campus."""
    owner = _owner(item, SETTING_OWNERS, where)
    own = {name: value for name, value in item.items() if name != "campus" or owner == "campus"}
    section = Section("rule_settings", "meters.RuleSetting", (owner, "rule_key", "effective_from"))
    return [apply_row(section, own, where, actor)[1]]


def apply_rule_set_use(
    item: Mapping[str, Any], where: str, actor: Actor, _now: datetime
) -> list[Change]:
    """Give a channel, a delivery point or a source a rule set from a day on."""
    owner = _owner(item, USE_OWNERS, where)
    section = Section("rule_set_uses", "meters.RuleSetUse", (owner, "effective_from"))
    return [apply_row(section, item, where, actor)[1]]


def apply_certificate(
    item: Mapping[str, Any], where: str, actor: Actor, now: datetime
) -> list[Change]:
    """Add the certificate of transformers; one that is there already must be the same."""
    return [apply_row(CERTIFICATES, item, where, actor, signature=_signed(actor, now))[1]]


def apply_interruption(
    item: Mapping[str, Any], where: str, actor: Actor, now: datetime
) -> list[Change]:
    """Record a time in which a point was out of service."""
    return [apply_row(INTERRUPTIONS, item, where, actor, signature=_signed(actor, now))[1]]


def apply_meter_test(
    item: Mapping[str, Any], where: str, actor: Actor, now: datetime
) -> list[Change]:
    """Add a test of a meter with its points; one that is there already must be the same."""
    own = {name: value for name, value in item.items() if name != "points"}
    test, change = apply_row(TESTS, own, where, actor, signature=_signed(actor, now))
    points = listed(item, "points", where)
    if change.action != CREATE and len(points) != test.points.count():
        raise Refused(
            "portfolio.evidence",
            f"{where}.points: the test has {test.points.count()} points and {len(points)} are "
            "written; what was recorded is never changed, add a test that corrects it",
        )
    return [change, *(_point(test, point, f"{where}.points[{n}]", actor)
                      for n, point in enumerate(points))]  # fmt: skip


def _point(test: MeterTest, item: Any, where: str, actor: Actor) -> Change:
    """Add a point of a test; the key of a point stands for its own test alone."""
    if not isinstance(item, Mapping):
        raise Refused("portfolio.shape", f"{where}: an item is a block of fields, found {item!r}")
    if "test" in item:
        raise Refused("portfolio.unknown_field", f"{where}.test: unknown field")
    known = MeterTestPoint.objects.filter(test=test)
    _row, change = apply_row(POINTS, item, where, actor, signature={"test": test}, among=known)
    label = f"{test.meter.serial}/{test.certificate_number}/{change.key}"
    return Change(POINTS.name, label, change.action, change.fields)


def _signed(actor: Actor, now: datetime) -> dict[str, Any]:
    return {"recorded_by": str(actor)[:150], "recorded_at": now}


def _owner(item: Mapping[str, Any], owners: tuple[str, ...], where: str) -> str:
    named = [name for name in owners if item.get(name)]
    # beside a channel or point, `campus` only says where its code belongs
    named = [name for name in named if name != "campus"] or named
    if len(named) != 1:
        told = " and ".join(named) or "none"
        raise Refused(
            "portfolio.owner", f"{where}: name exactly one of {', '.join(owners)}; found {told}"
        )
    return named[0]
