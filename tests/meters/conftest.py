"""Fixtures of metering."""

import pytest


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    """Keep import files of tests in a folder of their own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
