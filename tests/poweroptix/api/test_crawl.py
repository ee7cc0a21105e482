"""Every operation of the document meets a table of bad input: never a 500, always a problem.

A new operation is met too, because the tables are applied to what the document lists.
"""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from poweroptix.accounts.permissions import SCOPES
from tests.poweroptix.api.crawl import operations

pytestmark = pytest.mark.django_db

KEYS = (
    *("0", "-1", "9" * 18, "9" * 40, "1e999", "NaN", "Infinity", "1.5", "0x1f", "%00", "a%00b"),
    *(
        "%FF%FE",
        "%ED%A0%80",
        "..%2F..%2Fetc%2Fpasswd",
        "'%20OR%201=1--",
        "%F0%9F%92%A5",
        "x" * 3000,
    ),
    *("%0d%0aSet-Cookie:a=b", "{{7*7}}", "null", "%20", "%2e%2e"),
)
VALUES = (
    *("", "\x00", "a\x00b", "1e999", "NaN", "Infinity", "9" * 400, "-1", "true", "[]", "{}"),
    *("' OR 1=1--", "\ud800".encode("utf-16", "surrogatepass").hex(), "../../etc/passwd"),
    *("\N{COLLISION SYMBOL}", "x" * 5000, "0000-00-00", "2026-02-30T00:00:00Z", "%", "%s", "\r\n"),
)
CURSORS = ("", "x", ":::", "WyJpbnZvaWNlcyIsMV0:1abc:forged", "\x00", "9" * 400, "[1,2]")
GOOD = {"settlement-runs": {"contract": "PPA-ALFA", "period": "2026-03"}}
GOOD["assign"] = {"person": "analyst"}
GOOD["accept"] = {"reason_code": "OTHER", "comment": "Looked at on site."}
GOOD["withdraw"] = {"reason": "Entered twice."}
GOOD["money-pool-items"] = {
    "campus": "MESA", "pool": "insurance", "period": "2026-04", "label": "Premium",
    "source": "Insurer", "evidence": "POL-7", "amount_usd": "30000.00",
}  # fmt: skip
GOOD["contract-events"] = {
    "contract": "PPA-ALFA", "kind": "outage@1", "start_utc": "2026-03-12T06:00:00Z",
    "end_utc": "2026-03-12T09:00:00Z", "reason": "Control room log",
    "values": {"category": "FORCED", "caused_by": "SELLER"},
}  # fmt: skip
GOOD["allocation-runs"] = {"campus": "MESA", "period": "2026-03"}
DEEP = 100_000
BODIES = {
    "nothing": b"",
    "null": b"null",
    "list": b"[1]",
    "text": b'"x"',
    "number": b"1",
    "nan": b"NaN",
    "cut": b'{"period": "2026',
    "deep": b'{"a":' * DEEP,
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "nul": b'{"period": "\\u0000"}',
    "surrogate": b'{"period": "\\udfff"}',
    "not utf-8": b'{"period": "\xff"}',
    "utf-16": '{"period": "2026-03"}'.encode("utf-16"),
    "1e999": b'{"period": 1e999}',
    "-Infinity": b'{"period": -Infinity}',
    "long number": b'{"period": ' + b"9" * 100_000 + b"}",
    "types": b'{"period": {"a": []}, "campus": true, "contract": null, "kind": [1]}',
    "unknown": b'{"period": "2026-03", "__proto__": "x", "id": "1"}',
    "twice": b'{"period": "2026-03", "period": "2026-04"}',
    "long text": b'{"period": "' + b"x" * 900_000 + b'"}',
    "too long": b'{"period": "' + b"x" * 1_500_000 + b'"}',
    "many names": json.dumps({f"n{n}": "x" for n in range(20_000)}).encode(),
    "entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>',
}
KINDS = (
    *("application/json", "application/json; charset=utf-16", "application/json;;;=", "text/plain"),
    *(
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "/",
        "\xff",
    ),
    "multipart/form-data; boundary=" + "x" * 300,
)


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.API_PER_MINUTE = 0


@pytest.fixture(scope="module")
def staff(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, by='analyst')}"}


@pytest.fixture(scope="module")
def tenant(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, tenant='alfa')}"}


def refused(answer, *, statuses=range(400, 500)):
    """Check that an answer is a problem that gives nothing away."""
    assert answer.status_code in statuses, (answer.status_code, answer.content[:200])
    assert answer["Content-Type"] == "application/problem+json"
    text = answer.content.decode()
    assert json.loads(text)["status"] == answer.status_code
    for secret in ("SELECT ", "Traceback", "psycopg", "django", "site-packages"):
        assert secret not in text


def sound(answer):
    """Check that an answer is either good or a problem."""
    if answer.status_code not in (200, 202, 304):
        refused(answer)


KEYED = [one for one in operations("get") if "{key}" in one.path]


@pytest.mark.parametrize("one", KEYED, ids=lambda one: one.name)
def test_keys(client, staff, world, one):
    for key in KEYS:
        refused(client.get(one.address(world, key), one.query(world), **staff), statuses=(400, 404))


@pytest.mark.parametrize("one", operations("get"), ids=lambda one: one.name)
def test_parameters(client, staff, world, one):
    good, address = one.query(world), one.address(world)
    for name in one.parameters:
        for value in CURSORS if name == "cursor" else VALUES:
            sound(client.get(address, good | {name: value}, **staff))
        refused(client.get(address, {**good, name: ["1", "2"]}, **staff))
    for name in ("x" * 2000, "\x00", "id__in", "ordering", "__class__", "%s"):
        refused(client.get(address, good | {name: "1"}, **staff))
    refused(client.get(f"{address}?%FF=%FE", **staff))


@pytest.mark.parametrize("one", operations("get"), ids=lambda one: one.name)
def test_headers(client, staff, world, one):
    address, good = one.address(world), one.query(world)
    for name, value in (
        *(("HTTP_ACCEPT", text) for text in ("x", "*/*;q=x", "text/html", "\xff", "," * 5000)),
        *(("HTTP_IF_NONE_MATCH", text) for text in ("x", '"', "*", '"a"' * 3000, "\xff")),
        *(("HTTP_IF_MATCH", text) for text in ("x", '"a"', "*")),
        *(("HTTP_RANGE", "bytes=0-9999999999999"), ("HTTP_IF_UNMODIFIED_SINCE", "never")),
        ("HTTP_CONTENT_LENGTH", "x"),
    ):
        sound(client.get(address, good, **staff, **{name: value}))
    for value in ("Bearer", "Bearer ", "Bearer \x00", "Bearer " + "x" * 9000, "Basic eDp5", "\xff"):
        refused(client.get(address, good, HTTP_AUTHORIZATION=value), statuses=(401,))


@pytest.mark.parametrize("one", operations("get"), ids=lambda one: one.name)
def test_methods(client, staff, world, one):
    address = one.address(world)
    listed = {each.method for each in operations() if each.path == one.path}
    for method in {"post", "put", "patch", "delete", "options", "trace"} - listed:
        refused(getattr(client, method)(address, **staff), statuses=(405,))
    assert client.head(address, **staff).status_code == 405


@pytest.mark.parametrize("one", operations("post"), ids=lambda one: one.name)
@pytest.mark.parametrize("body", BODIES)
def test_bodies(client, staff, world, one, body):
    for kind in KINDS:
        head = {"HTTP_IDEMPOTENCY_KEY": "k", **staff}
        refused(client.generic("POST", one.address(world), BODIES[body], kind, **head))


@pytest.mark.parametrize("one", operations("post"), ids=lambda one: one.name)
def test_keys_of_repetition_and_preconditions(client, staff, world, one):
    def post(**head):
        if one.path.endswith("import-files"):
            file = SimpleUploadedFile("a.csv", b"x")
            return client.post(one.path, {"file": file, "source": "api"}, **head, **staff)
        said = GOOD[one.path.rpartition("/")[2]]
        address = one.address(world)
        return client.post(address, said, content_type="application/json", **head, **staff)

    for key in ("", " ", "x" * 256, "a b", "\xff", "a\x00", "\N{COLLISION SYMBOL}"):
        refused(post(HTTP_IDEMPOTENCY_KEY=key), statuses=(400,))
    refused(post(HTTP_IDEMPOTENCY_KEY="k", HTTP_IF_MATCH='"x"'), statuses=(412,))
    refused(post(HTTP_IDEMPOTENCY_KEY="k", HTTP_IF_NONE_MATCH="*"), statuses=(412,))


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.name)
def test_a_tenant_meets_no_object_of_a_neighbour(client, tenant, world, one):
    """Ids around those that exist: what is not the tenant's answers 404, never 403 or a row."""
    if one.method == "post":
        answer = client.post(one.address(world), {}, content_type="application/json", **tenant)
        refused(answer, statuses=(403, 415))
        return
    answer = client.get(one.address(world), one.query(world), **tenant)
    sound(answer)
    assert b"BRAVO" not in answer.content
    if "{key}" in one.path and answer.status_code != 403:
        for key in ("MESA-000002", "PPA-BRAVO", *map(str, range(1, 12))):
            answer = client.get(one.address(world, key), one.query(world), **tenant)
            assert answer.status_code in (200, 404)
            assert answer.status_code == 404 or b"BRAVO" not in answer.content


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">'
    + b"".join(f'<!ENTITY {chr(99 + n)} "{f"&{chr(98 + n)};" * 10}">'.encode() for n in range(9))
    + b"]><feed xmlns='http://www.w3.org/2005/Atom'>&k;</feed>"
)
FILES = {
    "one line of 10 MB": ("a.csv", b"1," * 5_000_000),
    "nothing": ("a.csv", b""),
    "nul": ("a.csv", b"\x00" * 1000),
    "binary": ("a.xlsx", bytes(range(256)) * 50),
    "bomb": ("a.zip", zipped(**{"a.csv": b"0" * 60_000_000})),
    "traversal in a zip": ("a.zip", zipped(**{"..__..__etc__x.csv": b"a,b\n1,2\n"})),
    "cut zip": ("a.zip", zipped(**{"a.csv": b"a,b\n" * 100})[:60]),
    "entities": ("a.xml", ENTITIES),
    "external entity": (
        "a.xml",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b"<feed xmlns='http://www.w3.org/2005/Atom'>&x;</feed>",
    ),
    "cut gzip": ("a.csv.gz", b"\x1f\x8b\x08\x00" + b"\x00" * 20),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("profile", ["", "plant-csv", "nothing"])
def test_files(client, staff, name, profile):
    called, content = FILES[name]
    body = {"file": SimpleUploadedFile(called, content), "source": "api", "profile": profile}
    answer = client.post("/api/v1/import-files", body, HTTP_IDEMPOTENCY_KEY="k", **staff)
    sound(answer)
    assert b"root:" not in answer.content


@pytest.mark.parametrize(
    "called",
    [
        "../../etc/passwd",
        "a\x00b.csv",
        "..",
        ".",
        "/",
        "\\..\\x.csv",
        "CON",
        "x" * 5000,
        "\r\nX: y",
    ],
)
def test_names_of_files(client, staff, called):
    part = f'form-data; name="file"; filename="{called}"'.encode()
    body = b'--b\r\nContent-Disposition: form-data; name="source"\r\n\r\napi\r\n--b\r\n'
    body += b"Content-Disposition: " + part + b"\r\n\r\na,b\n1,2\n\r\n--b--\r\n"
    answer = client.post(
        "/api/v1/import-files",
        data=body,
        content_type="multipart/form-data; boundary=b",
        HTTP_IDEMPOTENCY_KEY="k",
        **staff,
    )
    sound(answer)
    if answer.status_code == 202:
        assert not set("/\\\x00\r\n") & set(answer.json()["files"][0]["name"])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name="),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--other--"),
        ("multipart/form-data; boundary=", b"--\r\n\r\n----"),
        ("multipart/form-data", b"--b--"),
        ("multipart/form-data; boundary=b; charset=nonsense", b"--b--"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="source"\r\n\r\n\xff\xfe\r\n' * 3000,
        ),
    ],
    ids=range(8),
)
def test_parts(client, staff, kind, body):
    head = {"HTTP_IDEMPOTENCY_KEY": "k", **staff}
    refused(client.generic("POST", "/api/v1/import-files", body, kind, **head))
