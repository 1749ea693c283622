from __future__ import annotations

import pytest
from bincli.errors import CommandError
from bincli.model.rollout import rollout_of
from bincli.model.site import Site
from bincli.model.store import split
from bincli.model.view import package_record, pushed_view, status_record, status_view

from tests.unit.cli.model.account import BUCKET, IMAGE, Account, endpoints, no_endpoint, with_endpoint
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client


def test_an_approved_model_is_deployed_under_a_name_of_its_own(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001")

    outcome = aws_account.deploy_model("aaaa00000001")

    assert outcome.deployed
    assert aws_account.parameters["ModelDataUrl"] == package.location
    assert aws_account.parameters["ModelImageUri"] == IMAGE
    assert len(aws_account.parameters["ModelVersion"]) == 12
    assert aws_account.site.registry.find("1").replaced_in("prod") == IMAGE


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_model_that_nobody_approved_is_refused_unless_forced(aws_account: Account, status: str) -> None:
    package = aws_account.push("aaaa00000001", approved=False)
    aws_account.review(package, status)

    with pytest.raises(CommandError, match=f"is {status}: a person has to approve it first"):
        aws_account.deploy_model("1")
    assert aws_account.programs.ran == []

    assert aws_account.deploy_model("1", force=True).deployed


def test_a_bundle_that_changed_after_it_was_registered_is_refused(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001")
    client("s3").put_object(Bucket=BUCKET, Key=split(package.location)[1], Body=b"other")

    with pytest.raises(CommandError, match="SHA-256 differs"):
        rollout_of(package, client("s3"), force=True)


def test_a_plan_notes_nothing(aws_account: Account) -> None:
    aws_account.push("aaaa00000001")

    outcome = aws_account.deploy_model("1", plan=True)

    assert not outcome.deployed
    assert aws_account.site.registry.find("1").deployed_at("prod") == ""
    assert "ModelDataUrl" not in aws_account.parameters


def test_rollbacks_go_back_one_model_after_the_other_to_the_weights_in_the_image(aws_account: Account) -> None:
    for version in ("aaaa00000001", "aaaa00000002"):
        aws_account.push(version)
        aws_account.deploy_model(version)
    versions = [aws_account.parameters["ModelVersion"]]

    aws_account.rollback()
    assert aws_account.parameters["ModelDataUrl"].endswith("aaaa00000001/model.tar.gz")
    versions.append(aws_account.parameters["ModelVersion"])

    aws_account.rollback()
    assert (aws_account.parameters["ModelDataUrl"], aws_account.parameters["ModelImageUri"]) == ("", IMAGE)
    versions.append(aws_account.parameters["ModelVersion"])
    assert len(set(versions)) == 3, "each model has a name of its own"

    with pytest.raises(CommandError, match="does not say what prod ran before"):
        aws_account.rollback()


def test_a_rollback_skips_models_rejected_since(aws_account: Account) -> None:
    for version in ("aaaa00000001", "aaaa00000002"):
        aws_account.push(version)
        aws_account.deploy_model(version)
    aws_account.review(aws_account.site.registry.find("1"), "Rejected")

    with pytest.raises(CommandError, match="is Rejected"):
        aws_account.rollback()


def test_the_live_model_and_the_registry_are_shown(aws_account: Account) -> None:
    aws_account.push("aaaa00000001")
    aws_account.deploy_model("1")
    aws_account.push("aaaa00000002", approved=False)
    packages = aws_account.site.registry.packages()
    output = Printed()

    output.emit([], status_view(aws_account.site, packages, {"status": "InService", "reason": "", "instances": 1}))
    record = status_record(aws_account.site, packages, {})

    assert output.rows[0] == ["Live in prod: model 1 (aaaa00000001)."]
    assert output.rows[1] == ["Endpoint: InService, 1 instances."]
    assert [row[:4] for row in output.rows[3:]] == [
        ["2", "aaaa00000002", "PendingManualApproval", "0.79"],
        ["1", "aaaa00000001", "Approved", "0.79"],
    ]
    assert output.rows[-1][-1].startswith("live since 20")
    assert [model["live"] for model in record["models"]] == [False, True]


def test_a_stack_without_a_model_of_the_registry_says_what_it_runs(aws_account: Account) -> None:
    output = Printed()

    output.emit([], status_view(aws_account.site, [], {}))

    assert output.rows[0] == [f"Live in prod: the weights inside {IMAGE}."]
    assert "has no model yet" in output.stdout


def test_the_endpoint_says_why_it_failed_or_that_there_is_none(aws_account: Account) -> None:
    aws_account.cloudformation.describe_stacks = lambda **request: {  # type: ignore[method-assign]
        "Stacks": [
            {
                "StackName": "prod",
                "StackId": "arn:stack/prod",
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": [{"OutputKey": "EndpointName", "OutputValue": "prod-counter"}],
            }
        ]
    }

    def site(answer: object) -> Site:
        clients = {"sagemaker": endpoints(answer), "cloudformation": aws_account.cloudformation}
        return Site(clients.__getitem__, "prod", "bintally")

    assert site(with_endpoint).endpoint() == {"status": "Failed", "reason": "No capacity.", "instances": 2}
    assert site(no_endpoint).endpoint() == {}


def test_the_first_model_needs_a_destination(aws_account: Account) -> None:
    with pytest.raises(CommandError, match="Say with --to"):
        aws_account.site.push(aws_account.bundle("aaaa00000001"), None, None, Printed())

    aws_account.push("aaaa00000001")
    second = aws_account.site.push(aws_account.bundle("aaaa00000002"), None, None, Printed())
    assert second.location.endswith("/bintally/models/aaaa00000002/model.tar.gz")


def test_a_stack_without_an_image_needs_one(aws_account: Account) -> None:
    aws_account.cloudformation.parameters["ModelImageUri"] = ""

    with pytest.raises(CommandError, match="Name one with --image"):
        aws_account.site.push(aws_account.bundle("aaaa00000001"), None, None, Printed())


def test_a_push_explains_how_to_approve(aws_account: Account) -> None:
    package = aws_account.push("aaaa00000001", approved=False)

    lines = [str(block) for block in pushed_view(package)]

    assert any(f"--model-package-arn {package.arn}" in line for line in lines)
    assert package_record(package, "prod")["status"] == "PendingManualApproval"
