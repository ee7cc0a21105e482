"""A Green Button feed of one channel: usage point, meter reading, reading type, day blocks."""

import numpy as np

SITE = "https://alfa.example/espi/1_1/resource"
NAMESPACE = 'xmlns="http://naesb.org/espi"'
READING_TYPE = {
    "accumulationBehaviour": 4,
    "commodity": 1,
    "flowDirection": 1,
    "intervalLength": 900,
    "kind": 12,
    "powerOfTenMultiplier": -3,
    "uom": 72,
}


def feed(point: str, start: np.ndarray, milli_wh: np.ndarray) -> bytes:
    """Return an Atom feed of quarter-hours: `start` in epoch minutes, values in milli-Wh."""
    here = f"{SITE}/UsagePoint/{point}"
    blocks = f"{here}/MeterReading/1/IntervalBlock"
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in READING_TYPE.items())
    entries = [
        _entry(
            here,
            f"{SITE}/UsagePoint",
            [f"{here}/MeterReading"],
            f"<UsagePoint {NAMESPACE}><ServiceCategory><kind>0</kind></ServiceCategory>"
            "</UsagePoint>",
        ),
        _entry(
            f"{here}/MeterReading/1",
            f"{here}/MeterReading",
            [blocks, f"{SITE}/ReadingType/1"],
            f"<MeterReading {NAMESPACE}/>",
        ),
        _entry(
            f"{SITE}/ReadingType/1",
            f"{SITE}/ReadingType",
            [],
            f"<ReadingType {NAMESPACE}>{fields}</ReadingType>",
        ),
    ]
    days = start // 1440
    entries += [
        _entry(f"{blocks}/{number}", blocks, [], _block(start[days == day], milli_wh[days == day]))
        for number, day in enumerate(np.unique(days))
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{point}</title>" + "\n".join(entries) + "</feed>\n"
    ).encode()


def _block(start: np.ndarray, milli_wh: np.ndarray) -> str:
    readings = "".join(
        f"<IntervalReading><timePeriod><duration>900</duration><start>{minute * 60}</start>"
        f"</timePeriod><value>{value}</value></IntervalReading>"
        for minute, value in zip(start.tolist(), milli_wh.tolist(), strict=True)
    )
    return (
        f"<IntervalBlock {NAMESPACE}><interval><duration>{start.size * 900}</duration>"
        f"<start>{int(start[0]) * 60}</start></interval>{readings}</IntervalBlock>"
    )


def _entry(own: str, up: str, related: list[str], content: str) -> str:
    links = f'<link rel="self" href="{own}"/><link rel="up" href="{up}"/>'
    links += "".join(f'<link rel="related" href="{href}"/>' for href in related)
    return f"<entry>{links}<content>{content}</content></entry>"
