"""Objects in a bucket, from S3 notifications."""

from __future__ import annotations

from dataclasses import dataclass

SEQUENCER_WIDTH = 64


def padded_sequencer(sequencer: str) -> str:
    """S3's sequencer in a form that compares as a string: in upper case, right-padded with zeros.

    It orders the versions of one key only. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    return sequencer.upper().ljust(SEQUENCER_WIDTH, "0")


@dataclass(frozen=True)
class StoredObject:
    """One version of one object.

    `key` is not encoded. `sequencer` is padded. `put_at` is the time of the upload (ISO 8601, UTC, milliseconds).
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    put_at: str

    @property
    def order(self) -> str:
        """Text that sorts objects by upload time, also across keys."""
        return f"{self.put_at}#{self.sequencer}"
