"""How the documents look that are more than a row: explanations, intervals, comparisons."""

from __future__ import annotations

from rest_framework import serializers

from poweroptix.api.serializers import LINE, Text, of
from settlement.models import Line


def shape(name: str, /, **fields: serializers.Field) -> type[serializers.Serializer]:
    """Return the serializer that describes a document with these fields."""
    return type(name, (serializers.Serializer,), fields)


def number() -> Text:
    """Return a decimal as text; null while it is not known or does not apply."""
    return Text(allow_null=True, help_text="A decimal as text; null where there is none.")


def words(help_text: str = "") -> Text:
    """Return text that may be empty."""
    return Text(allow_blank=True, help_text=help_text)


def whole(*, null: bool = False) -> serializers.IntegerField:
    """Return a whole number."""
    return serializers.IntegerField(allow_null=null)


def by_name(help_text: str) -> serializers.DictField:
    """Return decimals by name."""
    return serializers.DictField(child=Text(allow_null=True), help_text=help_text)


def bag(help_text: str, *, null: bool = False) -> serializers.DictField:
    """Return facts by name."""
    return serializers.DictField(allow_null=null, help_text=help_text)


_AMOUNTS = ("before_usd", "after_usd", "amount_usd", "volume_usd", "price_usd")
_SUM = {
    "metered_kwh": Text(allow_null=True, help_text="Own meters."),
    "shared_kwh": Text(allow_null=True, help_text="Share of shared points."),
    "loss_kwh": Text(allow_null=True, help_text="Share of losses."),
    "delivered_kwh": Text(allow_null=True, help_text="The sum of the three."),
    "quantity": Text(allow_null=True, help_text="What the line prices of it."),
    "quality": Text(help_text="A, E, M, S, ? or X: the worst of the readings."),
    "by_source": by_name("kWh by source, where the campus tells sources apart."),
}
Span = {"start_utc": serializers.DateTimeField(), "end_utc": serializers.DateTimeField()}
RunSaid = shape(
    "ExplainedRun",
    id=whole(),
    contract=Text(),
    period=Text(),
    version=whole(),
    kind=Text(),
    state=Text(),
    zone=Text(),
    inputs_sha256=Text(),
    allocation_run=whole(null=True),
    allocation=bag("Key, version and digest of the split that the run froze.", null=True),
)
TermSaid = shape(
    "ExplainedTerm",
    version=whole(),
    first_date=serializers.DateField(help_text="First day of the month on which it held."),
    last_date=serializers.DateField(),
    charge_type=Text(),
    clause=words(),
    clause_text=words(),
    sentence=words("The term in plain words."),
    parameters=bag("As the run froze them."),
)
ChannelSaid = shape(
    "ExplainedChannel",
    name=Text(help_text="The further quantity that it counts under."),
    unit=Text(),
    digest=Text(),
    code=Text(),
    sign=whole(),
    first_day=serializers.DateField(),
    end_day=serializers.DateField(allow_null=True),
)
DaySaid = shape(
    "ExplainedDay",
    day=serializers.DateField(),
    interval_count=whole(),
    missing_count=whole(),
    estimated_count=whole(),
    **_SUM,
    priced_kwh=number(),
)
IntervalSaid = shape(
    "ExplainedInterval",
    **Span,
    period=words("The priced part, such as a period of a time-of-use calendar."),
    **_SUM,
    priced_kwh=number(),
    price=number(),
    exact_usd=number(),
)
Explanation = of(
    Line,
    LINE + " worksheet",
    _name="Explanation",
    run=RunSaid(),
    term=TermSaid(allow_null=True),
    steps=serializers.ListField(
        child=serializers.DictField(),
        help_text="Rows and figures, each with its formula, the formula filled in (sentence), its "
        "source and what it was made of (children).",
    ),
    quantity_name=words(),
    interval_unit=Text(),
    price_unit=words(),
    channels=ChannelSaid(many=True),
    sources=serializers.ListField(child=Text()),
    priced_source=words(),
    days=DaySaid(many=True),
    interval_count=whole(),
    interval_total=number(),
    priced_total=number(),
)
Intervals = shape(
    "Intervals",
    unit=Text(),
    price_unit=words(),
    sources=serializers.ListField(child=Text()),
    data=IntervalSaid(many=True),
    next_cursor=Text(allow_null=True),
    has_more=serializers.BooleanField(),
)
PartSaid = shape(
    "IntervalPart",
    kind=Text(),
    words=Text(),
    pool=words(),
    quantity=number(),
    quality=Text(),
    rule=words("The key that split the pool."),
    whole=number(),
)
VersionSaid = shape(
    "ReadingVersion",
    layer=whole(),
    version=whole(),
    used=serializers.BooleanField(help_text="Whether the run settled this version."),
    quantity=number(),
    letter=Text(),
    status=Text(),
    method=Text(),
    published_at=serializers.DateTimeField(allow_null=True),
    who=Text(),
    why=words(),
    file=words(),
    file_id=whole(null=True),
    file_sha256=words(),
    line=whole(null=True),
    raw_version=whole(null=True),
)
ReadingSaid = shape(
    "TracedReading",
    channel=Text(),
    point=Text(),
    start_utc=serializers.DateTimeField(),
    minutes=whole(),
    unit=Text(),
    used=VersionSaid(allow_null=True),
    raw=VersionSaid(allow_null=True),
    multiplication=bag("Pulses or secondary values times the ratio.", null=True),
    computed=bag("What a virtual reading was computed from.", null=True),
    versions=VersionSaid(many=True),
    edits=serializers.ListField(child=serializers.DictField()),
    findings=serializers.ListField(child=serializers.DictField()),
)
Traced = shape(
    "TracedInterval",
    **Span,
    period=words(),
    is_own=serializers.BooleanField(help_text="Whether this line prices the interval."),
    **_SUM,
    unit=Text(),
    parts=PartSaid(many=True),
    readings=ReadingSaid(many=True),
)
RunNamed = shape(
    "ComparedRun",
    id=whole(),
    period=Text(),
    version=whole(),
    kind=Text(),
    state=Text(),
    total_usd=number(),
    inputs_sha256=Text(),
)
LineBeside = shape(
    "ComparedLine",
    line_code=whole(),
    first_date=serializers.DateField(),
    label=Text(),
    unit=words(),
    before_quantity=number(),
    after_quantity=number(),
    **{name: number() for name in _AMOUNTS},
    by_cause=by_name("USD by the key of the cause; they add up to the amount."),
    corrects_period=words("The earlier month that a line 70 corrects."),
    reason=words(),
)
CauseSaid = shape("CauseOfDifference", key=Text(), title=Text(), meaning=Text(), amount_usd=Text())
_BESIDE = {
    "lines": LineBeside(many=True),
    "causes": CauseSaid(many=True),
    "totals": shape("ComparedTotals", **{name: Text() for name in _AMOUNTS})(),
}
BehindSaid = shape(
    "BehindDifference",
    readings=serializers.ListField(child=serializers.DictField()),
    prices=serializers.ListField(child=serializers.DictField()),
    amended=serializers.ListField(child=serializers.DictField()),
    versions=bag("Versions of the contract that the runs froze, in words.", null=True),
    is_split_otherwise=serializers.BooleanField(),
    carried_run=whole(null=True),
)
Compared = shape(
    "RunComparison",
    before=RunNamed(),
    after=RunNamed(),
    **_BESIDE,
    behind=BehindSaid(),
    billing=bag("The month that bills the difference as lines 70.", null=True),
    later=serializers.ListField(
        child=serializers.DictField(), help_text="Later months that change with it."
    ),
)
WhatIfCompared = shape("WhatIfComparison", run=RunNamed(), **_BESIDE)
ShadowLine = shape(
    "ShadowLine",
    line_code=whole(),
    label=Text(),
    verdict=Text(help_text="MATCH, WITHIN_TOLERANCE, BREAK, MISSING_OURS or MISSING_THEIRS."),
    difference_usd=Text(help_text="Theirs less ours."),
    tolerance_usd=Text(),
    ours=bag("Our line.", null=True),
    theirs=bag("Their line, with its row in the file.", null=True),
    cause=bag("The likely cause of a break, with quantity and price effect.", null=True),
    dispute=whole(null=True),
)
UndisputedPart = shape(
    "UndisputedPart",
    invoiced_usd=Text(help_text="Our invoice where we sell, their statement where we buy."),
    open_usd=Text(help_text="What of it is disputed and open."),
    credited_usd=Text(help_text="What of it was credited by disputes that ended."),
    stays_due_usd=Text(help_text="The rest: due at the due date, whatever becomes of the open."),
)
ShadowSaid = shape(
    "StatementComparison",
    run=RunNamed(),
    lines=ShadowLine(many=True),
    is_purchase=serializers.BooleanField(help_text="Whether we buy: then we owe what is due."),
    undisputed=UndisputedPart(allow_null=True, help_text="Null while we sell and did not invoice."),
)
PoolShares = shape(
    "PoolShares",
    operator_usd=number(),
    data=shape(
        "PoolShare",
        member=Text(help_text="Code of a contract, or of the pool that divides it further."),
        is_pool=serializers.BooleanField(),
        weight=number(),
        unit=words(),
        said=words("How the weight came about."),
        extra_usd=number(),
        whole_usd=number(),
        amount_usd=number(),
    )(many=True),
)
StatedLine = shape(
    "OwnerStatementLine",
    kind=Text(),
    label=Text(),
    base_usd=Text(),
    weight=number(),
    weights=number(),
    said=words(),
    amount_usd=Text(),
)
Statements = shape(
    "OwnerStatements",
    net_usd=Text(),
    data=shape(
        "OwnerStatement",
        party=Text(),
        **{name: Text() for name in ("revenue_usd", "cost_usd", "fee_usd", "net_usd")},
        lines=StatedLine(many=True),
    )(many=True),
)
