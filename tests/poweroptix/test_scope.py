"""Requests and code see the rows of their scope and nothing else."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import RequestFactory

from poweroptix.accounts.models import ApiToken, Tenant, User
from poweroptix.accounts.services import create_token
from poweroptix.clock import now
from poweroptix.db import scope as scopes
from poweroptix.db.middleware import ScopeMiddleware
from poweroptix.db.scope import ScopeError, current_scope, portal_scope, scope_free, staff_scope
from poweroptix.kernel.errors import Conflict, NotFoundError

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _channels(settings):
    settings.POWEROPTIX_TENANT_CHANNELS = "tests.poweroptix.test_scope.channels_for_test"


def channels_for_test(tenant_id):
    """Answer like the real function, and prove that it runs with the rights of the staff."""
    assert state()["role"] == "poweroptix_app"
    return [tenant_id * 10, tenant_id * 10 + 1]


@pytest.fixture
def tenants():
    return [Tenant.objects.create(code=c, name=c, created_at=now()) for c in ("alfa", "bravo")]


def person(name, tenant=None):
    role = "finance" if tenant else "administrator"
    return User.objects.create(username=name, tenant=tenant, role=role, is_staff=tenant is None)


def state():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, current_setting('app.tenant_id', true),"
            " current_setting('app.channels', true)"
        )
        role, tenant, channels = cursor.fetchone()
    return {"role": role, "tenant": tenant or "", "channels": channels or ""}


class TestScopes:
    def test_staff_sees_every_tenant(self, tenants):
        with staff_scope():
            assert state()["role"] == "poweroptix_app"
            assert Tenant.objects.count() == len(tenants)

    def test_a_tenant_sees_itself_alone(self, tenants):
        with portal_scope(tenants[1].pk):
            assert [tenant.code for tenant in Tenant.objects.all()] == ["bravo"]

    def test_channels_are_read_with_staff_rights_and_set(self, tenants):
        with portal_scope(tenants[0].pk):
            first = tenants[0].pk * 10
            assert state() == {
                "role": "poweroptix_portal",
                "tenant": str(tenants[0].pk),
                "channels": f"{first},{first + 1}",
            }

    def test_given_channels_are_set_as_they_are(self, tenants):
        with portal_scope(tenants[0].pk, [7]):
            assert state()["channels"] == "7"

    def test_what_held_before_holds_again(self, tenants):
        before = state()
        with staff_scope():
            with portal_scope(tenants[0].pk, [7]):
                pass
            assert state()["role"] == "poweroptix_app"
            assert state()["tenant"] == ""
        assert state() == before
        assert current_scope() is None

    def test_it_holds_again_after_a_fault(self, tenants):
        before = state()
        with pytest.raises(ZeroDivisionError), portal_scope(tenants[0].pk):
            raise ZeroDivisionError
        assert state() == before
        assert current_scope() is None

    @pytest.mark.parametrize("other", [staff_scope, lambda: portal_scope(999_999)])
    def test_a_tenants_scope_cannot_be_left(self, tenants, other):
        with (
            portal_scope(tenants[0].pk),
            pytest.raises(ScopeError, match="cannot be left from within"),
            other(),
        ):
            pass

    def test_the_same_scope_may_be_entered_again(self, tenants):
        with portal_scope(tenants[0].pk, [7]), portal_scope(tenants[0].pk):
            assert state()["channels"] == "7"

    def test_without_a_scope_the_web_login_reads_nothing(self, tenants):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE poweroptix_web")
            with pytest.raises(DatabaseError, match="permission denied for table audit_auditev"):
                cursor.execute("SELECT count(*) FROM audit_auditevent")
            transaction.set_rollback(True)

    def test_values_are_quoted(self):
        with transaction.atomic():
            scopes._set("app.tenant_id", "1'; RESET ROLE; --")
            assert state()["tenant"] == "1'; RESET ROLE; --"

    def test_a_missing_channel_function_means_no_channels(self, tenants, settings):
        settings.POWEROPTIX_TENANT_CHANNELS = ""
        with portal_scope(tenants[0].pk):
            assert state()["channels"] == ""


def ask(view, user=None, **headers):
    """Send a request through the middleware as Django would."""
    request = RequestFactory().get("/x", headers=headers)
    request.user = user or AnonymousUser()
    middleware = ScopeMiddleware(lambda _request: HttpResponse())
    return middleware.process_view(request, view, (), {}), request


def show_state(_request):
    found = state()
    return HttpResponse(f"{found['role']} {found['tenant']}")


class TestMiddleware:
    def test_staff(self):
        response, _ = ask(show_state, person("ann"))
        assert response.content == b"poweroptix_app "

    def test_tenant(self, tenants):
        response, _ = ask(show_state, person("tom", tenants[0]))
        assert response.content.decode() == f"poweroptix_portal {tenants[0].pk}"

    def test_visitors_and_free_views_get_no_scope(self):
        assert ask(show_state)[0] is None
        assert ask(scope_free(lambda _request: HttpResponse()), person("ann"))[0] is None

    def test_templates_are_rendered_inside(self, tenants):
        def view(request):
            context = {"message": (tenant.code for tenant in Tenant.objects.all())}
            response = TemplateResponse(request, "404.html", context)
            response.add_post_render_callback(note_role)
            return response

        def note_role(response):
            response["role"] = state()["role"]

        response, _ = ask(view, person("tom", tenants[0]))
        assert response.is_rendered
        assert response["role"] == "poweroptix_portal"

    def test_a_stream_inside_a_tenants_scope_is_refused(self, tenants):
        with pytest.raises(ScopeError, match=r"/x streams its answer"):
            ask(lambda _request: StreamingHttpResponse([b"x"]), person("tom", tenants[0]))

    @pytest.mark.parametrize(("status", "kept"), [(200, 1), (302, 1), (400, 0), (404, 0), (500, 0)])
    def test_an_answer_of_400_or_above_takes_back_what_was_written(self, status, kept):
        def view(_request):
            Tenant.objects.create(code="new", name="New", created_at=now())
            return HttpResponse(status=status)

        ask(view, person("ann"))
        assert Tenant.objects.filter(code="new").count() == kept

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (NotFoundError("x", "There is no invoice 7."), 404),
            (Conflict("x", "Someone was faster."), 409),
        ],
    )
    def test_a_refusal_has_its_own_page(self, error, status):
        def view(_request):
            Tenant.objects.create(code="new", name="New", created_at=now())
            raise error

        response, _ = ask(view, person("ann"))
        assert response.status_code == status
        assert error.message in response.content.decode()
        assert not Tenant.objects.filter(code="new").exists()

    def test_a_fault_stays_a_fault(self):
        def view(_request):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            ask(view, person("ann"))


class TestTokens:
    @pytest.fixture
    def key(self, tenants):
        user = User.objects.create(username="tom", tenant=tenants[1], role="owner")
        return create_token("reader", scopes=["readings:read"], created_by=user, now=now())[1]

    def test_a_token_opens_its_tenants_scope_and_replaces_the_session(self, tenants, key):
        response, request = ask(show_state, person("ann"), Authorization=f"Bearer {key}")
        assert response.content.decode() == f"poweroptix_portal {tenants[1].pk}"
        assert not request.user.is_authenticated
        assert request.api_token.tenant_id == tenants[1].pk

    def test_a_bad_token_is_a_visitor_even_with_a_session(self, key):
        ApiToken.objects.update(revoked_at=now())
        for wrong in (key, "pox_live_nothing", ""):
            response, request = ask(show_state, person("ann"), Authorization=f"Bearer {wrong}")
            assert response is None
            assert not request.user.is_authenticated
            User.objects.filter(username="ann").delete()
