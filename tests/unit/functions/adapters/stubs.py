"""Clients with responses that a test gives, where moto can't produce them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.unit.functions.aws import client


class StubClient:
    """Each operation returns or raises what a function does; the requests are recorded."""

    def __init__(self, service: str = "dynamodb", **operations: Callable[..., Any]) -> None:
        self.exceptions = client(service).exceptions
        self.requests: list[tuple[str, dict[str, Any]]] = []
        for name, answer in operations.items():
            setattr(self, name, self._recording(name, answer))

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.requests if name == operation]

    def _recording(self, name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        def operation(**request: Any) -> Any:
            self.requests.append((name, request))
            return answer(**request)

        return operation


def refusing(error: Exception) -> Callable[..., Any]:
    """An operation that raises `error`."""

    def operation(**request: Any) -> Any:
        raise error

    return operation


def client_error(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} happened"}}, operation)


def exception(name: str, operation: str) -> Exception:
    """An error of DynamoDB's that has a class of its own."""
    error: Exception = getattr(client("dynamodb").exceptions, name)({"Error": {"Code": name, "Message": ""}}, operation)
    return error


def cancelled(*codes: str) -> Exception:
    """A transaction that DynamoDB cancelled, with a reason for each of its writes."""
    reasons = [{"Code": code} for code in codes]
    response = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
    return client("dynamodb").exceptions.TransactionCanceledException(response, "TransactWriteItems")  # type: ignore[no-any-return]
