"""What the people of the back office do again and again, as clicks."""

from decimal import Decimal

from poweroptix.jobs.services import drain


def work(page):
    """Let a worker do what waits, and wait until the job page has noticed by itself."""
    drain(120)
    page.locator("[hx-get]").wait_for(state="detached")


def go(page, name):
    """Choose a page of the navigation."""
    page.get_by_role("navigation", name="Back office").get_by_role("link", name=name).click()


def upload(page, path, profile="market"):
    """Drop a file on the upload page, as a source writes it."""
    go(page, "Files")
    page.get_by_role("link", name="Upload files").click()
    page.get_by_label("Drop files here").set_input_files(str(path))
    page.get_by_label("Source").fill("market")
    page.get_by_label("Profile").select_option(profile)
    page.get_by_role("button", name="Upload and read").click()


def settle_and_fail_to_approve(page, month):
    """Settle the month, open the run; its own author is told that somebody else approves."""
    go(page, "Settlement")
    page.get_by_label("Month").first.fill(month)
    page.get_by_role("button", name="Settle the month").click()
    page.get_by_text("The settlement is queued").wait_for()
    work(page)
    page.get_by_role("link", name="Open the outcome").click()
    page.get_by_role("link", name="PPA").first.click()
    assert page.get_by_text("Somebody else approves it").is_visible()
    assert page.get_by_role("button", name="Approve").count() == 0
    page.get_by_role("button", name="Hand in for review").click()
    assert "second person" in page.get_by_role("status").inner_text()


def approve(page):
    """Approve what waits on the first page."""
    page.get_by_role("link", name="Runs to approve").click()
    page.get_by_role("link", name="PPA").first.click()
    page.get_by_label("Comment").fill("Compared with the meter.")
    page.get_by_role("button", name="Approve").click()
    assert "approved" in page.get_by_role("status").inner_text()


def bill(page, total_usd: Decimal):
    """Draft, look at the preview, issue, verify; the cents are those worked out beside it."""
    go(page, "Invoices")
    page.get_by_role("button", name="Draft the invoice").click()
    shown = page.locator(".page-head .amount").inner_text()
    assert shown == f"${total_usd:,.2f}".replace("$-", "−$")
    preview = page.get_by_role("link", name="Preview the PDF").get_attribute("href")
    assert fetched(page, preview).startswith(b"%PDF")
    page.get_by_text("Issue the invoice", exact=True).click()
    page.get_by_role("button", name="Yes, issue SITE-000001").click()
    assert "Issued as SITE-000001" in page.get_by_role("status").inner_text()
    pdf = page.get_by_role("link", name="PDF", exact=True).get_attribute("href")
    assert fetched(page, pdf).startswith(b"%PDF")
    page.get_by_role("button", name="Verify").click()
    assert "nothing differs" in page.get_by_role("status").inner_text()


def fetched(page, href):
    """Return what a link downloads."""
    origin = "/".join(page.url.split("/")[:3])
    answer = page.request.get(origin + href)
    assert answer.status == 200
    return answer.body()
