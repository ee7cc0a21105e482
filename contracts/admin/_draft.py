"""Writing in a draft from the admin: who did is noted, as the services note it."""

from contracts.models import ContractVersion
from contracts.services import write_draft
from poweroptix.audit.actor import Actor


class WritesDraft:
    """For admins of a version and of what belongs to it: whoever writes is no second person."""

    def save_model(self, request, obj, form, change):
        """Note the writer, then save; a version that is new notes its writer itself."""
        if change or not isinstance(obj, ContractVersion):
            self._note(request, obj)
        super().save_model(request, obj, form, change)

    def delete_model(self, request, obj):
        """Note the writer, then delete."""
        self._note(request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        """Note the writer of every draft, then delete."""
        for obj in queryset:
            self._note(request, obj)
        super().delete_queryset(request, queryset)

    @staticmethod
    def _note(request, obj):
        version = obj if isinstance(obj, ContractVersion) else obj.version
        write_draft(version, Actor.of_user(request.user))
