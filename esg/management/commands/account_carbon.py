"""`manage.py account_carbon --campus CODE --period 2026-03`: account the carbon of a month."""

import json

from django.core.management.base import BaseCommand

from esg.models import EmissionRun
from esg.services import account_carbon, load_factors, set_policy, verify_emission_run
from meters.models import Campus
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError
from poweroptix.kernel.period import Period
from settlement.services import current_allocation


class Command(BaseCommand):
    """Account carbon from the current allocation of a campus month; the same again is no-op."""

    help = (
        "Account the carbon of an allocated campus month. Exit code 1 with the reason when refused."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--campus", required=True)
        parser.add_argument("--period", required=True, help="local month, 2026-03")
        parser.add_argument(
            "--grid-region", help="eGRID subregion, such as ERCT, to be used from this month on"
        )
        parser.add_argument("--gwp-set", help="AR4, AR5 or AR6, to be used from this month on")
        parser.add_argument("--verify", action="store_true", help="recompute what is stored")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, as_json, **options):
        """Account (or verify) and print what came out."""
        try:
            said = self._run(options)
        except DomainError as fault:
            refusal = {
                "refused": fault.message,
                "code": fault.code,
                "findings": [finding.to_json() for finding in fault.findings],
            }
            self.stderr.write(
                json.dumps(refusal, default=str) if as_json else f"refused: {fault.message}"
            )
            raise SystemExit(1) from fault
        self.stdout.write(json.dumps(said) if as_json else _sentences(said))
        if said.get("differences"):
            raise SystemExit(1)

    def _run(self, options: dict) -> dict:
        campus = Campus.objects.filter(code=options["campus"]).first()
        if campus is None:
            raise NotFoundError("esg.campus", f"There is no campus {options['campus']}.")
        period = Period.month(campus.zone, options["period"])
        actor = Actor.system("account_carbon")
        choices = {name: options[name] for name in ("grid_region", "gwp_set") if options.get(name)}
        load_factors(now=now(), actor=actor)
        if choices:
            set_policy(campus, effective_from=period.first_date, actor=actor, **choices)
        allocation = current_allocation(campus, period.label)
        if allocation is None:
            raise NotFoundError(
                "esg.not_allocated",
                f"The energy of {campus.code} {period.label} is not allocated yet.",
            )
        run = account_carbon(allocation, now=now(), actor=actor)
        return _report(run, options["verify"])


def _report(run: EmissionRun, verify: bool) -> dict:
    said = {
        "run": run.pk,
        "campus": run.campus.code,
        "period": run.period,
        "version": run.version,
        "gwp_set": run.gwp_set,
        "co2e_kg": format(run.co2e_kg, "f"),
        "energy_in_kwh": format(run.energy_in_kwh, "f"),
        "inputs_sha256": run.inputs_sha256,
        "findings": run.findings,
        "lines": [
            {
                "sink": line.sink,
                "code": line.code,
                "energy_kwh": format(line.energy_kwh, "f"),
                "co2e_kg": format(line.co2e_kg, "f"),
                "kg_per_mwh": None if line.kg_per_mwh is None else format(line.kg_per_mwh, "f"),
            }
            for line in run.lines.order_by("sink", "code")
        ],
    }
    if verify:
        report = verify_emission_run(run)
        said |= {"verified": report.ok, "differences": list(report.differences)}
    return said


def _sentences(said: dict) -> str:
    rows = [
        f"{said['campus']} {said['period']} version {said['version']}: "
        f"{said['co2e_kg']} kg CO2e ({said['gwp_set']}), {said['energy_in_kwh']} kWh in the pool"
    ]
    for line in said["lines"]:
        rate = f", {line['kg_per_mwh']} kg/MWh" if line["kg_per_mwh"] else ""
        rows.append(f"  {line['code']:<28} {line['co2e_kg']:>16} kg{rate}")
    rows += [f"  note: {finding['message']}" for finding in said["findings"]]
    if "verified" in said:
        rows.append("verified: the same to the milligram" if said["verified"] else "DIFFERS:")
        rows += [f"  {problem}" for problem in said["differences"]]
    return "\n".join(rows)
