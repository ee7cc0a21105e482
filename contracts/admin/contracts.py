"""Contracts, versions and the points that serve them."""

from django.contrib import admin, messages

from contracts.admin._draft import WritesDraft
from contracts.models import Contract, ContractExample, ContractVersion, TenantPoint, Term
from contracts.resources import ContractResource
from contracts.services import activate_version, new_version, run_examples
from contracts.services.sentences import sentence as in_words
from poweroptix.accounts.permissions import may
from poweroptix.adminkit import ExportAdmin, ReadOnlyInline, TabularInline, badge, columns_of
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError

TONES = {"DRAFT": "info", "ACTIVE": "good", "SUPERSEDED": "quiet"}


class VersionInline(ReadOnlyInline):
    """Versions of a contract."""

    model = ContractVersion
    fields = ["number", "valid", "state", "anchor_date", "activated_at", "activated_by"]
    readonly_fields = fields
    show_change_link = True


class PointInline(TabularInline):
    """Delivery points of a contract."""

    model = TenantPoint


@admin.register(Contract)
class ContractAdmin(ExportAdmin):
    """Contracts."""

    resource_classes = [ContractResource]
    list_display = ["code", "name", "campus", "seller", "offtaker", "zone", "state"]
    list_filter = ["campus", "state", "seller"]
    list_select_related = ["campus", "seller", "offtaker"]
    search_fields = ["code", "name", "offtaker__name", "seller__name"]
    autocomplete_fields = ["seller", "offtaker"]
    inlines = [VersionInline, PointInline]

    def get_readonly_fields(self, request, obj=None):
        """Keep what active versions were priced by."""
        if obj is None or not obj.versions.exclude(state="DRAFT").exists():
            return []
        return [
            "code",
            "seller",
            "offtaker",
            "campus",
            "currency",
            "zone",
            "rounding_point",
            "rounding",
        ]


class TermInline(ReadOnlyInline):
    """Terms of a version, each in one sentence."""

    model = Term
    fields = ["line_code", "label", "charge_type", "clause_number", "sentence"]
    readonly_fields = fields
    show_change_link = True

    def get_queryset(self, request):
        """Read the version in the same query: its dates stand in the sentence."""
        return super().get_queryset(request).select_related("version")

    @admin.display(description="in words")
    def sentence(self, obj):
        """Return the term in plain words."""
        return in_words(obj)


class ExampleInline(ReadOnlyInline):
    """Worked examples and their last verdict."""

    model = ContractExample
    fields = ["name", "last_verdict", "last_run_at", "last_report"]
    readonly_fields = fields
    show_change_link = True


@admin.register(ContractVersion)
class ContractVersionAdmin(WritesDraft, ExportAdmin):
    """Versions: drafts are written, active ones are only looked at."""

    resource_classes = [
        columns_of(
            ContractVersion,
            "contract__code",
            "number",
            "valid",
            "state",
            "anchor_date",
            "facts",
            "note",
            "created_by",
            "created_at",
            "writers",
            "activated_by",
            "activated_at",
        )
    ]
    list_display = ["__str__", "contract", "valid", "shown_state", "activated_at", "activated_by"]
    list_filter = ["state", "contract__campus", "contract"]
    list_select_related = ["contract"]
    search_fields = ["contract__code", "note"]
    autocomplete_fields = ["contract"]
    readonly_fields = ["number", "shown_state", "created_at", "created_by"]
    inlines = [TermInline, ExampleInline]
    actions = ["run_their_examples", "activate", "draft_next"]

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state]) if obj.state else ""

    def has_change_permission(self, request, obj=None):
        """Only drafts change."""
        if obj is not None and obj.state != ContractVersion.State.DRAFT:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request, obj, form, change):
        """Give a new draft the terms of the version before it."""
        if change:
            super().save_model(request, obj, form, change)
            return
        version = new_version(
            obj.contract,
            first_day=obj.valid.lower,
            anchor_date=obj.anchor_date,
            facts=obj.facts,
            note=obj.note,
            actor=Actor.of_user(request.user),
            now=now(),
        )
        if obj.valid.upper is not None:
            version.valid = obj.valid
            version.save()
        obj.__dict__.update(version.__dict__)

    @admin.action(description="Run the worked examples", permissions=["view"])
    def run_their_examples(self, request, queryset):
        """Price the examples and show what differs."""
        for version in queryset:
            verdicts = run_examples(version, now=now())
            for verdict in verdicts:
                for text in verdict.messages:
                    self.message_user(request, f"{version}, {verdict.name}: {text}", messages.ERROR)
            passed = sum(verdict.passed for verdict in verdicts)
            self.message_user(request, f"{version}: {passed} of {len(verdicts)} examples pass")

    @admin.action(description="Activate", permissions=["activate"])
    def activate(self, request, queryset):
        """Make drafts hold; a refusal says everything that is missing."""
        for version in queryset:
            try:
                activate_version(version, actor=Actor.of_user(request.user), now=now())
            except DomainError as error:
                for finding in error.findings[:10]:
                    self.message_user(request, f"{version}: {finding.message}", messages.ERROR)
                if not error.findings:
                    self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, f"{version} is active", messages.SUCCESS)

    def has_activate_permission(self, request):
        """Who may make a version hold."""
        return may(request.user, "contracts.activate")

    @admin.action(description="Start a new version from the first of the next month")
    def draft_next(self, request, queryset):
        """Copy the chosen versions' contracts into drafts."""
        today = now().date()
        first = today.replace(
            year=today.year + today.month // 12, month=today.month % 12 + 1, day=1
        )
        for contract in {version.contract for version in queryset}:
            version = new_version(
                contract, first_day=first, actor=Actor.of_user(request.user), now=now()
            )
            self.message_user(request, f"{version} drafted from {first}")


@admin.register(TenantPoint)
class TenantPointAdmin(ExportAdmin):
    """Which point serves which contract."""

    resource_classes = [
        columns_of(
            TenantPoint,
            "contract__code",
            "delivery_point__code",
            "role",
            "share_ratio",
            "valid",
        )
    ]
    list_display = ["delivery_point", "contract", "role", "share_ratio", "valid"]
    list_filter = ["contract__campus", "contract"]
    list_select_related = ["delivery_point__campus", "contract"]
    search_fields = ["delivery_point__code", "contract__code"]
    autocomplete_fields = ["contract"]
