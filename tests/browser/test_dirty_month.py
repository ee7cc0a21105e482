"""A dirty month becomes a clean, explained and settled one, by keys alone."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from meters.models import Channel, Finding, FindingState
from meters.queries import final_series
from poweroptix.jobs.services import drain
from settlement.models import SettlementRun
from tests.browser.keyboard import Keyboard
from tests.factories.campus import MARCH, PASSWORD
from tests.factories.dirty_month import HALL_B, HOUSE, MAIN, at, build_dirty_month, house, load

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: A folder for screenshots of every step; none are taken without it.
LOOKS = os.environ.get("POWEROPTIX_LOOKS", "")
GRID = MARCH.grid(15)


def hall(base_kwh, first, end):
    """Return what a hall takes by the plan of the month, kWh."""
    inside = (i for i in range(GRID.count) if first <= GRID.start_of(i) < end)
    return sum(load(i, base_kwh) for i in inside)


#: The hours that showed zero, as they were a week before.
COPIED_KWH = hall(1500, at(19, 6), at(19, 14))
#: What is billed: gaps, limit and spike of the main hall came back from its check meter to the
#: watt-hour; the other hall stood level for a day, and eight hours are those of a week before.
SETTLED_KWH = {
    MAIN: hall(2000, at(1), MARCH.end_utc),
    HALL_B: hall(1500, at(1), MARCH.end_utc)
    - hall(1500, at(20), at(21)) + 96 * Decimal("1510.125")
    - hall(1500, at(26, 6), at(26, 14)) + COPIED_KWH,
}  # fmt: skip


@pytest.fixture
def month(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return build_dirty_month()


@pytest.fixture
def at_keys(log_in):
    """Return a function that seats a person at the keyboard."""

    def sit(name):
        looks = Path(LOOKS) / name if LOOKS else None
        if looks:
            looks.mkdir(parents=True, exist_ok=True)
        return Keyboard(log_in(name, PASSWORD), looks)

    return sit


def test_a_dirty_month_is_settled_by_keys_alone(month, at_keys):
    ana = at_keys("ana")
    skip_and_ask_for_help(ana)
    accept_several(ana)
    propose_for_the_spike(ana)
    ben = at_keys("ben")
    confirm(ben, "The check meter has no spike here.")
    judge_the_spike_again(ana)
    replace_zeros(ana)
    confirm(ben, "The hall ran; the link sent zeros.")
    accept_the_check_meter(ana)
    map_the_unknown_channel(at_keys("oli"))
    look_at_the_board(ana)
    assert {code: energy(code) for code in SETTLED_KWH} == SETTLED_KWH
    settle(ana)
    explain(ana)
    approve(at_keys("approver"))
    assert set(SettlementRun.objects.values_list("state", flat=True)) == {"APPROVED"}


def skip_and_ask_for_help(keys):
    """The first Tab offers to skip the navigation; `?` names the keys and gives the focus back."""
    keys.press("Tab")
    assert keys.page.get_by_role("link", name="Skip to content").evaluate(
        "(e) => e === document.activeElement"
    )
    keys.press("Enter")
    assert keys.page.evaluate("document.activeElement.id") == "main"
    keys.look("today")
    keys.tab_to(keys.page.get_by_role("link", name="Exceptions"), back=True)
    keys.follow("Enter")
    keys.look("queue")
    keys.press("j")
    before = keys.page.evaluate("document.activeElement.href")
    keys.press("?")
    help_ = keys.page.get_by_role("dialog", name="Keys on this page")
    said = [" ".join(one.split()) for one in help_.locator("dd").all_inner_texts()]
    assert said[:4] == ["next row", "previous row", "choose the row, or not", "open the row"]
    assert said[4:] == ["decide on the chosen", "this help", "search"]
    keys.press("j", "x", "a")
    assert help_.is_visible()
    keys.look("keys")
    keys.press("Escape")
    assert keys.page.evaluate("document.activeElement.href") == before


def accept_several(keys):
    """Search, choose two stuck days, and accept both for one reason."""
    page = keys.page
    keys.press("/")
    keys.type("stands 96")
    assert page.get_by_label("Search").input_value() == "stands 96"
    keys.follow("Enter")
    assert page.locator("[data-rows] tbody tr").count() == 2
    keys.press("j", "x", "j", "x")
    assert page.locator("[data-picked]").inner_text() == "2 chosen"
    keys.look("chosen")
    keys.press("a")
    assert page.evaluate("document.activeElement.id") == "bulk-person"
    keys.tab_to(page.get_by_label("Reason"))
    keys.reason("Confirmed on site", "A test load ran at one level all day.")
    keys.button("Accept as read")
    assert "2 of 2 exceptions done" in keys.main()
    keys.look("accepted")
    keys.link("Exceptions", exact=False)


def propose_for_the_spike(keys):
    """Open the spike, read the chart beside its check meter, copy that, and propose it."""
    page = keys.page
    open_first(keys, "V13")
    keys.tab_to(page.locator("[data-chart][role=img]"))
    keys.press("ArrowRight", "ArrowRight")
    spoken = page.locator(".say").inner_text()
    assert "check" in spoken.lower(), spoken
    keys.look("spike")
    keys.press("e")
    keys.choose("Copy from the check channel")
    keys.button("Preview the change")
    assert "A second person must approve it" in keys.main()
    keys.look("preview")
    assert page.evaluate("document.activeElement.textContent") == "Preview"
    keys.press("a")
    keys.reason("Check meter agrees", "The check meter has no spike here.")
    keys.button("Propose to a second person")
    assert "Proposed." in keys.said()
    assert page.get_by_role("button", name="Confirm").is_disabled()
    page.locator("[data-chart][role=img] canvas").wait_for()
    keys.look("proposed")


def confirm(keys, why):
    """The second person goes from the queue to the edit, reads why, compares, and confirms it."""
    keys.link("Exceptions")
    keys.link("1 edit to confirm")
    keys.look("edits")
    keys.tab_to(keys.page.locator("main tbody a"))
    keys.follow("Enter")
    assert why in keys.main()
    keys.page.locator("[data-chart][role=img] canvas").wait_for()
    keys.look("to-confirm")
    keys.press("a")
    keys.follow("Enter")
    assert "Confirmed" in keys.said()
    keys.look("confirmed")


def judge_the_spike_again(keys):
    """The rules look once more; nothing of the spike is left."""
    keys.link("Exceptions")
    keys.press("/")
    keys.type("2026 V13")
    keys.follow("Enter")
    assert "Nothing matches" in keys.main()
    keys.link("clear the filters")
    open_first(keys, "V21D")
    keys.button("Judge again")
    assert "Judged again" in keys.said()
    spike = Finding.objects.filter(start_utc__lt=at(19), start_utc__gte=at(18))
    assert not spike.filter(state=FindingState.OPEN).exists()


def replace_zeros(keys):
    """Zeros that no outage explains give way to the same hours a week before."""
    keys.link("Exceptions")
    open_first(keys, "V15")
    keys.press("m")
    assert keys.page.locator("#edit-action").input_value() == "MARK_MISSING"
    keys.choose("Copy from another day")
    keys.press("Tab")
    keys.page.keyboard.type("03192026")
    keys.button("Preview the change")
    assert f"{COPIED_KWH:,.3f}" in keys.main()
    keys.look("copied")
    keys.press("a")
    keys.reason("Communication fault", "The hall ran; the link sent zeros.")
    keys.button("Propose to a second person")
    assert "Proposed." in keys.said()


def accept_the_check_meter(keys):
    """The main meter is right on the day its check meter stood still: both findings, one reason."""
    page = keys.page
    keys.link("Exceptions")
    keys.press("/")
    keys.type("CHECK-A/DEL_KWH shows")
    keys.follow("Enter")
    assert page.locator("[data-rows] tbody tr").count() == 2
    keys.press("j", "x", "j", "x", "a")
    keys.tab_to(page.get_by_label("Reason"))
    keys.reason(
        "The other meter is faulty", "The check meter stood still; the main meter is right."
    )
    keys.button("Accept as read")
    assert "2 of 2 exceptions done" in keys.main()


def map_the_unknown_channel(keys):
    """The operator says which channel the old name means; its month is read and judged."""
    keys.link("Files")
    keys.link("Map them")
    keys.look("quarantine")
    keys.press("m")
    keys.type(HOUSE)
    keys.press("Escape", "Tab")
    keys.type("The house meter kept its old name.")
    keys.button("Map and read")
    drain(120)
    keys.look("mapped")
    assert energy(HOUSE) == sum(house(i) for i in range(GRID.count))


def look_at_the_board(keys):
    """Nothing is open, every contract is ready; the arrows reach the estimated day."""
    page = keys.page
    keys.link("Exceptions")
    assert "All clear" in keys.main()
    keys.look("clear")
    keys.link("Campus")
    keys.link("Completeness")
    said = keys.main()
    assert "Completeness of 2026-03" in said
    assert "0 of 186 channel-days cannot be billed as they stand" in said, said
    assert said.count("1 thing in the way") == 2
    assert said.count("is not allocated yet") == 2
    keys.tab_to(page.locator("[data-grid] td a"))
    keys.press("End")
    assert "31" in page.evaluate("document.activeElement.ariaLabel")
    keys.look("board")


def settle(keys):
    """The analyst settles the month, sees its cents, and hands every run in."""
    keys.link("Settlement")
    assert keys.page.get_by_label("Month").first.input_value() == "2026-03"
    keys.button("Settle the month")
    keys.work()
    for number, (contract, amounts) in enumerate(expected_usd().items()):
        if number:
            keys.link("Settlement")
            keys.link(contract)
        else:
            keys.link("Open the outcome")
            keys.link(contract)
        shown = keys.page.get_by_role("region", name="Lines").inner_text()
        for usd in (*amounts, sum(amounts)):
            assert f"${usd:,.2f}" in shown, (usd, shown)
        keys.look("run")
        keys.button("Hand in for review")
        assert "second person" in keys.said()


def explain(keys):
    """From a line to an interval that was estimated, and to one that a person changed."""
    keys.link("Settlement")
    keys.link("PPA-ALFA")
    keys.link("Wheeling")
    assert "2026-03-25" in keys.main()
    estimated = open_interval(keys, "2026-03-25", "09:30")
    assert "estimated, check meter" in estimated
    edited = open_interval(keys, "2026-03-18", "14:00")
    assert "edited, check meter" in edited
    assert "Check meter agrees: The check meter has no spike here." in edited
    assert "Copy from the check channel by ana, confirmed by ben" in keys.main()


def open_interval(keys, day, time):
    """Follow a day and an interval of the open line; return what the readings say."""
    keys.link(day)
    keys.tab_to(
        keys.page.get_by_role("region", name="Intervals of the day").get_by_role(
            "link", name=f"{day} {time}"
        )
    )
    keys.follow("Enter")
    keys.look("line-interval")
    return keys.page.get_by_role("region", name="Readings of the interval").inner_text()


def approve(keys):
    """Somebody else approves both runs, which rest on one split of the energy."""
    for _ in range(2):
        keys.link("Today")
        keys.link("Runs to approve")
        keys.link("PPA")
        keys.button("Approve")
        assert "approved" in keys.said()
    keys.look("approved")


def expected_usd():
    """Return the amounts of every contract line: what a hall metered and its share of the losses.

    What the engine made above the house and both halls is lost; the halls bear it by their use. A
    fixed price is paid on the energy of the month in MWh with three places.
    """
    used_kwh, hub_usd = dict.fromkeys((MAIN, HALL_B), Decimal(0)), Decimal(0)
    for i, (alfa, bravo) in enumerate(zip(final(MAIN), final(HALL_B), strict=True)):
        made = (load(i, 2000) + load(i, 1500) + house(i)) * Decimal("1.01")
        factor = (round(made, 3) - house(i)) / (alfa + bravo)
        used_kwh[MAIN] += alfa * factor
        used_kwh[HALL_B] += bravo * factor
        hub_usd += alfa * factor * (Decimal("26.75") + (i // 4 * 7) % 31) / 1000
    mwh = {code: round(kwh / 1000, 3) for code, kwh in used_kwh.items()}
    return {
        "PPA-ALFA": (round(hub_usd, 2), round(mwh[MAIN] * Decimal("2.50"), 2), Decimal(1250)),
        "PPA-BRAVO": (round(mwh[HALL_B] * Decimal("47.31"), 2),),
    }


def final(code):
    """Return the readings of a channel over the month, kWh."""
    channel = Channel.objects.get(code=code)
    return final_series(channel.pk, MARCH.start_utc, MARCH.end_utc)[0].decimals()


def energy(code):
    """Return what a channel holds over the month, kWh."""
    channel = Channel.objects.get(code=code)
    return final_series(channel.pk, MARCH.start_utc, MARCH.end_utc)[0].total_present()


def open_first(keys, rule):
    """Search the queue for a rule, and open its first row."""
    keys.press("/")
    keys.type(rule)
    keys.follow("Enter")
    keys.follow("j", "o")
