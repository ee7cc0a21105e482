"""Virtual channels: what each follows from, since when, and what an interval was computed from."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.calc.compensation import METHODS
from meters.calc.over_time import over_time
from meters.calc.written import read_expression
from meters.models import Campus, Channel, DefinitionMethod, Role, VirtualDefinition
from meters.queries.definitions import in_force, resting_on, timeline, virtual_channels
from meters.queries.newest import newest_month
from meters.queries.series import final_series
from meters.queries.terms import explain_virtual
from meters.queries.work import open_findings
from meters.services.virtual.checking import Order, check
from meters.services.virtual.definitions import define, end, withdraw
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.parameters import describe
from poweroptix.pages.asked import read_local, read_month, read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage


def _link(channel: Channel) -> str:
    return reverse("office-virtual", args=[channel.code])


def _rule(channel: Channel) -> str:
    found = in_force(channel, now())
    return found.rule if found else "not defined now"


def _since(channel: Channel) -> datetime | None:
    found = in_force(channel, now())
    return found.row.valid.lower if found else None


def _waiting(channel: Channel) -> str:
    waits = any(row.computed_at is None for row in channel.definitions.all())
    return "being computed" if waits else "computed"


def _waits(rows: QuerySet, _yes: str) -> QuerySet:
    return rows.filter(definitions__computed_at__isnull=True,
                       definitions__isnull=False).distinct()  # fmt: skip


def _by_method(rows: QuerySet, method: str) -> QuerySet:
    return rows.filter(
        definitions__method=method, definitions__withdrawn_at__isnull=True
    ).distinct()


class VirtualList(StaffPage, ListPage):
    """All virtual channels."""

    verb = "meters.view"
    title = "Virtual channels"
    intro = "Channels without a meter: each follows from others by one line of arithmetic."
    name = "virtual"
    template_name = "meters/virtual_list.html"
    search = ("code", "delivery_point__name", "definitions__terms__channel__code")
    default_sort = "code"
    empty_title = "No virtual channel yet"
    empty_text = "Add a channel of kind virtual in the master data; its definition is given here."
    columns = (
        Column("code", "Channel", sort="code", link=_link),
        Column("delivery_point__name", "Point", sort="delivery_point__name"),
        Column("rule", "Follows from", value=_rule),
        Column("since", "Since", kind="moment", value=_since,
               zone=lambda row: row.delivery_point.campus.zone),
        Column("minutes", "Minutes", kind="num", places=0, sort="minutes"),
        Column("unit", "Unit", sort="unit"),
        Column("role", "Role", sort="role", value=lambda row: row.get_role_display()),
        Column("waiting", "Readings", value=_waiting),
    )  # fmt: skip
    filters = (
        Filter("campus", "Campus", lambda: Campus.objects.values_list("code", "name"),
               "delivery_point__campus__code"),
        Filter("method", "Method", lambda: DefinitionMethod.choices, narrow=_by_method),
        Filter("role", "Role", lambda: Role.choices),
        Filter("readings", "Readings", lambda: [("waiting", "Being computed")], narrow=_waits),
    )  # fmt: skip

    def rows(self) -> QuerySet[Channel]:
        """Return all virtual channels; a search by several terms finds each once."""
        return virtual_channels().distinct()

    def extra(self):
        """Return whether this person may add channels."""
        return {"may_configure": may(self.request.user, "meters.configure")}


class VirtualPage(StaffPage, View):
    """One virtual channel: definitions, an interval with its terms, a new definition."""

    verb = "meters.view"
    write_verb = "meters.configure"

    def get(self, request, code):
        """Show the channel; with `at` what that interval was computed from."""
        return self._page(request, _channel(code))

    def post(self, request, code):
        """Define, end or withdraw."""
        channel = _channel(code)
        if attempt(request, lambda: self._act(request, channel)):
            return redirect(_link(channel))
        return self._page(request, _channel(code), status=400)

    def _act(self, request, channel: Channel) -> str:
        said, actor, at = request.POST, actor_of(request), now()
        action = said.get("action", "")
        if action == "define":
            define(_order(channel, said), actor=actor, now=at)
            return "Defined. The readings are computed in the background."
        if action not in ("end", "withdraw"):
            raise Refused("virtual.action", "Define the channel, or end or withdraw a definition.")
        row = get_object_or_404(
            VirtualDefinition, pk=read_pk(said.get("definition", "")), channel=channel
        )
        if action == "end":
            until = read_local(said.get("until", ""), channel.delivery_point.campus.zone)
            end(row, until, reason=said.get("reason", ""), actor=actor, now=at)
            return "Ended. The readings after it are taken away in the background."
        withdraw(row, reason=said.get("reason", ""), actor=actor, now=at)
        return "Withdrawn; it stays below as history."

    @staticmethod
    def _page(request, channel: Channel, status=200):
        campus = channel.delivery_point.campus
        rows, holding = timeline(channel), in_force(channel, now())
        month = request.GET.get("month")
        period = (
            read_month(month, campus.zone) if month else newest_month(campus, channel, now=now())
        )
        series, _pins = final_series(channel.pk, period.start_utc, period.end_utc)
        at = _chosen(request, series, period)
        found = explain_virtual(channel.pk, at) if at else None
        said = request.POST if request.method == "POST" else _said(holding)
        context = {
            "channel": channel,
            "zone": campus.zone,
            "timeline": rows,
            "holding": holding,
            "waiting": sum(one.is_waiting for one in rows),
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "figure": over_time(series, channel.quantity),
            "missing": series.missing_count,
            "count": series.grid.count,
            "at": at,
            "at_text": f"{at.astimezone(ZoneInfo(campus.zone)):%Y-%m-%dT%H:%M}" if at else "",
            "computed": found.to_json() if found else None,
            "findings": open_findings(channel_ids=[channel.pk])[:20],
            "resting": resting_on(channel),
            "may_define": may(request.user, "meters.configure"),
            "methods": DefinitionMethod.choices,
            "kinds": _kinds(said),
            "said": said,
            "codes": Channel.objects.exclude(pk=channel.pk).order_by("code")
            .values_list("code", flat=True)[:2000],
        }  # fmt: skip
        return render(request, "meters/virtual.html", context, status=status)


class VirtualCheck(StaffPage, View):
    """What a definition would say: its terms, or its faults by field, while it is written."""

    verb = "meters.view"

    def post(self, request, code):
        """Return the list of terms, each with its unit and length, and what is wrong."""
        channel = _channel(code)
        context = {"faults": [], "terms": [], "channel": channel}
        try:
            order = _order(channel, request.POST)
            context["terms"] = _terms(order)
            context["checked"] = check(order)
        except DomainError as fault:
            context["faults"] = [one.message for one in fault.findings] or [fault.message]
        return render(request, "meters/virtual_check.html", context)


def _channel(code: str) -> Channel:
    return get_object_or_404(virtual_channels(), code=code)


def _terms(order: Order) -> list[tuple[str, Channel | None]]:
    """Return the codes that an order names, with the channels there are."""
    if order.method == DefinitionMethod.FORMULA:
        codes = list(read_expression(order.expression)[1].values())
    else:
        codes = [code for code in (order.metered, order.opposite) if code]
    rows = Channel.objects.in_bulk(codes, field_name="code")
    return [(code, rows.get(code)) for code in codes]


def _order(channel: Channel, said) -> Order:
    """Return the definition that a form asks for."""
    zone = channel.delivery_point.campus.zone
    method = said.get("method", "")
    prefix = f"{method}."
    given = {key.removeprefix(prefix): value.strip() for key, value in said.items()
             if key.startswith(prefix) and value.strip()}  # fmt: skip
    return Order(
        channel=channel,
        from_utc=read_local(said.get("from", ""), zone),
        method=method,
        expression=said.get("expression", ""),
        parameters=given,
        metered=said.get("metered", "").strip(),
        opposite=said.get("opposite", "").strip(),
        cut_longer=said.get("cut_longer") == "on",
        comment=said.get("comment", ""),
    )


def _chosen(request, series, period) -> datetime | None:
    """Return the interval asked for, else the last of the month that has a value."""
    if request.GET.get("at"):
        return read_local(request.GET["at"], period.zone)
    present = (~series.missing).nonzero()[0]
    return series.grid.start_of(int(present[-1])) if len(present) else None


def _kinds(said) -> list[tuple[str, list[dict]]]:
    """Return the methods of losses with their fields and what was said of each."""
    labels = dict(DefinitionMethod.choices)
    return [
        (
            labels[key],
            [
                one | {"id": f"{key}.{one['name']}", "value": said.get(f"{key}.{one['name']}", "")}
                for one in describe(cls)
            ],
        )
        for key, cls in METHODS.items()
    ]


def _said(holding) -> dict[str, str]:
    """Return the definition in force as the form's first words."""
    if holding is None:
        return {"method": DefinitionMethod.FORMULA}
    row = holding.row
    given = {f"{row.method}.{name}": value for name, value in row.parameters.items()}
    return given | {
        "method": row.method,
        "expression": holding.rule if row.formula else "",
        "metered": holding.metered,
        "opposite": holding.opposite,
        "cut_longer": "on" if row.cut_longer else "",
    }
