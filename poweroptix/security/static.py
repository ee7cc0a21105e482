"""Static files under names that carry a digest of their content."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Serves hashed names; a file that was never collected keeps its plain name.

    A page with one unhashed link is better than no page, and tests need no collected files.
    """

    def stored_name(self, name: str) -> str:
        """Return the hashed name, or the plain one where there is none."""
        try:
            return super().stored_name(name)
        except ValueError:
            return name

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """Return a compressor for gzip alone: Brotli takes ten times as long at every set-up."""
        return super().create_compressor(**{**kwargs, "use_brotli": False})
