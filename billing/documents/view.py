"""The invoice document as paper shows it: every figure already written out as text.

Input is the frozen document (see `billing.services.document`); nothing is read from anywhere else,
so that the same document always gives the same page.
"""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any

from billing.calc.wording import humane
from poweroptix.kernel.rounding import Mode, in_words, to_places

from .chart import Bar, daily_bars
from .correction_view import corrections_view
from .text import amount_of, day, figure, moment, money, percent, rate, short_day

GAS_HTML = {
    "CO2": "CO<sub>2</sub>",
    "CH4_FOSSIL": "CH<sub>4</sub>, fossil",
    "CH4_NONFOSSIL": "CH<sub>4</sub>, non-fossil",
    "N2O": "N<sub>2</sub>O",
    "CO2_BIOGENIC": "CO<sub>2</sub>, biogenic (outside the scopes)",
}
#: Rows of determinants printed per line; the rest is in the attached document.
MOST_ROWS = 60
#: What delivered energy consists of.
PART_WORDS = {
    "metered": "of it on your own meters",
    "losses": "of it your share of losses",
    "shared": "of it your share of shared load",
}
#: Figures that the block of a demand line explains.
SAID_BY_DEMAND = frozenset(
    {
        *("Peak kW", "Earlier peak kW", "Ratchet ratio", "Billing kW"),
        *("Contract kW", "Contract share ratio", "Minimum kW"),
    }
)
#: Lines with no more rows than this stay on one page.
SHORT_ROWS = 8
#: Rows of text that the charges may take before what follows them needs a second page.
FIRST_PAGE_ROWS = 13
#: Priced parts shown under a line of the first page.
MOST_PARTS = 8


def view_of(document: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return everything the template prints. `digest` is the SHA-256 of the document."""
    currency, is_draft = document["currency"], document["number"] is None
    usage, carbon = document["usage"], document.get("carbon")
    number = document["number"] or "Draft"
    corrections = corrections_view(document)
    lines = [_line(line, document["period"], currency) for line in document["lines"]]
    _say(lines, document.get("terms") or ())
    _correct(lines, corrections)
    return {
        "title": f"Invoice {number}",
        "subject": f"{document['contract']['code']}, {document['period']['title']}",
        "stamp": document["issued_at"] or document["prepared_at"],
        "paper": document["paper"],
        "is_draft": is_draft,
        "number": number,
        "seller": document["seller"],
        "logo": document["seller"]["logo"],
        "monogram": monogram(document["seller"]["legal_name"]),
        "customer": document["customer"],
        "campus": document["campus"]["name"],
        "contract": f"Contract {document['contract']['code']}, "
        f"version {document['contract']['version']}",
        "points": ", ".join(point["name"] for point in document["points"]),
        "currency": currency,
        "lines": lines,
        "corrections": corrections,
        "fits_first_page": sum(map(_height, lines)) <= FIRST_PAGE_ROWS,
        "total_title": "Total credit" if Decimal(document["total"]) < 0 else "Total due",
        "notes": document["notes"],
        "foot": f"{document['seller']['legal_name']}  ·  Invoice {number}  ·  "
        f"{document['customer']['legal_name']}",
        "checks": _checks(document),
        "proofs": _proofs(document, digest),
        **_payment(document),
        **_period(document),
        **_usage(usage, document["period"]["zone"]),
        "carbon": _carbon(carbon) if carbon else None,
    }


def monogram(name: str) -> str:
    """Return a quiet SVG tile with the initials of a seller that has given no logo."""
    letters = "".join(word[0] for word in name.split() if word[0].isalnum())[:2].upper() or "?"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="100%" height="100%">'
        '<rect width="40" height="40" rx="7" fill="#0b5c8a"/><text x="20" y="26.2"'
        ' text-anchor="middle" font-family="Inter" font-weight="700" font-size="17"'
        f' fill="#ffffff">{escape(letters)}</text></svg>'
    )


def _payment(document: dict) -> dict:
    currency, total = document["currency"], Decimal(document["total"])
    bank, number = document["seller"]["bank"], document["number"]
    is_credit = total < 0
    rows = [(row["label"], row["value"]) for row in bank]
    if not any(label == "Account name" for label, _ in rows):
        rows.insert(0, ("Pay to", document["seller"]["legal_name"]))
    rows += [
        ("Reference", number or "given when the invoice is issued"),
        ("Amount", money(total, currency)),
    ]
    if is_credit:
        rows = [("Credit", "Nothing to pay; the amount is credited to your account.")]
    issued, due = document["issue_date"], document["due_date"]
    days = document["payment_days"]
    return {
        "pay_title": "Credit" if is_credit else "Amount due",
        "is_credit": is_credit,
        "total_money": money(total, currency),
        "issued": day(issued) if issued else "not issued",
        "due": "credited" if is_credit else (day(due) if due else f"{days} days after issue"),
        "terms": "no payment needed" if is_credit else f"net {days} days from invoice date",
        "remittance": rows,
    }


def _period(document: dict) -> dict:
    period = document["period"]
    hours = figure(period["hours"])
    first, last = day(period["first_date"]), day(period["last_date"])
    return {
        "period_title": period["title"],
        "period_range": f"{first} to {last}",
        "period_length": f"{period['days']} days, {hours} hours, {period['zone']}",
    }


def _line(line: dict, period: dict, currency: str) -> dict:
    under = [f"Clause {line['clause']}"] if line["clause"] else []
    days = line["first_date"], line["last_date"]
    if days != (period["first_date"], period["last_date"]):
        under.insert(0, f"{day(days[0])} to {day(days[1])}")
    if line["under"]:
        under.append(line["under"])
    if Decimal(line["estimated_ratio"] or 0) > 0:
        under.append(f"{percent(line['estimated_ratio'])} estimated")
    rows = [row for row in line["determinants"] if not _is_said(row, line)]
    shown = [
        {
            "name": row["name"],
            "value": figure(row["value"], least=2 if row["unit"].startswith("USD") else 0),
            "unit": unit_text(row["unit"]),
            "how": row["how"],
        }
        for row in rows[:MOST_ROWS]
    ]
    if len(rows) > MOST_ROWS:
        how = f"{len(rows) - MOST_ROWS} more in the attached document"
        shown.append({"name": "…", "value": "", "unit": "", "how": how})
    return {
        "position": line["position"],
        "label": line["label"],
        "under": "  ·  ".join(under),
        "quantity": figure(line["quantity"]) if line["quantity"] else "",
        "unit": unit_text(line["unit"]),
        "rate": rate(line["rate_text"]) + (" avg." if _is_average(line) else ""),
        "parts": _parts(line),
        "amount": money(line["amount"]),
        "money": money(line["amount"], currency),
        "determinants": shown,
        "demand": demand_view(line.get("demand")),
        "closing": closing(line),
        "is_short": len(shown) + len(line["sums"]) <= SHORT_ROWS,
        "sums": [
            {"label": row["label"], "exact": _exact(row["exact"]), "sentence": row["sentence"]}
            for row in line["sums"][:MOST_ROWS]
        ],
    }


def _say(lines: list[dict], terms: Sequence[dict]) -> None:
    """Put the clause in words over the arithmetic of its first line; later lines lead there."""
    by_position = {line["position"]: line for line in lines}
    first: dict[str, int] = {}
    for term in terms:
        at = first.setdefault(term["sentence"], term["position"])
        is_first = at == term["position"]
        says = term["sentence"] if is_first else f"The clause is that of charge {at}."
        by_position[term["position"]]["says"] = says


def _correct(lines: list[dict], corrections: list[dict]) -> None:
    """Let each line of a correction show both versions in place of its bare difference."""
    by_position = {line["position"]: line for line in lines}
    for month in corrections:
        for change in month["lines"]:
            line = by_position[change["position"]]
            line["correction"] = change | {"heads": (month["before"], month["after"])}
            line["label"] = f"Correction of {month['title']}: {change['label']}"
            on = f" on {month['invoice']}" if month["invoice"] else ""
            line["under"] = f"Billed {change['before']}{on}, now {change['after']}"
            line["rate"] = change["rate"]
            line["determinants"], line["sums"], line["is_short"] = [], [], True


def closing(line: dict) -> str:
    """Return the last step to the printed cents: the exact sum, and the rule that rounds it.

    Empty where nothing is rounded, and for a line whose rows are rounded each by itself.
    """
    sheet = line["worksheet"]
    each = sheet["line_per"] == "ROW" and len(sheet["rows"]) > 1
    if line["exact"] is None or each or Decimal(line["exact"]) == Decimal(line["amount"]):
        return ""
    rule = in_words(Mode(sheet["rounding"]), cents=True)
    return f"{figure(line['exact'], least=2)}, {rule}"


def _height(line: dict) -> int:
    """Return about how many rows of text a charge takes."""
    return 2 + len(line["parts"]) + len(line["under"]) // 60


def _is_said(row: dict, line: dict) -> bool:
    """Tell whether a determinant already stands in the block that explains the billed kW."""
    return bool(line.get("demand")) and row["name"] in SAID_BY_DEMAND


def demand_view(facts: dict | None) -> dict | None:
    """Return how the billed kW came about, with figures as text."""
    if facts is None:
        return None
    return {
        "windows": [
            {
                **one,
                "name": humane(one["name"]),
                "kw": amount_of(one["kw"], "kW"),
                "kwh": amount_of(one["kwh"], "kWh"),
            }
            for one in facts["windows"]
        ],
        "candidates": [one | {"kw": amount_of(one["kw"], "kW")} for one in facts["candidates"]],
        "months": [one | {"kw": amount_of(one["kw"], "kW")} for one in facts["months"]],
        "billed": amount_of(facts["billed_kw"], "kW"),
        "rounding": facts["rounding"],
    }


def _is_average(line: dict) -> bool:
    """Tell whether the printed rate is the average of interval prices."""
    return any(row["kind"] == "interval_row" for row in line["worksheet"]["rows"])


def _parts(line: dict) -> list[dict]:
    """Return the priced parts of a line that has no single rate: label, quantity, rate."""
    if line["rate_text"] or line["under"] or not 1 < len(line["parts"]) <= MOST_PARTS:
        return []
    return [
        {
            "label": part["label"],
            "quantity": amount_of(part["quantity"], part["unit"]),
            "rate": rate(part["rate_text"]),
        }
        for part in line["parts"]
    ]


def unit_text(unit: str) -> str:
    """Return a unit as print shows it: a plain count has none.

    >>> unit_text("count"), unit_text("MWh")
    ('', 'MWh')
    """
    return "" if unit == "count" else unit


def _chemistry(text: str) -> str:
    """Return escaped text in which CO2e stands with its small figure."""
    return escape(text).replace("CO2", "CO<sub>2</sub>")


def _exact(text: str) -> str:
    """Return an unrounded amount with the digits it has, 2 at least and 8 at most."""
    number = to_places(Decimal(text), 8)
    return figure(number, least=2)


def _usage(usage: dict, zone: str) -> dict:
    days = usage["days"]
    big = max((abs(Decimal(row["kwh"])) for row in days), default=Decimal(0)) >= 10_000
    unit, divisor = ("MWh", 1000) if big else ("kWh", 1)
    bars = [
        Bar(
            label=short_day(row["date"]) if index % 5 == 0 else "",
            total=Decimal(row["kwh"]) / divisor,
            estimated=Decimal(row["estimated_kwh"]) / divisor,
            is_weekend=row["is_weekend"],
        )
        for index, row in enumerate(days)
    ]
    rows = [
        {
            "day": f"{row['weekday']} {short_day(row['date'])}",
            "total": figure(Decimal(row["kwh"]) / divisor, 3),
            "estimated": figure(Decimal(row["estimated_kwh"]) / divisor, 3)
            if Decimal(row["estimated_kwh"])
            else "",
        }
        for row in days
    ]
    third = -(-len(rows) // 3)
    columns = [rows[at : at + third] for at in range(0, len(rows), third)] if rows else []
    return {
        "energy_unit": unit,
        "energy": _energy_rows(usage, zone),
        "quality_note": usage["quality_note"],
        "chart": daily_bars(bars, unit, f"Energy delivered by day in {unit}"),
        "chart_note": f"{figure(usage['total_kwh'], least=0)} kWh in {len(days)} days",
        "has_estimates": any(Decimal(row["estimated_kwh"]) for row in days),
        "day_columns": columns,
    }


def _energy_rows(usage: dict, zone: str) -> list[tuple[str, str]]:
    rows = [("Energy delivered", f"{figure(usage['total_kwh'], least=0)} kWh")]
    parts = usage.get("parts") or {}
    rows += [
        (words, f"{figure(parts[name])} kWh")
        for name, words in PART_WORDS.items()
        if Decimal(parts.get(name, 0))
    ]
    if usage["peak_kw"] is not None:
        at = moment(usage["peak_at"], zone)
        title = f"Highest {usage['minutes']}-minute demand"
        rows.append((title, f"{figure(usage['peak_kw'], 0)} kW, {at}"))
    rows.append(("Estimated share", percent(usage["estimated_ratio"])))
    return rows


def _carbon(carbon: dict) -> dict:
    total_kg = to_places(Decimal(carbon["kgco2e"]), 1, Mode.HALF_EVEN)
    gases = [
        {
            "name": GAS_HTML.get(gas["gas"], escape(gas["gas"])),
            "kg": figure(gas["kg"], 3),
            "weight": figure(gas["weight"]),
            "co2e": figure(gas["kgco2e"], 3),
        }
        for gas in carbon["gases"]
        if Decimal(gas["kg"]) != 0
    ]
    intensity = figure(carbon["kg_per_mwh"], 1)
    rows = [
        ("Carbon, location-based", f"{figure(total_kg, 1)} kg CO<sub>2</sub>e"),
        ("Carbon intensity", f"{intensity} kg CO<sub>2</sub>e/MWh"),
    ]
    return {
        "rows": rows,
        "gwp_set": carbon["gwp_set"],
        "gases": gases,
        "total": figure(carbon["kgco2e"], 3),
        "sentence": _chemistry(carbon["sentence"]),
        "sources": _chemistry(carbon["sources"]),
    }


def _checks(document: dict) -> list[str]:
    steps = [
        "Add up the amounts of the charges: they give the total. Each amount is the sum of its "
        "rows on the pages above, rounded once.",
        "The interval file of this invoice (CSV, from your portal) lists every interval with its "
        "quantity, status and price; it adds up to the printed quantities and amounts.",
        "Attached to this PDF is invoice.json: the complete document with every figure, formula, "
        "source and clause. Its SHA-256 is the document digest below.",
        "The readings and prices behind it are pinned by digest. The settlement is computed again "
        "from those pins at any time and gives the same document, byte for byte.",
    ]
    if document["contact"]:
        steps.append(f"Questions or objections: {document['contact']}")
    return steps


def _proofs(document: dict, digest: str) -> list[tuple[str, str]]:
    run = document["run"]
    rows = [
        ("Document digest", digest),
        ("Settlement run", f"{run['label']}, {run['kind'].lower()}, version {run['version']}"),
        ("Digest of its inputs", run["inputs_sha256"]),
    ]
    if run["allocation_sha256"]:
        rows.append(("Digest of the campus allocation", run["allocation_sha256"]))
    rows += [(f"Readings, {row['name']}", row["digest"]) for row in document["series"]]
    if run["approved_at"]:
        rows.append(
            ("Approved", f"{moment(run['approved_at'], document['period']['zone'])}"),
        )
    return rows
