"""Lay a file's readings anew on days that another publication changed in the meantime."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
from django.db import connection

from meters.models import Layer, Publication
from meters.services.arriving.merging import day_keys, origins
from meters.services.arriving.ranking import Side, rank
from meters.storage import Batch, load, newest, write
from meters.storage.batch import run_lengths
from meters.storage.loader import published_ids
from poweroptix.kernel.fixed import MISSING

_SHARED = """
SELECT DISTINCT own.channel_id, own.day - date '1970-01-01'
FROM meters_readingblock own
JOIN meters_readingblock other
  ON other.channel_id = own.channel_id AND other.day = own.day AND other.layer = own.layer
 AND other.publication_id <> own.publication_id
WHERE own.publication_id = %s
"""


def rebase(publication: Publication, file_id: int, now: datetime) -> int:
    """Write anew the raw days of a publication that others have also written; return how many.

    The file's own intervals are ranked against the newest published day of the others, exactly as
    when they arrived; days that come out the same are left alone. Call under the channels' locks,
    just before publishing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, [publication.pk])
        shared = cursor.fetchall()
    if not shared:
        return 0
    days = [day for _, day in shared]
    wanted = np.array(sorted(channel * 2**22 + day + 2**20 for channel, day in shared))
    written = 0
    for batch in load(
        {channel for channel, _ in shared}, min(days), max(days), layers=[Layer.RAW], sources=True
    ):
        here = batch.take(np.isin(day_keys(batch), wanted))
        if len(here):
            written += _rebase_batch(here, publication.pk, file_id, now)
    return written


def _rebase_batch(batch: Batch, publication_id: int, file_id: int, now: datetime) -> int:
    """Rebase the days of one interval length."""
    own = batch.take(batch.publication_ids == publication_id)
    own = own.take(newest(own))
    seen = np.isin(batch.publication_ids, published_ids(batch.publication_ids))
    others = batch.take(seen & (batch.publication_ids != publication_id))
    others = others.take(newest(others))
    top = batch.take(newest(batch))
    both = np.isin(day_keys(own), day_keys(others))
    own = own.take(both)
    others = others.take(np.isin(day_keys(others), day_keys(own)))
    highest = top.versions[np.isin(day_keys(top), day_keys(own))]
    if len(own) == 0:
        return 0
    files, lines = origins(own)
    mine = files == file_id
    verdict = rank(
        Side(others.values, others.status, others.method),
        Side(np.where(mine, own.values, MISSING), own.status, own.method),
        None,
    )
    old_files, old_lines = origins(others)
    laid = replace(own)
    laid.values = np.where(verdict.take, own.values, others.values)
    laid.status = np.where(verdict.take, own.status, others.status)
    laid.method = np.where(verdict.take, own.method, others.method)
    laid.runs, laid.run_counts = run_lengths(
        np.where(verdict.take, files, old_files),
        np.where(verdict.take, lines, old_lines),
        laid.values != MISSING,
    )
    laid.compute_digests()
    stale = (laid.digests != own.digests) | (others.versions > own.versions)
    laid.versions = (highest + 1).astype(np.int32)
    return write(laid.take(stale), now)
