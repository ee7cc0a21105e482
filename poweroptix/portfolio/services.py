"""Applying a portfolio document: everything in one transaction, or nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from poweroptix.accounts.models import Tenant
from poweroptix.accounts.services import create_tenant
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio import metering
from poweroptix.portfolio.agreements import apply_calendar, apply_contract
from poweroptix.portfolio.changes import CREATE, Change
from poweroptix.portfolio.happened import apply_event
from poweroptix.portfolio.lives import apply_opening
from poweroptix.portfolio.money import apply_ownership
from poweroptix.portfolio.pools import apply_pool
from poweroptix.portfolio.rows import Section, apply_row, known_fields, required
from poweroptix.portfolio.virtual import apply_virtual

Handler = Callable[[Mapping[str, Any], str, Actor, datetime], list[Change]]


def _rows(section: Section) -> Handler:
    return lambda item, where, actor, _now: [apply_row(section, item, where, actor)[1]]


def _tenant(item: Mapping, where: str, actor: Actor, now: datetime) -> list[Change]:
    known_fields(item, {"code", "name"}, where)
    code, name = (str(one) for one in required(item, where, "code", "name"))
    tenant = Tenant.objects.filter(code=code).first()
    if tenant is None:
        create_tenant(code, name, actor=actor, now=now)
        return [Change("tenants", code, CREATE)]
    return [apply_row(Section("tenants", "accounts.Tenant", ("code",)), item, where, actor)[1]]


#: Sections in the order in which they can refer to each other.
SECTIONS: dict[str, Handler] = {
    "tenants": _tenant,
    **{
        section.name: _rows(section)
        for section in (
            Section("campuses", "meters.Campus", ("code",)),
            Section("generating_units", "meters.GeneratingUnit", ("campus", "code")),
            Section(
                "power_curve_points",
                "meters.PowerCurvePoint",
                ("generating_unit", "effective_from", "wind_m_per_s"),
            ),
            Section(
                "heat_rate_points",
                "meters.HeatRatePoint",
                ("generating_unit", "effective_from", "fuel_mmbtu_per_hour"),
            ),
            Section("delivery_points", "meters.DeliveryPoint", ("campus", "code")),
            Section("meters", "meters.Meter", ("campus", "serial")),
            Section("channels", "meters.Channel", ("code",)),
            Section("installations", "meters.Installation", ("channel", "valid")),
            Section("loss_factors", "meters.LossFactor", ("delivery_point", "effective_from")),
            Section("site_holidays", "meters.SiteHoliday", ("campus", "date")),
            Section("import_profiles", "meters.ImportProfile", ("code",)),
            Section("sources", "meters.Source", ("code",)),
            Section("rule_sets", "meters.RuleSet", ("code",)),
            Section("capacity_steps", "meters.CapacityStep", ("generating_unit", "effective_from")),
            Section("unit_limits", "meters.UnitLimits", ("generating_unit", "effective_from")),
            Section("parties", "contracts.Party", ("code",)),
        )
    },
    "rule_set_uses": metering.apply_rule_set_use,
    "rule_settings": metering.apply_rule_setting,
    "transformer_certificates": metering.apply_certificate,
    "meter_tests": metering.apply_meter_test,
    "interruptions": metering.apply_interruption,
    "virtual_channels": apply_virtual,
    "holiday_calendars": lambda item, where, actor, _now: apply_calendar(item, where, actor),
    "tou_calendars": _rows(Section("tou_calendars", "contracts.TouCalendar", ("code",))),
    "index_series": _rows(Section("index_series", "contracts.IndexSeries", ("code",))),
    "contracts": apply_contract,
    "tenant_points": _rows(
        Section("tenant_points", "contracts.TenantPoint", ("contract", "delivery_point", "valid"))
    ),
    "contract_quantities": _rows(
        Section(
            "contract_quantities",
            "contracts.ContractQuantity",
            ("contract", "name", "channel", "valid"),
        )
    ),
    "opening_balances": apply_opening,
    "contract_events": apply_event,
    "carbon_policies": _rows(
        Section("carbon_policies", "esg.CarbonPolicy", ("campus", "effective_from"))
    ),
    "pools": lambda item, where, actor, _now: apply_pool(item, where, actor),
    **{
        section.name: _rows(section)
        for section in (
            Section("money_pools", "settlement.MoneyPool", ("campus", "code")),
            Section("money_members", "settlement.MoneyMember", ("pool", "contract", "valid")),
            Section("money_parts", "settlement.MoneyMember", ("pool", "part_pool", "valid")),
        )
    },
    "ownerships": apply_ownership,
    "close_calendars": _rows(Section("close_calendars", "settlement.CloseCalendar", ("code",))),
    "close_contracts": _rows(Section("close_contracts", "settlement.CloseContract", ("contract",))),
}


def apply_document(
    document: Mapping[str, Any], *, actor: Actor, now: datetime, dry_run: bool = False
) -> list[Change]:
    """Bring the database to what the document says and return every change.

    Applying the same document again changes nothing. `Refused` names the path of the first fault
    and leaves the database as it was; so does `dry_run`, after having tried everything.
    """
    unknown = sorted(set(document) - set(SECTIONS))
    if unknown:
        raise Refused(
            "portfolio.unknown_section",
            f"unknown section '{unknown[0]}'; known: {', '.join(SECTIONS)}",
        )
    changes: list[Change] = []
    with transaction.atomic():
        for name, handler in SECTIONS.items():
            for index, item in enumerate(_items(document, name)):
                where = f"{name}[{index}]"
                if not isinstance(item, Mapping):
                    raise Refused("portfolio.shape", f"{where}: an item is a block of fields")
                made = handler(item, where, actor, now)
                _refuse_repeated(changes, made, where)
                changes += made
        if dry_run:
            transaction.set_rollback(True)
    return changes


def _refuse_repeated(before: list[Change], made: list[Change], where: str) -> None:
    """Refuse a second item with the key of an earlier one: they would overwrite each other."""
    known = {(change.section, change.key) for change in before}
    for change in made:
        if (change.section, change.key) in known:
            raise Refused(
                "portfolio.duplicate_item",
                f"{where}: {change.section} '{change.key}' stands twice; keep one of them",
            )
        known.add((change.section, change.key))


def _items(document: Mapping[str, Any], name: str) -> list:
    items = document.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise Refused("portfolio.shape", f"{name}: a section is a list of items")
    return items
