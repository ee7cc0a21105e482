"""What rules found, what people decided, and by which settings rules judged."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from meters.estimation import estimators
from meters.validation import rules
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.parameters import parse

from .assets import Campus
from .choices import EditAction, FindingSeverity, FindingState, ReasonCode
from .devices import Channel
from .rulesets import RuleSet

LIMIT = 10**15


def parse_setting(rule_key: str, parameters: dict):
    """Return the typed parameters of a rule or estimator; Refused names the wrong field."""
    estimating = estimators.keys()
    plugin = (estimators if rule_key in estimating else rules).get(rule_key)
    given = {name: value for name, value in parameters.items() if name != "enabled"}
    return parse(plugin.Parameters, given)


class Finding(models.Model):
    """A rule's result on a range of one channel, with metric and threshold."""

    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="findings"
    )
    rule_code = models.CharField(max_length=40)
    severity = models.CharField(max_length=10, choices=FindingSeverity.choices)
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    metric = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    threshold = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    message = models.CharField(max_length=500)
    fix = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=FindingState.choices, default=FindingState.OPEN)
    estimate_method = models.CharField(max_length=20, blank=True)
    worksheet = models.JSONField(null=True, blank=True, help_text="How the estimate was made.")
    assigned_to = models.CharField(max_length=150, blank=True)
    import_file_id = models.BigIntegerField(null=True, blank=True)
    run_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        """Names and constraints."""

        ordering = ["-start_utc", "-id"]
        constraints = [
            models.CheckConstraint(
                name="finding_range_ordered", condition=Q(end_utc__gte=F("start_utc"))
            ),
            models.CheckConstraint(
                name="finding_state_known", condition=Q(state__in=FindingState.values)
            ),
            models.CheckConstraint(
                name="finding_metric_finite",
                condition=Q(metric__isnull=True) | Q(metric__gte=-LIMIT, metric__lte=LIMIT),
            ),
            models.CheckConstraint(
                name="finding_threshold_finite",
                condition=Q(threshold__isnull=True)
                | Q(threshold__gte=-LIMIT, threshold__lte=LIMIT),
            ),
            models.CheckConstraint(
                name="finding_decision_has_author",
                condition=~Q(state__in=["ACCEPTED", "EDITED"])
                | (Q(decided_at__isnull=False) & ~Q(decided_by="")),
            ),
            models.UniqueConstraint(
                fields=["channel", "rule_code", "start_utc", "end_utc"],
                name="finding_once_while_alive",
                condition=~Q(state="CLOSED"),
            ),
        ]
        indexes = [
            models.Index(fields=["state", "severity"], name="finding_state"),
            models.Index(fields=["channel", "start_utc"], name="finding_channel_start"),
        ]

    def __str__(self):
        return f"{self.rule_code} {self.message[:60]}"


class Edit(models.Model):
    """A change that a person made to final readings."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="edits")
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    action = models.CharField(max_length=15, choices=EditAction.choices)
    operand = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    source = models.CharField(
        max_length=120,
        blank=True,
        help_text="What was copied: a local day, a channel's code, or a publication's number.",
    )
    reason_code = models.CharField(max_length=20, choices=ReasonCode.choices)
    comment = models.CharField(max_length=500)
    before_total = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    after_total = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    actor = models.CharField(max_length=150)
    approver = models.CharField(max_length=150, blank=True)
    publication_id = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="edit_range_ordered", condition=Q(end_utc__gt=F("start_utc"))
            ),
            models.CheckConstraint(
                name="edit_approver_is_another", condition=~Q(approver=F("actor"))
            ),
            models.CheckConstraint(
                name="edit_totals_finite",
                condition=(
                    Q(before_total__isnull=True)
                    | Q(before_total__gte=-LIMIT, before_total__lte=LIMIT)
                )
                & (
                    Q(after_total__isnull=True) | Q(after_total__gte=-LIMIT, after_total__lte=LIMIT)
                ),
            ),
        ]

    def __str__(self):
        return f"{self.get_action_display()} {self.channel.code} {self.start_utc:%Y-%m-%d %H:%M}"


class RuleSetting(models.Model):
    """Parameters of one validation rule or estimator; the next row ends the one before.

    The most specific owner counts: channel, then the rule sets in use (`RuleSetUse`), then campus,
    then none of them (the default of the house).
    `parameters` may hold ``"enabled": false`` to switch a rule off.
    """

    campus = models.ForeignKey(
        Campus, null=True, blank=True, on_delete=models.PROTECT, related_name="rule_settings"
    )
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="rule_settings"
    )
    rule_set = models.ForeignKey(
        RuleSet, null=True, blank=True, on_delete=models.PROTECT, related_name="settings"
    )
    rule_key = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    effective_from = models.DateField()

    class Meta:
        """Names and constraints."""

        ordering = ["rule_key", "campus", "rule_set", "channel", "effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["campus", "channel", "rule_set", "rule_key", "effective_from"],
                name="rule_setting_start_once",
                nulls_distinct=False,
                violation_error_message="This rule already has parameters from that date.",
            ),
            models.CheckConstraint(
                name="rule_setting_one_owner",
                condition=Q(campus__isnull=True, channel__isnull=True)
                | Q(campus__isnull=True, rule_set__isnull=True)
                | Q(channel__isnull=True, rule_set__isnull=True),
                violation_error_message="Name a campus, a rule set or a channel: one, or none.",
            ),
        ]

    def __str__(self):
        owner = self.channel or self.rule_set or self.campus or "default"
        return f"{self.rule_key} of {owner} from {self.effective_from}"

    def clean(self):
        """Refuse parameters that the rule does not know."""
        try:
            parse_setting(self.rule_key, self.parameters)
        except DomainError as error:
            raise ValidationError({"parameters": str(error)}) from error


class VeeRun(models.Model):
    """One validation of one channel over some local days."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="vee_runs")
    first_day = models.DateField()
    last_day = models.DateField()
    rules_digest = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)
    publication_id = models.BigIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="vee_run_days_ordered", condition=Q(last_day__gte=F("first_day"))
            )
        ]
        indexes = [models.Index(fields=["channel", "-id"], name="vee_run_channel")]

    def __str__(self):
        return f"{self.channel.code} {self.first_day} to {self.last_day}"
