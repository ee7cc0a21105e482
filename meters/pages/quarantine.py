"""Mapping a quarantined channel and reading its records from the kept file."""

from django.shortcuts import get_object_or_404, redirect
from django.views import View

from meters.models import Channel, QuarantinedRecord
from meters.services import map_quarantine, replay
from poweroptix.clock import now
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt


class Quarantine(StaffPage, View):
    """Map one record's channel; all open records of that channel and file follow."""

    verb = "meters.map"

    def post(self, request, pk):
        """Map and replay, then back to the file."""
        row = get_object_or_404(QuarantinedRecord, pk=pk)

        def act() -> str:
            channel = get_object_or_404(Channel, pk=read_pk(request.POST.get("channel")))
            reason = request.POST.get("reason", "").strip()
            map_quarantine(row, channel, actor=actor_of(request), now=now(), reason=reason)
            replay(row.import_file, actor=actor_of(request), now=now())
            return f"{row.channel_text} is {channel.code} from now on; its records were read."

        attempt(request, act)
        return redirect("office-import", pk=row.import_file_id)
