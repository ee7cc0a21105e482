"""Where a finding of the gate is mended: the very page, day, channels and period."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from poweroptix.kernel.finding import Finding


def mend_url(finding: Finding) -> str:
    """Return the address of the page that mends a finding; empty when there is none."""
    page = PAGES.get(finding.data.get("link", ""))
    return page(finding.data.get("params", {})) if page else ""


def _address(name: str, *args: str, **query: Any) -> str:
    asked = {key: value for key, value in query.items() if value}
    return reverse(name, args=args) + (f"?{urlencode(asked, safe=',')}" if asked else "")


def _completeness(params: Mapping[str, Any]) -> str:
    """Lead to the channels with gaps in the period, or to all late ones; the latest first."""
    keys, month = ",".join(str(key) for key in params.get("channels", ())), params.get("period")
    late = "" if month else "yes"
    return _address("office-channels", channels=keys, gaps=month, late=late, sort="-hours_late")


def _findings(params: Mapping[str, Any]) -> str:
    """Lead to the open findings that hold the month of these channels."""
    keys = ",".join(str(key) for key in params.get("channels", ()))
    return _address(
        "office-findings", state="OPEN", holds="yes", month=params.get("period"), channels=keys
    )


def _quarantine(params: Mapping[str, Any]) -> str:
    """Lead to the records in quarantine, to those of one name where there is one."""
    return _address("office-quarantines", q=params.get("text"))


def _allocation(params: Mapping[str, Any]) -> str:
    """Lead to the balance of the day, to the month of the campus, or to its settlement."""
    if params.get("day"):
        return _address("office-balance", params["campus"], params["day"])
    return _address("office-settlement", period=params.get("period"))


def _index(params: Mapping[str, Any]) -> str:
    """Lead to the prices of the series in the period."""
    return _address("office-prices", params["series"], month=params.get("period"))


def _version(params: Mapping[str, Any]) -> str:
    """Lead to the contract."""
    return _address("office-contract", params["contract"])


def _run(params: Mapping[str, Any]) -> str:
    """Lead to the runs of the month that has to be approved first."""
    return _address(
        "office-settlement", contract=params.get("contract"), period=params.get("period")
    )


def _pool(params: Mapping[str, Any]) -> str:
    """Lead to the month of the pool of money."""
    return _address("office-pool", params["campus"], params["pool"], params["period"])


PAGES = {
    "meters.completeness": _completeness,
    "meters.findings": _findings,
    "meters.quarantine": _quarantine,
    "settlement.allocation": _allocation,
    "settlement.pool": _pool,
    "settlement.run": _run,
    "contracts.index": _index,
    "contracts.version": _version,
}
