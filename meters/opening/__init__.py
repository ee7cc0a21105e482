"""Opening of uploaded files and archives (zip, gzip) inside hard limits."""

from meters.opening.archives import Limits, Member, open_members

__all__ = ["Limits", "Member", "open_members"]
