import pytest
from binlocal.sagemaker.errors import RefusedError
from binlocal.sagemaker.registry import Registry

from tests.unit.local.sagemaker.driven_clock import DrivenClock

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def test_what_is_added_is_described_with_its_arn_and_time():
    registry = Registry(ARN, DrivenClock(5.0))

    added = registry.add("endpoint-config", "C", {"EndpointConfigName": "C"})

    assert added == {"EndpointConfigName": "C", "EndpointConfigArn": f"{ARN}:endpoint-config/c", "CreationTime": 5.0}
    assert registry.find("endpoint-config", "C") == added
    assert registry.all("endpoint-config") == [added]


def test_a_description_that_was_handed_out_changes_nothing():
    registry = Registry(ARN, DrivenClock())
    registry.add("model", "m", {"ModelName": "m"})["ModelName"] = "other"
    registry.find("model", "m")["ModelName"] = "other"
    assert registry.find("model", "m")["ModelName"] == "m"


@pytest.mark.parametrize(
    ("kind", "code", "twice", "nowhere"),
    [
        ("model", "ValidationException", "Cannot create already existing model", 'Could not find model "arn:'),
        ("transform-job", "ResourceInUse", "Job name must be unique", "Could not find requested job with name: n"),
    ],
)
def test_names_are_unique_and_must_exist(kind, code, twice, nowhere):
    registry = Registry(ARN, DrivenClock())
    with pytest.raises(RefusedError, match=nowhere) as refusal:
        registry.find(kind, "n")
    assert refusal.value.code == "ValidationException"
    registry.add(kind, "n", {})
    with pytest.raises(RefusedError, match=twice) as refusal:
        registry.add(kind, "n", {})
    assert refusal.value.code == code
    registry.remove(kind, "n")
    registry.add(kind, "n", {})


def test_another_process_finds_everything(tmp_path):
    path = tmp_path / "definitions.json"
    registry = Registry(ARN, DrivenClock(5.0), path)
    registry.add("model", "m", {"ModelName": "m"})
    registry.add("model", "gone", {"ModelName": "gone"})
    registry.remove("model", "gone")
    registry.add("transform-job", "j", {"TransformJobName": "j", "TransformJobStatus": "InProgress"})
    registry.update("transform-job", "j", {"TransformJobStatus": "Completed"})

    again = Registry(ARN, DrivenClock(), path)

    assert [model["ModelName"] for model in again.all("model")] == ["m"]
    assert again.find("transform-job", "j")["TransformJobStatus"] == "Completed"
    assert again.find("transform-job", "j")["CreationTime"] == 5.0
