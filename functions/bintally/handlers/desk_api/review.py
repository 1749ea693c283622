"""Routes of the review: the queue, decisions and undo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Header

from bintally.domain.bins import BinCount
from bintally.domain.decisions import Decision
from bintally.domain.errors import ChangedError, NotFoundError
from bintally.domain.queue import HANDOVER, LEASE, Lease
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine
from bintally.handlers.desk_api.access import Role, User, signed_in
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.settings import desk_settings
from bintally.handlers.desk_api.shapes import (
    Answer,
    DecisionRequest,
    ProbableRequest,
    Queue,
    QueueRequest,
    Released,
    ReleaseRequest,
    Undone,
    UndoRequest,
)
from bintally.handlers.desk_api.views import decision_view, etag_of, item_view, shown_view
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.usecases.checks import Asked, with_checks
from bintally.usecases.decide import decide, undo
from bintally.usecases.queue import next_bins, probable_bins
from bintally.usecases.shown import lines_of_bins

router = Router()  # type: ignore[no-untyped-call]


def current_user() -> User:
    return signed_in(router.current_event.raw_event)


@router.post("/api/queue")
def queue(wanted: QueueRequest) -> Queue:
    """Lease the next bins to the caller, with photos that were counted already among them."""
    now, who = datetime.now(UTC), current_user().name
    leased = next_bins(dependencies(), who, wanted.limit, now=now, second_look=settings().second_look)
    asked = [*with_checks(dependencies(), leased.counts, who, share=desk_settings().check_share, now=now)]
    lines = lines_of_bins(dependencies().orders, [each.count.bin_id for each in asked])
    items = [item_view(each, leased.until, lines, now, blind=is_hidden(each.count.bin_id, lines)) for each in asked]
    return Queue(items=items, more=leased.more, lease_seconds=int(LEASE.total_seconds()))


@router.post("/api/queue/probable")
def probable(wanted: ProbableRequest) -> Queue:
    """Lease bins that probably hold what is ordered, to confirm several at once. They show the order and the count."""
    now = datetime.now(UTC)
    who = current_user().name
    leased = probable_bins(dependencies(), who, wanted.limit, now=now, without=set(wanted.without))
    lines = lines_of_bins(dependencies().orders, [each.bin_id for each in leased.counts])
    items = [item_view(Asked(each), leased.until, lines, now, blind=False) for each in leased.counts]
    return Queue(items=items, more=leased.more, lease_seconds=int(LEASE.total_seconds()))


@router.post("/api/queue/release")
def release(given: ReleaseRequest) -> Released:
    """Give back leases of the caller."""
    released = dependencies().leases.release(set(given.bin_ids), current_user().name)
    return Released(released=len(released))


@router.post("/api/decisions")
def store_decision(
    given: DecisionRequest, if_match: Annotated[str | None, Header(alias="if-match")] = None
) -> Response[Answer]:
    """Store what a person answered, and show what was hidden. Safe to repeat with the same `decision_id`."""
    if given.cannot_tell == (given.count is not None):
        raise Problem(422, "invalid", "Give either count or cannot_tell.")
    seen, now = revision_of(if_match), datetime.now(UTC)
    blind = given.blind and is_hidden(given.bin_id, lines_of_bins(dependencies().orders, [given.bin_id]))
    wanted = Decision(
        given.bin_id, given.decision_id, given.image_id, current_user().name, "", given.count, blind,
        given.seconds, given.reason_code,
    )  # fmt: skip
    try:
        stored = decide(dependencies(), wanted, now=now, seen_revision=seen)
    except ChangedError as error:
        raise Problem(412, "changed", str(error), current=_current(count_of(given.bin_id))) from error
    if settings().second_look:  # let somebody else have it, once the stream has brought the decision to the lines
        dependencies().leases.take([Lease(given.bin_id, wanted.who, iso(now + HANDOVER))], iso(now))
    count = count_of(given.bin_id)
    shown = shown_view(count, lines_of_bins(dependencies().orders, [given.bin_id]), now)
    is_current = count.image.image_id == stored.image_id
    answer = Answer(decision=decision_view(stored), etag=etag_of(count), is_current=is_current, shown=shown)
    return Response(200, content_types.APPLICATION_JSON, answer, headers={"ETag": answer.etag})


@router.post("/api/undo")
def undo_decision(given: UndoRequest) -> Undone:
    """Undo a decision: one's own, or as a supervisor any. The bin is leased to the caller again."""
    user = current_user()
    known = [each for each in dependencies().decisions.of_bin(given.bin_id) if each.decision_id == given.decision_id]
    if any(each.who != user.name for each in known) and Role.SUPERVISOR not in user.roles:
        raise Problem(403, "forbidden", "Only a supervisor undoes what somebody else decided.")
    now = datetime.now(UTC)
    undone = undo(dependencies(), given.bin_id, given.decision_id, who=user.name, now=now)
    dependencies().leases.take([Lease(given.bin_id, user.name, iso(now + LEASE))], iso(now))
    return Undone(decision=decision_view(undone), etag=etag_of(count_of(given.bin_id)))


def is_hidden(bin_id: str, lines: Iterable[OrderLine]) -> bool:
    """Whether people don't see the order and the model's count before they answer. Audits are always like that."""
    return desk_settings().blind or any(line.audit and line.bin_id == bin_id for line in lines)


def revision_of(if_match: str | None) -> int | None:
    """The revision that the caller saw; None for any, `*`."""
    if if_match is None:
        raise Problem(428, "precondition_required", "Send the item's etag as If-Match.")
    text = if_match.removeprefix("W/").strip('"')
    if text == "*":
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1  # matches no bin


def count_of(bin_id: str) -> BinCount:
    count = dependencies().bins.read([bin_id]).get(bin_id)
    if count is None:
        raise NotFoundError(f"Bin {bin_id} has no counted photo.")
    return count


def _current(count: BinCount) -> dict[str, object]:
    decided_by = count.human.who if count.human else None
    return {"etag": etag_of(count), "image_id": count.image.image_id, "decided_by": decided_by}
