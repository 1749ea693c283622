"""Batch Transform jobs with a fake container, fake storage and a clock that the test controls."""

import pytest
from binlocal.sagemaker import transforms
from binlocal.sagemaker.container import ContainerResponse
from binlocal.sagemaker.errors import ApiError, ContainerError, ContainerTimeoutError
from binlocal.sagemaker.faults import FaultInjector, parse_plan
from binlocal.sagemaker.registry import Registry
from binlocal.sagemaker.transform_run import output_of
from binlocal.sagemaker.transforms import TransformJobs

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.sagemaker.fakes import FakeClock, FakeModel, FakeStorage
from tests.unit.local.waiting import eventually

INPUT, OUTPUT = "s3://jobs/jobs/b/input/", "s3://jobs/jobs/b/output/"
REQUEST = {
    "TransformJobName": "batch-b-0",
    "ModelName": "counter",
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": INPUT}},
        "ContentType": "application/jsonlines",
        "SplitType": "None",
        "CompressionType": "None",
    },
    "TransformOutput": {"S3OutputPath": OUTPUT, "Accept": "application/jsonlines", "AssembleWith": "None"},
    "TransformResources": {"InstanceType": "ml.c6i.xlarge", "InstanceCount": 1},
    "MaxConcurrentTransforms": 2,
    "MaxPayloadInMB": 6,
    "ModelClientConfig": {"InvocationsTimeoutInSeconds": 3600, "InvocationsMaxRetries": 1},
    "Tags": [{"Key": "project", "Value": "bintally"}],
}


class Batch:
    """Batch Transform with three input shards."""

    def __init__(self, answer=None, clock=None, path=None, storage=FakeStorage, **plan):
        self.clock = clock or FakeClock()
        self.model = FakeModel(answer or (lambda body: ContainerResponse(200, "application/jsonlines", body[::-1])))
        shards = {f"{INPUT}0000{number}.jsonl": b"shard %d" % number for number in range(3)}
        self.storage = storage(**{**shards, INPUT: b"", "s3://jobs/jobs/bb/input/0.jsonl": b"not ours"})
        self.announced = []
        self.environments = []
        registry = Registry("arn:aws:sagemaker:us-east-1:000000000000", self.clock, path)
        if not registry.all("model"):
            registry.add("model", "counter", {"PrimaryContainer": {"Environment": {"MODE": "careful", "LEVEL": "1"}}})
        self.jobs = TransformJobs(
            registry,
            storage=self.storage,
            make_model=self.make_model,
            announce=self.announced.append,
            faults=FaultInjector(parse_plan(plan)),
            clock=self.clock,
            region="us-east-1",
        )

    def make_model(self, environment):
        self.environments.append(environment)
        return self.model

    def status(self, name="batch-b-0"):
        return self.jobs.describe({"TransformJobName": name})["TransformJobStatus"]

    def run(self, **members):
        """Creates the job, waits for its end and returns the announced statuses."""
        request = {**REQUEST, **members}
        self.jobs.create(request)
        ended = ("Completed", "Failed", "Stopped")
        name = request["TransformJobName"]
        eventually(lambda: self.status(name) in ended and (name, self.status(name)) in self.announcements(), "the end")
        return [job["TransformJobStatus"] for job in self.announced]

    def announcements(self):
        return [(job["TransformJobName"], job["TransformJobStatus"]) for job in self.announced]

    def reason(self):
        return self.jobs.describe({"TransformJobName": "batch-b-0"}).get("FailureReason")

    def outputs(self):
        return {uri: body for uri, body in self.storage.objects.items() if uri.startswith(OUTPUT)}


def test_a_job_writes_an_output_for_each_shard():
    batch = Batch()

    assert batch.run() == ["InProgress", "Completed"]

    assert batch.outputs() == {f"{OUTPUT}0000{number}.jsonl.out": b"%d drahs" % number for number in range(3)}
    headers = {"Content-Type": "application/jsonlines", "Accept": "application/jsonlines"}
    assert [(sent, timeout) for _, sent, timeout in batch.model.requests] == [(headers, 3600)] * 3
    assert batch.model.started
    assert batch.model.stopped
    described = batch.jobs.describe({"TransformJobName": "batch-b-0"})
    assert described["TransformJobArn"] == "arn:aws:sagemaker:us-east-1:000000000000:transform-job/batch-b-0"
    assert described["CreationTime"] <= described["TransformStartTime"] <= described["TransformEndTime"]
    assert "Tags" not in described
    assert batch.announced[-1]["Tags"] == REQUEST["Tags"]


def test_the_container_gets_the_variables_of_batch_transform():
    batch = Batch()
    batch.run(Environment={"LEVEL": "2"}, BatchStrategy="SingleRecord")
    assert batch.environments == [
        {
            "MODE": "careful",
            "LEVEL": "2",
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6",
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
            "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        }
    ]


def test_at_most_as_many_shards_run_at_once_as_the_job_allows():
    batch = Batch()
    batch.model.gate.clear()
    batch.jobs.create(REQUEST)
    eventually(lambda: batch.model.busy == 2, "two running")
    batch.model.gate.set()
    eventually(lambda: batch.status() == "Completed", "the end")
    assert batch.model.busiest == 2


def except_for_the_second(answer):
    return lambda body: answer if body == b"shard 1" else ContainerResponse(200, "application/jsonlines", b"ok")


@pytest.mark.parametrize(
    ("answer", "asked", "reason"),
    [
        (ContainerResponse(400, "text/plain", b"no manifest"), 1, "ClientError: See job logs for more information"),
        (
            ContainerResponse(500, "text/plain", b"out of memory"),
            2,
            "AlgorithmError: See job logs for more information",
        ),
        (ContainerError("broke off"), 2, "AlgorithmError: See job logs for more information"),
        (ContainerTimeoutError("late"), 2, "AlgorithmError: See job logs for more information"),
    ],
)
def test_a_failed_shard_has_no_output_and_fails_the_job_but_not_the_other_shards(answer, asked, reason):
    batch = Batch(except_for_the_second(answer))

    assert batch.run() == ["InProgress", "Failed"]

    assert batch.reason() == reason
    assert batch.announced[-1]["FailureReason"] == reason
    assert set(batch.outputs()) == {f"{OUTPUT}00000.jsonl.out", f"{OUTPUT}00002.jsonl.out"}
    assert [body for body, *_ in batch.model.requests].count(b"shard 1") == asked


def test_a_shard_that_succeeds_on_retry_does_not_fail_the_job():
    answers = {b"shard 1": [ContainerError("killed")]}
    good = ContainerResponse(200, "application/jsonlines", b"ok")
    batch = Batch(lambda body: answers[body].pop() if answers.get(body) else good)
    assert batch.run() == ["InProgress", "Completed"]
    assert batch.clock.waits == [1.0]


def test_a_shard_larger_than_the_payload_is_not_sent():
    batch = Batch()
    batch.storage.objects[f"{INPUT}00001.jsonl"] = b"x" * (1024 * 1024 + 1)
    batch.run(MaxPayloadInMB=1)
    assert batch.reason() == "ClientError: See job logs for more information"
    assert len(batch.outputs()) == 2


def test_a_container_that_never_starts_fails_the_job():
    batch = Batch()
    batch.model.status = "Failed"
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.reason().startswith("AlgorithmError")
    assert batch.outputs() == {}


class FailingStorage(FakeStorage):
    def write(self, uri, body, content_type):
        raise OSError("the bucket is gone")


def test_a_failing_bucket_is_an_internal_error(caplog):
    batch = Batch(storage=FailingStorage)
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.reason() == "InternalServerError: We encountered an internal error. Please try again."
    assert "the bucket is gone" in caplog.text


def test_a_job_without_capacity_fails_with_aws_message():
    batch = Batch(transform={"capacity": 1})
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.reason() == (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    assert not batch.model.started


def test_a_job_over_quota_is_refused_and_leaves_its_name_free():
    batch = Batch(transform={"quota": 1})

    with pytest.raises(ApiError, match=r"'.*for transform job usage' is 0 Instances") as raised:
        batch.jobs.create(REQUEST)

    assert raised.value.code == "ResourceLimitExceeded"
    with pytest.raises(ApiError, match="Could not find"):
        batch.jobs.describe({"TransformJobName": REQUEST["TransformJobName"]})


def test_a_plan_can_fail_shards():
    batch = Batch(transform={"shard": 1})
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.outputs() == {}


def test_a_stopped_job_writes_no_further_output():
    batch = Batch()
    batch.model.gate.clear()
    batch.jobs.create(REQUEST)
    eventually(lambda: batch.model.busy == 2, "two running")

    batch.jobs.stop({"TransformJobName": "batch-b-0"})

    assert batch.status() == "Stopping"
    batch.jobs.stop({"TransformJobName": "batch-b-0"})
    batch.model.gate.set()
    eventually(lambda: batch.status() == "Stopped", "the end")
    assert batch.outputs() == {}
    assert batch.model.stopped
    eventually(lambda: len(batch.announced) == 3, "three announcements")
    assert [job["TransformJobStatus"] for job in batch.announced] == ["InProgress", "Stopping", "Stopped"]
    with pytest.raises(ApiError, match="rejected because the transform job is in status Stopped"):
        batch.jobs.stop({"TransformJobName": "batch-b-0"})


def test_a_waiting_job_can_be_stopped():
    batch = Batch()
    batch.model.gate.clear()
    names = [f"job-{number}" for number in range(transforms.MAX_RUNNING_JOBS + 1)]
    for name in names:
        batch.jobs.create({**REQUEST, "TransformJobName": name, "MaxConcurrentTransforms": 1})
    eventually(lambda: batch.model.busy == transforms.MAX_RUNNING_JOBS, "all slots taken")
    described = [batch.jobs.describe({"TransformJobName": name}) for name in names]
    (waiting,) = [job["TransformJobName"] for job in described if "TransformStartTime" not in job]

    batch.jobs.stop({"TransformJobName": waiting})

    eventually(lambda: batch.status(waiting) == "Stopped", "the end of the waiting job")
    batch.model.gate.set()
    eventually(lambda: all(batch.status(name) == "Completed" for name in names if name != waiting), "the others")


@pytest.mark.parametrize(
    ("members", "code", "expected"),
    [
        ({"ModelName": "nobody"}, "ValidationException", 'Could not find model "arn:aws:sagemaker:'),
        ({"MaxPayloadInMB": 101, "MaxConcurrentTransforms": 1}, "ValidationException", "cannot be greater than 100 MB"),
        (
            {"MaxPayloadInMB": 51},
            "ValidationException",
            "product of MaxConcurrentTransforms (2) and MaxPayloadInMB (51) cannot be greater than 100 MB",
        ),
        (
            {"TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/x/"}}}},
            "ValidationException",
            'No S3 objects found under S3 URL "s3://jobs/x/" given in input data source',
        ),
        ({"DataProcessing": {"JoinSource": "Input"}}, "ValidationException", "supports only the default of JoinSource"),
        (
            {"TransformOutput": {**REQUEST["TransformOutput"], "AssembleWith": "Line"}},
            "ValidationException",
            "AssembleWith",
        ),
    ],
)
def test_an_invalid_job_is_rejected_and_not_created(members, code, expected):
    batch = Batch()
    with pytest.raises(ApiError) as error:
        batch.jobs.create({**REQUEST, **members})
    assert error.value.code == code
    assert expected in error.value.message
    assert batch.jobs.list_page({}) == {"TransformJobSummaries": []}
    assert batch.announced == []


def test_a_job_name_cannot_be_reused():
    batch = Batch()
    batch.run()
    with pytest.raises(ApiError, match="a job with this name already exists") as error:
        batch.jobs.create(REQUEST)
    assert error.value.code == "ResourceInUse"
    assert batch.status() == "Completed"


def test_jobs_are_listed_in_pages():
    batch = Batch(except_for_the_second(ContainerResponse(400, "text/plain", b"")))
    batch.run()
    batch.storage.objects[f"{INPUT}00001.jsonl"] = b"good"
    batch.run(TransformJobName="other")

    first = batch.jobs.list_page({"MaxResults": 1, "SortBy": "Name", "SortOrder": "Ascending"})
    rest = batch.jobs.list_page({"SortBy": "Name", "SortOrder": "Ascending", "NextToken": first["NextToken"]})

    (failed,), (good,) = first["TransformJobSummaries"], rest["TransformJobSummaries"]
    assert (failed["TransformJobName"], failed["TransformJobStatus"]) == ("batch-b-0", "Failed")
    assert failed["FailureReason"].startswith("ClientError")
    assert (good["TransformJobName"], good["TransformJobStatus"]) == ("other", "Completed")
    assert "NextToken" not in rest
    assert good["CreationTime"] <= good["TransformEndTime"] <= good["LastModifiedTime"]


def test_jobs_interrupted_by_a_restart_have_failed(tmp_path):
    path = tmp_path / "definitions.json"
    dead = Batch(clock=DrivenClock(100.0), path=path)
    dead.model.gate.clear()
    dead.jobs.create(REQUEST)
    eventually(lambda: dead.model.busy == 2, "two running")
    dead.jobs.close()
    dead.model.gate.set()

    again = Batch(clock=DrivenClock(200.0), path=path)
    again.jobs.fail_interrupted()

    assert again.status() == "Failed"
    assert again.reason() == "InternalServerError: We encountered an internal error. Please try again."
    assert [job["TransformJobStatus"] for job in again.announced] == ["Failed"]
    again.jobs.fail_interrupted()
    assert len(again.announced) == 1


@pytest.mark.parametrize(
    ("prefix", "uri", "output"),
    [
        ("s3://b/in/", "s3://b/in/0.jsonl", "s3://b/out/0.jsonl.out"),
        ("s3://b/in", "s3://b/in/0.jsonl", "s3://b/out/0.jsonl.out"),
        ("s3://b/in/", "s3://b/in/deep/0.jsonl", "s3://b/out/deep/0.jsonl.out"),
        ("s3://b/in/0", "s3://b/in/00.jsonl", "s3://b/out/00.jsonl.out"),
        ("s3://b/in/0.jsonl", "s3://b/in/0.jsonl", "s3://b/out/0.jsonl.out"),
    ],
)
def test_an_output_has_the_name_of_its_input(prefix, uri, output):
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": prefix}}}
    assert output_of({"TransformInput": source, "TransformOutput": {"S3OutputPath": "s3://b/out"}}, uri) == output
