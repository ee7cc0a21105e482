"""Error pages: the right status, no traceback, a way home by role, and a 500 without a database."""

import logging

import pytest
from django.conf import settings as live
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import connection
from django.http import Http404
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from poweroptix.urls import urlpatterns as real

pytestmark = pytest.mark.django_db
SECRET = "the secret of the traceback"


def raising(fault):
    def view(_request):
        raise fault

    return view


urlpatterns = [
    *real,
    path("break/400", raising(BadRequest(SECRET))),
    path("break/403", raising(PermissionDenied(SECRET))),
    path("break/404", raising(Http404(SECRET))),
    path("break/500", raising(RuntimeError(SECRET))),
]
HEADINGS = {
    400: "That request could not be read",
    403: "Not allowed",
    404: "Nothing here",
    500: "Something broke on our side",
}


@pytest.fixture
def visitor(settings):
    settings.DEBUG = False
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


def said(answer):
    return answer.content.decode()


@pytest.mark.parametrize("status", HEADINGS)
def test_a_fault_has_its_page_and_says_nothing_of_the_inside(visitor, status, caplog):
    caplog.set_level(logging.CRITICAL)
    answer = visitor.get(f"/break/{status}")
    assert answer.status_code == status
    page = said(answer)
    assert f"<h1>{HEADINGS[status]}</h1>" in page
    assert SECRET not in page
    assert "Traceback" not in page
    assert 'rel="icon"' in page
    assert answer["Content-Security-Policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("name", "way"), [("analyst", "/office/"), ("alfa", "/portal/"), (None, "/")]
)
@pytest.mark.parametrize("status", [403, 404])
def test_the_way_home_depends_on_the_role(visitor, world, status, name, way):
    if name:
        visitor.force_login(world.people[name])
    page = said(visitor.get(f"/break/{status}"))
    assert f'<a class="btn primary" href="{way}">' in page


def test_an_unknown_address_is_a_404_with_a_way_home(visitor, world):
    visitor.force_login(world.people["alfa"])
    answer = visitor.get("/no/such/page/")
    assert answer.status_code == 404
    assert "Back to your portal" in said(answer)


def test_the_500_page_needs_no_database(visitor, world):
    with CaptureQueriesContext(connection) as asked:
        page = render_to_string("500.html")
    assert len(asked) == 0
    assert '<a class="btn primary" href="/">' in page


def test_a_form_from_elsewhere_is_refused_in_words(visitor, world):
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.force_login(world.people["analyst"])
    answer = strict.post("/office/settlement/", {"period": "2026-03"})
    assert answer.status_code == 403
    assert "This form cannot be sent any more" in said(answer)


def test_the_icon_is_there(visitor):
    answer = visitor.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (301, "/static/po/mark.svg")
    assert (live.BASE_DIR / "static/po/mark.svg").exists()
