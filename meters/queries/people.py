"""The people behind a version or a decided finding, where the machine carried out what they said.

An edit and an acceptance are followed by the rules at the same moment; that version is the
machine's, and the person is the one whose decision it followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from meters.models import Channel, Edit, Finding, FindingState, Publication
from poweroptix.audit.models import AuditEvent

#: The machine that follows an edit.
FOLLOWS_EDIT = "system:edit"
ACCEPTED = re.compile(r"^Finding (\d+), (\S+) accepted: ")


def accepted_words(finding: Finding) -> str:
    """Return the reason of the version that follows an accepted finding; it names no person.

    The finding leads to the person in the audit trail, also when it is closed later.
    """
    return f"Finding {finding.pk}, {finding.rule_code} accepted: {finding.reason}"[:300]


@dataclass(frozen=True)
class Person:
    """Who made a version, who confirmed it, and what it followed: an edit or an accepted finding.

    `follows` is empty for a version that somebody made themselves.
    """

    actor: str
    approver: str = ""
    follows: str = ""
    finding_id: int | None = None


def people_behind(channel: Channel, publications: Iterable[Publication]) -> dict[int, Person]:
    """Return who is behind each publication of a channel, by its key; two queries."""
    rows = list(publications)
    edits = Edit.objects.filter(channel=channel, created_at__in={row.created_at for row in rows})
    own = {edit.publication_id: edit for edit in edits}
    followed = {edit.created_at: edit for edit in own.values()}
    accepted = {row.pk: told for row in rows if (told := ACCEPTED.match(row.reason))}
    persons = dict(
        AuditEvent.objects.filter(
            action="finding.accept", object_type="meters.finding",
            object_id__in={told[1] for told in accepted.values()},
        ).values_list("object_id", "actor_name")
    )  # fmt: skip
    found = {}
    for row in rows:
        edit, told = followed.get(row.created_at), accepted.get(row.pk)
        if row.pk in own:
            found[row.pk] = Person(own[row.pk].actor, own[row.pk].approver)
        elif row.actor == FOLLOWS_EDIT and edit is not None:
            found[row.pk] = Person(edit.actor, edit.approver, "the rules after the edit")
        elif told and told[1] in persons:
            found[row.pk] = Person(persons[told[1]], "", f"accepted {told[2]}", int(told[1]))
        else:
            found[row.pk] = Person(row.actor)
    return found


def edit_deciding(finding: Finding) -> Edit | None:
    """Return the edit that decided a finding, with both people; None where none did."""
    if finding.state != FindingState.EDITED or finding.decided_at is None:
        return None
    covering = Edit.objects.filter(
        channel=finding.channel_id,
        start_utc__lte=finding.start_utc,
        end_utc__gte=finding.end_utc,
        created_at=finding.decided_at,
    )
    return covering.first()
