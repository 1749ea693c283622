"""The attributes by which the consignments table keeps an order line and its verdict."""

from __future__ import annotations

import zlib

from bintally.adapters.dynamo import Item
from bintally.domain.attention import Acceptance, Attention, Group
from bintally.domain.cancellations import Cancellation
from bintally.domain.risk import Odds, odds_facts
from bintally.domain.verdicts import NOT_COUNTED, WAITING, OrderLine, Verdict

PARTITIONS = 8  # of the index ByDue, over which the lines of one order are spread


def line_from_item(item: Item) -> OrderLine:
    """The order line in a consignment item."""
    return OrderLine(
        consignment_id=item["consignment_id"],
        bin_id=item["bin_id"],
        expected=int(item["expected"]),
        due_at=item.get("due_at"),
        order_version=item["order_version"],
        verdict=Verdict(item["verdict"]),
        reason=item["reason"],
        counted=int(item["counted"]) if "counted" in item else None,
        bin_revision=int(item.get("bin_revision", 0)),
        counted_at_least=int(item["counted_at_least"]) if "counted_at_least" in item else None,
        overdue=item.get("overdue", False),
        replace_version=item.get("replace_version", ""),
        odds=_odds(item),
        attention=_attention(item),
        audit_share=float(item["audit_share"]) if "audit_share" in item else None,
        item_volume_l=float(item["item_volume_l"]) if "item_volume_l" in item else None,
        sku=item.get("sku", ""),
        accepted=_acceptance(item["accepted"]) if "accepted" in item else None,
        cancelled=Cancellation(**item["cancelled"]) if "cancelled" in item else None,
    )


def _odds(item: Item) -> Odds | None:
    if "probability_fewer" not in item:  # an older line, or nothing is known
        return None
    return Odds(float(item["probability_fewer"]), float(item["probability_more"]))


def _attention(item: Item) -> Attention | None:
    return Attention(Group(item["attention"]), item["attention_rank"]) if "attention" in item else None


def _acceptance(facts: Item) -> Acceptance:
    return Acceptance(facts["by"], facts["at"], facts["reason_code"], int(facts["bin_revision"]))


def key_of(line: OrderLine) -> dict[str, object]:
    """The key of a line in the table."""
    return {"consignment_id": line.consignment_id, "bin_id": line.bin_id}


def unjudged(line: OrderLine) -> dict[str, object]:
    """The change that makes a line PENDING, without anything that was found about it."""
    found = dict.fromkeys(("bin_revision", "overdue", "counted", "counted_at_least", "accepted", *odds_facts(None)))
    verdict = {"verdict": Verdict.PENDING.value, "reason": NOT_COUNTED}
    waits = due_partition(line, Verdict.PENDING, False)
    return {**found, **verdict, **waits, **queued(None), **audited(None)}


def queued(attention: Attention | None) -> dict[str, object]:
    """The change that adds a line to the index ByAttention, which the desk reads, or removes it."""
    if attention is None:
        return {"attention": None, "attention_rank": None}
    return {"attention": attention.group.value, "attention_rank": attention.rank}


def audited(share: float | None) -> dict[str, object]:
    """The change that marks a line as an audit, or removes the mark."""
    return {"audit": share is not None or None, "audit_share": share}


def due_partition(line: OrderLine, verdict: Verdict, overdue: bool) -> dict[str, object]:
    """The change that adds a line to the index ByDue, which the schedule reads, or removes it."""
    waits = line.due_at is not None and verdict in WAITING and not overdue
    return {"due_partition": str(zlib.crc32("\0".join(line.key).encode()) % PARTITIONS) if waits else None}
