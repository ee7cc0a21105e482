"""What the people of the back office do again and again, as clicks."""

from decimal import Decimal

from poweroptix.jobs.services import drain


def work(page):
    """Let a worker do what waits, and wait until the job page has noticed by itself."""
    drain(120)
    page.locator("[hx-get]").wait_for(state="detached")


def follow(locator):
    """Click what leads to another page, and wait for that page: a click alone does not."""
    with locator.page.expect_navigation():
        locator.click()


def told(page, words):
    """Wait until the page tells these words after an action."""
    page.get_by_role("status").filter(has_text=words).wait_for()


def go(page, name):
    """Choose a page of the navigation."""
    navigation = page.get_by_role("navigation", name="Back office")
    follow(navigation.get_by_role("link", name=name))


def upload(page, path, profile="market"):
    """Drop a file on the upload page, as a source writes it."""
    go(page, "Files")
    follow(page.get_by_role("link", name="Upload files"))
    page.get_by_label("Drop files here").set_input_files(str(path))
    page.get_by_label("Source").fill("market")
    page.get_by_label("Profile").select_option(profile)
    follow(page.get_by_role("button", name="Upload and read"))


def settle_and_fail_to_approve(page, month):
    """Settle the month, open the run; its own author is told that somebody else approves."""
    go(page, "Settlement")
    page.get_by_label("Month").first.fill(month)
    follow(page.get_by_role("button", name="Settle the month"))
    page.get_by_text("The settlement is queued").wait_for()
    work(page)
    follow(page.get_by_role("link", name="Open the outcome"))
    follow(page.get_by_role("link", name="PPA").first)
    page.get_by_text("Somebody else approves it").wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0
    follow(page.get_by_role("button", name="Hand in for review"))
    told(page, "second person")


def approve(page):
    """Approve what waits on the first page."""
    follow(page.get_by_role("link", name="Runs to approve"))
    follow(page.get_by_role("link", name="PPA").first)
    page.get_by_label("Comment").fill("Compared with the meter.")
    follow(page.get_by_role("button", name="Approve"))
    told(page, "approved")


def bill(page, total_usd: Decimal):
    """Draft, look at the preview, issue, verify; the cents are those worked out beside it."""
    go(page, "Invoices")
    follow(page.get_by_role("button", name="Draft the invoice"))
    shown = page.locator(".page-head .amount").inner_text()
    assert shown == f"${total_usd:,.2f}".replace("$-", "−$")
    preview = page.get_by_role("link", name="Preview the PDF").get_attribute("href")
    assert fetched(page, preview).startswith(b"%PDF")
    page.get_by_text("Issue the invoice", exact=True).click()
    follow(page.get_by_role("button", name="Yes, issue SITE-000001"))
    told(page, "Issued as SITE-000001")
    pdf = page.get_by_role("link", name="PDF", exact=True).get_attribute("href")
    assert fetched(page, pdf).startswith(b"%PDF")
    follow(page.get_by_role("button", name="Verify"))
    told(page, "nothing differs")


def fetched(page, href):
    """Return what a link downloads."""
    origin = "/".join(page.url.split("/")[:3])
    answer = page.request.get(origin + href)
    assert answer.status == 200
    return answer.body()
