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

# A definition ends earlier or is withdrawn; what it says never changes, nor does it grow.
VIRTUAL = "meters_virtualdefinition"
VIRTUAL_MAY_CHANGE = ("valid", "withdrawn_by", "withdrawn_at", "withdrawn_reason", "computed_at")
VIRTUAL_ONLY_SHORTENS = """
CREATE OR REPLACE FUNCTION pox_virtual_only_shortens() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NOT (NEW.valid <@ OLD.valid)
     OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at) THEN
    RAISE EXCEPTION 'a definition may only end earlier or be withdrawn: add a new one instead'
      USING ERRCODE = '23514', CONSTRAINT = 'pox_virtual_only_shortens';
  END IF;
  RETURN NEW;
END $body$;
CREATE OR REPLACE TRIGGER pox_virtual_only_shortens BEFORE UPDATE ON meters_virtualdefinition
FOR EACH ROW EXECUTE FUNCTION pox_virtual_only_shortens()
"""
# Walks from a new term through the definitions that hold at the same time, and must not come back
# to the channel it belongs to. The lock keeps two halves of a circle from being added at once.
VIRTUAL_NO_CIRCLE = """
CREATE OR REPLACE FUNCTION pox_virtual_no_circle() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE circle text;
BEGIN
  PERFORM pg_advisory_xact_lock(19801, 0);
  WITH RECURSIVE walk(channel_id, valid, path) AS (
    SELECT NEW.channel_id, d.valid, ARRAY[d.channel_id, NEW.channel_id]
      FROM meters_virtualdefinition d WHERE d.id = NEW.definition_id AND d.withdrawn_at IS NULL
    UNION
    SELECT t.channel_id, w.valid * d.valid, w.path || t.channel_id
      FROM walk w
      JOIN meters_virtualdefinition d
        ON d.channel_id = w.channel_id AND d.withdrawn_at IS NULL AND d.valid && w.valid
      JOIN meters_virtualterm t ON t.definition_id = d.id
     WHERE w.channel_id <> w.path[1] AND t.channel_id <> ALL (w.path[2:])
  )
  SELECT string_agg(c.code, ' -> ' ORDER BY step.at) INTO circle
    FROM (SELECT path FROM walk WHERE channel_id = path[1] LIMIT 1) found,
         unnest(found.path) WITH ORDINALITY AS step(channel_id, at)
    JOIN meters_channel c ON c.id = step.channel_id;
  IF circle IS NOT NULL THEN
    RAISE EXCEPTION 'these virtual channels rest on each other: %', circle
      USING ERRCODE = '23514', CONSTRAINT = 'pox_virtual_no_circle';
  END IF;
  RETURN NEW;
END $body$;
CREATE OR REPLACE TRIGGER pox_virtual_no_circle AFTER INSERT ON meters_virtualterm
FOR EACH ROW EXECUTE FUNCTION pox_virtual_no_circle()
"""
# A channel with readings, a meter or definitions does not turn from metered to virtual or back.
CHANNEL_KIND_STAYS = """
CREATE OR REPLACE FUNCTION pox_channel_kind_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (SELECT FROM meters_readingblock WHERE channel_id = OLD.id)
     OR EXISTS (SELECT FROM meters_installation WHERE channel_id = OLD.id)
     OR EXISTS (SELECT FROM meters_virtualdefinition WHERE channel_id = OLD.id) THEN
    RAISE EXCEPTION 'channel % has readings, a meter or definitions: make a new channel', OLD.code
      USING ERRCODE = '23514', CONSTRAINT = 'pox_channel_kind_stays';
  END IF;
  RETURN NEW;
END $body$;
CREATE OR REPLACE TRIGGER pox_channel_kind_stays BEFORE UPDATE OF kind ON meters_channel
FOR EACH ROW WHEN (OLD.kind <> NEW.kind) EXECUTE FUNCTION pox_channel_kind_stays()
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
    Immutable(VIRTUAL, "TRUE", allow_columns=VIRTUAL_MAY_CHANGE),
    Sql("virtual only shortens", VIRTUAL_ONLY_SHORTENS, needs=(VIRTUAL,)),
    AppendOnly("meters_virtualterm"),
    Sql("virtual no circle", VIRTUAL_NO_CIRCLE, needs=(VIRTUAL, "meters_virtualterm")),
    Sql("channel kind stays", CHANNEL_KIND_STAYS, needs=(VIRTUAL, "meters_channel")),
    # A tenant reads how its own channel is computed; of the terms only those that are its own.
    ChannelPolicy(VIRTUAL),
    PortalGrant(
        VIRTUAL,
        columns=(
            *("id", "channel_id", "valid", "method", "formula", "parameters", "cut_longer"),
            "withdrawn_at",
        ),
    ),
    ChannelPolicy("meters_virtualterm"),
    PortalGrant("meters_virtualterm"),
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
