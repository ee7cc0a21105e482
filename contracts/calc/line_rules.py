"""How the terms of a version rest on each other's lines: in order, without a circle.

Settlement order is that of the line codes: a term is priced on the printed lines of lower codes.
What must never count is checked too: damages towards a minimum bill, taxes towards interest.
"""

from collections.abc import Iterable, Mapping

from contracts.calc.price_terms import PricedTerm
from contracts.charges._base import charge_type
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.finding import Finding

DAMAGES, TAXES, INTEREST = range(50, 60), range(80, 90), range(90, 100)
CORRECTIONS = 70
AFTER = "it rests on line {code}, which is priced after it; give it a code above {code}"


def check_lines(terms: Iterable[PricedTerm]) -> list[Finding]:
    """Return a finding per line that a term rests on and cannot or must not."""
    rows = sorted(terms, key=lambda term: term.line_code)
    reads = {term.line_code: _reads(term) for term in rows}
    found = []
    for term in rows:
        for code in reads[term.line_code]:
            wrong = _wrong(term, code, reads)
            if wrong:
                where = f"line {term.line_code}"
                found.append(Finding("contracts.line_order", f"{where}: {wrong}", where=where))
    return found


def wrong_lines(term: PricedTerm, others: Iterable[PricedTerm]) -> dict[int, str]:
    """Return why a term must not rest on a line, by its code, whatever is still to be written.

    Terms of a draft are written one by one, so a lower line that is not there yet is not wrong.
    """
    reads = {one.line_code: _reads(one) for one in (*others, term)}
    own, found = term.line_code, {}
    for code in reads[own]:
        if code == own:
            found[code] = f"it rests on line {code}, which is its own; take {code} out"
        elif code in reads or code == CORRECTIONS:
            found[code] = _wrong(term, code, reads)
        elif code > own:
            found[code] = AFTER.format(code=code)
    return {code: text for code, text in found.items() if text}


def absent_lines(term: PricedTerm, others: Iterable[PricedTerm]) -> list[int]:
    """Return the lines that a term rests on and no other term has."""
    have = {one.line_code for one in others}
    return [code for code in _reads(term) if code not in have]


def _reads(term: PricedTerm) -> tuple[int, ...]:
    """Return the lines that a term rests on; none where its parameters cannot be read."""
    try:
        kind = charge_type(term.charge_type)
        return tuple(sorted(kind.reads_lines(kind.parse(term.parameters))))
    except DomainError:
        return ()


def _wrong(term: PricedTerm, code: int, reads: Mapping[int, tuple[int, ...]]) -> str:
    """Return why a term must not rest on a line; empty when it may."""
    own, key = term.line_code, term.charge_type.split("@")[0]
    circle = _circle(own, code, reads)
    if circle:
        path = " → ".join(str(each) for each in circle)
        return f"these lines rest on each other: {path}; take one out of the circle"
    if code == CORRECTIONS:
        return "it rests on line 70; a correction belongs to the month it corrects"
    if code not in reads:
        known = ", ".join(str(each) for each in reads)
        return f"it rests on line {code}, which the version does not have; it has {known}"
    if code > own:
        return AFTER.format(code=code)
    if key == "minimum_bill" and code in DAMAGES:
        return f"damages (line {code}) never count towards a minimum bill; take the line out"
    if own in INTEREST and code in TAXES:
        return (
            f"tax (line {code}) bears no interest unless it was agreed; late_interest@1 says so "
            "by its parameter tax"
        )
    return ""


def _circle(own: int, code: int, reads: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Return the way from a line through others back to it, or nothing."""
    paths, seen = [[own, code]], set()
    while paths:
        path = paths.pop()
        if path[-1] == own:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            paths += [[*path, each] for each in reads.get(path[-1], ())]
    return []
