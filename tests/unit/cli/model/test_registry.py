from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bincli.errors import CommandError
from bincli.model.registry import Registry, running
from bincli.model.store import digest_at, location_of, place_of, split, upload

from tests.unit.cli.model.account import BUCKET, IMAGE, PLACE, Account
from tests.unit.functions.aws import client

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a_pushed_model_waits_for_a_person(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001", approved=False)

    assert (package.number, package.version, package.status) == (1, "aaaa00000001", "PendingManualApproval")
    assert (package.image, package.location) == (IMAGE, f"{PLACE}/models/aaaa00000001/model.tar.gz")
    assert package.metadata["bundle_sha256"] == aws_account.bundle("aaaa00000001").digest
    assert package.metadata["balanced_within_one"] == "0.79"
    assert package.metadata["licence"] == "Ours c 2026", "the registry takes no brackets"


def test_a_model_that_is_pushed_again_is_neither_uploaded_nor_registered_again(aws_account: Account) -> None:
    first = aws_account.push("aaaa00000001", approved=False)

    assert aws_account.push("aaaa00000001", approved=False) == first
    assert len(aws_account.site.registry.packages()) == 1
    assert not upload(client("s3"), aws_account.bundle("aaaa00000001"), first.location)


def test_other_bytes_of_the_same_version_never_replace_a_model(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001")
    client("s3").put_object(Bucket=BUCKET, Key=split(package.location)[1], Body=b"other")

    with pytest.raises(CommandError, match="has another model of the version aaaa00000001"):
        upload(client("s3"), aws_account.bundle("aaaa00000001"), package.location)


def test_the_hash_of_an_object_without_a_checksum_is_computed(aws_account: Account) -> None:
    bundle = aws_account.bundle("aaaa00000001")
    client("s3").put_object(Bucket=BUCKET, Key="plain", Body=bundle.path.read_bytes())

    assert digest_at(client("s3"), f"s3://{BUCKET}/plain") == bundle.digest
    with pytest.raises(CommandError, match="does not exist"):
        digest_at(client("s3"), f"s3://{BUCKET}/nothing")


def test_a_bundle_goes_where_the_training_jobs_put_it(aws_account: Account) -> None:
    location = location_of(f"{PLACE}/", aws_account.bundle("aaaa00000001"))

    assert location == f"{PLACE}/models/aaaa00000001/model.tar.gz"
    assert place_of(location) == PLACE
    with pytest.raises(CommandError, match="not like s3://"):
        split("bucket/key")


def test_models_are_found_by_number_and_by_version_newest_first(aws_account: Account) -> None:
    for version in ("aaaa00000001", "aaaa00000002"):
        aws_account.push(version)
    registry = aws_account.site.registry

    assert [package.number for package in registry.packages()] == [2, 1]
    assert registry.find("1").version == registry.find("aaaa00000001").version == "aaaa00000001"
    with pytest.raises(CommandError, match=r"has no model 9. It has: 2 \(aaaa00000002\), 1 \(aaaa00000001\)"):
        registry.find("9")


def test_a_group_that_does_not_exist_has_no_models(aws_account: Account) -> None:
    aws_account.push("aaaa00000001")

    assert Registry(aws_account.sagemaker, "bin").packages() == [], "not one whose name only contains it"


def test_a_deployment_is_recorded_beside_the_known_facts(aws_account: Account) -> None:
    registry, package = aws_account.site.registry, aws_account.push("aaaa00000001")

    registry.note_deployment(package, "prod", NOW, "2")

    noted = registry.find("1")
    assert (noted.deployed_at("prod"), noted.replaced_in("prod")) == ("2026-05-04T12:00:00.000Z", "2")
    assert (noted.deployed_at("test"), noted.version) == ("", "aaaa00000001")


def test_the_live_model_is_the_one_whose_bundle_the_stack_names(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001")

    assert running([package], {"ModelDataUrl": package.location, "ModelImageUri": "another"}) == package
    assert running([package], {"ModelDataUrl": "", "ModelImageUri": IMAGE}) is None
    assert running([package], {}) is None
