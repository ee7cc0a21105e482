"""Import profiles: the list, and the editor beside a sample file that shows each change at once."""

import io
from dataclasses import dataclass
from typing import BinaryIO

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.formats import formats
from meters.models import ImportFile, ImportProfile
from meters.opening import open_members
from meters.pages.profile_forms import ProfileForm, asked_columns, mapping_of
from meters.pages.rehearsals import as_shown
from meters.pages.rereading import queue_reading, read_reason
from meters.services.arriving.files import (
    HEAD_BYTES,
    as_profile,
    open_stored,
    receive_files,
    sniff,
    upload_limit_bytes,
)
from meters.services.arriving.previewing import look, preview
from meters.services.arriving.profiles import profile_document, save_profile
from meters.services.arriving.rehearsing import rehearse
from poweroptix.accounts.permissions import may, require
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Refused
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage

#: A fresh sample travels with every change, so it is small; a kept file has no such limit.
SAMPLE_BYTES = 5_000_000
#: A kept file above this is rehearsed by a job.
REHEARSED_AT_ONCE_BYTES = 2_000_000


def _editor(profile: ImportProfile) -> str:
    return reverse("office-import-profile", args=[profile.pk])


class ProfileList(StaffPage, ListPage):
    """How sources write their files."""

    verb = "meters.view"
    title = "Import profiles"
    intro = "How a source writes its files: zone, labels, units, sign, qualities, columns."
    name = "import_profiles"
    template_name = "meters/import_profiles.html"
    search = ("code", "zone", "format")
    default_sort = "code"
    columns = (
        Column("code", "Profile", sort="code", link=_editor),
        Column("format", "Format", sort="format"),
        Column("zone", "Zone", sort="zone"),
        Column("label", "Stamps name", sort="label", value=lambda p: p.get_label_display()),
        Column("unit", "Unit", sort="unit"),
        Column("unit_factor", "Factor", kind="short"),
        Column("on_duplicate", "Duplicates", value=lambda p: p.get_on_duplicate_display()),
    )
    filters = (Filter("format", "Format", lambda: formats.choices()),)
    empty_title = "No import profile yet"
    empty_text = "Files that say everything themselves need none; make one for those that do not."

    def rows(self):
        """Return all profiles."""
        return ImportProfile.objects.all()

    def extra(self):
        """Return whether this person may make one."""
        return {"may_edit": may(self.request.user, "meters.edit")}


@dataclass
class Sample:
    """The file that is looked at: a kept one, or one that came with the request and is not kept."""

    file: ImportFile
    fresh: bytes | None = None

    def open(self) -> BinaryIO:
        """Return its bytes from the start."""
        return open_stored(self.file) if self.fresh is None else io.BytesIO(self.fresh)


class ProfileEditor(StaffPage, View):
    """Edit a profile beside a sample; nothing is written before it is saved."""

    verb = "meters.view"
    write_verb = "meters.edit"

    def get(self, request, pk=None):
        """Show the editor; `?file=` names a kept file as sample."""
        row = self._row(pk)
        sample = self._kept(request.GET.get("file", ""))
        if pk is None and sample is not None:
            row.format = sample.file.format
        return self._page(request, ProfileForm(instance=row), row, sample)

    def post(self, request, pk=None):
        """Show how the sample is read, rehearse it, save, or save and read it."""
        row = self._row(pk)
        columns, fixed = asked_columns(request.POST)
        form = ProfileForm(request.POST, instance=row, columns=columns, fixed=fixed)
        is_valid = form.is_valid()
        try:
            sample = self._sample(request, row)
        except Refused as refused:
            return self._answer(request, form, row, None, refused=refused)
        # A change of a field carries the button pressed last; it asks to look and does no more.
        looks = request.headers.get("HX-Target") == "look"
        action = "look" if looks else request.POST.get("action", "")
        if is_valid and action == "dry" and sample is not None:
            return self._dry(request, form, row, sample)
        if is_valid and action in ("save", "save_read"):
            return self._save(request, form, row, sample)
        return self._answer(request, form, row, sample)

    @staticmethod
    def _row(pk) -> ImportProfile:
        return ImportProfile() if pk is None else get_object_or_404(ImportProfile, pk=pk)

    @staticmethod
    def _kept(text: str) -> Sample | None:
        return Sample(get_object_or_404(ImportFile, pk=read_pk(text))) if text else None

    def _sample(self, request, row: ImportProfile) -> Sample | None:
        """Return the fresh sample of a request, else the kept file it names; Refused if too big."""
        upload = request.FILES.get("sample")
        if upload is None:
            return self._kept(request.POST.get("file", ""))
        if upload.size > SAMPLE_BYTES:
            limit = SAMPLE_BYTES // 10**6
            raise Refused(
                "sample.large",
                f"{upload.name} is larger than {limit} MB. Use a shorter sample, or upload the "
                "file first and open it here from its page.",
            )
        member = next(iter(open_members(upload, upload.name)))
        data = member.stream.read(SAMPLE_BYTES * 4)
        key = row.format or sniff(data[:HEAD_BYTES], member.name)
        source = request.POST.get("source", "") or "upload"
        return Sample(
            ImportFile(name=member.name, source=source, format=key, received_at=now()), data
        )

    def _answer(self, request, form, row, sample, **more):
        """Return the part that changes, or the whole page to a browser without scripts."""
        if request.headers.get("HX-Request"):
            context = self._shown(form, row, sample) | more
            return render(request, "meters/import_profile_look.html", context)
        return self._page(request, form, row, sample, **more)

    def _page(self, request, form, row, sample, **more):
        context = self._shown(form, row, sample) | {
            "form": form,
            "profile": row,
            "kept": [] if sample and sample.fresh is None else _recent(row),
            "may_edit": may(request.user, "meters.edit"),
            "may_read": may(request.user, "meters.import"),
            "sample_mb": SAMPLE_BYTES // 10**6,
        }
        status = 400 if form.is_bound and form.errors else 200
        return render(request, "meters/import_profile.html", context | more, status=status)

    @staticmethod
    def _shown(form, row, sample) -> dict:
        """Return preview and mapping of a sample; what is wrong with the form instead of them."""
        context = {"form": form, "sample": sample, "profile": row, "asked": form.is_bound}
        if sample is None or (form.is_bound and form.errors):
            return context
        try:
            profile = as_profile(row, sample.file.received_at)
            with sample.open() as stream:
                table = look(stream, row.format, profile)
            if table is not None:
                options = row.options | ({"unit": row.unit} if row.unit else {})
                context["mapping"] = mapping_of(table, options)
        except Refused as refused:
            return context | {"refused": refused}
        with sample.open() as stream:
            context["seen"] = preview(stream, sample.file, profile)
        return context

    def _dry(self, request, form, row, sample):
        """Rehearse the sample: at once, or by a job where it is a large kept file."""
        if sample.fresh is None and sample.file.size > REHEARSED_AT_ONCE_BYTES:
            at = now()
            payload = {"import_file_id": sample.file.pk, "profile": profile_document(row)}
            key = f"{sample.file.pk}/{at:%Y-%m-%dT%H:%M:%S.%fZ}"
            job = enqueue("rehearse_file", key, payload, created_by=request.user)
            if not request.headers.get("HX-Request"):
                return redirect("office-rehearsal", pk=job.pk)
            return render(request, "meters/rehearsal_part.html", {"job": job})
        with sample.open() as stream:
            profile = as_profile(row, sample.file.received_at)
            document = rehearse(stream, sample.file, profile, now=now())
        if request.headers.get("HX-Request"):
            return render(request, "meters/rehearsal_part.html", as_shown(document))
        return self._page(request, form, row, sample, **as_shown(document))

    def _save(self, request, form, row, sample):
        """Save the profile, and read the sample with it where that is asked for."""
        queued: list[Job] = []
        wants_reading = request.POST.get("action") == "save_read"

        def act() -> str:
            reason = read_reason(request.POST.get("reason", ""))
            if wants_reading:
                require(actor_of(request), "meters.import")
            save_profile(row, actor=actor_of(request), reason=reason)
            if not wants_reading:
                return f"Profile {row.code} is saved."
            if sample is None:
                raise Refused("profile.sample", "Choose the file that is to be read.")
            queued.append(self._read(request, row, sample, reason))
            return f"Profile {row.code} is saved; {sample.file.name} is read with it."

        if not attempt(request, act):
            return self._page(request, form, row, sample)
        if queued:
            return redirect("office-job", pk=queued[0].pk)
        address = _editor(row)
        return redirect(
            f"{address}?file={sample.file.pk}" if sample and sample.file.pk else address
        )

    @staticmethod
    def _read(request, row: ImportProfile, sample: Sample, reason: str) -> Job:
        file = sample.file
        if sample.fresh is not None:
            (file,) = receive_files(
                io.BytesIO(sample.fresh),
                name=file.name,
                source=file.source,
                profile_code=row.code,
                now=now(),
                actor=actor_of(request),
                limit_bytes=upload_limit_bytes(),
            )
        return queue_reading(file, row.code, reason, request)


def _recent(row: ImportProfile) -> list[ImportFile]:
    """Return kept files that can serve as sample, those of the profile first."""
    own = (
        ImportFile.objects.filter(profile_code=row.code) if row.code else ImportFile.objects.none()
    )
    found = list(own.order_by("-pk")[:10])
    return found or list(ImportFile.objects.order_by("-pk")[:10])
