"""Who may do what at the desk: one table. What it does not name is denied to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bintally.handlers.desk_api.problems import Problem


class Role(StrEnum):
    """A group of the user pool, the strongest last."""

    VIEWER = "viewer"
    COUNTER = "counter"
    SUPERVISOR = "supervisor"


ANYBODY = None  # without signing in
SIGNED_IN: frozenset[Role] = frozenset()  # also without a role
ALL = frozenset(Role)
READERS = frozenset({Role.VIEWER, Role.SUPERVISOR})
SUPERVISORS = frozenset({Role.SUPERVISOR})
COUNTERS = frozenset({Role.COUNTER, Role.SUPERVISOR})

# (method, path) → a user needs one of these roles. Paths are exact: ids are in queries and bodies.
ACCESS: Mapping[tuple[str, str], frozenset[Role] | None] = {
    ("GET", "/api/config"): ANYBODY,
    ("GET", "/api/me"): SIGNED_IN,
    ("GET", "/api/openapi.json"): ALL,
    ("POST", "/api/queue"): COUNTERS,
    ("POST", "/api/queue/release"): COUNTERS,
    ("POST", "/api/queue/probable"): SUPERVISORS,
    ("POST", "/api/decisions"): COUNTERS,
    ("POST", "/api/undo"): COUNTERS,
    ("POST", "/api/checks"): COUNTERS,
    ("GET", "/api/checks"): ALL,
    ("GET", "/api/photo"): ALL,
    ("GET", "/api/bin"): ALL,
    ("GET", "/api/lines"): READERS,
    ("GET", "/api/consignments"): READERS,
    ("GET", "/api/consignment"): READERS,
    ("POST", "/api/accept"): SUPERVISORS,
    ("POST", "/api/recount"): SUPERVISORS,
    ("GET", "/api/today"): ALL,
    ("GET", "/api/audits"): ALL,
    ("GET", "/api/export.csv"): READERS,
    ("POST", "/api/uploads"): COUNTERS,
    ("POST", "/api/photos"): COUNTERS,
    ("POST", "/api/orders"): SUPERVISORS,
}


@dataclass(frozen=True)
class User:
    """Who asks. `name` is that of the user pool."""

    name: str
    roles: frozenset[Role]

    @property
    def strongest(self) -> Role | None:
        return max(self.roles, key=list(Role).index, default=None)


def user_of(event: Mapping[str, Any]) -> User | None:
    """The user whose access token API Gateway has checked; None without one.

    API Gateway passes a list of groups as `[counter viewer]`.
    """
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    if claims.get("token_use") != "access" or not claims.get("username"):
        return None
    groups = str(claims.get("cognito:groups", "")).strip("[]").replace(",", " ").split()
    return User(claims["username"], frozenset(role for role in Role if role in groups))


def signed_in(event: Mapping[str, Any]) -> User:
    """The user who asks. Raises Problem without one."""
    if user := user_of(event):
        return user
    raise Problem(401, "unauthenticated", "Sign in, and send the access token.")


def check_access(event: Mapping[str, Any]) -> None:
    """Raises Problem unless the table lets whoever asks use this route."""
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    needed = ACCESS.get((method, path), ALL)
    if needed is ANYBODY:
        return
    user = signed_in(event)
    if (method, path) not in ACCESS:
        raise Problem(404, "not_found", f"There is no {method} {path}.")
    if needed and not needed & user.roles:
        raise Problem(403, "forbidden", f"This needs one of the roles {', '.join(sorted(needed))}.")
