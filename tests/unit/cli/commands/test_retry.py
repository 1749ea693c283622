from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from bincli.commands.retry import Retried, reopen, view
from bintally.domain.image import Image, Status

from tests.unit.cli.moto_stack import NOW, MotoStack
from tests.unit.cli.printing import Printed

MOMENT = datetime.fromisoformat(NOW)


def retried(stack: MotoStack, *names: str, every: bool = False) -> list[Retried]:
    return reopen(stack.deployment, names, every=every, now=MOMENT)


def status_of(stack: MotoStack, image: Image) -> Status:
    return stack.ledger.read([image.image_id])[image.image_id].status


def test_a_photo_is_named_by_key_by_address_or_by_id(stack: MotoStack) -> None:
    images = stack.finished("a/1.jpg", "a/2.jpg", "a/3.jpg", status=Status.FAILED)

    found = retried(stack, images[0].key, images[1].uri, images[2].image_id)

    assert sorted(each.key for each in found if each.retried) == ["a/1.jpg", "a/2.jpg", "a/3.jpg"]
    assert found[0].reason == "after 1 attempt: It broke."
    assert {status_of(stack, image) for image in images} == {Status.RECEIVED}


def test_an_image_id_is_looked_up_without_a_scan(stack: MotoStack) -> None:
    (image,) = stack.finished("a/1.jpg", status=Status.FAILED)

    assert [each.retried for each in retried(stack, image.image_id)] == [True]


def test_all_failed_photos_are_retried(stack: MotoStack) -> None:
    failed = stack.finished("a/1.jpg", "b/1.jpg", status=Status.FAILED)
    (counted,) = stack.finished("c/1.jpg")

    assert {each.image_id for each in retried(stack, every=True)} == {image.image_id for image in failed}
    assert status_of(stack, counted) is Status.COUNTED


def test_a_photo_that_did_not_fail_is_unchanged(stack: MotoStack) -> None:
    (image,) = stack.finished("a/1.jpg")

    (found,) = retried(stack, "a/1.jpg")

    assert (found.retried, found.reason) == (False, "COUNTED: only FAILED photos can be retried")
    assert status_of(stack, image) is Status.COUNTED


def test_a_key_selects_its_failed_versions(stack: MotoStack) -> None:
    stack.finished("a/1.jpg")
    (failed,) = stack.finished("a/1.jpg", status=Status.FAILED)

    assert [each.image_id for each in retried(stack, "a/1.jpg")] == [failed.image_id]


def test_an_unknown_photo_is_reported(stack: MotoStack) -> None:
    assert retried(stack, "a/1.jpg") == [Retried("a/1.jpg", "", False, "not in the ledger")]


def test_retried_photos_are_shown() -> None:
    found = [Retried("[red]a", "1", True, "after 3 attempts: x"), Retried("b", "", False, "not in the ledger")]
    output, as_json = Printed(), Printed(as_json=True)
    for printed in (output, as_json):
        printed.emit(map(asdict, found), view(found))

    assert output.rows[1:] == [
        ["[red]a", "yes", "after 3 attempts: x"],
        ["b", "no", "not in the ledger"],
        ["1 photo will be in the next job."],
    ]
    assert as_json.records[0]["retried"] is True


def test_nothing_to_retry_is_reported() -> None:
    assert [*view([])] == ["No photo has FAILED: there is nothing to retry."]
    assert [*view([Retried("b", "", False, "not in the ledger")])][-1] == "No photo will be retried."
