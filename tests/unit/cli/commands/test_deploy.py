from __future__ import annotations

import json
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from bincli.commands.deploy import Deployer, Outcome, parameters_of, record_of, view
from bincli.errors import CommandError
from bincli.image.repository import MANIFEST
from bincli.main import app
from moto import mock_aws
from typer.testing import CliRunner

from tests.unit.cli.cloudformation import FakeCloudFormation
from tests.unit.cli.printing import Printed
from tests.unit.cli.programs import FakePrograms
from tests.unit.functions.aws import client

ADDED = {"Action": "Add", "LogicalResourceId": "BinsTable", "ResourceType": "AWS::DynamoDB::Table"}
REPLACED = ADDED | {"Action": "Modify", "Replacement": "True", "PolicyAction": "ReplaceAndRetain"}
PARAMETERS = {"ModelImageUri": "image@1", "EndpointScaling": "on", "InferenceInstanceType": "ml.c6i.xlarge"}


class Account:
    """An AWS account whose stack sam deploys, with the quotas that a test gives it."""

    def __init__(self, status: str | None = None, *, quota: float = 1000, changes: Sequence[Any] = (ADDED,)) -> None:
        self.cloudformation = FakeCloudFormation(status, parameters=PARAMETERS if status else {})
        self.cloudformation.changes = list(changes)
        self.quota, self.tables, self.instances = quota, list[str](), 1
        self.programs = FakePrograms(on_run=self.sam)
        self.output = Printed()

    def sam(self, argv: Sequence[str]) -> None:
        """What sam and docker do."""
        if argv[:3] == ["docker", "buildx", "build"]:
            tag = next(word for word in argv if "name=" in word).split("name=")[1].split(",")[0].rpartition(":")[2]
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": []}
            pushed = {"imageManifest": json.dumps(manifest), "imageManifestMediaType": MANIFEST}
            client("ecr").put_image(repositoryName="bintally-counter", imageTag=tag, **pushed)
        if "deploy" not in argv:
            return
        words = argv[argv.index("--parameter-overrides") + 1 :] if "--parameter-overrides" in argv else []
        if "--no-execute-changeset" in argv:
            self.cloudformation.create_change_set()
        else:
            self.cloudformation.execute(dict(word.split("=", 1) for word in words))

    def client(self, service: str) -> Any:
        if service == "cloudformation":
            return self.cloudformation
        return self if service in ("service-quotas", "dynamodb", "sagemaker", "ssm") else client(service)

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        assert request["Name"] == "/bintally/prod/settings"
        return {"Parameter": {"Value": json.dumps({"match_risk": 0.03})}}

    def describe_endpoint(self, **request: str) -> dict[str, Any]:
        assert request == {"EndpointName": "prod-counter"}
        return {"ProductionVariants": [{"CurrentInstanceCount": self.instances}]}

    def get_paginator(self, operation: str) -> Any:
        if operation == "list_tables":
            return SimpleNamespace(paginate=lambda: [{"TableNames": ["other-bins", *self.tables]}])
        quotas = [
            {"QuotaName": name, "QuotaCode": "L-1", "Value": self.quota}
            for name in ("ml.c6i.xlarge for endpoint usage", "ml.c7i.xlarge for endpoint usage")
        ]
        return SimpleNamespace(paginate=lambda **request: [{"Quotas": quotas}])

    def deploy(
        self, *, plan: bool = False, ignore_quotas: bool = False, image: bool = False, **parameters: str
    ) -> Outcome:
        deployer = Deployer(self.client, self.programs, self.output, "prod", None)
        return deployer.deploy(parameters, plan=plan, image=image, yes=True, ignore_quotas=ignore_quotas)

    @property
    def deployments(self) -> list[str]:
        """The changes that sam deploys."""
        executed = [line for line in self.programs.lines if " deploy " in line and "--no-execute" not in line]
        return [line.partition("--parameter-overrides ")[2] for line in executed]


def test_a_plan_says_what_would_change_and_leaves_no_trace() -> None:
    account = Account()

    outcome = account.deploy(plan=True)

    assert "adds 1: 1 DynamoDB Table" in account.output.stderr
    assert (outcome.deployed, account.deployments) == (False, [])
    assert (account.cloudformation.change_sets, account.cloudformation.status) == ({}, "DELETE_COMPLETE")


def test_a_plan_for_an_existing_stack_leaves_the_stack() -> None:
    account = Account("CREATE_COMPLETE")

    account.deploy(plan=True)

    assert (account.cloudformation.change_sets, account.cloudformation.status) == ({}, "CREATE_COMPLETE")


def test_a_plan_whose_sam_fails_leaves_no_trace_either() -> None:
    account = Account()
    account.programs = FakePrograms(on_run=account.sam, failing=["never"])
    create = account.cloudformation.create_change_set

    def create_and_fail() -> None:
        create()
        raise CommandError("sam failed")

    account.cloudformation.create_change_set = create_and_fail  # type: ignore[method-assign]
    with pytest.raises(CommandError):
        account.deploy(plan=True)

    assert (account.cloudformation.change_sets, account.cloudformation.status) == ({}, "DELETE_COMPLETE")


def test_a_new_stack_is_created_and_then_protected() -> None:
    account = Account()

    outcome = account.deploy(AlertEmail="bins@example.com")

    assert account.deployments == ["AlertEmail=bins@example.com", "DeletionProtection=true"]
    assert outcome.deployed
    assert outcome.outputs == {"IntakeBucket": "prod-intake"}


def test_the_functions_are_built_before_sam_deploys_them() -> None:
    account = Account("CREATE_COMPLETE")

    account.deploy()

    assert account.programs.ran[0][0] == "make"
    assert account.programs.ran[0][-1] == ".aws-sam/build/template.yaml"


def test_a_stack_without_changes_is_not_deployed() -> None:
    account = Account("CREATE_COMPLETE", changes=[])

    outcome = account.deploy()

    assert (outcome.deployed, account.deployments) == (False, [])
    assert "nothing to change" in str(list(view(outcome))[-1])


def test_another_instance_type_takes_two_deployments() -> None:
    account = Account("CREATE_COMPLETE")

    account.deploy(InferenceInstanceType="ml.c7i.xlarge")

    first, second = account.deployments
    assert first == "EndpointScaling=off"
    assert "InferenceInstanceType=ml.c7i.xlarge" in second
    assert account.cloudformation.parameters["EndpointScaling"] == "on"


def test_the_container_is_built_and_deployed_by_its_digest_under_a_version_of_its_own() -> None:
    with mock_aws():
        account = Account("CREATE_COMPLETE")
        account.deploy(image=True)

    (deployment,) = account.deployments
    assert re.search(r"ModelImageUri=\S+\.amazonaws\.com/bintally-counter@sha256:[0-9a-f]{64} ", deployment)
    assert re.search(r"ModelVersion=[0-9a-f]{12}( |$)", deployment)


def test_a_plan_builds_no_container() -> None:
    account = Account("CREATE_COMPLETE")

    account.deploy(image=True, plan=True)

    assert not [line for line in account.programs.lines if line.startswith("docker")]
    assert "ModelImageUri=bintally-counter:" in account.programs.lines[-1]


def test_what_nobody_would_hear_or_count_is_said() -> None:
    account = Account()
    account.deploy(plan=True)

    assert "Without a model container nothing is counted" in account.output.stderr
    assert "AlertEmail is empty" in account.output.stderr


@pytest.mark.parametrize("mode", ["lambda", "auto"])
def test_the_model_function_counts_without_a_container(mode: str) -> None:
    account = Account()
    account.deploy(plan=True, InferenceMode=mode)

    assert "nothing is counted" not in account.output.stderr


@pytest.mark.parametrize(("instances", "said"), [(0, True), (1, False)])
def test_an_endpoint_without_an_instance_is_said_before_its_type_changes(instances: int, said: bool) -> None:
    account = Account("CREATE_COMPLETE")
    account.instances = instances
    account.deploy(InferenceInstanceType="ml.c7i.xlarge")

    assert ("DesiredInstanceCount=1" in account.output.stderr) is said


def test_a_parameter_that_people_changed_meanwhile_is_said_to_have_no_effect() -> None:
    account = Account("CREATE_COMPLETE")
    account.deploy(MatchRisk="0.01", DiscrepancyRate="0.02", AlertEmail="bins@example.com")

    assert "MatchRisk: verdicts keep what was changed" in account.output.stderr
    assert "`bintally settings reset match-risk --stack prod`" in account.output.stderr


def test_a_replaced_table_is_a_loud_warning() -> None:
    account = Account("CREATE_COMPLETE", changes=[REPLACED])

    outcome = account.deploy(plan=True)

    assert "WARNING: This replaces the table BinsTable" in account.output.stderr
    assert record_of(outcome)["warnings"]


def test_a_quota_that_is_too_small_stops_it_and_says_how_to_raise_it() -> None:
    account = Account("CREATE_COMPLETE", quota=0)

    outcome = account.deploy(MaxInstances="3")

    assert not outcome.deployed
    assert account.programs.ran == []
    assert "ml.c6i.xlarge for endpoint usage (sagemaker): 3 needed" in account.output.stderr
    assert "--quota-code L-1 --desired-value 3" in account.output.stderr
    assert "pass --ignore-quotas" in str(list(view(outcome))[-1])


def test_a_quota_can_be_ignored() -> None:
    assert Account("CREATE_COMPLETE", quota=0).deploy(ignore_quotas=True).deployed


def test_the_empty_stack_of_a_failed_first_create_is_deleted_first() -> None:
    account = Account("ROLLBACK_COMPLETE")
    account.cloudformation.resources = [{"LogicalResourceId": "BinsTable", "ResourceStatus": "DELETE_COMPLETE"}]

    assert account.deploy().deployed
    assert account.cloudformation.deleted == 2, "the failed one, and the empty one that its plan needed"
    assert account.deployments[-1] == "DeletionProtection=true"


def test_a_failed_first_create_that_left_something_is_not_touched() -> None:
    account = Account("ROLLBACK_COMPLETE")
    left = {"LogicalResourceId": "BinsTable", "PhysicalResourceId": "prod-bins", "ResourceStatus": "DELETE_FAILED"}
    account.cloudformation.resources = [left]

    with pytest.raises(CommandError, match="left behind prod-bins"):
        account.deploy()
    assert account.cloudformation.deleted == 0


@pytest.mark.parametrize(
    ("status", "advice"),
    [("UPDATE_IN_PROGRESS", "Wait until"), ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name prod")],
)
def test_a_stack_that_cannot_be_deployed_says_what_to_do(status: str, advice: str) -> None:
    with pytest.raises(CommandError, match=advice):
        Account(status).deploy()


def test_data_that_an_earlier_stack_left_is_said_before_a_create_fails_on_its_names() -> None:
    account = Account()
    account.tables = ["prod-images"]

    with pytest.raises(CommandError, match=r"the table prod-images.*bintally destroy --stack prod --delete-data"):
        account.deploy()
    assert account.programs.ran == []


def test_a_stack_of_somebody_else_is_not_changed() -> None:
    account = Account("CREATE_COMPLETE")
    account.cloudformation.outputs = {}

    with pytest.raises(CommandError, match="not a bintally stack"):
        account.deploy()
    assert account.programs.ran == []


def test_the_stack_of_bintally_up_is_left_alone() -> None:
    account = Account("CREATE_COMPLETE")
    account.cloudformation.outputs = {"IntakeBucket": "b", "LocalSageMakerValues": "x"}

    with pytest.raises(CommandError, match=r"bintally up.*another --stack"):
        account.deploy()
    assert account.programs.ran == []


def test_nothing_is_changed_unless_a_person_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account("CREATE_COMPLETE")
    deployer = Deployer(account.client, account.programs, account.output, "prod", None)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=lambda: ""))  # no answer to the prompt

    with pytest.raises((typer.Abort, EOFError)):
        deployer.deploy({}, plan=False, image=False, yes=False, ignore_quotas=False)
    assert account.deployments == []


@pytest.mark.parametrize("words", [["--stack", "Prod"], ["--set", "Nothing=1"], ["--set", "MaxInstances=0"]])
def test_wrong_names_and_values_are_wrong_usage(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["deploy", *words]).exit_code == 2


def test_parameters_are_those_of_the_template() -> None:
    assert parameters_of(["MaxInstances=3"]) == {"MaxInstances": "3"}
