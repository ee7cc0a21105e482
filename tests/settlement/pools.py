"""Documents of pools of money, and what contracts are billed from them."""

from decimal import Decimal

from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.period import Period
from settlement.calc.inputs import from_bytes
from settlement.calc.money import FORMAT, divide, views
from settlement.calc.settle import settle

ZONE = "America/Chicago"
SINCE = "2026-01-01"


def stays(**weights):
    """Members for the whole month: a weight, or a list of [first, end, weight]."""
    return {
        code: one if isinstance(one, list) else [[SINCE, None, str(one)]]
        for code, one in weights.items()
    }


def pool(key, parameters, members, *items, label="2026-11", kind="COST", code="site", **more):
    period = Period.month(ZONE, label)
    return {
        "format": FORMAT,
        "pool": code,
        "name": code,
        "kind": kind,
        "key": key,
        "parameters": parameters,
        "members": members,
        "items": [one if isinstance(one, dict) else {"amount_usd": one} for one in items],
        "period": {
            "start_utc": period.start_utc.isoformat(),
            "end_utc": period.end_utc.isoformat(),
            "zone": ZONE,
            "label": label,
        },
        **more,
    }


def billed(document, series=None):
    """Settle a contract per member by its own terms; return what line 40 of each amounts to."""
    shown = views(document, divide(document, series or {}))
    return {code: line(document, view).amount_usd for code, view in shown.items()}


def line(document, view):
    """Settle one contract whose only term is its share of the pool, from stored bytes."""
    inputs = {
        "contract": "PPA",
        "zone": ZONE,
        "period": document["period"]["label"],
        "versions": [{"terms": [term(document["pool"])]}],
        "pools": {document["pool"]: view},
    }
    [only] = settle(from_bytes(canonical_json(inputs))).lines
    return only


def term(code, line_code=40):
    return {
        "line_code": line_code,
        "charge_type": "pool_share@1",
        "label": "Campus cost",
        "parameters": {"pool": code},
    }


def money(**amounts):
    return {code: Decimal(text.replace(",", "")) for code, text in amounts.items()}
