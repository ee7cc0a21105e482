"""Every page of the set-up can be searched, filtered, ordered and taken out."""

from django.apps import apps
from django.contrib import admin

#: Pages of packages, which come as they are.
THEIRS = {"axes"}
#: Few rows: a filter would be longer than the list.
NOTHING_TO_FILTER = {"accounts.Tenant", "billing.NumberSeries", "contracts.HolidayCalendar"}
#: Master data that a customer brings along: a file with a preview.
IMPORTED = {
    *("accounts.Tenant", "contracts.Holiday", "contracts.HolidayCalendar"),
    *("contracts.IndexSeries", "contracts.Party", "contracts.TouCalendar", "esg.CarbonPolicy"),
    *("meters.Campus", "meters.Channel", "meters.ChannelAlias", "meters.DeliveryPoint"),
    *("meters.GeneratingUnit", "meters.ImportProfile", "meters.Installation"),
    *("meters.LossFactor", "meters.Meter", "meters.RuleSetting", "meters.SiteHoliday"),
    *("meters.HeatRatePoint", "meters.PowerCurvePoint", "meters.Source", "meters.UnitLimits"),
    *("meters.RuleSet", "meters.RuleSetUse", "meters.VirtualDefinition"),
}


def pages():
    """Return (label, page, model) of every registered model of ours."""
    admin.autodiscover()
    return [
        (model._meta.label, page, model)
        for model, page in admin.site._registry.items()
        if model._meta.app_label not in THEIRS
    ]


def without(test) -> set[str]:
    return {label for label, page, model in pages() if not test(page, model)}


def test_every_page_can_be_searched_and_shows_columns():
    assert without(lambda page, _: page.search_fields) == set()
    assert without(lambda page, _: tuple(page.list_display) != ("__str__",)) == set()


def test_every_page_has_an_order():
    assert without(lambda page, model: page.ordering or model._meta.ordering) == set()


def test_every_page_has_filters():
    assert without(lambda page, _: page.list_filter) == NOTHING_TO_FILTER


def test_every_page_can_be_exported():
    assert without(lambda page, _: hasattr(page, "has_export_permission")) == set()


def test_master_data_can_be_imported():
    everything = {label for label, _, _ in pages()}
    assert everything - without(lambda page, _: hasattr(page, "has_import_permission")) == IMPORTED


def test_no_export_holds_a_secret():
    for label, page, _ in pages():
        for resource in getattr(page, "resource_classes", None) or ():
            names = set(resource().fields)
            assert not names & {"password", "token_sha256"}, label


def test_people_and_tokens_are_exported_by_named_columns():
    for label in ("accounts.User", "accounts.ApiToken"):
        page = admin.site._registry[apps.get_model(label)]
        assert page.resource_classes, label


def test_apps_have_plain_names():
    names = {model._meta.app_config.verbose_name for _, _, model in pages()}
    assert names == {
        *("People and tokens", "Audit trail", "Background work", "Meters", "Contracts"),
        *("Settlement", "Carbon", "Invoices"),
    }
