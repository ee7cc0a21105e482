"""Pools of money: the list, and a month of one: what was entered, how it was divided."""

from collections.abc import Mapping
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.models import Campus
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import Conflict
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.asked import NumberFields, read_month, read_pk
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.models import MoneyPool, PoolItem, PoolMonth
from settlement.queries.money import pools_of
from settlement.services.money import Entry, divide_month, divided_again, enter_item, withdraw_item
from settlement.sharing._base import money_key

HEAD = ("pool", "month", "version", "member", "weight", "unit", "how", "whole USD",
        "remainder USD", "share USD")  # fmt: skip

#: The numbers of an item and their labels; with its words, all that the form of an item asks.
NUMBERS = {"amount": "Amount (USD)", "quantity": "Quantity", "rate": "Price (USD per unit)"}
ENTRY = ("label", "source", "evidence", "unit", *NUMBERS)


def _link(pool: MoneyPool) -> str:
    month = pool.newest or f"{now().astimezone(zone_of(pool.campus.zone)):%Y-%m}"
    return reverse("office-pool", args=[pool.campus.code, pool.code, month])


class PoolList(StaffPage, ListPage):
    """All pools with their newest month."""

    verb = "settlement.view"
    title = "Pools of money"
    intro = "Costs, fees and revenue of a campus, divided over contracts to the cent."
    name = "pools_of_money"
    template_name = "settlement/pools.html"
    search = ("code", "name", "campus__code")
    default_sort = "code"
    columns = (
        Column("code", "Pool", sort="code", link=_link),
        Column("name", "Name", sort="name"),
        Column("campus__code", "Campus", sort="campus__code"),
        Column("kind", "Kind", sort="kind", value=lambda pool: pool.kind.capitalize()),
        Column("key", "Key", value=lambda pool: money_key(pool.key).title),
        Column("newest", "Newest month"),
        Column("newest_usd", "Amount", kind="money"),
    )
    filters = (
        Filter("kind", "Kind", lambda: MoneyPool.Kind.choices),
        Filter(
            "campus",
            "Campus",
            lambda: [(c, c) for c in Campus.objects.values_list("code", flat=True)],
            "campus__code",
        ),
    )
    empty_title = "No pool yet"
    empty_text = "A pool and its members are set up in the admin: pools of money."

    def rows(self):
        """Return the pools with the newest month that was divided."""
        months = PoolMonth.objects.filter(pool=OuterRef("pk"), state="CALCULATED")
        newest = months.order_by("-period")
        return MoneyPool.objects.select_related("campus").annotate(
            newest=Subquery(newest.values("period")[:1]),
            newest_usd=Subquery(newest.values("amount_usd")[:1]),
        )


class PoolPage(StaffPage, View):
    """A month of a pool: amount, key, members, result; enter, withdraw, divide, prove, download."""

    verb = "settlement.view"
    write_verb = "settlement.edit"

    def get(self, request, campus, code, period):
        """Show the month; `version` an older division, `export` the shares as a file."""
        pool = _pool(campus, code)
        return self._page(request, pool, read_month(period, pool.campus.zone), {})

    @staticmethod
    def _page(request, pool: MoneyPool, month: Period, typed: Mapping[str, str], status: int = 200):
        """Show the month, and in the form of an item what was typed."""
        versions = list(
            PoolMonth.objects.filter(pool=pool, period=month.label)
            .select_related("allocation_run")
            .defer("inputs")
            .order_by("-version")
        )
        chosen = _chosen(versions, request.GET.get("version", ""))
        shares = shares_of(chosen)
        form = request.GET.get("export", "")
        if form in {"csv", "xlsx"}:
            rows = table_of(chosen, shares)
            return table_response(form, f"pool_{pool.code}_{month.label}", HEAD, rows)
        context = {
            "pool": pool,
            "typed": {name: typed.get(name, "") for name in ENTRY},
            "rule": money_key(pool.key),
            "period": month,
            "previous": month.previous().label,
            "next": month.next().label,
            "items": list(pool.items.filter(period=month.label)),
            "members": _members(pool, month),
            "versions": versions,
            "month": chosen,
            "sale": _sale(pool, month),
            "sheet": chosen.worksheet if chosen else {},
            "shares": shares,
            "shared_usd": _shared(chosen),
            "may_edit": may(request.user, "settlement.edit"),
            "zone": pool.campus.zone,
        }
        return render(request, "settlement/pool.html", context, status=status)

    def post(self, request, campus, code, period):
        """Enter or withdraw an amount, divide the campus month, or prove a division.

        An amount that is refused leaves the form as it was filled in.
        """
        pool = _pool(campus, code)
        month = read_month(period, pool.campus.zone)
        said, who = request.POST, {"now": now(), "actor": actor_of(request)}
        actions = {
            "enter": lambda: _told(
                enter_item(pool, month, _entry(said), **who), "The amount is entered."
            ),
            "withdraw": lambda: _told(
                withdraw_item(_item(pool, said), reason=said.get("reason", ""), **who),
                "The amount is withdrawn.",
            ),
            "divide": lambda: _told(
                divide_month(pool.campus, month, **who), "The pools of the month are divided."
            ),
            "prove": lambda: _proved(pool, month),
        }
        if said.get("action") not in actions:
            raise Http404
        done = attempt(request, actions[said["action"]])
        if said["action"] == "enter" and not done:
            return self._page(request, pool, month, said, status=400)
        return redirect("office-pool", campus=campus, code=code, period=month.label)


def _pool(campus: str, code: str) -> MoneyPool:
    rows = MoneyPool.objects.select_related("campus", "operator")
    return get_object_or_404(rows, campus__code=campus, code=code)


def _entry(said) -> Entry:
    numbers = NumberFields(said)
    amount, quantity, rate = (numbers.read(name, label) for name, label in NUMBERS.items())
    numbers.check()
    return Entry(
        label=said.get("label", "")[:200],
        source=said.get("source", "")[:200],
        evidence=said.get("evidence", "")[:200],
        amount_usd=amount,
        quantity=quantity,
        unit=said.get("unit", "")[:20],
        rate=rate,
    )


def _item(pool: MoneyPool, said) -> PoolItem:
    return get_object_or_404(PoolItem, pool=pool, pk=read_pk(said.get("item")))


def _told(_done: Any, text: str) -> str:
    return text


def _proved(pool: MoneyPool, period: Period) -> str:
    """Divide the frozen document again and compare every cent; Conflict where one differs."""
    month = get_object_or_404(PoolMonth, pool=pool, period=period.label, state="CALCULATED")
    again = {share.member: share.amount_usd for share in divided_again(month).shares}
    stored = {_member(row): row.amount_usd for row in _rows(month)}
    if again != stored:
        raise Conflict("settlement.pool_differs", f"{month}: the shares differ when divided again.")
    return f"Proved: {len(stored)} shares divided again, nothing differs."


def _chosen(versions: list[PoolMonth], asked: str) -> PoolMonth | None:
    """Return the version asked for, else the one that counts."""
    if asked:
        found = [one for one in versions if str(one.version) == asked]
        if not found:
            raise Http404
        return found[0]
    return next((one for one in versions if one.state == "CALCULATED"), None)


def _sale(pool: MoneyPool, period: Period):
    """Return what the pool sells in a month; None where its amount is entered."""
    rows = pool.sales.filter(first_period__lte=period.label).select_related("channel", "index")
    return rows.order_by("first_period").last()


def _rows(month: PoolMonth):
    return month.shares.select_related("contract", "part_pool").order_by("pk")


def _member(row) -> str:
    return row.contract.code if row.contract_id else row.part_pool.code


def shares_of(month: PoolMonth | None) -> list[dict[str, Any]]:
    """Return what each member gets of a month, and what it may see of it."""
    return [] if month is None else [
        {"member": _member(row), "row": row, **row.view} for row in _rows(month)
    ]  # fmt: skip


def _shared(month: PoolMonth | None):
    return month.amount_usd - month.operator_usd if month and month.is_divided else None


def table_of(month: PoolMonth | None, shares: list[dict[str, Any]]):
    """Return the rows of the download: the operator's part first, then every member."""
    if month is None:
        return
    common = [month.pool.code, month.period, month.version]
    if month.operator_usd:
        yield [*common, "operator", "", "", "part of the operator", "", "", month.operator_usd]
    for one in shares:
        yield [*common, one["member"], one["weight"], one["unit"], one["said"],
               one["row"].whole_usd, one["extra_usd"], one["row"].amount_usd]  # fmt: skip


def _members(pool: MoneyPool, period: Period) -> list:
    """Return the rows of members that touch the month."""
    found = [one for one in pools_of(pool.campus_id, period) if one.pk == pool.pk]
    return sorted(found[0].present, key=lambda one: (one.code, one.valid.lower))
