"""Admin pages of metering, one file per noun family; blocks have their own pages."""

from meters.admin import (
    evidence,
    files,
    holidays,
    master,
    metrology,
    plants,
    rulesets,
    sources,
    virtual,
)

__all__ = [
    "evidence",
    "files",
    "holidays",
    "master",
    "metrology",
    "plants",
    "rulesets",
    "sources",
    "virtual",
]
