import pytest
from binlocal.sagemaker.app import service_model
from binlocal.sagemaker.constraints import check_constraints
from binlocal.sagemaker.errors import ApiError

SHAPE = service_model().operation_model("CreateTransformJob").input_shape
RIGHT = {
    "TransformJobName": "batch-1",
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/p/"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/o/"},
    "TransformResources": {"InstanceType": "ml.c6i.xlarge", "InstanceCount": 1},
    "Tags": [{"Key": "x", "Value": "bin + tally"}],
}


def test_a_valid_request_passes():
    check_constraints(RIGHT, SHAPE)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            {"TransformJobName": "no_underscore"},
            "1 validation error detected: Value 'no_underscore' at 'transformJobName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$",
        ),
        ({"TransformJobName": "x" * 64}, "Member must have length less than or equal to 63"),
        ({"TransformJobName": ""}, "Member must have length greater than or equal to 1"),
        (
            {"BatchStrategy": "Single"},
            "at 'batchStrategy' failed to satisfy constraint: Member must satisfy enum value set",
        ),
        (
            {"ModelClientConfig": {"InvocationsMaxRetries": 4}},
            "Value '4' at 'modelClientConfig.invocationsMaxRetries' failed to satisfy constraint: "
            "Member must have value less than or equal to 3",
        ),
        (
            {"TransformOutput": {"S3OutputPath": "jobs/"}},
            "at 'transformOutput.s3OutputPath' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        ({"TransformResources": {"InstanceType": "t3.huge", "InstanceCount": 0}}, "2 validation errors detected"),
        ({"Tags": [{"Key": "", "Value": ""}]}, "at 'tags.1.member.key' failed"),
        ({"Environment": {f"N{number}": "1" for number in range(17)}}, "at 'environment' failed"),
    ],
)
def test_a_violation_is_reported_in_sagemakers_format(members, expected):
    with pytest.raises(ApiError) as error:
        check_constraints({**RIGHT, **members}, SHAPE)

    assert error.value.code == "ValidationException"
    assert expected in error.value.message
