"""Who acts: a person, a token, a job or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = ("user", "token", "job", "system")


@dataclass(frozen=True)
class Actor:
    """The one who acts, as it is written into the audit trail.

    `role` spares a look-up when permissions are checked; it is not part of the trail.

    >>> str(Actor.system("ingest"))
    'system:ingest'
    """

    kind: str
    id: int | None
    name: str
    role: str = ""

    def __post_init__(self):
        """Refuse an actor that the trail could not name."""
        if self.kind not in KINDS:
            raise ValueError(f"actor kind {self.kind!r} is none of {', '.join(KINDS)}")
        if not self.name:
            raise ValueError("an actor needs a name")

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def user_id(self) -> int | None:
        """The person's id, or None when no person acts."""
        return self.id if self.kind == "user" else None

    @classmethod
    def system(cls, name: str) -> Actor:
        """Return the system acting on its own, named after what it does."""
        return cls("system", None, name)

    @classmethod
    def of_user(cls, user: Any) -> Actor:
        """Return a logged-in person as actor."""
        return cls("user", user.pk, user.get_username(), role=user.role)

    @classmethod
    def of_token(cls, token: Any) -> Actor:
        """Return an API token as actor."""
        return cls("token", token.pk, token.name)

    @classmethod
    def of_job(cls, job: Any) -> Actor:
        """Return a job as actor."""
        return cls("job", job.pk, f"{job.kind}/{job.key}"[:150])
