"""What happened and what counts beside the energy: events of contracts, further quantities."""

from __future__ import annotations

from rest_framework import serializers

from contracts.models import ContractEvent, ContractQuantity
from poweroptix.api.lists import Resource
from poweroptix.api.records import BagField
from poweroptix.api.serializers import RangeField, of, text

EventOut = of(
    ContractEvent,
    "id kind start_utc end_utc reason replaces_id recorded_at recorded_by",
    contract=text("contract.code"),
    values=BagField(read_only=True),
    withdrawn=serializers.BooleanField(
        source="is_withdrawn",
        read_only=True,
        help_text="It did not happen: true of the event that was withdrawn, and of the row that "
        "withdraws it.",
    ),
    replaced_by=serializers.IntegerField(
        source="replaced_by.pk", read_only=True, allow_null=True, default=None
    ),
)
QuantityOut = of(
    ContractQuantity,
    "id name sign",
    contract=text("contract.code"),
    channel=text("channel.code"),
    unit=text("channel.unit"),
    valid=RangeField(read_only=True),
)
EVENTS = Resource(
    "contract-events", "Events of contracts", EventOut,
    lambda _who: ContractEvent.objects.select_related("contract", "replaced_by"),
    "contracts.view",
    filters={
        "contract": "contract__code", "kind": "kind", "ends_since": "end_utc__gt",
        "starts_before": "start_utc__lt", "recorded_since": "recorded_at__gte",
    },
)  # fmt: skip
QUANTITIES = Resource(
    "contract-quantities", "Further quantities of contracts", QuantityOut,
    lambda _who: ContractQuantity.objects.select_related("contract", "channel"),
    "contracts.view",
    filters={"contract": "contract__code", "name": "name", "channel": "channel__code"},
)  # fmt: skip
ALL = (EVENTS, QUANTITIES)
