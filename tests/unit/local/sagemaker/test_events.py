import json

from binlocal.sagemaker.events import Rules, transform_state_change

JOB = {
    "TransformJobName": "batch-1",
    "TransformJobArn": "arn:aws:sagemaker:us-east-1:123456789012:transform-job/batch-1",
    "TransformJobStatus": "Completed",
    "ModelName": "counter",
    "MaxConcurrentTransforms": 2,
    "MaxPayloadInMB": 6,
    "BatchStrategy": "SingleRecord",
    "ModelClientConfig": {"InvocationsMaxRetries": 1},
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/in/"}}},
    "TransformOutput": {"S3OutputPath": "s3://jobs/out/"},
    "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    "CreationTime": 1538829973.25,
    "TransformStartTime": 1538829980.0,
    "TransformEndTime": 1538829990.0,
    "LastModifiedTime": 1538829990.0,
    "Tags": [{"Key": "project", "Value": "bintally"}],
}


def event(**options):
    given = {"region": "us-east-1", "account": "123456789012", "now": 1538829991.0, "epoch_times": False, **options}
    return transform_state_change(JOB, **given)


def test_a_state_change_event_has_the_developer_guides_format():
    sent = event()

    detail = sent.pop("detail")
    assert len(sent.pop("id")) == 36
    assert sent == {
        "version": "0",
        "detail-type": "SageMaker Transform Job State Change",
        "source": "aws.sagemaker",
        "account": "123456789012",
        "time": "2018-10-06T12:46:31Z",
        "region": "us-east-1",
        "resources": [JOB["TransformJobArn"]],
    }
    same = ("TransformJobName", "TransformJobArn", "TransformJobStatus", "ModelName", "MaxConcurrentTransforms")
    same += ("MaxPayloadInMB", "BatchStrategy", "TransformInput", "TransformOutput", "TransformResources")
    assert detail == {
        **{name: JOB[name] for name in same},
        "CreationTime": "2018-10-06T12:46:13Z",
        "TransformStartTime": "2018-10-06T12:46:20Z",
        "TransformEndTime": "2018-10-06T12:46:30Z",
        "Environment": {},
        "Tags": {"project": "bintally"},
    }


def test_times_can_be_milliseconds():
    assert event(epoch_times=True)["detail"]["CreationTime"] == 1538829973250
    assert event(epoch_times=True)["time"] == "2018-10-06T12:46:31Z"


def test_two_events_of_one_change_have_different_ids():
    assert event()["id"] != event()["id"]


class FakeEvents:
    """Rules whose patterns are plain detail members. The first page has one rule, the second the others."""

    def __init__(self, rules, targets):
        self.rules = rules
        self.targets = targets

    def get_paginator(self, operation):
        assert operation == "list_rules"
        return self

    def paginate(self):
        return [{"Rules": self.rules[:1]}, {"Rules": self.rules[1:]}]

    def test_event_pattern(self, EventPattern, Event):  # noqa: N803
        wanted, detail = json.loads(EventPattern), json.loads(Event)["detail"]
        return {"Result": all(detail.get(name) in values for name, values in wanted.items())}

    def list_targets_by_rule(self, Rule):  # noqa: N803
        return {"Targets": self.targets[Rule]}


class FakeQueues:
    def __init__(self):
        self.sent = []

    def get_queue_url(self, QueueName):  # noqa: N803
        return {"QueueUrl": f"http://queues/{QueueName}"}

    def send_message(self, QueueUrl, MessageBody):  # noqa: N803
        self.sent.append((QueueUrl, json.loads(MessageBody)))


def rule(name, state="ENABLED", **pattern):
    return {"Name": name, "State": state, "EventPattern": json.dumps(pattern)}


def test_an_event_goes_to_the_queues_of_matching_rules(caplog):
    rules = [
        rule("other", TransformJobStatus=["Failed"]),
        rule("finished", TransformJobStatus=["Completed"]),
        rule("disabled", "DISABLED", TransformJobStatus=["Completed"]),
        {"Name": "scheduled", "State": "ENABLED", "ScheduleExpression": "rate(1 minute)"},
    ]
    arn = "arn:aws:sqs:us-east-1:000000000000:"
    targets = {"finished": [{"Arn": f"{arn}results"}, {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f"}]}
    queues, sent = FakeQueues(), event()

    Rules(FakeEvents(rules, targets), queues).deliver(sent)

    assert queues.sent == [("http://queues/results", sent)]
    assert "does not support the target arn:aws:lambda" in caplog.text
