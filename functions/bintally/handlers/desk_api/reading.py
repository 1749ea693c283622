"""Routes that show bins, photos and order lines."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from bintally.domain.attention import Group
from bintally.domain.bins import BinCount
from bintally.domain.errors import NotFoundError
from bintally.domain.history import Kind
from bintally.domain.history import Moment as Happened
from bintally.domain.names import MAX_BYTES, normalised
from bintally.domain.verdicts import OrderLine, Verdict
from bintally.handlers.desk_api.access import Role, signed_in
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.settings import desk_settings
from bintally.handlers.desk_api.shapes import Photo
from bintally.handlers.desk_api.shapes_reading import Bin, Lines, Moment
from bintally.handlers.desk_api.views import (
    decided_view,
    decision_view,
    etag_of,
    line_view,
    photo_view,
    shown_view,
)
from bintally.handlers.wiring import dependencies
from bintally.usecases.history import history
from bintally.usecases.shown import lines_of_bins
from bintally.usecases.waiting import Place, waiting_lines

router = Router()  # type: ignore[no-untyped-call]
TELLING = (Kind.RESULT, Kind.ORDER, Kind.VERDICT)  # moments with numbers that a blind count must not know

Id = Annotated[str, Query(min_length=1, max_length=MAX_BYTES)]


@router.get("/api/photo")
def photo(id: Id) -> Photo:
    """A new address of a photo."""
    entry = dependencies().ledger.read([id]).get(id)
    if entry is None:
        raise NotFoundError("There is no such photo.")
    return photo_view(entry.image, datetime.now(UTC))


@router.get("/api/bin")
def one_bin(id: Id) -> Bin:
    """A bin with its history."""
    bin_id = id if id in dependencies().bins.read([id]) else normalised(id)
    moments = history(dependencies(), bin_id)
    if not moments:
        raise NotFoundError("There is no such bin: it has no photo and no order.")
    count, now = dependencies().bins.read([bin_id]).get(bin_id), datetime.now(UTC)
    hidden = is_hidden(count)
    shown = None if hidden or count is None else shown_view(count, lines_of_bins(dependencies().orders, [bin_id]), now)
    return Bin(
        bin_id=bin_id,
        etag=etag_of(count) if count else None,
        image_id=count.image.image_id if count else None,
        captured_at=count.image.captured_at if count else None,
        photo=photo_view(count.image, now) if count else None,
        decided=decided_view(count) if count else None,
        shown=shown,
        moments=[_moment_view(each) for each in moments if not (hidden and each.kind in TELLING)],
        decisions=[decision_view(each) for each in dependencies().decisions.of_bin(bin_id)],
    )


def is_hidden(count: BinCount | None) -> bool:
    """Whether the user must not see the numbers of a bin, because they may still count it blind."""
    roles = signed_in(router.current_event.raw_event).roles
    return desk_settings().blind and roles == {Role.COUNTER} and (count is None or count.human is None)


def _moment_view(moment: Happened) -> Moment:
    return Moment(**{**asdict(moment), "kind": str(moment.kind)})


@router.get("/api/lines")
def lines(
    group: Group = Group.LOOK,
    verdict: Verdict | None = None,
    overdue: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=4096)] = "",
) -> Lines:
    """The order lines that wait for people, worst first."""

    def accepts(line: OrderLine) -> bool:
        return (verdict is None or line.verdict is verdict) and (line.overdue or not overdue)

    page = waiting_lines(dependencies().orders, group, accepts, limit, place_in(after) if after else None)
    return Lines(lines=[line_view(line) for line in page.lines], next=text_of(page.end) if page.end else None)


def text_of(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def place_in(text: str) -> Place:
    """The place in the `after` of a page. Raises Problem."""
    try:
        rank, consignment_id, bin_id = json.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise Problem(422, "invalid", "`after` must be the `next` of a page.") from error
    if not all(isinstance(part, str) and part for part in (rank, consignment_id, bin_id)):
        raise Problem(422, "invalid", "`after` must be the `next` of a page.")
    return rank, consignment_id, bin_id
