"""Worked examples of metering, replayed by the rules, estimators, readers and sums of the product.

An example is `{"id", "rule", "given", "expect"}`; `KINDS` says for each rule what its given facts
mean and which parts of the product answer. A rule, a given fact or an expected one that is not
known fails the example: nothing passes unseen.
"""

from meters.conformance import cross, energy, estimates, files, limits, losses, registers, times
from meters.conformance._base import Facts, Found, Kind, NotUnderstood, agrees, plain

KINDS: dict[str, Kind] = {
    **times.KINDS,
    **files.KINDS,
    **limits.KINDS,
    **cross.KINDS,
    **registers.KINDS,
    **estimates.KINDS,
    **energy.KINDS,
    **losses.KINDS,
}

__all__ = ["KINDS", "Facts", "Found", "Kind", "NotUnderstood", "agrees", "plain"]
