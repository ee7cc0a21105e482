"""The rules of a channel: which judge, by whose parameters, what others lack, what they found."""

from itertools import groupby

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views import View

from meters.models import Channel
from meters.services.judging.standing import JUDGES, LACKS, OFF, standings
from meters.validation import Stage
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.pages.guards import StaffPage

STAGES = {
    Stage.STRUCTURE: "What arrived",
    Stage.DEVICE: "What the device says",
    Stage.VALUE: "Values of a day",
    Stage.CROSS: "Beside other channels",
    Stage.PERIOD: "When a month closes",
}
TONES = {JUDGES: "good", OFF: "", LACKS: "warn"}


class RulesPage(StaffPage, View):
    """All rules of one channel; `only` leaves those in one state."""

    verb = "meters.view"

    def get(self, request, code):
        """Show how every rule stands to the channel."""
        channel = (
            Channel.objects.select_related("delivery_point__campus", "source")
            .filter(code=code)
            .first()
        )
        if channel is None:
            raise Http404
        found = standings(channel, now())
        only = request.GET.get("only", "")
        shown = [row for row in found.rules if only not in TONES or row.state == only]
        context = {
            "channel": channel,
            "zone": channel.delivery_point.campus.zone,
            "found": found,
            "only": only,
            "counts": [(state, sum(row.state == state for row in found.rules)) for state in TONES],
            "stages": [
                (STAGES[stage], [(row, TONES[row.state]) for row in rows])
                for stage, rows in groupby(shown, key=lambda row: row.stage)
            ],
            "set_url": self._set_url(request, channel),
        }
        return render(request, "meters/rules.html", context)

    @staticmethod
    def _set_url(request, channel: Channel) -> str:
        """Return where parameters for this channel are set, for who may."""
        if not may(request.user, "meters.configure"):
            return ""
        asked = {"channel": channel.pk, "effective_from": now().date().isoformat()}
        return f"{reverse('admin:meters_rulesetting_add')}?{urlencode(asked)}&rule_key="
