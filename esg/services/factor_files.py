"""The factor files that ship with the product, and who reads which."""

from pathlib import Path

from esg.sources._base import Factor, factor_sources

DATA = Path(__file__).resolve().parent.parent / "data"


def read_all() -> list[Factor]:
    """Return every factor of the shipped files, in the order of their sources.

    A file is read by the source of its name: `ipcc_gwp100.csv` by `ipcc_gwp100@1`.
    """
    factors: list[Factor] = []
    for key, read in factor_sources.items():
        path = DATA / f"{key.partition('@')[0]}.csv"
        if path.exists():
            factors += read(path.read_bytes())
    return factors
