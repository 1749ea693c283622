from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.dynamo import serialised
from bintally.domain.errors import StoreError
from bintally.domain.verdicts import Finding, Verdict

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import LATER, NOON, order_line


@pytest.fixture
def orders(aws: None) -> DynamoOrders:
    return DynamoOrders(client("dynamodb"), table("ConsignmentsTable"))


def test_an_item_shows_what_is_expected_and_found(orders: DynamoOrders) -> None:
    orders.put([order_line(3, due=LATER)], NOON)
    orders.judge([(order_line(3, due=LATER), Finding(Verdict.SHORT, "Fewer.", 2), 4)], LATER)

    key = {"consignment_id": {"S": "C-1"}, "bin_id": {"S": "P-17-C"}}
    item = client("dynamodb").get_item(TableName=table("ConsignmentsTable"), Key=key)["Item"]

    assert item == key | {
        "expected": {"N": "3"},
        "due_at": {"S": LATER},
        "order_version": {"S": "1"},
        "imported_at": {"S": NOON},
        "verdict": {"S": "SHORT"},
        "reason": {"S": "Fewer."},
        "counted": {"N": "2"},
        "bin_revision": {"N": "4"},
        "judged_at": {"S": LATER},
    }


def test_reading_ends_at_the_page_with_a_pending_line(aws: None) -> None:
    dynamodb = client("dynamodb")
    orders = DynamoOrders(dynamodb, table("ConsignmentsTable"))
    for number in range(150):
        facts = {"expected": 1, "order_version": "1", "verdict": "PENDING" if number == 60 else "MATCH", "reason": "-"}
        item = serialised({"consignment_id": "C-1", "bin_id": f"bin-{number:04}", **facts})
        dynamodb.put_item(TableName=table("ConsignmentsTable"), Item=item)
    pages: list[int] = []

    def note(parsed: Any, **_: Any) -> None:
        pages.append(parsed["Count"])

    dynamodb.meta.events.register("after-call.dynamodb.Query", note)

    assert orders.unless_pending("C-1") == []

    dynamodb.meta.events.unregister("after-call.dynamodb.Query", note)
    assert pages == [100]


def test_an_overtaken_import_reads_again() -> None:
    """Between its read and its write another import writes the line: first an older version, then a newer one."""
    meanwhile = ["2", "4"]
    held = {"version": "1"}
    dynamodb = client("dynamodb")

    def batch_get_item(RequestItems: Any) -> Any:  # noqa: N803
        item = {
            "consignment_id": {"S": "C-1"},
            "bin_id": {"S": "P-17-C"},
            "expected": {"N": "1"},
            "order_version": {"S": held["version"]},
            "verdict": {"S": "PENDING"},
            "reason": {"S": "Not counted yet."},
        }
        return {"Responses": {"orders": [item]}}

    def transact_write_items(TransactItems: Any) -> Any:  # noqa: N803
        held["version"] = meanwhile.pop(0)
        reasons = [{"Code": "ConditionalCheckFailed", "Item": {"order_version": {"S": held["version"]}}}]
        response = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
        raise dynamodb.exceptions.TransactionCanceledException(response, "TransactWriteItems")

    stub = StubClient(batch_get_item=batch_get_item, transact_write_items=transact_write_items)

    DynamoOrders(stub, "orders").put([replace(order_line(3), order_version="3")], NOON)

    conditions = [
        request["TransactItems"][0]["Update"]["ExpressionAttributeValues"][":held"]
        for request in stub.of("transact_write_items")
    ]
    assert conditions == [{"S": "1"}, {"S": "2"}]


def test_all_lines_are_listed(orders: DynamoOrders) -> None:
    orders.put([order_line(1, bin_id=f"{number}", consignment=f"C-{number % 3}") for number in range(12)], NOON)

    assert len(list(orders.all())) == 12


def test_many_bins_are_looked_up(orders: DynamoOrders) -> None:
    orders.put([order_line(1, bin_id=f"{number}") for number in range(30)], NOON)

    assert len(orders.of_bins([f"{number}" for number in range(40)])) == 30


def test_a_lookup_that_fails_is_an_error() -> None:
    stub = StubClient(query=refusing(client_error("ThrottlingException", "Query")))
    stub.get_paginator = lambda operation: SimpleNamespace(paginate=getattr(stub, operation))  # type: ignore[attr-defined]

    with pytest.raises(StoreError, match="ThrottlingException"):
        DynamoOrders(stub, "orders").of_bins(["a", "b"])


def test_a_new_line_that_a_newer_import_writes_meanwhile_is_not_overwritten(orders: DynamoOrders) -> None:
    class Overtaken:
        """The client; between a read and the following write another import writes the line."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client("dynamodb"), name)

        def batch_get_item(self, **request: Any) -> Any:
            found = client("dynamodb").batch_get_item(**request)
            orders.put([replace(order_line(3), order_version="2")], NOON)
            return found

    DynamoOrders(Overtaken(), table("ConsignmentsTable")).put([order_line(5)], LATER)

    (line,) = orders.all()
    assert (line.expected, line.order_version) == (3, "2")
