"""What a bill says under a line whose prices may still change."""

from decimal import Decimal

from poweroptix.kernel.words import counted
from poweroptix.kernel.worksheet import Worksheet

CODE = "contracts.price_provisional"


def provisional_words(sheet: Worksheet) -> str:
    """Return that a line is provisional, and why; empty for one whose prices are final."""
    found = [finding for finding in sheet.findings if finding.code == CODE]
    if not found:
        return ""
    replaced = int(sum((one.metric or Decimal(0) for one in found), Decimal(0)))
    if not replaced:
        return "Provisional: the publisher may still change the prices"
    are = "was not published and is" if replaced == 1 else "were not published and are"
    return f"Provisional: {counted(replaced, 'price')} {are} replaced as the clause says"
