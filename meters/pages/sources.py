"""Sources: how each is, what its looks brought, and looking now or pausing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from meters.models import Health, ImportFile, Source
from meters.queries.late import SOURCE_DEFINITION
from meters.queries.sources import DayOfArrivals, arrivals, needing_attention, sources
from meters.services.collecting.collect import summary
from meters.services.collecting.sources import look_now, pause, resume
from meters.sources import connectors
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.kernel.parameters import describe, to_json
from poweroptix.kernel.words import counted
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage

RUNS_SHOWN, FILES_SHOWN, DAYS_SHOWN = 25, 25, 30
#: The chart: width of a day and height of the tallest bar, in units of the drawing.
DAY_WIDTH, TALLEST = 24, 90


def _kinds() -> list[tuple[str, str]]:
    return connectors.choices()


def _address(row: Source) -> str:
    return reverse("office-source", args=[row.code])


class SourceList(StaffPage, ListPage):
    """All sources with their health."""

    verb = "meters.view"
    title = "Sources"
    intro = (
        f"Where files come from, when something last came, and what is wrong. {SOURCE_DEFINITION}"
    )
    name = "sources"
    template_name = "meters/sources.html"
    search = ("code", "name", "last_error")
    default_sort = "code"
    columns = (
        Column("code", "Source", sort="code", link=_address),
        Column("name", "Name", sort="name"),
        Column("kind", "Kind", value=lambda row: dict(_kinds()).get(row.kind, row.kind)),
        Column("health", "Health", kind="state", sort="health"),
        Column("last_seen_at", "Last seen", kind="moment", sort="last_seen_at"),
        Column("last_arrival_at", "Last new file", kind="moment", sort="last_arrival_at"),
        Column("lag", "Lag", value=lambda row: lag_in_words(row, now())),
        Column("last_error", "Last error", value=lambda row: row.last_error[:160] or None),
        Column("next_look_at", "Next look", kind="moment", sort="next_look_at"),
    )
    filters = (
        Filter("health", "Health", lambda: Health.choices),
        Filter("kind", "Kind", _kinds),
        Filter(
            "needs",
            "Needs",
            lambda: [("attention", "Attention")],
            narrow=lambda rows, _word: needing_attention(rows),
        ),
    )
    empty_title = "No source yet"
    empty_text = "Set one up in the admin, or bring files on the upload page."

    def rows(self):
        """Return all sources."""
        return sources(now())


class SourcePage(StaffPage, View):
    """One source: health, settings, looks, files, arrivals; look now, pause, resume."""

    verb = "meters.view"
    write_verb = "meters.import"

    def get(self, request, code):
        """Show the source."""
        return self._page(request, _source(code))

    def post(self, request, code):
        """Look now, pause or resume."""
        source = _source(code)
        actor, said = actor_of(request), request.POST
        jobs = []

        def act() -> str:
            action = said.get("action")
            if action == "look":
                jobs.append(look_now(source, actor=actor, now=now()))
                return ""
            if action == "pause":
                pause(source, reason=said.get("reason", ""), actor=actor)
                return f"{code} is paused."
            resume(source, actor=actor)
            return f"{code} is looked at again."

        if not attempt(request, act):
            return self._page(request, _source(code), status=409)
        return redirect("office-job", pk=jobs[0].pk) if jobs else redirect("office-source", code)

    @staticmethod
    def _page(request, source: Source, status: int = 200):
        moment = now()
        runs = list(source.runs.all()[:RUNS_SHOWN])
        jobs = Job.objects.filter(pk__in=[run.job_id for run in runs])
        there = set(jobs.values_list("pk", flat=True))  # finished ones are removed one day
        context = {
            "source": source,
            "kind": dict(_kinds()).get(source.kind, source.kind),
            "polls": source.connector.polls,
            "lag": lag_in_words(source, moment),
            "cadence": span_in_words(timedelta(minutes=source.cadence_minutes)),
            "every": span_in_words(timedelta(minutes=source.every_minutes)),
            "ahead": span_in_words(timedelta(seconds=source.ahead_seconds)),
            "settings": _settings(source),
            "runs": [
                {"run": run, "summary": summary(run), "has_job": run.job_id in there}
                for run in runs
            ],
            "notes": runs[0].notes if runs else [],
            "files": ImportFile.objects.filter(source=source.code).order_by("-pk")[:FILES_SHOWN],
            "chart": Chart.of(arrivals(source, moment, DAYS_SHOWN)),
            "may_act": may(request.user, "meters.import"),
            "may_set_up": may(request.user, "meters.configure"),
        }
        return render(request, "meters/source.html", context, status=status)


def _source(code: str) -> Source:
    source = sources(now()).select_related("profile", "recurring").filter(code=code).first()
    if source is None:
        raise Http404(f"no source {code}")
    return source


def _settings(source: Source) -> list[tuple[str, str]]:
    """Return label and value of the parameters that are not as usual."""
    given = to_json(source.typed)
    return [
        (entry["label"], _text(given[entry["name"]]))
        for entry in describe(source.connector.Parameters)
        if given[entry["name"]] != entry["default"]
    ]


def _text(value) -> str:
    if isinstance(value, list):
        return "; ".join(str(one) for one in value)
    return {True: "yes", False: "no"}.get(value, str(value)) if value in (True, False) else value


def lag_in_words(source: Source, moment: datetime) -> str:
    """Say how long ago something new came, against the cadence."""
    if source.last_arrival_at is None:
        return "nothing yet"
    lag = span_in_words(moment - source.last_arrival_at)
    if not source.cadence_minutes:
        return lag
    return f"{lag} of {span_in_words(timedelta(minutes=source.cadence_minutes))}"


def span_in_words(span: timedelta) -> str:
    """Say a span in its largest sensible unit.

    >>> [span_in_words(timedelta(seconds=s)) for s in (0, 59, 7200, 400000)]
    ['0 s', '59 s', '2 hours', '4 days']
    """
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or seconds == size:
            return counted(seconds // size, unit)
    return f"{seconds} s"


@dataclass(frozen=True)
class Chart:
    """Bars of arrivals a day, laid out for the drawing."""

    bars: list[dict]
    most: int
    total: int

    @classmethod
    def of(cls, days: list[DayOfArrivals]) -> "Chart":
        """Lay out one bar for each day."""
        most = max(day.count for day in days)
        bars = [
            {
                "x": at * DAY_WIDTH,
                "height": TALLEST * day.count // most if most else 0,
                "day": day.day,
                "count": day.count,
            }
            for at, day in enumerate(days)
        ]
        for bar in bars:
            bar["y"] = TALLEST - bar["height"]
        return cls(bars, most, sum(day.count for day in days))
