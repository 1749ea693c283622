"""Objects in a bucket, as S3 announces them."""

from __future__ import annotations

from dataclasses import dataclass

SEQUENCER_WIDTH = 64


def padded_sequencer(sequencer: str) -> str:
    """S3's sequencer made comparable as a string: right-padded with zeros, in capitals.

    It orders the versions of one key only. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    return sequencer.upper().ljust(SEQUENCER_WIDTH, "0")


@dataclass(frozen=True)
class StoredObject:
    """One version of one object.

    `key` is as it is, not encoded; `sequencer` is padded; `put_at` is ISO 8601, UTC, milliseconds.
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    put_at: str

    @property
    def order(self) -> str:
        """Text that sorts objects by when they were put, also of different keys."""
        return f"{self.put_at}#{self.sequencer}"
