"""Everything an app's `admin` needs: base classes, badges, import and export.

The only module that knows the admin theme. `POWEROPTIX_ADMIN_THEME=plain` falls back to Django's
own look. Whoever uses these classes gets rights from the role table, an audit event for every
change, no deletion, and exports whose cells cannot start a formula.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms as auth_forms
from django.db import models
from django.shortcuts import redirect
from django.utils.html import format_html
from import_export import admin as exchange
from import_export import forms as exchange_forms
from import_export.formats import base_formats
from import_export.resources import modelresource_factory
from import_export.tmp_storages import MediaStorage

from poweroptix.accounts.permissions import VERBS, may
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.db.numbers import PlainDecimalField
from poweroptix.kernel.tables import safe_cell

IMPORT_ROWS_MAX = 5000
if "unfold" in settings.INSTALLED_APPS:
    from unfold import admin as theme
    from unfold import forms as theme_forms
    from unfold.contrib.import_export import forms as theme_exchange_forms
else:
    theme, theme_forms, theme_exchange_forms = admin, auth_forms, exchange_forms

_TONES = {
    "good": "#166534;background:#dcfce7",
    "warn": "#854d0e;background:#fef9c3",
    "bad": "#991b1b;background:#fee2e2",
    "info": "#1e40af;background:#dbeafe",
    "quiet": "#374151;background:#f3f4f6",
}


def badge(text: Any, tone: str = "quiet") -> str:
    """Return a small label; `tone` is good, warn, bad, info or quiet and never the only sign.

    >>> "Issued" in badge("Issued", "good")
    True
    """
    style = f"color:{_TONES[tone]};padding:1px 8px;border-radius:9px;white-space:nowrap"
    return format_html('<span style="{}">{}</span>', style, text)


class RoleRights:
    """Rights from the role table: `<app>.view` to look, `<app>.configure` or `.edit` to change.

    Nothing can be deleted unless `deletable` is set, and then by those who may change.
    """

    deletable = False
    edit_verb = ""

    def has_module_permission(self, request):
        """Whether the app shows at all."""
        return self._may(request, self._verb("view"))

    def has_view_permission(self, request, obj=None):
        """Whether rows may be looked at."""
        return self._may(request, self._verb("view"))

    def has_add_permission(self, request, obj=None):
        """Whether rows may be added."""
        return self._may(request, self.edit_verb or self._edit())

    def has_change_permission(self, request, obj=None):
        """Whether rows may be changed."""
        return self._may(request, self.edit_verb or self._edit())

    def has_delete_permission(self, request, obj=None):
        """Whether rows may be deleted."""
        return self.deletable and self._may(request, self.edit_verb or self._edit())

    def _verb(self, word: str) -> str:
        return f"{self.opts.app_label}.{word}"

    def _edit(self) -> str:
        return next((v for v in (self._verb("configure"), self._verb("edit")) if v in VERBS), "")

    def _may(self, request, verb: str) -> bool:
        if verb not in VERBS:
            return request.user.is_active and request.user.is_superuser
        return may(request.user, verb)


class AuditedChanges:
    """Writes an audit event beside Django's own log for every change made in the admin."""

    def log_addition(self, request, obj, message):
        """Record a new row."""
        self._record(request, "add", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request, obj, message):
        """Record a changed row."""
        self._record(request, "change", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request, queryset):
        """Record deleted rows."""
        for obj in queryset:
            self._record(request, "delete", obj, "")
        return super().log_deletions(request, queryset)

    def _record(self, request, verb: str, obj, message) -> None:
        said = json.loads(json.dumps(message, default=str)) if message else None
        record(
            f"admin.{verb}",
            obj,
            actor=Actor.of_user(request.user),
            after={"changes": said} if said else None,
        )


class PlainNumbers:
    """Decimals are typed as plain numbers, here as on every other page."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Return the form field of a column."""
        if isinstance(db_field, models.DecimalField):
            kwargs.setdefault("form_class", PlainDecimalField)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ModelAdmin(PlainNumbers, RoleRights, AuditedChanges, theme.ModelAdmin):
    """Base of every admin page of the product."""

    list_per_page = 50
    show_full_result_count = False


class TabularInline(PlainNumbers, RoleRights, theme.TabularInline):
    """Rows of a child table, as a table."""

    extra = 0


class StackedInline(PlainNumbers, RoleRights, theme.StackedInline):
    """Rows of a child table, one under the other."""

    extra = 0


class ReadOnly:
    """Mixin for what is written by services alone: it can be looked at and searched."""

    def has_add_permission(self, request, obj=None):
        """Refuse for everybody."""
        return False

    def has_change_permission(self, request, obj=None):
        """Refuse for everybody."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Refuse for everybody."""
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin):
    """An admin page that only shows."""


class ReadOnlyInline(ReadOnly, TabularInline):
    """Child rows that are only shown."""

    can_delete = False


class TooManyRowsError(ValueError):
    """The file is longer than an admin page takes."""


class _Bounded:
    """Refuses long files before they are parsed and takes back the apostrophes of an export."""

    def create_dataset(self, in_stream, **kwargs):
        """Read the file into a data set of at most IMPORT_ROWS_MAX rows."""
        if isinstance(in_stream, str | bytes) and not self.is_binary():
            newline = "\n" if isinstance(in_stream, str) else b"\n"
            self._check(in_stream.count(newline) - 1)
        dataset = super().create_dataset(in_stream, **kwargs)
        self._check(len(dataset))
        rows = [tuple(_unsafe_cell(cell) for cell in row) for row in dataset]
        headers = dataset.headers
        dataset.wipe()
        dataset.headers = headers
        dataset.extend(rows)
        return dataset

    @staticmethod
    def _check(count: int) -> None:
        if count > IMPORT_ROWS_MAX:
            raise TooManyRowsError(
                f"The file has {count} rows; this page takes {IMPORT_ROWS_MAX}. "
                "Interval data go through the importer of meter files."
            )


class Csv(_Bounded, base_formats.CSV):
    """CSV, bounded."""


class Xlsx(_Bounded, base_formats.XLSX):
    """XLSX, bounded."""


class ExportMixin(exchange.ExportMixin):
    """Export as CSV and XLSX for those who may; no cell can start a formula."""

    export_form_class = theme_exchange_forms.SelectableFieldsExportForm
    formats = [Csv, Xlsx]

    def has_export_permission(self, request):
        """Whether the list may be exported."""
        return self.has_view_permission(request) and may(request.user, "data.export")

    def get_data_for_export(self, request, queryset, **kwargs):
        """Return the data set with every cell made safe."""
        dataset = super().get_data_for_export(request, queryset, **kwargs)
        rows = [tuple(_cell(cell) for cell in row) for row in dataset]
        headers = dataset.headers
        dataset.wipe()
        dataset.headers = headers
        dataset.extend(rows)
        record(
            "admin.export",
            (self.opts.label_lower, "list"),
            actor=Actor.of_user(request.user),
            after={"rows": len(rows)},
        )
        return dataset


class ExchangeMixin(exchange.ImportMixin, ExportMixin):
    """Import and export of reference data, at most IMPORT_ROWS_MAX rows at a time."""

    import_form_class = theme_exchange_forms.ImportForm
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    tmp_storage_class = MediaStorage

    def has_import_permission(self, request):
        """Whether files may be imported here."""
        return self.has_change_permission(request) and may(request.user, "data.import")

    def add_data_read_fail_error_to_form(self, form, e):
        """Say what is wrong with the file; our own refusals speak for themselves."""
        if isinstance(e, TooManyRowsError):
            form.add_error("import_file", str(e))
        else:
            super().add_data_read_fail_error_to_form(form, e)

    def process_result(self, result, request):
        """Go back to the list; say so when the file that was looked at can no longer be taken."""
        if not (result.has_errors() or result.has_validation_errors()):
            return super().process_result(result, request)
        message = "Nothing was imported: the rows no longer fit. Look at the file again."
        self.message_user(request, message, level="error")
        return redirect("admin:{}_{}_import".format(*self.get_model_info()))

    def generate_log_entries(self, result, request):
        """Record the import as one event."""
        totals = {name: count for name, count in result.totals.items() if count}
        record(
            "admin.import",
            (self.opts.label_lower, "list"),
            actor=Actor.of_user(request.user),
            after={"totals": totals},
        )


def columns_of(model, *names: str):
    """Return an export of a model with these columns; a name may lead on (`contract__code`)."""
    options = {"fields": names, "export_order": names}
    return modelresource_factory(model, meta_options=options)


class ExportAdmin(ExportMixin, ModelAdmin):
    """An admin page with export."""


class ExchangeAdmin(ExchangeMixin, ModelAdmin):
    """An admin page with import and export."""


class UserAdmin(RoleRights, AuditedChanges, auth_admin.UserAdmin, theme.ModelAdmin):
    """Base for the page of people: Django's own, in the theme."""

    form = theme_forms.UserChangeForm
    add_form = getattr(theme_forms, "AdminUserCreationForm", theme_forms.UserCreationForm)
    change_password_form = theme_forms.AdminPasswordChangeForm


def _cell(cell: Any) -> Any:
    """Return a cell as it may leave the house; numbers of a spreadsheet stay numbers."""
    if cell is None or isinstance(cell, bool | int | Decimal):
        return cell
    return safe_cell(cell)


def _unsafe_cell(cell: Any) -> Any:
    """Take back the apostrophe that an export put before a formula-like text."""
    if isinstance(cell, str) and cell.startswith("'") and safe_cell(cell[1:]) == cell:
        return cell[1:]
    return cell
