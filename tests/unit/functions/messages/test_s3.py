from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote_plus

import pytest
from bintally.domain.errors import InvalidEventError
from bintally.domain.image import Image
from bintally.domain.objects import StoredObject, padded_sequencer
from bintally.messages.s3 import objects_in_bucket
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.functions.examples import HOSTILE_KEYS
from tests.unit.functions.handlers.lambdas import bodies, notification

BUCKET = "bintally-intake-000000000000-us-east-1"


def objects(body: Any) -> list[StoredObject]:
    return objects_in_bucket(body if isinstance(body, str) else json.dumps(body), BUCKET)


def event_bridge(**changes: Any) -> dict[str, Any]:
    body = deepcopy(bodies("intake/s3-eventbridge.json")[0])
    body["detail"]["object"] |= changes
    return body


# ---- S3


def test_a_notification_of_s3() -> None:
    (found,) = objects(notification("P-17-C/photo+1%C3%A9.jpg", "0068173A2E", versionId="v1"))

    assert found == StoredObject(
        bucket=BUCKET,
        key="P-17-C/photo 1é.jpg",
        version_id="v1",
        sequencer=padded_sequencer("0068173A2E"),
        put_at="2026-05-04T08:15:30.123Z",
    )


def test_a_notification_of_event_bridge() -> None:
    (found,) = objects(event_bridge(key="P-18-A/photo + 2%20.jpg"))

    assert found == StoredObject(
        bucket=BUCKET,
        key="P-18-A/photo + 2%20.jpg",
        version_id="UIORUnfndfhnw89493jJFJ.mBNR4ak92",
        sequencer=padded_sequencer("0068173A521F3A90C4"),
        put_at="2026-05-04T08:16:02.000Z",
    )


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_is_the_same_in_both_forms(key: str) -> None:
    (encoded,) = objects(notification(quote_plus(key, safe="/")))
    (fully_encoded,) = objects(notification(quote_plus(key)))
    (plain,) = objects(event_bridge(key=key))

    assert encoded.key == fully_encoded.key == plain.key == key


def test_one_message_may_tell_of_several_objects() -> None:
    one, other = notification("a.jpg"), notification("b.jpg")

    assert [found.key for found in objects({"Records": one["Records"] + other["Records"]})] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("version", [None, "", "null"])
def test_a_bucket_without_versions_has_none(version: str | None) -> None:
    assert objects(notification(versionId=version))[0].version_id is None
    assert objects(event_bridge(**{"version-id": version}))[0].version_id is None


def test_the_test_event_of_s3_names_no_object() -> None:
    assert objects(bodies("intake/s3-test-event.json")[0]) == []


@pytest.mark.parametrize(
    "name", ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "ObjectRestore:Completed", "TestEvent"]
)
def test_events_other_than_creation_name_no_object(name: str) -> None:
    body = notification()
    body["Records"][0]["eventName"] = name

    assert objects(body) == []
    assert objects(event_bridge() | {"detail-type": "Object Deleted"}) == []


@pytest.mark.parametrize(
    "name",
    ["ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload"],
)
def test_every_way_of_creating_an_object_counts(name: str) -> None:
    body = notification()
    body["Records"][0]["eventName"] = name

    assert len(objects(body)) == 1


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "3.0"])
def test_newer_forms_with_unknown_fields_are_read(version: str) -> None:
    body = notification()
    body["Records"][0] |= {"eventVersion": version, "glacierEventData": {"new": [1]}, "extra": None}

    assert len(objects(body)) == 1


def test_a_key_that_reads_like_a_test_event_is_a_key() -> None:
    assert [found.key for found in objects(notification("s3%3ATestEvent"))] == ["s3:TestEvent"]


@pytest.mark.parametrize("bucket", ["elsewhere", "", BUCKET.upper(), f"{BUCKET}x", None, 17])
def test_another_bucket_is_refused(bucket: Any) -> None:
    forged = notification()
    forged["Records"][0]["s3"]["bucket"]["name"] = bucket
    of_event_bridge = event_bridge()
    of_event_bridge["detail"]["bucket"]["name"] = bucket

    for body in (forged, of_event_bridge):
        with pytest.raises(InvalidEventError):
            objects(body)


def test_one_forged_record_spoils_its_message() -> None:
    forged = notification()
    forged["Records"][0]["s3"]["bucket"]["name"] = "elsewhere"

    with pytest.raises(InvalidEventError, match=f"names the bucket elsewhere; expected {BUCKET}"):
        objects({"Records": notification()["Records"] + forged["Records"]})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "17",
        '"text"',
        "{}",
        '{"Records": null}',
        '{"Records": [null]}',
        '{"Records": [{}]}',
        "{",
        "[" * 99_999,
    ],
)
def test_a_message_that_is_not_a_notification_is_refused(body: str) -> None:
    with pytest.raises(InvalidEventError):
        objects(body)


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    yield from (found for name, value in inner for found in leaves(value, (*path, name)))
    yield path


def replaced(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = deepcopy(node)
    place = copy
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return copy


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["\ud800", "x" * 1025, "%ff", "%00"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=300)
@given(st.data())
def test_any_mutated_message_is_refused_or_gives_storable_objects(data: st.DataObject) -> None:
    """An accepted message shares a delivery with a thousand others, and must not break it."""
    body = data.draw(st.sampled_from([notification("a/b.jpg"), event_bridge()]))
    path = data.draw(st.sampled_from(list(leaves(body))))
    try:
        found = objects(replaced(body, path, data.draw(anything)))
    except InvalidEventError:
        return
    for each in found:
        assert each.bucket == BUCKET
        assert 1 <= len(each.key.encode()) <= 1024
        assert each.version_id is None or (isinstance(each.version_id, str) and each.version_id.encode())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each.put_at)
        assert each.sequencer.encode()
        assert Image(each.bucket, each.key, each.version_id, each.sequencer, each.put_at, "bin").image_id
