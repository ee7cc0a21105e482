"""Mapping a quarantined channel and reading its records from the kept file."""

from django.shortcuts import get_object_or_404, redirect
from django.views import View

from meters.models import Channel, QuarantinedRecord
from meters.services import dismiss_quarantine, map_quarantine
from poweroptix.clock import now
from poweroptix.jobs.services import enqueue
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt


class Quarantine(StaffPage, View):
    """Map one record's channel; all open records of that channel and file follow."""

    verb = "meters.map"

    def post(self, request, pk):
        """Map, queue the reading of the records, and show its job."""
        row = get_object_or_404(QuarantinedRecord, pk=pk)
        if request.POST.get("action") == "dismiss":
            return self._dismiss(request, row)
        channel = get_object_or_404(Channel, pk=read_pk(request.POST.get("channel")))
        reason, at, queued = request.POST.get("reason", "").strip(), now(), []

        def act() -> str:
            map_quarantine(row, channel, actor=actor_of(request), now=at, reason=reason)
            payload = {"import_file_id": row.import_file_id}
            key = f"{row.import_file_id}/{at:%Y-%m-%dT%H:%M:%S.%fZ}"
            queued.append(enqueue("replay_file", key, payload, created_by=request.user))
            return f"{row.channel_text} is {channel.code} from now on; its records are read."

        if attempt(request, act):
            return redirect("office-job", pk=queued[0].pk)
        return redirect("office-import", pk=row.import_file_id)

    @staticmethod
    def _dismiss(request, row):
        def act() -> str:
            reason = request.POST.get("reason", "")
            dismiss_quarantine(row, actor=actor_of(request), now=now(), reason=reason)
            return "The record stays out of the readings for good."

        attempt(request, act)
        return redirect("office-import", pk=row.import_file_id)
