"""Pools of money: what a campus month cost or earned, divided over contracts."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import settlement.models.money
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("contracts", "0002_plain_names"),
        ("meters", "0012_scale_to_total_and_reasons"),
        ("settlement", "0003_corrections_by_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="MoneyPool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.SlugField(
                        help_text="What terms name, for example insurance.", max_length=40
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("COST", "Cost, paid to somebody outside"),
                            ("FEE", "Fee, charged by the campus itself"),
                            ("REVENUE", "Revenue, received from outside and credited"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        choices=settlement.models.money.money_key_choices, max_length=60
                    ),
                ),
                (
                    "parameters",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="What the key has to be told; see its page.",
                    ),
                ),
                (
                    "operator_cut_ratio",
                    models.DecimalField(
                        decimal_places=8,
                        default=0,
                        help_text="0.10 = 10 % of a positive amount; of a negative one the operator bears nothing.",
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1),
                        ],
                        verbose_name="part of the operator",
                    ),
                ),
                (
                    "campus",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="money_pools",
                        to="meters.campus",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who keeps a part of a positive amount before it is shared.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.party",
                    ),
                ),
            ],
            options={
                "verbose_name": "pool of money",
                "verbose_name_plural": "pools of money",
                "ordering": ["campus", "code"],
            },
        ),
        migrations.CreateModel(
            name="MoneyMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "weight",
                    models.CharField(
                        blank=True,
                        help_text="What the key needs: MW, square feet, kW, or a share such as 0.55 or 1/3.",
                        max_length=40,
                    ),
                ),
                (
                    "valid",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        help_text="Local days: first day and the day after the last one.",
                        verbose_name="takes part",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.contract",
                    ),
                ),
                (
                    "part_pool",
                    models.ForeignKey(
                        blank=True,
                        help_text="Instead of a contract: a pool that divides its share further.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="above",
                        to="settlement.moneypool",
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="settlement.moneypool",
                    ),
                ),
            ],
            options={
                "verbose_name": "member of a pool of money",
                "ordering": ["pool_id", "contract_id", "part_pool_id", "valid"],
            },
        ),
        migrations.CreateModel(
            name="PoolItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period", models.CharField(help_text="Local month, e.g. 2026-03.", max_length=7)),
                ("label", models.CharField(max_length=200)),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ("unit", models.CharField(blank=True, max_length=20)),
                ("rate", models.DecimalField(decimal_places=8, max_digits=24, null=True)),
                ("exact_usd", models.DecimalField(decimal_places=14, max_digits=30)),
                ("source", models.CharField(help_text="Who stated it.", max_length=200)),
                (
                    "evidence",
                    models.CharField(
                        help_text="Number of the invoice or statement.", max_length=200
                    ),
                ),
                ("created_by", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField()),
                ("withdrawn_by", models.CharField(blank=True, max_length=120)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("withdrawn_reason", models.TextField(blank=True)),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="settlement.moneypool",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a pool of money",
                "ordering": ["pool_id", "period", "pk"],
            },
        ),
        migrations.CreateModel(
            name="PoolMonth",
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
                ("amount_usd", models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                ("operator_usd", models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                (
                    "inputs",
                    models.BinaryField(help_text="Canonical JSON of everything that was read."),
                ),
                ("inputs_sha256", models.CharField(max_length=64)),
                (
                    "head",
                    models.JSONField(
                        help_text="What every member may see: totals, key, digest of claims."
                    ),
                ),
                ("findings", models.JSONField(default=list)),
                ("created_by", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField()),
                (
                    "allocation_run",
                    models.ForeignKey(
                        help_text="Whose energy the key read.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="settlement.allocationrun",
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="months",
                        to="settlement.moneypool",
                    ),
                ),
            ],
            options={
                "verbose_name": "month of a pool of money",
                "verbose_name_plural": "months of pools of money",
                "ordering": ["-period", "pool", "-version"],
            },
        ),
        migrations.CreateModel(
            name="PoolShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_usd", models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                ("view", models.JSONField()),
                (
                    "contract",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pool_shares",
                        to="contracts.contract",
                    ),
                ),
                (
                    "month",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shares",
                        to="settlement.poolmonth",
                    ),
                ),
                (
                    "part_pool",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shares_above",
                        to="settlement.moneypool",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "share of a pool of money",
                "ordering": ["month_id", "contract_id", "part_pool_id"],
            },
        ),
        migrations.AddConstraint(
            model_name="moneypool",
            constraint=models.UniqueConstraint(
                fields=("campus", "code"), name="money_pool_once_per_campus"
            ),
        ),
        migrations.AddConstraint(
            model_name="moneypool",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("operator_cut_ratio", 0),
                    models.Q(
                        ("kind", "REVENUE"),
                        ("operator__isnull", False),
                        ("operator_cut_ratio__gt", 0),
                        ("operator_cut_ratio__lte", 1),
                    ),
                    _connector="OR",
                ),
                name="money_pool_cut_has_operator",
                violation_error_message="Of revenue alone an operator keeps a part, 0 to 1; name who it is.",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneymember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("contract__isnull", True), ("part_pool__isnull", True), _connector="XOR"
                ),
                name="money_member_is_one",
                violation_error_message="Name a contract or a pool, one of both.",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneymember",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid__isempty", False), ("valid__lower_inf", False)),
                name="money_member_has_first_day",
                violation_error_message="The range needs a first day before its end.",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneymember",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("contract__isnull", False)),
                expressions=[
                    (
                        models.Func(
                            models.F("pool"),
                            models.F("pool"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("contract"),
                            models.F("contract"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    ("valid", "&&"),
                ],
                name="money_member_contract_no_overlap",
                violation_error_message="The member already takes part on some of the days.",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneymember",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("part_pool__isnull", False)),
                expressions=[
                    (
                        models.Func(
                            models.F("pool"),
                            models.F("pool"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("part_pool"),
                            models.F("part_pool"),
                            models.Value("[]"),
                            function="int8range",
                            output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    ("valid", "&&"),
                ],
                name="money_member_part_pool_no_overlap",
                violation_error_message="The member already takes part on some of the days.",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quantity__isnull", True), ("rate__isnull", True)),
                    models.Q(
                        (
                            "exact_usd",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.F("rate")
                            ),
                        ),
                        ("quantity__isnull", False),
                        ("rate__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="pool_item_is_product",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawn_at__isnull", True), ("withdrawn_by", "")),
                    models.Q(
                        ("withdrawn_at__isnull", False),
                        models.Q(("withdrawn_by", ""), _negated=True),
                        models.Q(("withdrawn_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="pool_item_withdrawn_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolmonth",
            constraint=models.UniqueConstraint(
                fields=("pool", "period", "version"), name="pool_month_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="poolmonth",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "CALCULATED")),
                fields=("pool", "period"),
                name="pool_month_one_current",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolmonth",
            constraint=models.CheckConstraint(
                condition=models.Q(("inputs_sha256__regex", "^[0-9a-f]{64}$")),
                name="pool_month_has_digest",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolshare",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("contract__isnull", True), ("part_pool__isnull", True), _connector="XOR"
                ),
                name="pool_share_has_one_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolshare",
            constraint=models.UniqueConstraint(
                fields=("month", "contract", "part_pool"),
                name="pool_share_once",
                nulls_distinct=False,
            ),
        ),
    ]
