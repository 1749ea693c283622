from binlocal.sagemaker.messages import TEST_NOTIFICATION, AsyncRequest, completed, failed

REQUEST = AsyncRequest(
    endpoint="counter",
    inference_id="job-1",
    input_location="s3://jobs/in.jsonl",
    output_location="s3://jobs/out/x.out",
    failure_location=None,
    received=1643150760.455,
    content_type="application/jsonlines",
    accept="application/jsonlines",
    custom_attributes="trace=1",
)
BARE = AsyncRequest("counter", "job-2", "s3://jobs/in", "s3://jobs/out", None, received=0.0)


def test_a_success_message_has_the_developer_guides_format():
    message = completed(REQUEST, region="us-east-1", now=1643150760.608, content_type="text/csv; charset=utf-8")

    assert message == {
        "awsRegion": "us-east-1",
        "eventTime": "2022-01-25T22:46:00.608Z",
        "receivedTime": "2022-01-25T22:46:00.455Z",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "application/jsonlines",
            "contentType": "application/jsonlines",
            "customAttributes": "trace=1",
            "endpointName": "counter",
            "inputLocation": "s3://jobs/in.jsonl",
        },
        "responseParameters": {"contentType": "text/csv; charset=utf-8", "outputLocation": "s3://jobs/out/x.out"},
        "inferenceId": "job-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def test_failure_has_a_reason_and_no_response_parameters():
    message = failed(BARE, region="us-east-1", now=1.5, reason="ClientError: no")

    assert message == {
        "awsRegion": "us-east-1",
        "eventTime": "1970-01-01T00:00:01.500Z",
        "receivedTime": "1970-01-01T00:00:00.000Z",
        "invocationStatus": "Failed",
        "failureReason": "ClientError: no",
        "requestParameters": {"endpointName": "counter", "inputLocation": "s3://jobs/in"},
        "inferenceId": "job-2",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def test_the_test_notification_has_only_its_name():
    assert TEST_NOTIFICATION == {
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "TestNotification",
    }
