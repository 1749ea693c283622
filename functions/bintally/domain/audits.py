"""Random audits: order lines that a person checks whatever their verdict is, to measure how often orders are wrong."""

from __future__ import annotations

import hashlib

from bintally.domain.bins import BinCount
from bintally.domain.canary import CONSIGNMENT
from bintally.domain.verdicts import OrderLine

DRAWS = 2**64


def draw(line: OrderLine, image_id: str) -> float:
    """A number from 0 to 1 for a line and a photo, evenly distributed, and the same whenever it is asked for.

    Nobody can choose it: an image id contains the version that S3 gives the photo. An order file that is imported
    again, a decision, an undo and a recount leave it alone, or each of them would be one more chance to be drawn.
    """
    facts = "\0".join((line.consignment_id, line.bin_id, image_id))
    return int.from_bytes(hashlib.sha256(facts.encode()).digest()[:8], "big") / DRAWS


def drawn_share(line: OrderLine, count: BinCount | None, share: float) -> float | None:
    """`share` if the line is one of this share of lines that are audited, whatever its verdict; else None."""
    if count is None or line.consignment_id == CONSIGNMENT:
        return None
    return share if draw(line, count.image.image_id) < share else None


def is_audit_of(line: OrderLine, image_id: str) -> bool:
    """Whether the line was drawn with this photo, and not with an older or a newer one of the bin."""
    return line.audit_share is not None and draw(line, image_id) < line.audit_share
