"""Quarantine: what no file could make a reading of; mapped, replayed or dismissed."""

from collections.abc import Iterable

from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views import View

from meters.models import Channel, ImportFile, QuarantinedRecord, RecordState
from meters.queries.quarantine import files_to_replay, unknown_channels
from meters.services import dismiss_quarantine, map_quarantine
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.words import counted
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage

MOST_AT_ONCE = 200
#: Fields of the form that name the channel of an unknown one: `channel-<record>`.
NAMED = "channel-"


def _file(record: QuarantinedRecord) -> str:
    return reverse("office-import", args=[record.import_file_id])


def _codes() -> list[tuple[str, str]]:
    found = QuarantinedRecord.objects.order_by("code").values_list("code", flat=True).distinct()
    return [(code, code) for code in found]


def _sources() -> list[tuple[str, str]]:
    held = QuarantinedRecord.objects.values("import_file")
    found = ImportFile.objects.filter(pk__in=held).order_by("source")
    return [(name, name) for name in found.values_list("source", flat=True).distinct()]


class QuarantineList(StaffPage, ListPage):
    """Records of all files that did not become readings, the open ones unless asked otherwise."""

    verb = "meters.view"
    write_verb = "meters.map"
    picks = True
    title = "Quarantine"
    intro = (
        "Records that did not become readings. They stay in the kept file; a name that is mapped "
        "once is known for every later file of its source."
    )
    name = "quarantine"
    template_name = "meters/quarantine.html"
    search = ("channel_text", "message", "import_file__name")
    default_sort = "-pk"
    columns = (
        Column("channel_text", "Channel in the file", sort="channel_text", link=_file,
               value=lambda r: r.channel_text or "none"),
        Column("import_file", "File", sort="import_file_id", link=_file,
               value=lambda r: str(r.import_file)),
        Column("source", "Source", sort="import_file__source",
               value=lambda r: r.import_file.source),
        Column("line_first", "Line", kind="num", places=0, sort="line_first"),
        Column("line_last", "To line", kind="num", places=0, sort="line_last"),
        Column("code", "Rule", sort="code"),
        Column("message", "Reason", value=lambda r: f"{r.message} {r.advice}".strip()),
        Column("received_at", "Received", kind="moment", sort="import_file__received_at",
               value=lambda r: r.import_file.received_at),
        Column("state", "State", kind="state", sort="state"),
        Column("decided_by", "By", kind="person", on_screen=False),
        Column("reason", "Why", on_screen=False),
    )  # fmt: skip
    filters = (
        Filter("state", "State", lambda: RecordState.choices),
        Filter("code", "Rule", _codes),
        Filter("source", "Source", _sources, "import_file__source"),
    )
    empty_title = "Nothing in quarantine"
    empty_text = "Every record of every file became a reading, or somebody decided about it."

    def rows(self):
        """Return records of the asked state, open ones by default."""
        rows = QuarantinedRecord.objects.select_related("import_file")
        asked = self.request.GET
        return rows if asked.get("state") or asked.get("q") else rows.filter(state=RecordState.OPEN)

    def can_pick(self, row):
        """Only what nobody has decided can be dismissed."""
        return row.state in (RecordState.OPEN, RecordState.MAPPED)

    def extra(self):
        """Return the unknown names, what waits for a replay, and what this person may do."""
        may_map = may(self.request.user, "meters.map")
        unknown = unknown_channels()
        codes = Channel.objects.order_by("code").values_list("code", flat=True)
        return {
            "unknown": unknown,
            "may_map": may_map,
            "codes": codes if unknown and may_map else (),
            "to_replay": len(files_to_replay()),
            "said": self.request.POST,
            "picked": [int(key) for key in self.request.POST.getlist("pick") if key.isdecimal()],
        }

    def post(self, request):
        """Map names to channels, replay what was mapped, or dismiss what was chosen."""
        acts = {"map": self._map, "replay": self._replay, "dismiss": self._dismiss}

        def act() -> str:
            chosen = acts.get(request.POST.get("action", ""))
            if chosen is None:
                raise Refused("quarantine.action", "Map, replay or dismiss what is chosen.")
            return chosen(request)

        if attempt(request, act):
            return redirect(request.get_full_path())
        answer = self.get(request)
        answer.status_code = 400
        return answer

    @staticmethod
    def _map(request) -> str:
        named = {
            read_pk(key.removeprefix(NAMED)): text.strip()
            for key, text in request.POST.items()
            if key.startswith(NAMED) and text.strip()
        }
        if not named:
            raise Refused("quarantine.nothing", "Name the channel of at least one unknown name.")
        _not_too_many(named)
        channels = {c.code: c for c in Channel.objects.filter(code__in=set(named.values()))}
        strange = sorted(set(named.values()) - set(channels))
        if strange:
            raise Refused(
                "quarantine.channel", f"There is no channel '{strange[0][:60]}'. Choose a code."
            )
        rows = {row.pk: row for row in _records(named)}
        reason, at = request.POST.get("reason", "").strip(), now()
        done: list[str] = []
        faults: list[str] = []
        for key, code in named.items():
            try:
                map_quarantine(
                    rows[key], channels[code], actor=actor_of(request), now=at, reason=reason
                )
                done.append(f"{rows[key].channel_text} is {code}")
            except DomainError as fault:
                faults.append(fault.message)
        jobs = _replay_mapped(request)
        if not done:
            raise Refused("quarantine.map", " ".join(faults))
        told = "; ".join(done[:5]) + (f" and {len(done) - 5} more" if len(done) > 5 else "")
        return f"{told}. {counted(len(jobs), 'file')} read again. {' '.join(faults)}".strip()

    @staticmethod
    def _replay(request) -> str:
        jobs = _replay_mapped(request)
        if not jobs:
            raise Refused("quarantine.nothing", "No mapped record waits for a replay.")
        return f"{counted(len(jobs), 'file')} with mapped records will be read."

    @staticmethod
    def _dismiss(request) -> str:
        keys = [read_pk(key) for key in request.POST.getlist("pick")]
        if not keys:
            raise Refused("quarantine.nothing", "Choose at least one record.")
        _not_too_many(keys)
        reason, faults, done = request.POST.get("reason", ""), [], 0
        for row in _records(keys):
            try:
                dismiss_quarantine(row, actor=actor_of(request), now=now(), reason=reason)
                done += 1
            except DomainError as fault:
                faults.append(f"Record {row.pk}: {fault.message}")
        if not done:
            raise Refused("quarantine.dismiss", " ".join(faults[:3]))
        return f"{counted(done, 'record')} dismissed. {' '.join(faults[:3])}".strip()


def _not_too_many(chosen) -> None:
    if len(chosen) > MOST_AT_ONCE:
        raise Refused("quarantine.many", f"At most {MOST_AT_ONCE} are decided at once.")


def _records(keys: Iterable[int]) -> list[QuarantinedRecord]:
    """Return records by key; 404 when one of them is not there."""
    wanted = set(keys)
    rows = list(QuarantinedRecord.objects.select_related("import_file").filter(pk__in=wanted))
    for key in wanted - {row.pk for row in rows}:
        get_object_or_404(QuarantinedRecord, pk=key)
    return rows


def _replay_mapped(request) -> list[Job]:
    """Queue the reading of every file of which mapped records wait."""
    at = now()
    return [
        enqueue(
            "replay_file",
            f"{file_id}/{at:%Y-%m-%dT%H:%M:%S.%fZ}",
            {"import_file_id": file_id},
            created_by=request.user,
        )
        for file_id in files_to_replay()
    ]


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
