"""Files: everything that came in, the upload, the receipt, and what waits in quarantine."""

from datetime import datetime, timedelta

from django import forms
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.formats import formats
from meters.models import (
    Channel,
    FileState,
    Finding,
    FindingState,
    ImportFile,
    ImportProfile,
    QuarantinedRecord,
    RecordState,
)
from meters.pages.reading import Reading, jobs_of, under_way
from meters.pages.receipts import as_arrived, judged, replaced
from meters.pages.rehearsals import with_moments
from meters.pages.replaced import replaced_by_rules
from meters.queries import with_problems
from meters.queries.arrived import findings_of_file
from meters.services.arriving.files import receive_files, upload_limit_bytes
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from poweroptix.pages.templatetags.po import day


class FileList(StaffPage, ListPage):
    """All files, the newest first."""

    verb = "meters.view"
    title = "Files"
    intro = (
        "Every file of a known form is kept as it came and known by its content; the same bytes "
        "never count twice."
    )
    name = "files"
    template_name = "meters/files.html"
    search = ("name", "source", "sha256")
    columns = (
        Column("pk", "File", sort="pk", link=lambda file: reverse("office-import", args=[file.pk])),
        Column(
            "name", "Name", sort="name", link=lambda file: reverse("office-import", args=[file.pk])
        ),
        Column("source", "Source", sort="source"),
        Column("format", "Format", sort="format"),
        Column(
            "intervals",
            "Intervals",
            kind="num",
            places=0,
            value=lambda f: f.receipt.get("intervals"),
        ),
        Column("state", "State", kind="state", sort="state"),
        Column("received_at", "Received", kind="moment", sort="received_at"),
        Column("uploaded_by", "By", kind="person"),
    )
    filters = (
        Filter("state", "State", lambda: FileState.choices),
        Filter(
            "source",
            "Source",
            lambda: [
                (s, s)
                for s in ImportFile.objects.order_by("source")
                .values_list("source", flat=True)
                .distinct()
            ],
        ),
        Filter(
            "problem",
            "Problem",
            lambda: [("any", "Refused or in quarantine")],
            narrow=lambda rows, _any: with_problems(rows),
        ),
    )
    empty_title = "No file yet"
    empty_text = "Drop one on the upload page, post it to the API, or run manage.py ingest."

    def rows(self):
        """Return all files."""
        return ImportFile.objects.all()

    def extra(self):
        """Return what waits, what is being read, and whether this person may upload."""
        waiting = QuarantinedRecord.objects.filter(state=RecordState.OPEN).count()
        return {
            "waiting": waiting,
            "reading": under_way(),
            "may_upload": may(self.request.user, "meters.import"),
        }


class UploadForm(forms.Form):
    """Source, profile and format of the files that are dropped."""

    source = forms.SlugField(
        max_length=60,
        initial="upload",
        help_text="Who sent the files; the same content from one source counts once.",
    )
    profile = forms.ChoiceField(
        required=False,
        help_text="How the source writes its files. Needed where times have no offset.",
    )
    format = forms.ChoiceField(
        required=False, help_text="Found out from the content unless you name it."
    )

    def __init__(self, *args, **kwargs):
        """Fill the choices."""
        super().__init__(*args, **kwargs)
        codes = ImportProfile.objects.values_list("code", flat=True)
        self.fields["profile"].choices = [("", "none"), *((code, code) for code in codes)]
        formats.discover()
        self.fields["format"].choices = [("", "find out"), *((key, key) for key in formats.keys())]  # noqa: SIM118


class Upload(StaffPage, View):
    """Drop files; each becomes a job whose page shows a bar."""

    verb = "meters.import"

    def get(self, request):
        """Show the drop zone."""
        return self._page(request, UploadForm())

    def post(self, request):
        """Keep the files and queue their reading."""
        form = UploadForm(request.POST)
        files = request.FILES.getlist("files")
        if not form.is_valid() or not files:
            if not files:
                form.add_error(None, "Choose at least one file.")
            return self._page(request, form, status=400)
        queued: list[Job] = []
        known: list[int] = []
        for upload in files:
            attempt(
                request,
                lambda upload=upload: self._take(request, form.cleaned_data, upload, queued, known),
            )
        if len(queued) == 1:
            return redirect("office-job", pk=queued[0].pk)
        if queued:
            return redirect("office-imports")
        return redirect("office-import", pk=known[0]) if known else redirect("office-upload")

    def _take(self, request, said, upload, queued, known) -> str:
        received = receive_files(
            upload,
            name=upload.name,
            source=said["source"],
            profile_code=said["profile"],
            format=said["format"],
            now=now(),
            actor=actor_of(request),
            limit_bytes=upload_limit_bytes(),
        )
        for file in received:
            if file.is_duplicate:
                continue
            queued.append(
                enqueue(
                    "ingest_file",
                    f"{file.source}/{file.sha256}",
                    {"import_file_id": file.pk},
                    created_by=request.user,
                )
            )
        again = [file for file in received if file.is_duplicate]
        if again:
            first = again[0]
            known.append(first.pk)
            return (
                f"{upload.name} is known already: it came as file #{first.pk} on "
                f"{day(first.received_at)} and is not counted again."
            )
        return f"{upload.name} was received."

    @staticmethod
    def _page(request, form, status=200):
        limit = upload_limit_bytes() // 10**6
        return render(
            request, "meters/upload.html", {"form": form, "limit_mb": limit}, status=status
        )


class FilePage(StaffPage, View):
    """One file: its receipt, its problems, its quarantine."""

    verb = "meters.view"

    def get(self, request, pk):
        """Show the receipt."""
        file = get_object_or_404(ImportFile, pk=pk)
        records = file.quarantined.order_by("line_first")[:100]
        codes = {
            row["code"] for name in ("channels", "registers") for row in file.receipt.get(name, [])
        }
        keys = list(Channel.objects.filter(code__in=codes).values_list("pk", flat=True))
        arrived = as_arrived(file.receipt.get("channels", []))
        context = {
            "file": file,
            "registers": with_moments(file.receipt.get("registers", [])),
            "channel_keys": ",".join(map(str, keys)),
            "editor": _editor(file),
            "receipt": file.receipt,
            "nothing_taken": _nothing_taken(file),
            "arrived": arrived,
            "over": replaced(file.receipt, arrived),
            "running": _running_month(arrived, now()),
            "rereadings": _rereadings(file),
            "records": records,
            "mappable": any(row.can_be_mapped for row in records),
            "open_records": sum(row.state == RecordState.OPEN for row in records),
            "older_findings": _open_findings(keys, file),
            "judged": judged(file),
            "replaced": replaced_by_rules(file.receipt),
            "reading": [Reading(job, file.pk, file.name) for job in jobs_of(pk)[:5] if job.is_open],
            "channels": Channel.objects.order_by("code") if records else (),
            "may_map": may(request.user, "meters.map"),
            "may_read": file.state != FileState.READING and may(request.user, "meters.import"),
            "profiles": ImportProfile.objects.order_by("code"),
        }
        return render(request, "meters/file.html", context)


def _nothing_taken(file: ImportFile) -> bool:
    """Return whether a file was read, now and later, and none of it became a reading."""
    said = [file.receipt, *file.receipt.get("again", [])]
    brought = any(one.get("intervals") or one.get("registers") for one in said)
    replayed = file.quarantined.filter(state=RecordState.REPLAYED)
    return file.state == FileState.ACCEPTED and not brought and not replayed.exists()


def _rereadings(file: ImportFile) -> list[dict]:
    """Return later readings of the file, the newest first, with their moment."""
    told = []
    for again in reversed(file.receipt.get("again", [])):
        channels = as_arrived(again.get("channels", []))
        over = replaced(again | {"file": file.pk}, channels)
        at = datetime.fromisoformat(again["at"])
        told.append(again | {"at": at, "channels": channels, "over": over})
    return told


def _running_month(arrived: list[dict], at: datetime) -> Period | None:
    """Return the month of the newest interval that arrived, if that month is not over."""
    if not arrived:
        return None
    newest = max(arrived, key=lambda row: row["end_at"])
    last = (newest["end_at"] - timedelta(minutes=1)).astimezone(zone_of(newest["zone"]))
    month = Period.month(newest["zone"], f"{last:%Y-%m}")
    return month if at < month.end_utc else None


def _open_findings(channel_ids: list[int], file: ImportFile) -> int:
    """Return how many exceptions not of this file are open on the channels that came with it."""
    rows = Finding.objects.filter(channel__in=channel_ids, state=FindingState.OPEN)
    return rows.exclude(pk__in=findings_of_file(file).values("pk")).count()


def _editor(file: ImportFile) -> str:
    """Return where the profile of a file is edited beside it; a new one if it has none."""
    row = ImportProfile.objects.filter(code=file.profile_code).first()
    new = reverse("office-import-profile-new")
    address = new if row is None else reverse("office-import-profile", args=[row.pk])
    return f"{address}?file={file.pk}"
