"""Files of readings that leave the house: streaming writers, one format each, found by key."""

from meters.exports._base import ChannelHead, Head, Part, Writer, writers

__all__ = ["ChannelHead", "Head", "Part", "Writer", "writers"]
