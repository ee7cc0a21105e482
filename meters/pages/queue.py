"""The exceptions that a person walks through: those of the list they came from."""

from django.db.models import QuerySet
from django.http import QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from meters.models import Finding, FindingState
from meters.pages.findings import FindingList
from meters.queries import open_findings


class Walk:
    """A queue of exceptions; `asked` is the query of the list's address, empty for all open ones.

    An address that the list does not know is not found, as on the list itself.
    """

    def __init__(self, asked: str):
        """Remember what the list asked for."""
        said = QueryDict(asked)
        self.asked = asked
        self.rows: QuerySet[Finding] = FindingList().narrowed(said) if said else open_findings()

    @property
    def open(self) -> QuerySet[Finding]:
        """Return those of the list that still wait for a decision."""
        return self.rows.filter(state=FindingState.OPEN)

    @property
    def tail(self) -> str:
        """Return what an address carries so that the next page knows the list."""
        return f"?{self.asked}" if self.asked else ""

    def after_decision(self, finding: Finding, *, goes_on: bool):
        """Go to the next open finding of the list, or back to this one when none is left."""
        following = self.open.exclude(pk=finding.pk).first() if goes_on else None
        key = finding.pk if following is None else following.pk
        return redirect(reverse("office-finding", args=[key]) + self.tail)
