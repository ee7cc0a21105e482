"""Which channels count under a name of their own for a contract."""

from django.contrib import admin

from contracts.models import ContractQuantity
from poweroptix.adminkit import ExportAdmin, columns_of


@admin.register(ContractQuantity)
class ContractQuantityAdmin(ExportAdmin):
    """Further quantities: potential energy, fuel, charge and discharge."""

    resource_classes = [
        columns_of(ContractQuantity, "contract__code", "name", "channel__code", "sign", "valid")
    ]
    list_display = ["name", "contract", "channel", "sign", "valid"]
    list_filter = ["contract__campus", "contract", "name"]
    list_select_related = ["contract", "channel"]
    search_fields = ["name", "contract__code", "channel__code"]
    autocomplete_fields = ["contract", "channel"]
