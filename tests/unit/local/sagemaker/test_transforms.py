"""Batch Transform jobs with a fake container, fake storage and a clock that the test drives."""

import pytest
from binlocal.sagemaker import transforms
from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.errors import ContainerError, ContainerTimeoutError, RefusedError
from binlocal.sagemaker.faults import Faults, parse_plan
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
    """A Batch Transform with three shards to read."""

    def __init__(self, answer=None, clock=None, path=None, storage=FakeStorage, **plan):
        self.clock = clock or FakeClock()
        self.model = FakeModel(answer or (lambda body: Answer(200, "application/jsonlines", body[::-1])))
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
            faults=Faults(parse_plan(plan)),
            clock=self.clock,
            region="us-east-1",
        )

    def make_model(self, environment):
        self.environments.append(environment)
        return self.model

    def status(self, name="batch-b-0"):
        return self.jobs.describe({"TransformJobName": name})["TransformJobStatus"]

    def run(self, **members):
        """Creates the job and waits for its end; the statuses that were announced."""
        request = {**REQUEST, **members}
        self.jobs.create(request)
        ended = ("Completed", "Failed", "Stopped")
        name = request["TransformJobName"]
        eventually(lambda: (name, self.status(name)) in self.told() and self.status(name) in ended, "the job's end")
        return [job["TransformJobStatus"] for job in self.announced]

    def told(self):
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


def test_the_container_is_told_that_it_is_batch():
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


def test_no_more_shards_run_at_once_than_the_job_allows():
    batch = Batch()
    batch.model.gate.clear()
    batch.jobs.create(REQUEST)
    eventually(lambda: batch.model.busy == 2, "two at work")
    batch.model.gate.set()
    eventually(lambda: batch.status() == "Completed", "the end")
    assert batch.model.busiest == 2


def but_for_the_second(answer):
    return lambda body: answer if body == b"shard 1" else Answer(200, "application/jsonlines", b"ok")


@pytest.mark.parametrize(
    ("answer", "asked", "reason"),
    [
        (Answer(400, "text/plain", b"no manifest"), 1, "ClientError: See job logs for more information"),
        (Answer(500, "text/plain", b"out of memory"), 2, "AlgorithmError: See job logs for more information"),
        (ContainerError("broke off"), 2, "AlgorithmError: See job logs for more information"),
        (ContainerTimeoutError("late"), 2, "AlgorithmError: See job logs for more information"),
    ],
)
def test_a_shard_that_fails_has_no_output_fails_the_job_and_spares_the_others(answer, asked, reason):
    batch = Batch(but_for_the_second(answer))

    assert batch.run() == ["InProgress", "Failed"]

    assert batch.reason() == reason
    assert batch.announced[-1]["FailureReason"] == reason
    assert set(batch.outputs()) == {f"{OUTPUT}00000.jsonl.out", f"{OUTPUT}00002.jsonl.out"}
    assert [body for body, *_ in batch.model.requests].count(b"shard 1") == asked


def test_a_shard_that_succeeds_when_asked_again_is_no_failure():
    answers = {b"shard 1": [ContainerError("killed")]}
    good = Answer(200, "application/jsonlines", b"ok")
    batch = Batch(lambda body: answers[body].pop() if answers.get(body) else good)
    assert batch.run() == ["InProgress", "Completed"]
    assert batch.clock.waits == [1.0]


def test_a_shard_larger_than_the_payload_is_not_sent():
    batch = Batch()
    batch.storage.objects[f"{INPUT}00001.jsonl"] = b"x" * (1024 * 1024 + 1)
    batch.run(MaxPayloadInMB=1)
    assert batch.reason() == "ClientError: See job logs for more information"
    assert len(batch.outputs()) == 2


def test_a_container_that_never_comes_up_fails_the_job():
    batch = Batch()
    batch.model.status = "Failed"
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.reason().startswith("AlgorithmError")
    assert batch.outputs() == {}


class RefusingStorage(FakeStorage):
    def write(self, uri, body, content_type):
        raise OSError("the bucket is gone")


def test_a_bucket_that_takes_nothing_is_an_internal_error(caplog):
    batch = Batch(storage=RefusingStorage)
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.reason() == "InternalServerError: We encountered an internal error. Please try again."
    assert "the bucket is gone" in caplog.text


def test_a_job_for_which_there_is_no_capacity_fails_in_aws_words():
    batch = Batch(transform={"capacity": 1})
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.reason() == (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    assert not batch.model.started


def test_a_plan_may_fail_shards():
    batch = Batch(transform={"shard": 1})
    assert batch.run() == ["InProgress", "Failed"]
    assert batch.outputs() == {}


def test_a_stopped_job_writes_nothing_any_more():
    batch = Batch()
    batch.model.gate.clear()
    batch.jobs.create(REQUEST)
    eventually(lambda: batch.model.busy == 2, "two at work")

    batch.jobs.stop({"TransformJobName": "batch-b-0"})

    assert batch.status() == "Stopping"
    batch.jobs.stop({"TransformJobName": "batch-b-0"})
    batch.model.gate.set()
    eventually(lambda: batch.status() == "Stopped", "the end")
    assert batch.outputs() == {}
    assert batch.model.stopped
    eventually(lambda: len(batch.announced) == 3, "three announcements")
    assert [job["TransformJobStatus"] for job in batch.announced] == ["InProgress", "Stopping", "Stopped"]
    with pytest.raises(RefusedError, match="rejected because the transform job is in status Stopped"):
        batch.jobs.stop({"TransformJobName": "batch-b-0"})


def test_a_job_that_waits_for_instances_can_be_stopped():
    batch = Batch()
    batch.model.gate.clear()
    names = [f"job-{number}" for number in range(transforms.JOBS_AT_ONCE + 1)]
    for name in names:
        batch.jobs.create({**REQUEST, "TransformJobName": name, "MaxConcurrentTransforms": 1})
    eventually(lambda: batch.model.busy == transforms.JOBS_AT_ONCE, "all slots taken")
    described = [batch.jobs.describe({"TransformJobName": name}) for name in names]
    (waiting,) = [job["TransformJobName"] for job in described if "TransformStartTime" not in job]

    batch.jobs.stop({"TransformJobName": waiting})

    eventually(lambda: batch.status(waiting) == "Stopped", "the end of the one that waits")
    batch.model.gate.set()
    eventually(lambda: all(batch.status(name) == "Completed" for name in names if name != waiting), "the others")


@pytest.mark.parametrize(
    ("members", "code", "said"),
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
        ({"DataProcessing": {"JoinSource": "Input"}}, "ValidationException", "knows only the default of JoinSource"),
        (
            {"TransformOutput": {**REQUEST["TransformOutput"], "AssembleWith": "Line"}},
            "ValidationException",
            "AssembleWith",
        ),
    ],
)
def test_a_wrong_job_is_refused_and_does_not_exist(members, code, said):
    batch = Batch()
    with pytest.raises(RefusedError) as refusal:
        batch.jobs.create({**REQUEST, **members})
    assert refusal.value.code == code
    assert said in refusal.value.message
    assert batch.jobs.list_page({}) == {"TransformJobSummaries": []}
    assert batch.announced == []


def test_a_name_is_taken_for_ever():
    batch = Batch()
    batch.run()
    with pytest.raises(RefusedError, match="a job with this name already exists") as refusal:
        batch.jobs.create(REQUEST)
    assert refusal.value.code == "ResourceInUse"
    assert batch.status() == "Completed"


def test_jobs_are_listed_by_page():
    batch = Batch(but_for_the_second(Answer(400, "text/plain", b"")))
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


def test_jobs_at_work_when_the_process_died_have_failed(tmp_path):
    path = tmp_path / "definitions.json"
    dead = Batch(clock=DrivenClock(100.0), path=path)
    dead.model.gate.clear()
    dead.jobs.create(REQUEST)
    eventually(lambda: dead.model.busy == 2, "two at work")
    dead.jobs.close()
    dead.model.gate.set()

    again = Batch(clock=DrivenClock(200.0), path=path)
    again.jobs.resume()

    assert again.status() == "Failed"
    assert again.reason() == "InternalServerError: We encountered an internal error. Please try again."
    assert [job["TransformJobStatus"] for job in again.announced] == ["Failed"]
    again.jobs.resume()
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
