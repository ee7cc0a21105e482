"""The whole chain as a user drives it: one small portfolio, files, and `manage.py` commands."""

import io
import json
from dataclasses import dataclass, field
from datetime import timedelta

import yaml
from django.core.management import CommandError, call_command

from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.period import Period
from settlement.calc.inputs import from_bytes
from settlement.queries.resolver import StoredResolver

STAFF = ("operator", "analyst", "approver", "billing")
HEAD = "meter_id,channel,interval_start,interval_seconds,value,unit,status"


@dataclass
class Said:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out or self.err)


def manage(*words):
    """Run a management command as a shell would: text in, output and exit code out."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*map(str, words), stdout=out, stderr=err)
        code = 0
    except CommandError as fault:
        code = fault.returncode if fault.returncode != 1 else 2
        err.write(str(fault))
    except SystemExit as stop:
        code = stop.code or 0
    return Said(code, out.getvalue().strip(), err.getvalue().strip())


def people():
    """Create one person per role of the back office."""
    for role in STAFF:
        create_user(role, None, role=role, actor=Actor.system("test"))


@dataclass
class Portfolio:
    """A campus with one tenant behind one load point, as the document of `manage.py apply`."""

    zone: str
    minutes: int
    first_day: str
    terms: list
    example: dict
    channels: tuple = ("LOAD/DEL_KWH",)
    directions: tuple = ("DELIVERED",)
    serial: str = "M-1"
    capacity_kw: str | None = None
    end_day: str = ""
    installed: tuple | None = None
    facts: dict = field(default_factory=dict)
    calendars: list = field(default_factory=list)
    profiles: list = field(default_factory=list)
    opening: list = field(default_factory=list)

    def document(self):
        """Return the document as plain data."""
        load = {"campus": "SITE", "code": "LOAD", "name": "Hall", "kind": "TENANT_LOAD"}
        if self.capacity_kw:
            load["capacity_kw"] = self.capacity_kw
        return {
            "tenants": [{"code": "tenant", "name": "Tenant Inc."}],
            "campuses": [{"code": "SITE", "name": "Site", "zone": self.zone}],
            "delivery_points": [load],
            "meters": [{"campus": "SITE", "serial": self.serial}],
            "channels": [
                self._channel(*pair) for pair in zip(self.channels, self.directions, strict=True)
            ],
            "installations": [self._installation(code) for code in self.channels],
            "import_profiles": self.profiles,
            "parties": [self._party("seller", "SELLER"), self._party("buyer", "TENANT")],
            "tou_calendars": self.calendars,
            "contracts": [self._contract()],
            "tenant_points": [self._tenant_point()],
            "opening_balances": self.opening,
        }

    def write(self, folder):
        """Write the document as YAML and return its path."""
        path = folder / "portfolio.yaml"
        path.write_text(yaml.safe_dump(self.document(), sort_keys=False), encoding="utf-8")
        return path

    def _channel(self, code, direction):
        return {
            "campus": "SITE", "delivery_point": "LOAD", "code": code, "quantity": "KWH",
            "direction": direction, "unit": "kWh", "minutes": self.minutes, "role": "MAIN",
        }  # fmt: skip

    def _installation(self, code):
        return {
            "campus": "SITE", "channel": code, "meter": self.serial,
            "valid": list(self.installed or (f"{self.first_day}T00:00:00+14:00", "")),
            "multiplier_applied_by_source": True,
        }  # fmt: skip

    def _party(self, code, role):
        party = {
            "code": code, "name": code.title(), "legal_name": f"{code.title()} LLC", "role": role,
            "address": {"lines": ["1 Switchyard Road"], "city": "Lubbock", "country": "US"},
        }  # fmt: skip
        if role == "SELLER":
            bank = {"bank": "First Plains Bank", "routing": "111000025", "account": "00418822"}
            return {**party, "bank": bank, "tax_id": "75-0000000", "invoice_prefix": "SITE"}
        return {**party, "tenant": "tenant"}

    def _contract(self):
        version = {
            "valid": [self.first_day, self.end_day], "anchor_date": self.first_day,
            "facts": self.facts, "terms": self.terms, "examples": [self.example],
        }  # fmt: skip
        return {
            "code": "PPA", "name": "Power purchase agreement", "seller": "seller",
            "offtaker": "buyer", "campus": "SITE", "currency": "USD", "zone": self.zone,
            "versions": [version],
        }  # fmt: skip

    def _tenant_point(self):
        days = [self.first_day, self.end_day]
        return {"contract": "PPA", "campus": "SITE", "delivery_point": "LOAD", "valid": days}


def term(line_code, charge_type, label, **parameters):
    """Return a term of the document."""
    return {
        "position": line_code, "line_code": line_code, "charge_type": charge_type,
        "label": label, "clause_number": str(line_code), "parameters": parameters,
    }  # fmt: skip


def fee_example(period, amount, line_code=40):
    """Return the smallest worked example: the fixed fee of a month."""
    return {
        "name": "The fixed fee",
        "inputs": {"period": period, "series": {"delivered": {"flat": "1"}}},
        "expected": {str(line_code): amount},
    }


def long_csv(path, start_utc, minutes, values):
    """Write one channel as long CSV with six decimals; `values` are Decimals of kWh."""
    rows = [HEAD]
    for step, value in enumerate(values):
        at = start_utc + timedelta(minutes=minutes * step)
        rows.append(f"LOAD,DEL_KWH,{at:%Y-%m-%dT%H:%M:%SZ},{minutes * 60},{value:.6f},kWh,A")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def write_case(folder, run, expected):
    """Write the frozen inputs of a run, readings included, as a case of `manage.py conformance`."""
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    inputs = from_bytes(bytes(run.inputs), StoredResolver(period)).in_full()
    case = {"id": run.period, "kind": "settle", "inputs": inputs.document(), "expected": expected}
    folder.mkdir(exist_ok=True)
    (folder / f"{run.period}.json").write_bytes(canonical_json(case))


def verdicts(folder):
    """Run the cases of a folder and return the verdict of each."""
    said = manage("conformance", folder)
    return {case["id"]: case["verdict"] for case in json.loads(said.out)}
