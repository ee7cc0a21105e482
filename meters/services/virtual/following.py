"""Virtual channels follow their terms: in the transaction in which a term's readings appear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from meters.models import Layer, Publication, PublicationKind
from meters.queries.virtual import dependants
from meters.services.virtual.recompute import recompute

_TOUCHED = """
SELECT DISTINCT day - date '1970-01-01' FROM meters_readingblock
 WHERE publication_id = %s AND layer = %s AND channel_id = ANY(%s) ORDER BY 1
"""


def follow(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Compute what rests on these channels anew, on the days that the publication touched.

    Received readings change nothing: virtual channels rest on final ones. One query where nothing
    rests on the channels.
    """
    if publication.kind in (
        PublicationKind.VIRTUAL,
        PublicationKind.INGEST,
        PublicationKind.REPLAY,
    ):
        return
    resting = dependants(channel_ids, first_utc, last_utc)
    if not resting:
        return
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [publication.pk, Layer.FINAL, list(channel_ids)])
        days = [row[0] for row in cursor.fetchall()]
    if days:
        reason = f"Follows publication #{publication.pk}"
        recompute(resting, days, now=publication.published_at, reason=reason)
