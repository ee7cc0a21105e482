"""A person who works with keys alone: Tab, Enter, letters; never a click, never an address."""

from pathlib import Path

from poweroptix.jobs.services import drain

FOCUSED = """() => { const e = document.activeElement, s = getComputedStyle(e);
  return { name: e.ariaLabel || e.textContent.trim() || e.value || e.name, tag: e.tagName, id: e.id,
           outline: s.outlineStyle === "none" ? 0 : parseFloat(s.outlineWidth) }; }"""
IS_FOCUSED = "(e) => e === document.activeElement"
STOPS = 220


class Keyboard:
    """The keys of one page; `looks` is a folder for screenshots, none are taken without it."""

    def __init__(self, page, looks: Path | None = None):
        """Remember the page and count what was looked at."""
        self.page, self.looks, self.count = page, looks, 0

    def press(self, *keys: str) -> None:
        """Press keys one after the other; nothing is expected to load."""
        for key in keys:
            self.page.keyboard.press(key)

    def follow(self, *keys: str) -> None:
        """Press keys of which the last leads to another page, and wait for it."""
        self.press(*keys[:-1])
        with self.page.expect_navigation():
            self.page.keyboard.press(keys[-1])

    def type(self, text: str) -> None:
        """Type over whatever the focused field holds."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def tab_to(self, locator, *, back: bool = False) -> None:
        """Tab until the first match has the focus; the focus can be seen at every stop."""
        # Found once: looking for a role again at every stop takes most of the time.
        wanted = locator.first.element_handle()
        for _ in range(STOPS):
            if wanted.evaluate(IS_FOCUSED):
                return
            self.press("Shift+Tab" if back else "Tab")
            stop = self.page.evaluate(FOCUSED)
            assert stop["tag"] == "BODY" or stop["outline"] >= 1, f"focus cannot be seen: {stop}"
        raise AssertionError(f"Tab does not reach {locator}")

    def link(self, name: str, *, exact: bool = False) -> None:
        """Go to a link by Tab and follow it."""
        self.tab_to(self.page.get_by_role("link", name=name, exact=exact))
        self.follow("Enter")

    def button(self, name: str) -> None:
        """Go to a button by Tab and press it."""
        self.tab_to(self.page.get_by_role("button", name=name, exact=True))
        self.follow("Enter")

    def choose(self, label: str) -> None:
        """Choose in the focused list by typing the beginning of the label."""
        self.page.keyboard.type(label.split()[0] if " " in label else label)
        chosen = self.page.evaluate("document.activeElement.selectedOptions[0].textContent")
        for _ in range(20):
            if chosen.startswith(label):
                return
            self.press("ArrowDown")
            chosen = self.page.evaluate("document.activeElement.selectedOptions[0].textContent")
        raise AssertionError(f"{label!r} cannot be chosen; the list stays at {chosen!r}")

    def reason(self, label: str, comment: str) -> None:
        """Fill the two fields of a decision, the first of which has the focus."""
        self.choose(label)
        self.press("Tab")
        self.type(comment)

    def work(self) -> None:
        """Let a worker do what waits, until the page has noticed; then open the outcome."""
        drain(120)
        self.page.locator("[hx-get]").wait_for(state="detached")

    def said(self) -> str:
        """Return what the page tells after an action."""
        return self.page.get_by_role("status").inner_text()

    def main(self) -> str:
        """Return the text of the page."""
        return self.page.get_by_role("main").inner_text()

    def look(self, name: str) -> None:
        """Keep the page as images: light, dark and on a phone."""
        if self.looks is None:
            return
        self.count += 1
        self.page.wait_for_selector("[data-chart]:not([role])", state="detached")
        page, wide = self.page, self.page.viewport_size
        for look, scheme, size in (
            ("light", "light", wide),
            ("dark", "dark", wide),
            ("phone", "light", {"width": 390, "height": 844}),
        ):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            path = self.looks / f"{self.count:02}-{name}-{look}.png"
            page.screenshot(path=path, full_page=look != "dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(wide)
