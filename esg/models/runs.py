"""Carbon of a campus month: one run per allocation run, one line per sink."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class EmissionRun(models.Model):
    """One account of the carbon of a campus month; hangs off an allocation run, same version.

    Masses are whole milligrams, CO2e whole grams. `inputs` is the frozen document it was computed
    from, `intensity` the pool's kg CO2e per MWh in 10^-8 per interval (-2^63 where no energy
    entered).
    """

    class State(models.TextChoices):
        """Where the run stands."""

        DRAFT = "DRAFT", "Being written"
        CALCULATED = "CALCULATED", "Calculated"
        SUPERSEDED = "SUPERSEDED", "Superseded"

    allocation_run = models.OneToOneField(
        "settlement.AllocationRun", on_delete=models.PROTECT, related_name="emission_run"
    )
    campus = models.ForeignKey(
        "meters.Campus", on_delete=models.PROTECT, related_name="emission_runs"
    )
    period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    gwp_set = models.CharField("weights", max_length=20)
    inputs = models.BinaryField(help_text="Canonical JSON of everything that was read.")
    inputs_sha256 = models.CharField("SHA-256 of what was read", max_length=64)
    outcome_sha256 = models.CharField("SHA-256 of the outcome", max_length=64)
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    intensity = ArrayField(models.BigIntegerField())
    energy_in_kwh = models.DecimalField("energy in (kWh)", max_digits=24, decimal_places=6)
    co2_mg = models.BigIntegerField("CO₂ (mg)")
    ch4_fossil_mg = models.BigIntegerField("CH₄, fossil (mg)")
    ch4_nonfossil_mg = models.BigIntegerField("CH₄, non-fossil (mg)")
    n2o_mg = models.BigIntegerField("N₂O (mg)")
    co2_biogenic_mg = models.BigIntegerField("CO₂, biogenic (mg)")
    co2e_g = models.BigIntegerField("CO₂e (g)")
    sources = models.JSONField(default=list, help_text="What emitted: quantity, factors, masses.")
    carry_out = models.JSONField(default=dict, help_text="Carbon held by batteries at the end.")
    findings = models.JSONField(default=list)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        """Constraints."""

        ordering = ["-period", "campus", "-version"]
        verbose_name = "carbon account"
        constraints = [
            models.UniqueConstraint(
                fields=["campus", "period", "version"], name="emission_run_version_once"
            ),
            models.UniqueConstraint(
                fields=["campus", "period"],
                condition=Q(state="CALCULATED"),
                name="emission_run_one_current",
            ),
            models.CheckConstraint(
                name="emission_run_has_digest",
                condition=Q(inputs_sha256__regex="^[0-9a-f]{64}$")
                & Q(outcome_sha256__regex="^[0-9a-f]{64}$"),
            ),
            models.CheckConstraint(
                name="emission_run_has_length", condition=Q(end_utc__gt=F("start_utc"))
            ),
        ]

    def __str__(self):
        return f"{self.campus.code} {self.period} v{self.version}"

    @property
    def co2e_kg(self) -> Decimal:
        """Kilograms of CO2e, exact to the gram."""
        return Decimal(self.co2e_g).scaleb(-3)


class EmissionLine(models.Model):
    """What one sink took: a tenant's contract, the house, export, losses, a battery.

    Location-based. `energy_kwh` is the settled energy of a contract, `pooled_kwh` the energy that
    carried the carbon (without losses when the operator keeps their carbon).
    """

    class Sink(models.TextChoices):
        """Who took the energy."""

        CONTRACT = "CONTRACT", "Contract"
        HOUSE = "HOUSE", "House load"
        STATION = "STATION", "Station service"
        EXPORT = "EXPORT", "Export"
        STORAGE = "STORAGE", "Charging"
        OTHER = "OTHER", "Load without a contract"
        LOSSES = "LOSSES", "Losses"

    run = models.ForeignKey(EmissionRun, on_delete=models.PROTECT, related_name="lines")
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, null=True, related_name="emission_lines"
    )
    sink = models.CharField(max_length=8, choices=Sink.choices)
    code = models.CharField(max_length=60)
    energy_kwh = models.DecimalField("energy (kWh)", max_digits=24, decimal_places=6)
    pooled_kwh = models.DecimalField("pooled energy (kWh)", max_digits=24, decimal_places=6)
    co2_mg = models.BigIntegerField("CO₂ (mg)")
    ch4_fossil_mg = models.BigIntegerField("CH₄, fossil (mg)")
    ch4_nonfossil_mg = models.BigIntegerField("CH₄, non-fossil (mg)")
    n2o_mg = models.BigIntegerField("N₂O (mg)")
    co2_biogenic_mg = models.BigIntegerField("CO₂, biogenic (mg)")
    co2e_g = models.BigIntegerField("CO₂e (g)")
    kg_per_mwh = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    worksheet = models.JSONField()

    class Meta:
        """Constraints."""

        ordering = ["run", "sink", "code"]
        verbose_name = "carbon of a contract or use"
        verbose_name_plural = "carbon by contract and use"
        constraints = [
            models.UniqueConstraint(fields=["run", "sink", "code"], name="emission_line_once"),
            models.CheckConstraint(
                name="emission_line_not_negative",
                condition=Q(
                    co2_mg__gte=0,
                    ch4_fossil_mg__gte=0,
                    ch4_nonfossil_mg__gte=0,
                    n2o_mg__gte=0,
                    co2_biogenic_mg__gte=0,
                    co2e_g__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="emission_line_contract_has_tenant",
                condition=Q(sink="CONTRACT", contract__isnull=False, tenant__isnull=False)
                | (~Q(sink="CONTRACT") & Q(contract__isnull=True, tenant__isnull=True)),
            ),
        ]

    def __str__(self):
        return f"{self.run_id} {self.code}"

    @property
    def co2e_kg(self) -> Decimal:
        """Kilograms of CO2e, exact to the gram."""
        return Decimal(self.co2e_g).scaleb(-3)

    @property
    def masses_mg(self) -> dict[str, int]:
        """Milligrams per gas."""
        return {gas: getattr(self, column) for gas, column in MASS_COLUMNS.items()}


#: Column of each gas, in runs and lines.
MASS_COLUMNS = {
    "CO2": "co2_mg",
    "CH4_FOSSIL": "ch4_fossil_mg",
    "CH4_NONFOSSIL": "ch4_nonfossil_mg",
    "N2O": "n2o_mg",
    "CO2_BIOGENIC": "co2_biogenic_mg",
}
