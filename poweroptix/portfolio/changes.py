"""What applying a document would do, or did: one `Change` per item, with the fields that differ."""

from dataclasses import dataclass, field

CREATE, UPDATE, SAME = "create", "update", "unchanged"


@dataclass(frozen=True)
class Change:
    """One item of the document against the database."""

    section: str
    key: str
    action: str
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return the change in words.

        >>> Change("campuses", "CAP", UPDATE, {"name": ("Cap", "Caprock")}).sentence()
        "campuses CAP: update name 'Cap' -> 'Caprock'"
        """
        what = ", ".join(f"{name} {old!r} -> {new!r}" for name, (old, new) in self.fields.items())
        return f"{self.section} {self.key}: {self.action}" + (
            f" {what}" if self.action == UPDATE and what else ""
        )

    def to_json(self) -> dict:
        """Return the change for `--json`."""
        return {
            "section": self.section,
            "key": self.key,
            "action": self.action,
            "fields": {name: {"from": a, "to": b} for name, (a, b) in self.fields.items()},
        }
