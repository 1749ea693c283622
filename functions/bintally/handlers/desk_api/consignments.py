"""Routes that show consignments, and by which supervisors act on their lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from bintally.domain.bins import BinCount
from bintally.domain.errors import NotFoundError
from bintally.domain.names import MAX_BYTES, normalised
from bintally.domain.verdicts import OrderLine, Verdict, consignment_verdict
from bintally.handlers.desk_api.access import signed_in
from bintally.handlers.desk_api.shapes import Photo
from bintally.handlers.desk_api.shapes_consignments import (
    AcceptRequest,
    Consignment,
    ConsignmentLine,
    Consignments,
    Recounting,
    RecountRequest,
    WaitingConsignment,
)
from bintally.handlers.desk_api.shapes_reading import Line
from bintally.handlers.desk_api.views import decided_view, etag_of, line_view, photo_view
from bintally.handlers.wiring import dependencies
from bintally.usecases.accept import accept
from bintally.usecases.recount import recount_photo
from bintally.usecases.waiting import waiting_consignments

router = Router()  # type: ignore[no-untyped-call]
MAX_LINES = 500  # of a group, that the list of consignments is made of
PHOTOS = 100  # addresses of photos in a reply; the others are asked for one by one


@router.get("/api/consignments")
def consignments() -> Consignments:
    """The consignments with lines that wait for people, what is due first first, then the riskiest."""
    found, is_complete = waiting_consignments(dependencies().orders, MAX_LINES)
    shown = [WaitingConsignment(**{**asdict(each), "verdict": str(each.verdict)}) for each in found]
    return Consignments(consignments=shown, complete=is_complete)


@router.get("/api/consignment")
def consignment(id: Annotated[str, Query(min_length=1, max_length=MAX_BYTES)]) -> Consignment:
    """A consignment with all its lines, worst first."""
    found = dependencies().orders.of_consignment(id) or dependencies().orders.of_consignment(normalised(id))
    if not found:
        raise NotFoundError("There is no such consignment.")
    tally = Counter(str(line.verdict) for line in found)
    return Consignment(
        consignment_id=found[0].consignment_id,
        verdict=str(consignment_verdict(line.verdict for line in found)),
        tally={verdict: tally[verdict] for verdict in Verdict if tally[verdict]},
        lines=_with_photos(sorted(found, key=_worst_first)),
    )


@router.post("/api/accept")
def accept_line(given: AcceptRequest) -> Line:
    """Accept the verdict on a line, so that it waits no longer."""
    key, who = (given.consignment_id, given.bin_id), signed_in(router.current_event.raw_event).name
    accepted = accept(dependencies().orders, key, who=who, reason_code=given.reason_code, now=datetime.now(UTC))
    return line_view(accepted)


@router.post("/api/recount")
def recount(given: RecountRequest) -> Recounting:
    """Have the model count a photo again, for example after a change of the model."""
    recount_photo(dependencies().ledger, given.bin_id, given.image_id, now=datetime.now(UTC))
    return Recounting(image_id=given.image_id)


def _with_photos(lines: Sequence[OrderLine]) -> list[ConsignmentLine]:
    counts = dependencies().bins.read([line.bin_id for line in lines])
    now = datetime.now(UTC)
    photos = {each.bin_id: photo_view(each.image, now) for line in lines[:PHOTOS] if (each := counts.get(line.bin_id))}
    return [_with_photo(line, counts.get(line.bin_id), photos.get(line.bin_id)) for line in lines]


def _with_photo(line: OrderLine, count: BinCount | None, photo: Photo | None) -> ConsignmentLine:
    return ConsignmentLine(
        **line_view(line).model_dump(),
        image_id=count.image.image_id if count else None,
        etag=etag_of(count) if count else None,
        photo=photo,
        decided=decided_view(count) if count else None,
    )


def _worst_first(line: OrderLine) -> tuple[object, ...]:
    return list(Verdict).index(line.verdict), -(line.risk or 0.0), line.bin_id
