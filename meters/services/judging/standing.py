"""How each rule stands to a channel: judging, off, or lacking something; by whose parameters.

What a rule lacks is asked of the rule itself, with all that is known on the last day judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from meters.models import Channel, Finding, FindingState, RuleSetting, VeeRun
from meters.models.choices import Role
from meters.services.judging.closing import as_published, earlier_periods
from meters.services.judging.judge import Judging
from meters.services.judging.knowledge import Knowledge
from meters.services.judging.rulebook import OF_PLANS, Settings
from meters.services.judging.subjects import Subject, Surroundings, subjects_of
from meters.services.judging.window import Window
from meters.validation import Stage, rules
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.parameters import describe, to_json
from poweroptix.kernel.period import Period, day_start, zone_of

JUDGES, OFF, LACKS = "judges", "off", "lacks"
#: A part of a whole, kept as a ratio and said in per cent.
SHARE = "share"


@dataclass(frozen=True)
class Given:
    """A parameter as it holds: `default` is that of the rule."""

    name: str
    label: str
    value: Any
    unit: str
    help: str
    default: Any

    @property
    def is_default(self) -> bool:
        """Return whether nobody changed it."""
        return str(self.value) == str(self.default)


@dataclass(frozen=True)
class Standing:
    """One rule on one channel.

    `state`: judges, off or lacks; `why`: in words, where it does not judge. `set_by` and `since`:
    whose parameters hold and from when on, `set_person` who entered them; empty where they are
    those of the rule.
    """

    key: str
    code: str
    title: str
    about: str
    stage: Stage
    state: str
    why: str
    parameters: tuple[Given, ...]
    set_by: str
    set_person: str
    since: date | None
    last: Finding | None
    open_count: int


@dataclass(frozen=True)
class Standings:
    """All rules on a channel, on the day on which they were last asked to judge."""

    channel: Channel
    day: date
    judged_at: datetime | None
    rules: tuple[Standing, ...]


def standings(channel: Channel, now: datetime) -> Standings:
    """Return how every rule stands to a channel, in the order in which they judge.

    The day is the last one judged, or yesterday where none was. At most 30 queries.
    """
    subject = subjects_of([channel.pk])[channel.pk]
    runs = VeeRun.objects.filter(channel=channel).exclude(counts__has_key="closing")
    run = runs.order_by("-id").first()
    today = now.astimezone(zone_of(subject.zone)).date()
    day = run.last_day if run is not None else today - timedelta(days=1)
    settings = Settings([subject])
    book, chosen = settings.book(subject, day), settings.chosen(subject, day)
    wanting = _lacking(subject, day, settings, now)
    given = {key: parameters for key, _, parameters in (*book.rules, *book.closing)}
    found, people = _findings(channel), _people(chosen.values())
    rows = []
    for key, rule in sorted(rules.items(), key=lambda item: (item[1].stage, item[1].code)):
        row = chosen.get(key)
        parameters = given.get(key) or rule.Parameters()
        if key in book.off:
            state, why = OFF, "off by default" if row is None else "switched off"
            if subject.role == Role.SCHEDULE and key not in OF_PLANS:
                why = "a schedule is not measured"
        else:
            why = wanting[key]
            state = LACKS if why else JUDGES
        last, open_count = found[rule.code]
        rows.append(
            Standing(
                key, rule.code, rule.title, _about(rule), rule.stage, state, why,
                _given(rule, parameters), _set_by(row, settings, subject, day),
                people.get(str(row.pk), "") if row is not None else "",
                row.effective_from if row is not None else None, last, open_count,
            )
        )  # fmt: skip
    return Standings(channel, day, run.created_at if run is not None else None, tuple(rows))


def _lacking(subject: Subject, day: date, settings: Settings, now: datetime) -> dict[str, str]:
    """Return what each rule that is on lacks on a day; empty words where it can judge."""
    start = day_start(day, subject.zone)
    end = day_start(day + timedelta(days=1), subject.zone)
    window = Window.read([subject.channel_id], start, end, subject.minutes)
    knowledge = Knowledge(window, [subject], now)
    month = Period.month(subject.zone, f"{day:%Y-%m}")
    previous, year_ago = (
        past.get(subject.channel_id) for past in earlier_periods([subject.channel_id], month)
    )
    around = Surroundings(defaultdict(list), defaultdict(list), defaultdict(list))
    case = as_published(subject, window, around, now)
    case.known = lambda: knowledge.circumstances(subject, previous, year_ago)
    return Judging(case, settings.book(subject, day)).lacking()


def _people(rows: Iterable[RuleSetting]) -> dict[str, str]:
    """Return who entered settings last, by their keys: `user:ann`, from the audit trail."""
    events = AuditEvent.objects.filter(
        object_type=RuleSetting._meta.label_lower, object_id__in=[str(row.pk) for row in rows]
    ).order_by("id")
    return {event.object_id: f"{event.actor_kind}:{event.actor_name}" for event in events}


def _findings(channel: Channel) -> dict[str, tuple[Finding | None, int]]:
    """Return the newest finding of each rule that stands, and how many are open."""
    standing = Finding.objects.filter(channel=channel).exclude(state=FindingState.CLOSED)
    newest = standing.order_by("rule_code", "-start_utc", "-pk").distinct("rule_code")
    found: dict[str, tuple[Finding | None, int]] = defaultdict(lambda: (None, 0))
    counts = dict(
        standing.order_by()
        .values_list("rule_code")
        .annotate(count=Count("pk", filter=Q(state=FindingState.OPEN)))
    )
    for row in newest:
        found[row.rule_code] = (row, counts.get(row.rule_code, 0))
    return found


def _about(rule: Any) -> str:
    """Return the first sentence of what a rule says of itself."""
    return " ".join((rule.__doc__ or "").split("\n\n")[0].split())


def _given(rule: Any, parameters: Any) -> tuple[Given, ...]:
    """Return the parameters that hold, each beside what the rule itself brings."""
    values = to_json(parameters)
    defaults = to_json(rule.Parameters())
    return tuple(
        Given(
            each["name"], _label(each["name"], each["unit"]), values[each["name"]],
            _unit(each["name"], each["unit"]), each["help"], defaults[each["name"]],
        )
        for each in describe(rule.Parameters)
    )  # fmt: skip


def _unit(name: str, unit: str) -> str:
    """Return what a value is in: a count says it in its help, a factor is so many times.

    >>> _unit("min_load_ratio", "ratio"), _unit("factor", "ratio"), _unit("units", "count")
    ('share', 'times', '')
    """
    if unit == "ratio":
        return SHARE if name.endswith("_ratio") else "times"
    return "" if unit == "count" else unit


def _label(name: str, unit: str) -> str:
    """Return the name of a parameter in words, without the unit that stands behind its value.

    >>> _label("tolerance_s", "s"), _label("min_load_ratio", "ratio"), _label("threshold", "ratio")
    ('Tolerance', 'Min load', 'Threshold')
    """
    words = name.split("_")
    said = {unit.lower(), "pct", "minutes"} if unit else set()
    if len(words) > 1 and words[-1] in said:
        words = words[:-1]
    return " ".join(words).capitalize()


def _set_by(row: RuleSetting | None, settings: Settings, subject: Subject, day: date) -> str:
    """Return who set the parameters, in words; empty where nobody did."""
    if row is None:
        return ""
    if row.channel_id is not None:
        return "this channel"
    if row.campus_id is not None:
        return "the campus"
    if row.rule_set_id is None:
        return "the house"
    use = settings.use(row.rule_set_id, subject, day)
    owner = "" if use is None else _owner(use)
    return f"rule set {row.rule_set.name}{owner}"


def _owner(use: Any) -> str:
    """Return for whom a rule set is in use, and since when."""
    if use.channel_id is not None:
        whom = "this channel"
    else:
        whom = "its point" if use.delivery_point_id is not None else "its source"
    return f", in use for {whom} since {use.effective_from}"
