"""Small ESPI feeds, built from their parts."""

import pytest

from poweroptix.kernel.errors import Refused
from tests.meters.cases import read

POINT = "/User/1/UsagePoint/P1"
START = 1772409600


def entry(self_href, up, related, content):
    links = [f'<link rel="self" href="{self_href}"/>', f'<link rel="up" href="{up}"/>']
    links += [f'<link rel="related" href="{href}"/>' for href in related]
    return f"<entry>{''.join(links)}<content>{content}</content></entry>"


def resource(name, **fields):
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in fields.items())
    return f'<{name} xmlns="http://naesb.org/espi">{inner}</{name}>'


def reading(n, value="100", *, start=None, duration=900, quality=(), step=900):
    at = START + n * step if start is None else start
    marks = "".join(f"<ReadingQuality><quality>{q}</quality></ReadingQuality>" for q in quality)
    period = f"<timePeriod><duration>{duration}</duration><start>{at}</start></timePeriod>"
    return f"<IntervalReading>{marks}{period}<value>{value}</value></IntervalReading>"


def block(*readings, start=START, duration=None):
    duration = len(readings) * 900 if duration is None else duration
    head = f"<interval><duration>{duration}</duration><start>{start}</start></interval>"
    return f'<IntervalBlock xmlns="http://naesb.org/espi">{head}{"".join(readings)}</IntervalBlock>'


def kind(**changes):
    fields = {
        "accumulationBehaviour": 4, "commodity": 1, "dataQualifier": 12, "flowDirection": 1,
        "intervalLength": 900, "kind": 12, "powerOfTenMultiplier": 0, "uom": 72,
    } | changes  # fmt: skip
    return resource("ReadingType", **{k: v for k, v in fields.items() if v is not None})


def parts(*contents, **changes):
    return [
        entry(POINT, "/User/1/UsagePoint", [f"{POINT}/MeterReading"], resource("UsagePoint")),
        entry(
            f"{POINT}/MeterReading/7", f"{POINT}/MeterReading",
            [f"{POINT}/MeterReading/7/IntervalBlock", "/ReadingType/3"], resource("MeterReading"),
        ),
        entry("/ReadingType/3", "/ReadingType", [], kind(**changes)),
        *(
            entry(f"{POINT}/MeterReading/7/IntervalBlock/{n}",
                  f"{POINT}/MeterReading/7/IntervalBlock", [], content)
            for n, content in enumerate(contents)
        ),
    ]  # fmt: skip


def feed(entries):
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'
    )


def refused(text, profile=None):
    with pytest.raises(Refused) as caught:
        read("espi@1", text, profile)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) <= 300
    return caught.value
