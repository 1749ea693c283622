"""Routes about who is signed in, and how to."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import Router

from bintally.domain.queue import LEASE, MAX_ITEMS
from bintally.handlers.desk_api.access import signed_in
from bintally.handlers.desk_api.settings import desk_settings
from bintally.handlers.desk_api.shapes import Config, Me
from bintally.handlers.settings import settings

router = Router()  # type: ignore[no-untyped-call]


@router.get("/api/config")
def config() -> Config:
    """What the page needs before anybody has signed in. Nothing here is secret."""
    desk = desk_settings()
    return Config(
        client_id=desk.client_id,
        issuer=desk.issuer,
        authorize_url=f"{desk.sign_in_url}/oauth2/authorize",
        token_url=f"{desk.sign_in_url}/oauth2/token",
        logout_url=f"{desk.sign_in_url}/logout",
        blind=desk.blind,
        second_look=settings().second_look,
        lease_seconds=int(LEASE.total_seconds()),
        queue_limit=MAX_ITEMS,
        site_zone=settings().zone.key,
    )


@router.get("/api/me")
def me() -> Me:
    """The user and their roles."""
    user = signed_in(router.current_event.raw_event)
    return Me(name=user.name, role=user.strongest, roles=sorted(user.roles))
