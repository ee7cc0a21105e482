"""What every page of the back office and the portal shows around its content."""

from django.conf import settings
from django.http import HttpRequest

from poweroptix.accounts.permissions import may

OFFICE = (
    ("/office/", "Today", "meters.view"),
    ("/office/imports/", "Files", "meters.view"),
    ("/office/findings/", "Exceptions", "meters.view"),
    ("/office/campus/", "Campus", "meters.view"),
    ("/office/plants/", "Plants", "meters.view"),
    ("/office/contracts/", "Contracts", "contracts.view"),
    ("/office/settlement/", "Settlement", "settlement.view"),
    ("/office/invoices/", "Invoices", "billing.view"),
    ("/office/carbon/", "Carbon", "esg.view"),
    ("/office/jobs/", "Jobs", "jobs.view"),
)
PORTAL = (
    ("/portal/", "Home"),
    ("/portal/usage/", "Usage"),
    ("/portal/invoices/", "Invoices"),
    ("/portal/carbon/", "Carbon"),
    ("/portal/contract/", "Contract"),
)


def navigation(request: HttpRequest) -> dict:
    """Return the navigation of whoever is logged in; asks nothing of the database."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"environment_badge": settings.ENVIRONMENT_BADGE}
    if user.tenant_id is not None:
        return {"portal_nav": [_item(request, url, label) for url, label in PORTAL]}
    items = [_item(request, url, label) for url, label, verb in OFFICE if may(user, verb)]
    return {"office_nav": items, "environment_badge": settings.ENVIRONMENT_BADGE}


def _item(request: HttpRequest, url: str, label: str) -> dict:
    path = request.path
    current = path == url if url in {"/office/", "/portal/"} else path.startswith(url)
    return {"url": url, "label": label, "current": current}
