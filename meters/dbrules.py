"""What the database keeps of readings, files and publications.

Blocks: only added, visible to a tenant by the list of its channels, values stored out of line
uncompressed (the embedded server has only a slow compressor). The view `pox_reading` unnests the
newest published final blocks into one row per reading for reporting tools; it runs with the rights
of whoever asks.
"""

from poweroptix.db.rules import (
    APP,
    AppendOnly,
    ChannelPolicy,
    Grant,
    Immutable,
    PortalGrant,
    Rule,
    Sql,
    StateMachine,
)

READING_VIEW = """
CREATE OR REPLACE VIEW pox_reading WITH (security_invoker = true) AS
SELECT b.channel_id,
       b.day,
       b.version,
       (b.day::timestamp AT TIME ZONE 'UTC')
           + make_interval(mins => b.minutes * (u.ordinal - 1)::int) AS start_utc,
       b.minutes,
       CASE WHEN u.reading = -9223372036854775808 THEN NULL
            ELSE u.reading::numeric / 1000000 END AS quantity,
       get_byte(b.status, (u.ordinal - 1)::int) AS status,
       get_byte(b.method, (u.ordinal - 1)::int) AS method
FROM (
    SELECT DISTINCT ON (channel_id, day) *
    FROM meters_readingblock
    WHERE layer = 2
      AND publication_id IN (SELECT id FROM meters_publication WHERE published_at IS NOT NULL)
    ORDER BY channel_id, day, version DESC
) b
CROSS JOIN LATERAL unnest(b."values") WITH ORDINALITY AS u(reading, ordinal)
"""

FILES_OF_OWN_READINGS = """
ALTER TABLE meters_importfile ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON meters_importfile TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON meters_importfile FOR SELECT TO poweroptix_portal USING (id IN (
  SELECT p.import_file_id FROM meters_readingblock b
    JOIN meters_publication p ON p.id = b.publication_id WHERE b.layer = 1))
"""

DECISION = ("state", "decided_by", "decided_at", "decision_reason", "edit_id")
METERS_OF_OWN_CHANNELS = """
ALTER TABLE meters_meter ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON meters_meter TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON meters_meter FOR SELECT TO poweroptix_portal USING (id IN (
  SELECT meter_id FROM meters_installation WHERE channel_id = ANY (app_channels())))
"""

RULES: list[Rule] = [
    AppendOnly("meters_readingblock", lock_owner=True),
    ChannelPolicy("meters_readingblock"),
    PortalGrant("meters_readingblock"),
    Sql(
        "values out of line",
        'ALTER TABLE meters_readingblock ALTER COLUMN "values" SET STORAGE EXTERNAL',
        needs=("meters_readingblock",),
    ),
    Sql("reading view", READING_VIEW, needs=("meters_readingblock", "meters_publication")),
    Grant("pox_reading", APP, ("SELECT",), optional=True),
    Immutable("meters_publication", "OLD.published_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL"),
    # A tenant reads who published a version of its readings and why; blocks lead there.
    PortalGrant("meters_publication"),
    Immutable(
        "meters_importfile",
        "OLD.state IN ('ACCEPTED', 'REFUSED')",
        allow_columns=("receipt", "state", "profile_code", "format"),
    ),
    StateMachine(
        "meters_importfile",
        "state",
        {
            "RECEIVED": ("READING", "REFUSED"),
            "READING": ("ACCEPTED", "REFUSED", "RECEIVED"),
            "ACCEPTED": ("READING",),
            "REFUSED": ("READING", "RECEIVED"),
        },
    ),
    StateMachine(
        "meters_sourcerun",
        "outcome",
        {"RUNNING": ("DONE", "FAILED", "INTERRUPTED")},
        initial=("RUNNING",),
    ),
    AppendOnly("meters_edit"),
    # What was proposed never changes; the decision is written once.
    Immutable("meters_editproposal", "TRUE", allow_columns=DECISION),
    Immutable("meters_editproposal", "OLD.state <> 'PROPOSED'"),
    StateMachine(
        "meters_editproposal",
        "state",
        {"PROPOSED": ("CONFIRMED", "REJECTED")},
        initial=("PROPOSED",),
    ),
    ChannelPolicy("meters_editproposal"),
    AppendOnly("meters_readingnote"),
    AppendOnly("meters_registerread"),
    AppendOnly("meters_veerun"),
    # What proves a meter is never changed: a correction is a new row that names the old one.
    AppendOnly("meters_metertest"),
    AppendOnly("meters_metertestpoint"),
    AppendOnly("meters_clockcheck"),
    AppendOnly("meters_transformercertificate"),
    ChannelPolicy("meters_readingnote"),
    PortalGrant("meters_readingnote"),
    # Register reads stay with the staff: a tenant is billed and shown intervals.
    ChannelPolicy("meters_registerread"),
    ChannelPolicy("meters_channel", channel_column="id"),
    PortalGrant("meters_channel"),
    # The multiplier behind a tenant's reading: its own installations and the meters in them.
    ChannelPolicy("meters_installation"),
    PortalGrant("meters_installation"),
    Sql("portal meters", METERS_OF_OWN_CHANNELS, needs=("meters_meter", "meters_installation")),
    PortalGrant("meters_meter", columns=("id", "campus_id", "serial", "manufacturer", "model")),
    ChannelPolicy("meters_edit"),
    PortalGrant("meters_edit"),
    ChannelPolicy("meters_finding"),
    PortalGrant("meters_finding"),
    # Of a file a tenant sees the name and the digest, if it brought readings of its channels; the
    # receipt speaks of everybody's channels and stays with the staff.
    Sql("portal files", FILES_OF_OWN_READINGS, needs=("meters_importfile", "meters_publication")),
    PortalGrant(
        "meters_importfile",
        columns=(
            *("id", "sha256", "source", "name", "size", "profile_code", "format"),
            *("received_at", "state", "uploaded_by"),
        ),
    ),
]
