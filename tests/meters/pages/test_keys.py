"""Single keys of work pages: each says what it does, and each is named once on a page."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[3] / "templates"
KEYED = sorted(path for path in TEMPLATES.rglob("*.html") if "data-key=" in path.read_text())


def test_pages_with_keys_are_found():
    assert {"workbench.html", "findings.html", "quarantine.html"} <= {p.name for p in KEYED}


@pytest.mark.parametrize("path", KEYED, ids=lambda path: path.name)
def test_every_key_says_in_the_help_what_it_does(path):
    text = path.read_text()
    for tag in re.findall(r"data-key=[^>]*>", text):
        assert 'data-does="' in tag, tag
        assert 'data-does=""' not in tag
    found = re.findall(r'data-key="([^{"]+)"', text)
    assert len(found) == len(set(found))
