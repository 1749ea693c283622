"""The streams of the bins and consignments tables, and direct requests to reconcile.

Format: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html. The consignments stream has old and new item images.
"""

from __future__ import annotations

from typing import Any

from bintally.domain.changes import Changes
from bintally.domain.errors import InvalidEventError
from bintally.domain.names import normalised
from bintally.domain.verdicts import Verdict


def parse_changes(event: dict[str, Any]) -> Changes:
    """The changes in a stream batch, or in a request: `{"consignment_id": "C-1001"}` or `{"overdue": true}`.

    Raises InvalidEventError.
    """
    if event.get("overdue") is True:
        return Changes(overdue=True)
    if "consignment_id" in event:
        requested = str(event["consignment_id"])
        return Changes(consignments=sorted({requested, normalised(requested)}))
    try:
        changed = [record["dynamodb"] for record in event["Records"] if record["eventName"] != "REMOVE"]
        lines = [change for change in changed if "consignment_id" in change["Keys"]]
        return Changes(
            bins={change["Keys"]["bin_id"]["S"] for change in changed if "consignment_id" not in change["Keys"]},
            lines={_key(change) for change in lines if _verdict(change, "NewImage") == Verdict.PENDING},
            judged={_key(change)[0] for change in lines if _is_judged(change)},
        )
    except (KeyError, TypeError) as error:
        raise InvalidEventError(f"Neither stream records nor a consignment_id: {error!r}") from error


def _key(change: dict[str, Any]) -> tuple[str, str]:
    return change["Keys"]["consignment_id"]["S"], change["Keys"]["bin_id"]["S"]


def _verdict(change: dict[str, Any], image: str) -> str | None:
    verdict = change.get(image, {}).get("verdict", {}).get("S")
    return None if verdict is None else str(verdict)


def _is_judged(change: dict[str, Any]) -> bool:
    return _verdict(change, "NewImage") not in (Verdict.PENDING, _verdict(change, "OldImage"))
