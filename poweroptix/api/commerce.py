"""What was claimed and asked: statements of counterparties, disputes about them, what-ifs."""

from __future__ import annotations

from rest_framework import serializers

from poweroptix.api.lists import Resource
from poweroptix.api.records import BagField
from poweroptix.api.serializers import of, text
from settlement.models import CounterpartyStatement, Dispute, WhatIf

#: Not part of a list: the frozen document of each.
BIG_OF_RUN = ("run__inputs", "run__findings", "run__carry_out", "run__adjustments")

StatementOut = of(
    CounterpartyStatement,
    "id period name sha256 recorded_at recorded_by",
    contract=text("contract.code"),
    mapping=BagField(read_only=True),
    lines=serializers.ListField(child=serializers.DictField(), read_only=True),
)
DisputeOut = of(
    Dispute,
    "id statement_id line_code label amount_usd reason filed_at filed_by answer_due_date due_date "
    "interest_ratio state credited_usd outcome decided_at decided_by",
    contract=text("statement.contract.code"),
    period=text("statement.period"),
)
WhatIfOut = of(
    WhatIf,
    "id run_id title inputs_sha256 lines_sha256 total_usd created_by created_at",
    contract=text("run.contract.code"),
    period=text("run.period"),
    changes=BagField(read_only=True),
)
STATEMENTS = Resource(
    "counterparty-statements", "Statements of counterparties", StatementOut,
    lambda _who: CounterpartyStatement.objects.select_related("contract"), "settlement.view",
    filters={
        "contract": "contract__code", "period": "period", "sha256": "sha256",
        "recorded_since": "recorded_at__gte",
    },
)  # fmt: skip
DISPUTES = Resource(
    "disputes", "Disputes about statements", DisputeOut,
    lambda _who: Dispute.objects.select_related("statement__contract"), "settlement.view",
    filters={
        "contract": "statement__contract__code", "period": "statement__period", "state": "state",
        "statement_id": "statement_id", "filed_since": "filed_at__gte",
    },
)  # fmt: skip
WHAT_IFS = Resource(
    "what-ifs", "What-ifs: months settled otherwise, never billed", WhatIfOut,
    lambda _who: WhatIf.objects.select_related("run__contract").defer("inputs", *BIG_OF_RUN),
    "settlement.view",
    filters={"contract": "run__contract__code", "period": "run__period", "run_id": "run_id"},
)  # fmt: skip
ALL = (STATEMENTS, DISPUTES, WHAT_IFS)
