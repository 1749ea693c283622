from __future__ import annotations

import random
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest
from bintally.adapters.backoff import FIRST_SECONDS, MAX_SECONDS, seconds
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

from tests.unit.functions.adapters.stubs import StubClient, cancelled, client_error, exception, refusing
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


@pytest.mark.parametrize("existing_keys", [[0], [100], [0, 50, 99, 104], list(range(105))])
def test_some_refused_and_the_others_written_in_place(bins: str, existing_keys: list[int]) -> None:
    write_each(client("dynamodb"), [put(bins, f"{index:04}", "first") for index in existing_keys])

    refused = write_each(client("dynamodb"), [put(bins, f"{index:04}", "second") for index in range(105)])

    assert [index for index, item in enumerate(refused) if item is not None] == existing_keys
    assert all(item == {"bin_id": f"{index:04}", "note": "first"} for index, item in enumerate(refused) if item)
    notes = held(bins)
    assert [notes[f"{index:04}"] for index in range(105)] == [
        "first" if index in existing_keys else "second" for index in range(105)
    ]


def test_any_refused_subset_is_distinguished_from_the_rest(bins: str) -> None:
    choose = random.Random(17)
    for attempt in range(8):
        existing_keys = {name for name in "abcdefghij" if choose.random() < 0.4}
        write_each(client("dynamodb"), [put(bins, f"{attempt}{name}") for name in existing_keys])

        refused = write_each(client("dynamodb"), [put(bins, f"{attempt}{name}") for name in "abcdefghij"])

        assert {name for name, item in zip("abcdefghij", refused, strict=True) if item is not None} == existing_keys


def test_a_write_to_a_missing_item_is_refused(bins: str) -> None:
    change = update(bins, {"bin_id": "a"}, {"note": "x"}, "attribute_exists(#bin_id)")

    assert write_each(client("dynamodb"), [change]) == [{}]


class Contended:
    """A table that answers as DynamoDB does while other transactions are in progress.

    The next `conflicts` requests that write an item of `locked` conflict. An item in `existing` is refused by its
    condition.
    """

    def __init__(self, locked: set[str], conflicts: int, existing: Collection[str] = ()) -> None:
        self.locked, self.conflicts, self.existing = locked, conflicts, existing
        self.written: list[str] = []
        self.pauses: list[int] = []
        self.client = StubClient(transact_write_items=self._transact, put_item=self._write, update_item=self._write)

    def write(self, *writes: dict[str, Any]) -> list[Any]:
        return write_each(self.client, list(writes), self.pauses.append)

    def _transact(self, TransactItems: Any) -> Any:  # noqa: N803
        names = [bin_of(write) for each in TransactItems for write in each.values()]
        codes = ["ConditionalCheckFailed" if name in self.existing else "None" for name in names]
        if self._conflict(names):
            codes = ["TransactionConflict" if n in self.locked else c for n, c in zip(names, codes, strict=True)]
        if set(codes) != {"None"}:
            raise cancelled(*codes)
        self.written += names
        return {}

    def _write(self, **request: Any) -> Any:
        if self._conflict([bin_of(request)]):
            raise exception("TransactionConflictException", "PutItem")
        if bin_of(request) in self.existing:
            raise exception("ConditionalCheckFailedException", "PutItem")
        self.written.append(bin_of(request))
        return {}

    def _conflict(self, names: list[str]) -> bool:
        if self.locked.isdisjoint(names) or not self.conflicts:
            return False
        self.conflicts -= 1
        return True


def bin_of(request: dict[str, Any]) -> str:
    return str((request.get("Item") or request["Key"])["bin_id"]["S"])


def test_a_transaction_that_conflicts_is_sent_again_after_pauses() -> None:
    table = Contended({"b"}, conflicts=2)

    assert table.write(put("bins", "a"), put("bins", "b")) == [None, None]

    assert (table.written, table.pauses) == (["a", "b"], [0, 1])
    assert len(table.client.requests) == 3


def test_a_conflict_hides_no_refusal() -> None:
    table = Contended({"b"}, conflicts=1, existing=["a"])

    assert table.write(put("bins", "a"), put("bins", "b")) == [{}, None]


def test_after_many_conflicts_the_writes_go_one_by_one() -> None:
    table = Contended({"b"}, conflicts=8)
    change = update("bins", {"bin_id": "b"}, {"note": "x"}, "attribute_exists(#bin_id)")

    assert table.write(put("bins", "a"), change, put("bins", "c")) == [None] * 3

    assert table.written == ["a", "b", "c"]
    assert table.pauses == [0, 1, 2, 3, 4, 5, 0, 1]


def test_an_item_in_constant_conflict_is_an_error_after_a_bounded_number_of_attempts() -> None:
    table = Contended({"a"}, conflicts=1_000)

    with pytest.raises(StoreError, match="held an item of bins at each of 6 attempts"):
        table.write(put("bins", "a"))

    assert len(table.client.requests) == 12


def test_pauses_are_random_and_bounded() -> None:
    slept = [seconds(attempt) for attempt in range(20)]

    assert all(0 <= each <= min(MAX_SECONDS, FIRST_SECONDS * 2**number) for number, each in enumerate(slept))
    assert len(set(slept)) == 20


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "AccessDeniedException"]
)
def test_a_failing_table_is_an_error(code: str) -> None:
    stub = StubClient(transact_write_items=refusing(client_error(code, "TransactWriteItems")))

    with pytest.raises(StoreError, match=f"Writing to a table: .*{code}"):
        write_each(stub, [put("bins", "a")])


def test_a_failing_single_write_is_an_error() -> None:
    stub = StubClient(
        transact_write_items=refusing(cancelled("ThrottlingError")),
        put_item=refusing(client_error("ThrottlingException", "PutItem")),
    )

    with pytest.raises(StoreError):
        write_each(stub, [put("bins", "a")])


def test_a_missing_table_is_an_error(aws: None) -> None:
    dynamodb = client("dynamodb")

    with pytest.raises(StoreError, match="not found"):
        write_each(dynamodb, [put("elsewhere", "a")])
    with pytest.raises(StoreError, match="Reading elsewhere"):
        read_each(dynamodb, "elsewhere", [{"bin_id": "a"}])
    with pytest.raises(StoreError, match="Reading elsewhere"):
        list(pages(dynamodb, "scan", TableName="elsewhere"))


def test_no_connection_is_an_error_that_names_the_operation() -> None:
    with pytest.raises(StoreError, match="Reading bins: Connect timeout"), store_errors("Reading bins"):
        raise ConnectTimeoutError(endpoint_url="https://dynamodb")


def test_other_errors_are_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), store_errors("Reading bins"):
        raise ZeroDivisionError


# ---- Reading


@pytest.mark.parametrize("number", [0, 1, 101])
def test_any_number_of_items_is_read(bins: str, number: int) -> None:
    names = [f"{index:04}" for index in range(number)]
    write_each(client("dynamodb"), [put(bins, name) for name in names])

    found = read_each(client("dynamodb"), bins, [{"bin_id": name} for name in [*names, "unknown"]])

    assert sorted(item["bin_id"] for item in found) == names


def test_unprocessed_keys_are_requested_again_with_growing_pauses() -> None:
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
def test_written_items_are_read_back(item: dict[str, Any]) -> None:
    assert deserialised(serialised(item)) == item


@pytest.mark.parametrize(
    ("number", "stored"), [(0.84, "0.84"), (1 / 3, "0.333333"), (1e-7, "0"), (1.0, "1"), (0.0, "0")]
)
def test_floats_are_kept_to_six_decimals(number: float, stored: str) -> None:
    kept = deserialised(serialised({"share": number, "shares": {3: number}}))

    assert kept == {"share": Decimal(stored), "shares": {"3": Decimal(stored)}}


def test_none_is_omitted() -> None:
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
