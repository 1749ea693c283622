"""Adjustments as JSON for warehouse management systems.

The names are those of Oracle WMS Cloud's API for the inventory of an active location, which takes an `actual_qty`: it
corrects the stock to what was counted, so sending it twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from bintally.domain.adjustments import Adjustment

from bincli.deployment import Deployment
from bincli.export.formats import complete

PER_READ = 100  # order lines that are read at a time, for their SKU
DEFAULT_REASON = "COUNT"  # of a decision without a reason code: a WMS insists on one


def write_wms(target: Path, deployment: Deployment, found: Sequence[Adjustment]) -> int:
    """Write the adjustments as one JSON document. Returns their number."""
    records = [wms_record(each, sku) for each, sku in zip(found, skus_of(deployment, found), strict=True)]
    with complete(target) as unfinished:
        unfinished.write_text(json.dumps({"adjustments": records}, indent=1) + "\n")
    return len(records)


def skus_of(deployment: Deployment, found: Sequence[Adjustment]) -> Iterator[str]:
    """The SKU of the order line of each adjustment, or "" if the line states none."""
    remaining = iter(found)
    while part := list(islice(remaining, PER_READ)):
        lines = deployment.orders.read({(each.consignment_id, each.bin_id) for each in part})
        for each in part:
            line = lines.get((each.consignment_id, each.bin_id))
            yield line.sku if line else ""


def wms_record(adjustment: Adjustment, sku: str) -> Mapping[str, Any]:
    """`transaction_ref_nbr` names the adjustment: the same one has the same number in each export."""
    facts = adjustment.bin_id, adjustment.consignment_id, adjustment.when, str(adjustment.counted)
    return {
        "transaction_ref_nbr": sha256("\0".join(facts).encode()).hexdigest()[:20],
        "location_barcode": adjustment.bin_id,
        "item_alternate_code": sku or None,
        "actual_qty": adjustment.counted,
        "expected_qty": adjustment.expected,
        "difference_qty": adjustment.difference,
        "reason_code": adjustment.reason or DEFAULT_REASON,
        "order_nbr": adjustment.consignment_id,
        "counted_by": adjustment.who,
        "counted_at": adjustment.when,
    }
