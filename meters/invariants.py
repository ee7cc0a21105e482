"""What must always be true of files, publications, blocks and findings.

Blocks, files and publications have no foreign-key constraints, because blocks may be spread over
nodes; the first invariants prove what those would.
"""

import numpy as np

from meters.models import Channel, Source
from meters.models.sources import COLLECT
from meters.queries.counted import counted_twice
from meters.queries.series import final_series
from meters.queries.virtual import computed
from meters.sources import connectors
from meters.storage import load
from poweroptix.doctor import invariant
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

SAMPLE_BLOCKS = 500
SAMPLE_DAYS = 62


def _sentences(cursor, query: str) -> list[str]:
    """Return the first column of a query."""
    cursor.execute(query)
    return [row[0] for row in cursor.fetchall()]


@invariant("meters.references", "Channel, publication and file of every block and note exist.")
def references(cursor):
    """Blocks, notes, edits and quarantined records point at rows that are there."""
    return _sentences(
        cursor,
        """
        (SELECT 'block ' || b.channel_id || '/' || b.day || ' has no channel'
           FROM meters_readingblock b
          WHERE NOT EXISTS (SELECT FROM meters_channel c WHERE c.id = b.channel_id) LIMIT 20)
        UNION ALL
        (SELECT 'block ' || b.channel_id || '/' || b.day || ' has no publication'
           FROM meters_readingblock b
          WHERE NOT EXISTS (SELECT FROM meters_publication p WHERE p.id = b.publication_id)
          LIMIT 20)
        UNION ALL
        (SELECT 'publication ' || p.id || ' names a file that does not exist'
           FROM meters_publication p
          WHERE p.import_file_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM meters_importfile f WHERE f.id = p.import_file_id)
          LIMIT 20)
        UNION ALL
        (SELECT 'quarantined record ' || q.id || ' has no file' FROM meters_quarantinedrecord q
          WHERE NOT EXISTS (SELECT FROM meters_importfile f WHERE f.id = q.import_file_id)
          LIMIT 20)
        UNION ALL
        (SELECT 'note ' || n.id || ' has no publication' FROM meters_readingnote n
          WHERE n.publication_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM meters_publication p WHERE p.id = n.publication_id)
          LIMIT 20)
        UNION ALL
        (SELECT 'register read ' || r.id || ' has no publication or no file'
           FROM meters_registerread r
          WHERE NOT EXISTS (SELECT FROM meters_publication p WHERE p.id = r.publication_id)
             OR NOT EXISTS (SELECT FROM meters_importfile f WHERE f.id = r.import_file_id)
          LIMIT 20)
        UNION ALL
        (SELECT 'edit ' || e.id || ' is not published' FROM meters_edit e
          WHERE NOT EXISTS (SELECT FROM meters_publication p
                             WHERE p.id = e.publication_id AND p.published_at IS NOT NULL)
          LIMIT 20)
        """,
    )


@invariant("meters.versions", "Versions of a day block run from 1 without holes.")
def versions(cursor):
    """Every channel-day and layer has versions 1..n."""
    return _sentences(
        cursor,
        """
        SELECT 'channel ' || channel_id || ', ' || day || ', layer ' || layer || ': '
               || count(*) || ' versions up to ' || max(version)
          FROM meters_readingblock GROUP BY channel_id, day, layer
        HAVING max(version) <> count(*) OR min(version) <> 1 LIMIT 50
        """,
    )


@invariant("meters.lengths", "A block has the interval length of its channel.")
def lengths(cursor):
    """No block differs in interval length from its channel."""
    return _sentences(
        cursor,
        """
        SELECT 'block ' || b.channel_id || '/' || b.day || ' has ' || b.minutes
               || ' minutes, its channel ' || c.minutes
          FROM meters_readingblock b JOIN meters_channel c ON c.id = b.channel_id
         WHERE b.minutes <> c.minutes LIMIT 50
        """,
    )


@invariant("meters.raw_of_final", "The raw version that a final block was made of exists.")
def raw_of_final(cursor):
    """Find final blocks whose source run names no raw version of the day."""
    return _sentences(
        cursor,
        """
        SELECT 'final block ' || f.channel_id || '/' || f.day || ' v' || f.version
               || ' was made of raw version ' || f.sources[3]
          FROM meters_readingblock f
         WHERE f.layer = 2 AND cardinality(f.sources) > 0 AND f.sources[2] = 0
           AND NOT EXISTS (SELECT FROM meters_readingblock r
                            WHERE r.channel_id = f.channel_id AND r.day = f.day
                              AND r.layer = 1 AND r.version = f.sources[3]) LIMIT 50
        """,
    )


@invariant("meters.accepted_files", "The readings of an accepted file are visible.")
def accepted_files(cursor):
    """Find accepted files without published readings, and refused files with some."""
    return _sentences(
        cursor,
        """
        SELECT 'file ' || f.id || ' is ' || f.state || ' and has '
               || count(p.id) || ' published readings of it'
          FROM meters_importfile f
          LEFT JOIN meters_publication p ON p.import_file_id = f.id AND p.kind = 'INGEST'
               AND p.published_at IS NOT NULL
         WHERE f.state IN ('ACCEPTED', 'REFUSED')
         GROUP BY f.id
        HAVING (f.state = 'ACCEPTED') <> (count(p.id) = 1) LIMIT 50
        """,
    )


@invariant("meters.explained", "Every estimated or edited reading names its method.")
def explained(cursor):
    """Find ESTIMATED or EDITED beside the method NONE in meters_readingblock."""
    return _sentences(
        cursor,
        r"""
        SELECT 'final block ' || b.channel_id || '/' || b.day || ' v' || b.version
               || ' has an estimate without a method'
          FROM meters_readingblock b
         WHERE b.layer = 2
           AND (position('\x3c'::bytea IN b.status) > 0 OR position('\x32'::bytea IN b.status) > 0)
           AND EXISTS (SELECT FROM generate_series(0, octet_length(b.status) - 1) AS i
                        WHERE get_byte(b.status, i) IN (50, 60) AND get_byte(b.method, i) = 0)
         LIMIT 50
        """,
    )


@invariant("meters.content", "Digests fit their blocks, and missing readings say so.")
def content(cursor):
    """Examine the newest blocks of meters_readingblock."""
    cursor.execute(
        "SELECT channel_id, min(day) - date '1970-01-01', max(day) - date '1970-01-01' FROM ("
        " SELECT channel_id, day FROM meters_readingblock ORDER BY publication_id DESC LIMIT %s"
        ") AS newest GROUP BY channel_id",
        [SAMPLE_BLOCKS],
    )
    found = []
    for channel_id, first, last in cursor.fetchall():
        for batch in load([channel_id], first, min(last, first + SAMPLE_BLOCKS)):
            absent = batch.values == MISSING
            wrong = batch.tampered() | (absent != (batch.status == Status.MISSING)).any(axis=1)
            found += [
                f"block {channel_id}/{batch.days[i]} layer {batch.layers[i]} v{batch.versions[i]}"
                for i in np.flatnonzero(wrong).tolist()
            ]
    return found[:50]


@invariant("meters.virtual_follows", "A virtual reading is its expression over its terms.")
def virtual_follows(cursor):
    """Compute the newest virtual rows of meters_readingblock again; those waiting are left out."""
    cursor.execute(
        "SELECT channel_id, min(day) - date '1970-01-01', max(day) - date '1970-01-01' FROM ("
        " SELECT b.channel_id, b.day FROM meters_readingblock b"
        "   JOIN meters_channel c ON c.id = b.channel_id AND c.kind = 'VIRTUAL'"
        "   JOIN meters_publication p ON p.id = b.publication_id AND p.published_at IS NOT NULL"
        "  WHERE NOT EXISTS (SELECT FROM meters_virtualdefinition d"
        "         WHERE d.channel_id = b.channel_id AND d.computed_at IS NULL)"
        "  ORDER BY b.publication_id DESC LIMIT %s"
        ") AS newest GROUP BY channel_id",
        [SAMPLE_BLOCKS],
    )
    found = []
    for channel_id, first, last in cursor.fetchall():
        first = max(first, last - SAMPLE_DAYS)
        wanted = computed([channel_id], first, last).series[channel_id]
        stored, _ = final_series(channel_id, wanted.grid.start_utc, wanted.grid.end_utc)
        differs = (stored.values != wanted.values) | (stored.status != wanted.status)
        if differs.any():
            at = wanted.grid.start_of(int(np.flatnonzero(differs)[0]))
            count = int(differs.sum())
            found.append(f"channel {channel_id}: {count} readings from {at:%Y-%m-%d %H:%M} differ")
    return found


@invariant("meters.virtual_is_computed", "A virtual channel has no meter, edit or raw reading.")
def virtual_is_computed(cursor):
    """Find what only a metered channel may have."""
    return _sentences(
        cursor,
        """
        SELECT 'virtual channel ' || c.code || ' has a meter, an edit or a received reading'
          FROM meters_channel c
         WHERE c.kind = 'VIRTUAL'
           AND (EXISTS (SELECT FROM meters_installation i WHERE i.channel_id = c.id)
                OR EXISTS (SELECT FROM meters_edit e WHERE e.channel_id = c.id)
                OR EXISTS (SELECT FROM meters_readingblock b
                            WHERE b.channel_id = c.id AND b.layer = 1)) LIMIT 50
        """,
    )


@invariant("meters.counted_once", "Energy of a virtual channel counts once in a campus balance.")
def counted_once(cursor):
    """Find live rows of meters_virtualdefinition with a meters_channel of the balance below."""
    cursor.execute(
        "SELECT DISTINCT channel_id, lower(valid), upper(valid) FROM meters_virtualdefinition"
        " WHERE withdrawn_at IS NULL"
    )
    found = []
    for channel_id, start, end in cursor.fetchall():
        channel = Channel.objects.select_related("delivery_point").get(pk=channel_id)
        terms = Channel.objects.filter(
            uses__definition__channel=channel,
            uses__definition__withdrawn_at__isnull=True,
            uses__definition__valid__startswith=start,
        )
        if text := counted_twice(channel, terms, start, end):
            found.append(text)
    return found[:50]


@invariant("meters.schedules", "A source that we fetch from is looked at as often as it says.")
def schedules(cursor):
    """Compare meters_source with jobs_recurring: one active row for each that is on, no other."""
    cursor.execute(
        "SELECT payload ->> 'source_id', every_minutes FROM jobs_recurring"
        " WHERE kind = %s AND is_active ORDER BY id",
        [COLLECT],
    )
    planned: dict[str, list[int]] = {}
    for source_id, minutes in cursor.fetchall():
        planned.setdefault(source_id, []).append(minutes)
    polling = {key for key, connector in connectors.items() if connector.polls}
    found = []
    for source in Source.objects.order_by("pk"):
        wanted = [source.every_minutes] if source.enabled and source.kind in polling else []
        said = planned.pop(str(source.pk), [])
        if said != wanted:
            found.append(
                f"source {source.code}: {_looks(wanted)} asked for, {_looks(said)} planned"
            )
    found += [f"looks are planned at source {key}, which is not there" for key in planned]
    return found[:50]


def _looks(minutes: list[int]) -> str:
    return " and ".join(f"a look every {each} minutes" for each in minutes) or "no look"
