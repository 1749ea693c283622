"""Routes of checks: answers about photos that were counted already, and how well they agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

from aws_lambda_powertools.event_handler.api_gateway import Router

from bintally.domain.checks import CHECK_DAYS, Basis, Check, agreement
from bintally.domain.decisions import Decision
from bintally.handlers.desk_api.access import Role, signed_in
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.settings import desk_settings
from bintally.handlers.desk_api.shapes_checks import (
    CheckAgreement,
    CheckAnswer,
    CheckRequest,
    Checks,
    DifferingCheck,
    PersonChecks,
)
from bintally.handlers.wiring import dependencies
from bintally.usecases.checks import answer_check, recent_checks

router = Router()  # type: ignore[no-untyped-call]
MAX_SHOWN = 50  # differing answers, the newest first


@router.post("/api/checks")
def store_check(given: CheckRequest) -> CheckAnswer:
    """Store what a person answered about a photo that was counted already. It changes no count. Safe to repeat."""
    if given.cannot_tell == (given.count is not None):
        raise Problem(422, "invalid", "Give either count or cannot_tell.")
    who, now = signed_in(router.current_event.raw_event).name, datetime.now(UTC)
    said = Decision(given.bin_id, "check", given.image_id, who, "", given.count, blind=True, seconds=given.seconds)
    check = answer_check(dependencies(), said, given.after, share=desk_settings().check_share, now=now)
    return CheckAnswer(known=check.known, basis=str(check.basis))


@router.get("/api/checks")
def checks() -> Checks:
    """How often people say the same again, about photos that were counted already."""
    found = recent_checks(dependencies().checks, now=datetime.now(UTC))
    is_supervisor = Role.SUPERVISOR in signed_in(router.current_event.raw_event).roles
    differing = [each for each in reversed(found) if each.count is not None and not each.is_same]
    return Checks(
        days=CHECK_DAYS,
        by_basis={str(basis): _agreement(each for each in found if each.basis is basis) for basis in Basis},
        by_person=_by_person(found) if is_supervisor else [],
        differing=[_differing(each) for each in differing[:MAX_SHOWN]] if is_supervisor else [],
    )


def _agreement(found: Iterable[Check]) -> CheckAgreement:
    return CheckAgreement(**asdict(agreement(found)))


def _by_person(found: Iterable[Check]) -> list[PersonChecks]:
    checks = list(found)
    people = sorted({each.who for each in checks})
    return [PersonChecks(who=who, **asdict(agreement(each for each in checks if each.who == who))) for who in people]


def _differing(check: Check) -> DifferingCheck:
    facts = asdict(check)
    return DifferingCheck(**{name: facts[name] for name in DifferingCheck.model_fields})
