"""Every address of the whole site that is no tenant's: a tenant gets in by neither session nor key.

The list comes from the resolver, so a new page is tried the day it is written; a new corner of the
site has to be named here first.
"""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from poweroptix.accounts.permissions import SCOPES

pytestmark = pytest.mark.django_db

#: What test_neighbours.py tries object by object.
TENANTS_OWN = ("portal/", "api/")
STAFFS_OWN = ("office/", "admin/")
#: For everybody: they show no row of anybody.
OPEN = {
    "",
    "favicon.ico",
    "healthz",
    "readyz",
    "accounts/login/",
    "accounts/logout/",
    "accounts/password/",
}
#: Corners of the admin that only lead elsewhere.
LEADS_AWAY = {"admin/login/", "admin/logout/", "admin/password_change/"}
_ARGUMENT = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")


def addresses() -> list[str]:
    """Every pattern of the site as text, arguments included."""
    found = []

    def walk(patterns, prefix=""):
        for one in patterns:
            path = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                walk(one.url_patterns, path)
            elif isinstance(one, URLPattern):
                found.append(path)

    walk(get_resolver().url_patterns)
    return found


def filled(pattern: str) -> str:
    """Return an address that the pattern takes."""
    plain = re.sub(r"\(\?P<\w+>[^)]*\)|\^|\$|\\Z|\.\+|\.\*", "1", pattern)
    return "/" + _ARGUMENT.sub(lambda found: _example(found["kind"]), plain)


def _example(kind: str | None) -> str:
    return {"int": "1", "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12}.get(kind or "", "1")


STAFF = sorted({one for one in addresses() if one.startswith(STAFFS_OWN)} - LEADS_AWAY)


def test_every_corner_of_the_site_is_named():
    known = (*TENANTS_OWN, *STAFFS_OWN)
    assert {one for one in addresses() if not one.startswith(known)} == OPEN
    assert len(STAFF) > 150


@pytest.fixture(scope="module")
def head(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, tenant='alfa')}"}


def shut(answer) -> bool:
    """Whether an answer lets nobody in: sent to the log-in, refused or unknown."""
    if answer.status_code == 302:
        return answer["Location"].startswith(("/accounts/login/", "/admin/login/"))
    return answer.status_code in (403, 404, 405)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_tenant_enters_no_page_of_the_staff(client, world, head, method):
    ask = getattr(client, method)
    with_key = {one: ask(filled(one), **head) for one in STAFF}
    client.force_login(world.people["alfa"])
    with_session = {one: ask(filled(one)) for one in STAFF}
    for answers in (with_key, with_session):
        assert {one: a.status_code for one, a in answers.items() if not shut(a)} == {}


def test_the_addresses_that_were_tried_are_there(client, world):
    """The same addresses open to staff: most answer with more than "nothing here"."""
    client.force_login(world.people["administrator"])
    found = [one for one in STAFF if client.get(filled(one)).status_code in (200, 302, 403, 405)]
    assert len(found) > len(STAFF) / 2


def test_open_addresses_name_nobody(client, world):
    client.force_login(world.people["alfa"])
    for one in OPEN - {"accounts/logout/"}:
        answer = client.get(filled(one), follow=False)
        assert answer.status_code in (200, 301, 302, 503)
        assert b"BRAVO" not in answer.content
