"""Admin pages of tenants, people and tokens."""

from django.contrib import admin
from django.contrib.auth.models import Group
from import_export.resources import ModelResource

from poweroptix.accounts.models import ApiToken, Tenant, User
from poweroptix.accounts.services import revoke_token
from poweroptix.adminkit import ExchangeAdmin, ExportMixin, ReadOnlyAdmin, UserAdmin, badge
from poweroptix.audit.actor import Actor
from poweroptix.clock import now

if admin.site.is_registered(Group):
    admin.site.unregister(Group)  # rights come from roles; groups would be a second truth


class TenantResource(ModelResource):
    """Columns of a file of tenants; a row belongs to the tenant with its code."""

    class Meta:
        model = Tenant
        fields = ["code", "name"]
        import_id_fields = ["code"]
        clean_model_instances = True
        skip_unchanged = True

    def init_instance(self, row=None):
        """Stamp a new tenant."""
        return Tenant(created_at=now())


@admin.register(Tenant)
class TenantAdmin(ExchangeAdmin):
    """Tenants."""

    resource_classes = [TenantResource]
    list_display = ["code", "name", "created_at"]
    search_fields = ["code", "name"]
    readonly_fields = ["created_at"]

    def save_model(self, request, obj, form, change):
        """Stamp a new tenant."""
        if not change:
            obj.created_at = now()
        super().save_model(request, obj, form, change)


class PersonResource(ModelResource):
    """Columns of exported people; no password, not even its hash."""

    class Meta:
        model = User
        fields = [
            *("username", "first_name", "last_name", "email", "role", "tenant__code"),
            *("is_active", "last_login", "date_joined"),
        ]


class TokenResource(ModelResource):
    """Columns of exported tokens; no digest of a key."""

    class Meta:
        model = ApiToken
        fields = [
            *("prefix", "name", "tenant__code", "mode", "scopes", "created_by__username"),
            *("created_at", "expires_at", "last_used_at", "revoked_at"),
        ]


@admin.register(User)
class PersonAdmin(ExportMixin, UserAdmin):
    """People and their roles."""

    resource_classes = [PersonResource]
    list_display = ["username", "email", "role", "tenant", "is_active", "last_login"]
    list_filter = ["role", "tenant", "is_active"]
    list_select_related = ["tenant"]
    filter_horizontal = []
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        ("Rights", {"fields": ["tenant", "role", "is_active", "is_staff"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": [
                    "username",
                    "usable_password",
                    "password1",
                    "password2",
                    "email",
                    "tenant",
                    "role",
                    "is_staff",
                ],
            },
        ),
    ]


@admin.register(ApiToken)
class ApiTokenAdmin(ExportMixin, ReadOnlyAdmin):
    """Tokens: to look at and to revoke; `manage.py token create` makes them and shows the key."""

    resource_classes = [TokenResource]
    list_display = ["name", "prefix", "tenant", "shown_state", "expires_at", "last_used_at"]
    list_filter = ["mode", "tenant"]
    search_fields = ["name", "prefix"]
    list_select_related = ["tenant"]
    exclude = ["token_sha256"]
    actions = ["revoke"]

    @admin.display(description="State")
    def shown_state(self, token):
        """Return whether the token opens anything."""
        state = token.state(now())
        return badge(
            state.capitalize(), {"revoked": "bad", "expired": "warn", "valid": "good"}[state]
        )

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request, queryset):
        """End the chosen tokens at once."""
        actor = Actor.of_user(request.user)
        for token in queryset:
            revoke_token(token, actor=actor, now=now(), reason="revoked in the admin")
        self.message_user(request, "The tokens are revoked.")

    def has_revoke_permission(self, request):
        """Whether the person may revoke."""
        return self._may(request, "accounts.manage")
