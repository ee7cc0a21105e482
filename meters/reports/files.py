"""The quality report as CSV, JSON and PDF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from meters.calc.quality_report import QualityReport
from meters.reports.quality import HEAD, summary, tables
from meters.reports.tables import long_rows
from poweroptix.kernel.canonical import sha256
from poweroptix.kernel.period import Period
from poweroptix.pages.downloads import csv_bytes
from poweroptix.pages.paper import Attached, pdf_of

STYLE = Path(__file__).with_name("report.css")
PAPERS = ("letter", "a4")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def name_of(report: QualityReport) -> str:
    """Return the name of the file without its ending."""
    return f"quality_{report.header.campus}_{report.header.label}"


def quality_csv(report: QualityReport) -> bytes:
    """Return every cell of the report as a row: table, item, measure, value, unit."""
    return csv_bytes(HEAD, long_rows(tables(report)))


def quality_json(report: QualityReport) -> bytes:
    """Return the report as a document; numbers are text, exact."""
    head = report.header
    document: dict[str, Any] = {
        "format": "quality_report@1",
        "campus": head.campus,
        "month": head.label,
        "zone": head.zone,
        "start_utc": head.start_utc.isoformat(),
        "end_utc": head.end_utc.isoformat(),
        "made_at": head.made_at.isoformat(),
        "tables": [
            {
                "key": table.key,
                "columns": [
                    {"label": c.label, "kind": c.kind, "unit": c.unit} for c in table.columns
                ],
                "rows": [
                    [c.exact(cell) for c, cell in zip(table.columns, row, strict=True)]
                    for row in table.rows
                ],
            }
            for table in tables(report)
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def quality_pdf(report: QualityReport, paper: str = "letter") -> bytes:
    """Return the report as PDF/A-3u on `letter` or `a4`, with its figures as attached CSV."""
    head = report.header
    content = quality_csv(report)
    period = Period(head.start_utc, head.end_utc, head.zone, head.label)
    html = render_to_string(
        "meters/quality_pdf.html",
        {
            "head": head,
            "paper": paper,
            "title": f"{MONTHS[int(head.label[5:]) - 1]} {head.label[:4]}",
            "period": period,
            "facts": summary(report),
            "tables": [
                {
                    "table": one,
                    "rows": one.written(head.zone),
                    "foot": one.written_foot(head.zone),
                }
                for one in tables(report)
            ],
            "digest": sha256(content),
        },
    )
    inside = Attached(f"{name_of(report)}.csv", content, "The figures of the report", "Data")
    return pdf_of(html, STYLE, inside, head.made_at)
