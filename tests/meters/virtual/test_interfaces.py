"""Definitions by document, API, admin form and file; the same words everywhere."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from meters.models import Channel, VirtualDefinition
from meters.queries.definitions import timeline
from poweroptix.jobs.services import drain
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.services import apply_document
from poweroptix.portfolio.virtual import as_item
from tests.meters.builders import NOW
from tests.meters.virtual.makers import ADMIN, defined, metered, values, virtual

pytestmark = pytest.mark.django_db
NET = {"channel": "NET/KWH", "from": "2026-01-01T00:00:00Z",
       "expression": "max(0, [G/KWH] - [A/KWH])"}  # fmt: skip


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("root", role="administrator"))
    return client


@pytest.fixture
def terms():
    metered("G/KWH", ["12500"] * 4)
    metered("A/KWH", ["640"] * 4)


def applied(*items, **sections):
    document = sections | {"virtual_channels": list(items)}
    return [one.action for one in apply_document(document, actor=ADMIN, now=NOW)]


def test_a_document_makes_channel_and_definition_and_changes_nothing_twice(terms):
    document = {
        "delivery_points": [{"campus": "UTCAMP", "code": "NET", "name": "Net", "kind": "CHECK"}],
        "channels": [{"code": "NET/KWH", "delivery_point": "UTCAMP/NET", "minutes": 15,
                      "kind": "VIRTUAL", "direction": "NET"}],
    }  # fmt: skip
    assert applied(NET, **document) == ["create"] * 3
    assert applied(NET, **document) == ["unchanged"] * 3
    drain(60)
    assert values(Channel.objects.get(code="NET/KWH")) == ["11860"] * 4
    assert applied(NET | {"expression": "[G/KWH]"}) == ["update"]
    assert VirtualDefinition.objects.count() == 2


def test_a_document_goes_round(terms):
    metered("M/DEL")
    metered("M/REC", direction="RECEIVED")
    net, loss = virtual("NET/KWH"), virtual("D/KWH", direction="DELIVERED")
    defined(net, "0.5 * [G/KWH] - [A/KWH]", comment="Half")
    sheet = {"rated_kva": "10000", "iron_pct": "0.12", "copper_pct": "0.45"}
    defined(loss, method="TRANSFORMER", parameters=sheet, metered="M/DEL", opposite="M/REC")
    items = [as_item(one.code, timeline(one)[0]) for one in (net, loss)]
    assert applied(*json.loads(json.dumps(items))) == ["unchanged", "unchanged"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expression": "[G/KWH] - [NOPE]"}, r"virtual_channels\[0\]\.expression: There is no"),
        ({"from": "2026-01-01"}, "needs an offset or Z"),
        ({"from": "soon"}, "'soon' is not an ISO date"),
        ({"channel": "X"}, "there is no channel 'X'"),
        ({"unit": "kWh"}, "unknown field"),
        ({"from": "2026-01-01T00:07:00Z"}, r"\.from_utc: .*not the start of a 15-minute"),
    ],
)
def test_a_document_names_path_and_fault(terms, change, words):
    virtual("NET/KWH")
    with pytest.raises(Refused, match=words):
        applied(NET | change)


def test_the_api_hands_out_definitions(terms, staff):
    net = virtual("NET/KWH")
    row = defined(net, NET["expression"])
    answer = staff.get("/api/v1/virtual-definitions", {"channel": "NET/KWH"})
    (one,) = answer.json()["data"]
    assert (one["id"], one["formula"]) == (row.pk, "max(0, G_KWH - A_KWH)")
    assert one["terms"] == {"G_KWH": "G/KWH", "A_KWH": "A/KWH"}
    assert (one["from_utc"], one["until_utc"]) == ("2026-01-01T00:00:00Z", None)
    assert staff.get(f"/api/v1/virtual-definitions/{row.pk}").json()["method"] == "FORMULA"


def form(channel, **more):
    said = {"channel": channel.pk, "from_utc_0": "2026-01-01", "from_utc_1": "00:00:00",
            "method": "FORMULA", "parameters": "{}"}  # fmt: skip
    return said | more


def test_the_set_up_defines_through_the_service(terms, staff):
    net = virtual("NET/KWH")
    add = reverse("admin:meters_virtualdefinition_add")
    bad = staff.post(add, form(net, expression="[G/KWH] - [NOPE]"))
    assert bad.context["adminform"].form.errors["expression"][0].startswith("There is no channel")
    bad = staff.post(add, form(net, method="LINE", metered="G/KWH"))
    assert "kilovolts: is required." in str(bad.context["adminform"].form.errors["parameters"])
    assert staff.post(add, form(net, expression=NET["expression"])).status_code == 302
    drain(60)
    assert values(net) == ["11860"] * 4
    row = VirtualDefinition.objects.get()
    page = staff.get(reverse("admin:meters_virtualdefinition_change", args=[row.pk]))
    assert "max(0, [G/KWH] - [A/KWH])" in page.content.decode()
    listed = staff.get(reverse("admin:meters_virtualdefinition_changelist"), {"q": "G/KWH"})
    assert listed.context["cl"].result_count == 1


HEAD = "channel,from,method,expression,parameters,metered,opposite,cut_longer,comment\n"


def uploaded(staff, text):
    file = SimpleUploadedFile("v.csv", text.encode())
    answer = staff.post(
        reverse("admin:meters_virtualdefinition_import"), {"import_file": file, "format": "0"}
    )
    confirm = answer.context.get("confirm_form")
    if confirm is not None:
        staff.post(reverse("admin:meters_virtualdefinition_process_import"), confirm.initial)
    return answer


def test_definitions_come_and_go_as_a_file(terms, staff):
    net = virtual("NET/KWH")
    line = 'NET/KWH,2026-01-01T00:00:00+00:00,FORMULA,"max(0, [G/KWH] - [A/KWH])",{},,,,\n'
    wrong = uploaded(staff, HEAD + line.replace("[A/KWH]", "[NOPE]"))
    assert "There is no channel &#x27;NOPE&#x27;" in wrong.content.decode()
    assert not VirtualDefinition.objects.exists()
    uploaded(staff, HEAD + line)
    row = VirtualDefinition.objects.get()
    assert row.channel == net
    page = reverse("admin:meters_virtualdefinition_export")
    offered = staff.get(page).context["form"].fields
    chosen = {name: "on" for name in offered if name.startswith("virtualdefinitionresource_")}
    answer = staff.post(page, {"format": "0", "resource": "0", **chosen})
    rows = answer.content.decode().splitlines()
    assert rows[0] == HEAD.strip()
    assert rows[1].startswith('NET/KWH,2026-01-01T00:00:00+00:00,FORMULA,"max(0, [G/KWH] - [A/KW')
