"""Ownership of campuses: dated shares of the parties, and their statements of a month."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0002_plain_names"),
        ("meters", "0012_scale_to_total_and_reasons"),
        ("settlement", "0005_sources_of_energy"),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnerMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period", models.CharField(max_length=7)),
                ("version", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Being written"),
                            ("CALCULATED", "Counts"),
                            ("SUPERSEDED", "Superseded"),
                        ],
                        default="DRAFT",
                        max_length=10,
                    ),
                ),
                (
                    "net_usd",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="Billed and received outside, less paid outside.",
                        max_digits=18,
                    ),
                ),
                (
                    "inputs",
                    models.BinaryField(help_text="Canonical JSON of everything that was read."),
                ),
                ("inputs_sha256", models.CharField(max_length=64)),
                ("created_by", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField()),
                (
                    "campus",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owner_months",
                        to="meters.campus",
                    ),
                ),
            ],
            options={
                "verbose_name": "month of the owners",
                "verbose_name_plural": "months of the owners",
                "ordering": ["-period", "campus", "-version"],
            },
        ),
        migrations.CreateModel(
            name="OwnerLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(max_length=8)),
                ("label", models.CharField(max_length=200)),
                ("base_usd", models.DecimalField(decimal_places=2, max_digits=18)),
                ("weight", models.CharField(blank=True, max_length=60)),
                ("weights", models.CharField(blank=True, max_length=60)),
                ("said", models.CharField(blank=True, max_length=400)),
                ("amount_usd", models.DecimalField(decimal_places=2, max_digits=18)),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.party",
                    ),
                ),
                (
                    "month",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="settlement.ownermonth",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of an owner",
                "ordering": ["month_id", "position"],
            },
        ),
        migrations.CreateModel(
            name="Ownership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        choices=[
                            ("INTEGRATED", "Integrated: lines are internal transfers"),
                            ("IPP", "Independent producer: one owner sells to tenants"),
                            ("JOINT_VENTURE", "Joint venture: parties share revenue and cost"),
                        ],
                        max_length=13,
                    ),
                ),
                (
                    "first_date",
                    models.DateField(
                        help_text="First day of a month; the next row ends this one.",
                        verbose_name="holds from",
                    ),
                ),
                (
                    "fee_basis",
                    models.CharField(
                        choices=[
                            ("NONE", "No fee"),
                            ("REVENUE", "A part of positive revenue"),
                            ("MONTH", "A sum per month"),
                        ],
                        max_length=7,
                        verbose_name="fee of the operator",
                    ),
                ),
                (
                    "fee_ratio",
                    models.DecimalField(
                        blank=True,
                        decimal_places=8,
                        help_text="0.03 = 3 %.",
                        max_digits=9,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1),
                        ],
                        verbose_name="part of revenue",
                    ),
                ),
                (
                    "fee_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=18,
                        null=True,
                        verbose_name="sum per month",
                    ),
                ),
                (
                    "evidence",
                    models.CharField(help_text="The agreement, with its date.", max_length=200),
                ),
                (
                    "campus",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ownerships",
                        to="meters.campus",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.party",
                    ),
                ),
            ],
            options={
                "verbose_name": "ownership of a campus",
                "verbose_name_plural": "ownership of campuses",
                "ordering": ["campus", "-first_date"],
            },
        ),
        migrations.CreateModel(
            name="OwnerShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "revenue_share",
                    models.CharField(blank=True, help_text="0.55 or 1/3.", max_length=20),
                ),
                (
                    "cost_share",
                    models.CharField(blank=True, help_text="Also of the fee.", max_length=20),
                ),
                (
                    "upside_share",
                    models.CharField(
                        blank=True,
                        help_text="Of export revenue that is not passed on.",
                        max_length=20,
                    ),
                ),
                (
                    "valid",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        help_text="Local days: first day and the day after the last one.",
                        verbose_name="holds",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.party",
                    ),
                ),
                (
                    "ownership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="settlement.ownership",
                    ),
                ),
            ],
            options={
                "verbose_name": "share of an owner",
                "ordering": ["ownership_id", "party__code", "valid"],
            },
        ),
        migrations.AddConstraint(
            model_name="ownermonth",
            constraint=models.UniqueConstraint(
                fields=("campus", "period", "version"), name="owner_month_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="ownermonth",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "CALCULATED")),
                fields=("campus", "period"),
                name="owner_month_one_current",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownermonth",
            constraint=models.CheckConstraint(
                condition=models.Q(("inputs_sha256__regex", "^[0-9a-f]{64}$")),
                name="owner_month_has_digest",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownerline",
            constraint=models.UniqueConstraint(
                fields=("month", "position"), name="owner_line_position_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="ownership",
            constraint=models.UniqueConstraint(
                fields=("campus", "first_date"), name="ownership_once_a_month"
            ),
        ),
        migrations.AddConstraint(
            model_name="ownership",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_date__day", 1)),
                name="ownership_from_first_of_month",
                violation_error_message="A model begins on the first day of a month; shares may change on any day.",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("fee_basis", "NONE"),
                        ("fee_ratio__isnull", True),
                        ("fee_usd__isnull", True),
                    ),
                    models.Q(
                        ("fee_basis", "REVENUE"),
                        ("fee_ratio__isnull", False),
                        ("fee_usd__isnull", True),
                        ("operator__isnull", False),
                    ),
                    models.Q(
                        ("fee_basis", "MONTH"),
                        ("fee_ratio__isnull", True),
                        ("fee_usd__isnull", False),
                        ("operator__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="ownership_fee_is_one",
                violation_error_message="Fill in what the fee's basis asks for, and who gets it.",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownershare",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid__isempty", False), ("valid__lower_inf", False)),
                name="owner_share_has_first_day",
                violation_error_message="The range needs a first day before its end.",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownershare",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(
                            models.F("ownership"),
                            models.F("ownership"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("party"),
                            models.F("party"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    ("valid", "&&"),
                ],
                name="owner_share_no_overlap",
                violation_error_message="The party already holds shares on some of the days.",
            ),
        ),
    ]
