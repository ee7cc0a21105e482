"""README and `./start` name the same people of the demonstration."""

import re
from pathlib import Path

from poweroptix.demo.build import STAFF, TENANTS
from poweroptix.server.welcome import _SHOWN, DEMO_PASSWORD

README = Path(__file__).parents[3] / "README.md"


def test_the_readme_names_everybody_who_can_log_in():
    text = " ".join(README.read_text(encoding="utf-8").split())
    told = text.partition("The demonstration logs in as ")[2].partition("password")
    staff, _, tenants = told[0].partition("(back office)")
    assert set(re.findall(r"`(\w+)`", staff)) == set(STAFF)
    assert set(re.findall(r"`(\w+)`", tenants)) == {code.lower() for code in TENANTS}
    assert told[2].startswith(f" `{DEMO_PASSWORD}`")


def test_start_has_room_for_all_of_them():
    assert max(len(STAFF), len(TENANTS)) <= _SHOWN
