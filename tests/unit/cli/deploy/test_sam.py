from __future__ import annotations

import pytest
from bincli.deploy.sam import Target, check_name, deployments, override, with_version
from bincli.errors import CommandError
from bincli.stacks import StackDescription

SCALING = {"ModelImageUri": "image", "EndpointScaling": "on", "InferenceInstanceType": "ml.c6i.xlarge"}


def existing(**parameters: str) -> StackDescription:
    return StackDescription("prod", "arn", "UPDATE_COMPLETE", parameters=parameters)


@pytest.mark.parametrize("name", ["Prod", "1prod", "a" * 29, "prod_1", "-prod", ""])
def test_a_name_that_buckets_could_not_have_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="at most 28 characters"):
        check_name(name)


def test_a_name_of_28_characters_fits() -> None:
    check_name("a" * 28)


def test_sam_deploys_what_was_built_and_asks_nothing() -> None:
    line = " ".join(Target("prod", "eu-west-1", "depot").deploy_argv({"MaxInstances": "4"}))

    assert ".venv/sam/bin/sam deploy --template-file " in line
    assert "--stack-name prod --region eu-west-1 --profile depot --no-confirm-changeset" in line
    assert line.endswith("--no-fail-on-empty-changeset --parameter-overrides MaxInstances=4")
    assert "--no-execute-changeset" in Target("prod", "eu-west-1").deploy_argv({}, execute=False)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("ml.c6i.xlarge,ml.m5.xlarge", "P=ml.c6i.xlarge,ml.m5.xlarge"),
        ("", 'P=""'),
        ("a b", 'P="a b"'),
        (r"(?P<bin_id>\d+)", r'P="(?P<bin_id>\d+)"'),
        ('say "x"', r'P="say \"x\""'),
    ],
)
def test_a_value_is_quoted_as_sam_reads_it(value: str, written: str) -> None:
    assert override(("P", value)) == written


@pytest.mark.parametrize("value", ["a\\ b", "a\\", 'a\\"b'])
def test_a_value_that_sam_would_change_is_refused(value: str) -> None:
    with pytest.raises(CommandError, match="backslash"):
        override(("P", value))


def test_a_new_stack_is_protected_by_a_second_deployment() -> None:
    assert deployments(None, {"MaxInstances": "4"}) == [{"MaxInstances": "4"}, {"DeletionProtection": "true"}]
    assert deployments(None, {"DeletionProtection": "false"}) == [{}]


def test_an_existing_stack_is_protected_at_once() -> None:
    assert deployments(existing(), {}) == [{"DeletionProtection": "true"}]
    assert deployments(existing(), {"DeletionProtection": "false"}) == [{"DeletionProtection": "false"}]


def test_scaling_stops_while_the_instance_type_changes() -> None:
    first, second = deployments(existing(**SCALING), {"InferenceInstanceType": "ml.c7i.xlarge"})

    assert first == {"EndpointScaling": "off"}
    assert (second["EndpointScaling"], second["InferenceInstanceType"]) == ("on", "ml.c7i.xlarge")


@pytest.mark.parametrize(
    ("parameters", "overrides"),
    [
        (SCALING, {"MaxInstances": "4"}),
        (SCALING, {"InferenceInstanceType": "ml.c6i.xlarge"}),
        (SCALING | {"EndpointScaling": "off"}, {"InferenceInstanceType": "ml.c7i.xlarge"}),
        (SCALING | {"ModelImageUri": ""}, {"InferenceInstanceType": "ml.c7i.xlarge"}),
    ],
)
def test_any_other_change_is_one_deployment(parameters: dict[str, str], overrides: dict[str, str]) -> None:
    assert len(deployments(existing(**parameters), overrides)) == 1


def test_the_version_changes_only_with_the_image() -> None:
    current = {"ModelImageUri": "image@1", "ModelVersion": "a"}
    changed = with_version({"ModelImageUri": "image@2"}, current)

    assert changed["ModelVersion"].isalnum()
    assert len(changed["ModelVersion"]) <= 16
    assert changed == with_version({"ModelImageUri": "image@2"}, current)
    assert with_version({"ModelImageUri": "image@1"}, current) == {"ModelImageUri": "image@1"}
    assert with_version({"ModelImageUri": "image@2", "ModelVersion": "b"}, current)["ModelVersion"] == "b"


def test_the_environment_of_the_container_is_part_of_the_model() -> None:
    assert "ModelVersion" in with_version({"RequestsPerInstance": "4"}, {"ModelImageUri": "image@1"})
    assert "ModelVersion" not in with_version({"RequestsPerInstance": "4"}, {"ModelImageUri": ""})
