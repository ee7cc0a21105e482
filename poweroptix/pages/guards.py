"""Who may open a page, and how a refusal is said: one place for all back-office pages."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth.mixins import AccessMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from poweroptix.accounts.permissions import may
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, NotFoundError


class StaffPage(AccessMixin):
    """A page of the back office: staff with the verb may open it, a tenant sees a 404."""

    verb: ClassVar[str] = "meters.view"
    write_verb: ClassVar[str] = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the person, then turn a refusal of the domain into a page that says it."""
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        if request.user.tenant_id is not None:
            return render(request, "404.html", status=404)
        verb = self.write_verb if self.write_verb and request.method == "POST" else self.verb
        if not may(request.user, verb):
            return render(request, "403.html", status=403)
        return answered(request, lambda: super(StaffPage, self).dispatch(request, *args, **kwargs))


STATUS = {NotFoundError: 404, Forbidden: 403, Conflict: 409}


def answered(request: HttpRequest, page: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the page, or the error page that fits a `DomainError` raised by it."""
    try:
        return page()
    except DomainError as fault:
        status = next((s for kind, s in STATUS.items() if isinstance(fault, kind)), 400)
        return render(request, f"{status}.html", {"message": fault.message}, status=status)


def attempt(request: HttpRequest, action: Callable[[], str | None]) -> bool:
    """Do something for the person and tell the outcome as a message; False when refused.

    The action returns the sentence to show. A refusal shows its message and each finding's.
    """
    try:
        said = action()
    except DomainError as fault:
        messages.error(request, fault.message, extra_tags="bad")
        for finding in fault.findings[:10]:
            if finding.message not in fault.message:
                messages.error(request, finding.message, extra_tags="bad")
        return False
    if said:
        messages.success(request, said, extra_tags="good")
    return True


def told(report: Any) -> str:
    """Say that a verification holds; Conflict naming the differences when it does not.

    `report` has `ok`, `differences`, and `compared` (counts by kind) or `lines`.
    """
    if not report.ok:
        more = f" ({len(report.differences) - 5} more)" if len(report.differences) > 5 else ""
        raise Conflict("verify.differs", "; ".join(report.differences[:5]) + more)
    compared = getattr(report, "compared", None)
    count = sum(compared.values()) if compared is not None else report.lines
    return f"Verified: {count:,} items computed again, nothing differs."


def actor_of(request: HttpRequest) -> Actor:
    """Return the logged-in person as actor."""
    return Actor.of_user(request.user)
