import pytest
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.registry import Registry

from tests.unit.local.sagemaker.driven_clock import DrivenClock

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def test_a_new_description_has_an_arn_and_a_time():
    registry = Registry(ARN, DrivenClock(5.0))

    added = registry.add("endpoint-config", "C", {"EndpointConfigName": "C"})

    assert added == {"EndpointConfigName": "C", "EndpointConfigArn": f"{ARN}:endpoint-config/c", "CreationTime": 5.0}
    assert registry.find("endpoint-config", "C") == added
    assert registry.all("endpoint-config") == [added]


def test_changing_a_returned_description_does_not_change_the_registry():
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
    with pytest.raises(ApiError, match=nowhere) as error:
        registry.find(kind, "n")
    assert error.value.code == "ValidationException"
    registry.add(kind, "n", {})
    with pytest.raises(ApiError, match=twice) as error:
        registry.add(kind, "n", {})
    assert error.value.code == code
    registry.remove(kind, "n")
    registry.add(kind, "n", {})


def test_the_registry_survives_a_restart(tmp_path):
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
