from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from bintally.adapters.dynamo import (
    deserialised,
    pages,
    put_new,
    read_each,
    serialised,
    store_errors,
    update,
    write_each,
)
from bintally.domain.errors import StoreError
from botocore.exceptions import ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.adapters.stubs import StubClient, cancelled, client_error, refusing
from tests.unit.functions.aws import client, table


@pytest.fixture
def bins(aws: None) -> str:
    return table("BinsTable")


def put(name: str, bin_id: str, note: str = "") -> dict[str, Any]:
    return put_new(name, {"bin_id": bin_id, "note": note}, "bin_id")


def held(name: str) -> dict[str, str]:
    return {item["bin_id"]: item["note"] for item in pages(client("dynamodb"), "scan", TableName=name)}


# ---- Many conditional writes


@pytest.mark.parametrize("number", [0, 1, 100, 101])
def test_none_refused(bins: str, number: int) -> None:
    names = [f"{index:04}" for index in range(number)]

    assert write_each(client("dynamodb"), [put(bins, name) for name in names]) == [None] * number

    assert sorted(held(bins)) == names


@pytest.mark.parametrize("taken", [[0], [100], [0, 50, 99, 104], list(range(105))])
def test_some_refused_and_the_others_written_in_place(bins: str, taken: list[int]) -> None:
    write_each(client("dynamodb"), [put(bins, f"{index:04}", "first") for index in taken])

    refused = write_each(client("dynamodb"), [put(bins, f"{index:04}", "second") for index in range(105)])

    assert [index for index, item in enumerate(refused) if item is not None] == taken
    assert all(item == {"bin_id": f"{index:04}", "note": "first"} for index, item in enumerate(refused) if item)
    notes = held(bins)
    assert [notes[f"{index:04}"] for index in range(105)] == [
        "first" if index in taken else "second" for index in range(105)
    ]


def test_any_subset_refused_is_told_from_the_rest(bins: str) -> None:
    choose = random.Random(17)
    for attempt in range(8):
        taken = {name for name in "abcdefghij" if choose.random() < 0.4}
        write_each(client("dynamodb"), [put(bins, f"{attempt}{name}") for name in taken])

        refused = write_each(client("dynamodb"), [put(bins, f"{attempt}{name}") for name in "abcdefghij"])

        assert {name for name, item in zip("abcdefghij", refused, strict=True) if item is not None} == taken


def test_a_write_to_what_is_not_there_is_refused_with_nothing(bins: str) -> None:
    change = update(bins, {"bin_id": "a"}, {"note": "x"}, "attribute_exists(#bin_id)")

    assert write_each(client("dynamodb"), [change]) == [{}]


def test_writes_that_conflict_go_one_by_one() -> None:
    """Another transaction on one of the items: DynamoDB cancels all, though no condition failed."""
    stub = StubClient(
        transact_write_items=refusing(cancelled("None", "TransactionConflict")),
        put_item=lambda **_: {},
        update_item=lambda **_: {},
    )
    writes = [put("bins", "a"), update("bins", {"bin_id": "b"}, {"note": "x"}, "attribute_exists(#bin_id)")]

    assert write_each(stub, writes) == [None, None]

    assert stub.of("put_item") == [writes[0]["Put"]]
    assert stub.of("update_item") == [writes[1]["Update"]]
    assert len(stub.of("transact_write_items")) == 1


def test_a_conflict_hides_no_refusal() -> None:
    def put_item(**request: Any) -> Any:
        if request["Item"]["bin_id"]["S"] == "a":
            refusal = {
                "Error": {"Code": "ConditionalCheckFailedException", "Message": ""},
                "Item": {"note": {"S": "old"}},
            }
            raise client("dynamodb").exceptions.ConditionalCheckFailedException(refusal, "PutItem")
        return {}

    stub = StubClient(
        transact_write_items=refusing(cancelled("ConditionalCheckFailed", "TransactionConflict")), put_item=put_item
    )

    assert write_each(stub, [put("bins", "a"), put("bins", "b")]) == [{"note": "old"}, None]


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "AccessDeniedException"]
)
def test_a_table_that_refuses_to_work_is_an_error(code: str) -> None:
    stub = StubClient(transact_write_items=refusing(client_error(code, "TransactWriteItems")))

    with pytest.raises(StoreError, match=f"Writing to a table: .*{code}"):
        write_each(stub, [put("bins", "a")])


def test_a_write_alone_that_fails_is_an_error_too() -> None:
    stub = StubClient(
        transact_write_items=refusing(cancelled("TransactionConflict")),
        put_item=refusing(client_error("TransactionConflictException", "PutItem")),
    )

    with pytest.raises(StoreError):
        write_each(stub, [put("bins", "a")])


def test_a_table_that_is_not_there_is_an_error(aws: None) -> None:
    dynamodb = client("dynamodb")

    with pytest.raises(StoreError, match="not found"):
        write_each(dynamodb, [put("elsewhere", "a")])
    with pytest.raises(StoreError, match="Reading elsewhere"):
        read_each(dynamodb, "elsewhere", [{"bin_id": "a"}])
    with pytest.raises(StoreError, match="Reading elsewhere"):
        list(pages(dynamodb, "scan", TableName="elsewhere"))


def test_no_connection_is_an_error_that_says_what_was_being_done() -> None:
    with pytest.raises(StoreError, match="Reading bins: Connect timeout"), store_errors("Reading bins"):
        raise ConnectTimeoutError(endpoint_url="https://dynamodb")


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), store_errors("Reading bins"):
        raise ZeroDivisionError


# ---- Reading


@pytest.mark.parametrize("number", [0, 1, 101])
def test_as_many_as_there_are_are_read(bins: str, number: int) -> None:
    names = [f"{index:04}" for index in range(number)]
    write_each(client("dynamodb"), [put(bins, name) for name in names])

    found = read_each(client("dynamodb"), bins, [{"bin_id": name} for name in [*names, "unknown"]])

    assert sorted(item["bin_id"] for item in found) == names


def test_what_dynamodb_left_for_later_is_asked_for_again_after_pauses_that_grow() -> None:
    def batch_get_item(RequestItems: Any) -> Any:  # noqa: N803
        first, *rest = RequestItems["bins"]["Keys"]
        later = {"UnprocessedKeys": {"bins": {"Keys": rest, "ConsistentRead": True}}} if rest else {}
        return {"Responses": {"bins": [first]}, **later}

    stub = StubClient(batch_get_item=batch_get_item)

    pauses: list[float] = []

    found = read_each(stub, "bins", [{"bin_id": name} for name in "abcdefghi"], pauses.append)

    assert [item["bin_id"] for item in found] == list("abcdefghi")
    assert all(request["RequestItems"]["bins"]["ConsistentRead"] is True for request in stub.of("batch_get_item"))
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_every_page_is_read(bins: str) -> None:
    names = [f"{index:04}" for index in range(25)]
    write_each(client("dynamodb"), [put(bins, name) for name in names])

    found = pages(client("dynamodb"), "scan", TableName=bins, PaginationConfig={"PageSize": 10})

    assert sorted(item["bin_id"] for item in found) == names


# ---- Values

values = st.recursive(
    st.text(max_size=5) | st.booleans() | st.integers(-(10**9), 10**9),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=4))
def test_what_is_written_is_read_back(item: dict[str, Any]) -> None:
    assert deserialised(serialised(item)) == item


@pytest.mark.parametrize(
    ("number", "stored"), [(0.84, "0.84"), (1 / 3, "0.333333"), (1e-7, "0"), (1.0, "1"), (0.0, "0")]
)
def test_floats_are_kept_to_six_decimals(number: float, stored: str) -> None:
    kept = deserialised(serialised({"share": number, "shares": {3: number}}))

    assert kept == {"share": Decimal(stored), "shares": {"3": Decimal(stored)}}


def test_what_is_none_is_left_out() -> None:
    assert serialised({"a": None, "b": ""}) == {"b": {"S": ""}}


def test_an_update_names_only_what_it_uses() -> None:
    change = update(
        "bins",
        {"bin_id": "a"},
        {"note": "x", "gone": None},
        "#note <> :held",
        {"held": "y", "unused": 1},
        increment="n",
    )["Update"]

    assert change["UpdateExpression"] == "SET #note = :note REMOVE #gone ADD #n :one"
    assert change["ExpressionAttributeNames"] == {"#note": "note", "#gone": "gone", "#n": "n"}
    assert change["ExpressionAttributeValues"] == {":note": {"S": "x"}, ":held": {"S": "y"}, ":one": {"N": "1"}}
