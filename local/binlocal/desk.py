"""The desk on the local stack: its address, and users with passwords that only this run knows."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLES = ("supervisor", "counter", "viewer")
# What UpdateUserPoolClient would reset if it were left out.
KEPT = (
    "ClientName",
    "RefreshTokenValidity",
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AllowedOAuthFlowsUserPoolClient",
    "PreventUserExistenceErrors",
    "EnableTokenRevocation",
)


@dataclass(frozen=True)
class Desk:
    """Where the desk is, and the password of each user. A user has the role that is its name."""

    address: str
    passwords: Mapping[str, str]


def open_desk(cognito: Any, outputs: Mapping[str, str], endpoint: str) -> Desk | None:
    """Let people sign in at the local address, and create a user for each role; None if the stack has no desk."""
    if not {"DeskApi", "DeskUsers", "DeskClient"} <= outputs.keys():
        return None
    address = f"{endpoint}/_aws/execute-api/{outputs['DeskApi']}/$default/"
    pool = outputs["DeskUsers"]
    _allow_address(cognito, pool, outputs["DeskClient"], address)
    return Desk(address, {role: _create_user(cognito, pool, role) for role in ROLES})


def _allow_address(cognito: Any, pool: str, client_id: str, address: str) -> None:
    """The template names the address that the desk has on AWS."""
    client = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client_id)["UserPoolClient"]
    kept = {name: client[name] for name in KEPT if name in client}
    urls = {"CallbackURLs": [address], "LogoutURLs": [address]}
    cognito.update_user_pool_client(UserPoolId=pool, ClientId=client_id, **kept, **urls)


def _create_user(cognito: Any, pool: str, role: str) -> str:
    """The password of the new user. It meets the pool's policy, which asks for capitals and digits."""
    password = f"{secrets.token_urlsafe(12)}aA1"
    cognito.admin_create_user(UserPoolId=pool, Username=role, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=role, Password=password, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=role, GroupName=role)
    return password
