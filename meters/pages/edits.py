"""Editing readings: ask, look at what would change, store it or propose it to a second person."""

from datetime import timedelta

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.models import Channel
from meters.pages.edit_forms import asked_order, asked_range, edit_choices
from meters.pages.profiles import changed_profile
from meters.pages.queue import Walk
from meters.pages.workbench import finding_of
from meters.services import approved_on, edit_readings, preview_edit, propose_edit
from meters.services.editing.order import virtual_words
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.templatetags.po import span_text

AROUND = timedelta(days=1)
SENT = ("start", "end", "action", "operand", "day", "other", "version")


def channel_of(code: str) -> Channel:
    """Return a channel with its campus; a page that is not found otherwise."""
    return get_object_or_404(Channel.objects.select_related("delivery_point__campus"), code=code)


class EditPage(StaffPage, View):
    """The form of an edit, its preview, and the two ways to end it."""

    verb = "meters.edit"

    def get(self, request, code):
        """Show the form for the range that the address names; no form for what is computed."""
        channel = channel_of(code)
        if channel.is_virtual:
            raise Refused("edit.virtual", virtual_words(channel))
        return self._page(request, channel, request.GET)

    def post(self, request, code):
        """Preview, store or propose; a refusal shows the form again with what was said."""
        channel, said, seen = channel_of(code), request.POST, {}
        step = said.get("step", "preview")

        def act() -> str:
            order = asked_order(channel, said)
            if step == "store":
                return self._store(request, order)
            if step == "propose":
                seen["proposal"] = self._propose(request, order)
                return "Proposed. A second person finds it under Edits to confirm."
            seen["preview"] = preview_edit(order, actor=actor_of(request), now=now())
            return ""

        done = attempt(request, act)
        if not done or step not in ("store", "propose"):
            status = 200 if done else 400
            return self._page(request, channel, said, seen.get("preview"), status)
        if "proposal" in seen:
            return redirect("office-proposal", pk=seen["proposal"].pk)
        if said.get("finding"):
            finding = finding_of(read_pk(said["finding"]))
            return Walk(said.get("list", "")).after_decision(finding, goes_on=True)
        return redirect("office-channel", code=channel.code)

    @staticmethod
    def _store(request, order) -> str:
        said = request.POST
        edit = edit_readings(
            order.channel,
            order.start,
            order.end,
            order.action,
            operand=order.operand,
            source=order.source,
            reason_code=said.get("reason_code", ""),
            comment=said.get("comment", ""),
            actor=actor_of(request),
            now=now(),
            seen_digest=said.get("digest", ""),
        )
        if edit.after_total is None:
            return "The readings are what the rules make of them again."
        unit = order.channel.unit
        return f"Changed from {edit.before_total:,f} to {edit.after_total:,f} {unit}."

    @staticmethod
    def _propose(request, order):
        said = request.POST
        return propose_edit(
            order,
            reason_code=said.get("reason_code", ""),
            comment=said.get("comment", ""),
            actor=actor_of(request),
            now=now(),
            seen_digest=said.get("digest", ""),
        )

    @staticmethod
    def _page(request, channel, said, preview=None, status=200):
        errors: dict[str, str] = {}
        try:
            span = asked_range(channel, said)
        except Refused as fault:
            span, status = None, 400
            errors = {one.where: one.message for one in fault.findings}
        asked = {name: said[name] for name in SENT if said.get(name)}
        context = {
            "channel": channel,
            "span": span_text(*span, channel.delivery_point.campus.zone) if span else "",
            "errors": errors,
            "zone": channel.delivery_point.campus.zone,
            "said": said,
            "finding": said.get("finding", ""),
            "walk": Walk(said.get("list", "")),
            "preview": preview,
            "approved": approved_on(channel.pk, *span) if preview and span else [],
            "chart": reverse("office-edit-series", args=[channel.code]),
            "asked": asked,
        }
        context |= edit_choices(channel, span, said)
        return render(request, "meters/edit.html", context, status=status)


class EditSeries(StaffPage, View):
    """Readings before and after an edit that is only asked for, as the chart takes them."""

    verb = "meters.edit"

    def get(self, request, code):
        """Return both series; nothing is stored."""
        order = asked_order(channel_of(code), request.GET)
        preview = preview_edit(order, actor=actor_of(request), now=now())
        return JsonResponse(changed_profile(preview, AROUND))
