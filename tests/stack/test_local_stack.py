"""The local stack itself, with a small template and a model server of a few lines."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from binlocal.errors import StackError
from binlocal.stack import running_stack
from binlocal.state import find_running

from tests.unit.local.sagemaker import standin
from tests.unit.local.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("small_stack")]

TEMPLATE = Path(__file__).parent / "small_stack" / "template.yaml"
SECONDS = 60.0
START = """
import sys
from pathlib import Path
from binlocal.stack import running_stack
with running_stack(workdir=Path(sys.argv[1]), template=Path(sys.argv[2]), container=sys.argv[3:]) as stack:
    print("up", flush=True)
    stack.serve_forever()
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return tmp_path_factory.mktemp("small")


@pytest.fixture(scope="module")
def stack(workdir):
    with running_stack(workdir=workdir, stack_name="small", template=TEMPLATE, container=standin.COMMAND) as running:
        yield running


def scan(stack, table):
    items = stack.client("dynamodb").scan(TableName=stack.outputs[table], ConsistentRead=True)["Items"]
    return {item["id"]["S"]: item for item in items}


def test_objects_reach_the_function_in_micro_batches_and_the_stream_the_next(stack):
    s3 = stack.client("s3")
    keys = {f"bin-{number}.jpg" for number in range(40)}
    for key in keys:
        s3.put_object(Bucket=stack.outputs["Photos"], Key=key, Body=b"x")

    lines = eventually(lambda: (found := scan(stack, "Lines")).keys() >= keys and found, "forty lines", SECONDS)
    stack.client("dynamodb").put_item(TableName=stack.outputs["Lines"], Item={"id": {"S": "other"}})
    eventually(lambda: scan(stack, "Seen").keys() >= keys, "forty lines seen", SECONDS)

    assert max(int(lines[key]["batch"]["S"]) for key in keys) > 10, "MiniStack alone sends ten at most"
    assert "other" not in scan(stack, "Seen"), "the stream's filter"


def test_a_message_that_keeps_failing_ends_in_the_dead_letter_queue_and_its_companions_do_not(stack):
    sqs = stack.client("sqs")
    bodies = ["sound", "poison", "sound"]
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    sqs.send_message_batch(QueueUrl=stack.outputs["Fragile"], Entries=entries)

    received = eventually(
        lambda: sqs.receive_message(
            QueueUrl=stack.outputs["DeadLetters"], MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages"),
        "the dead letter",
        SECONDS,
    )

    assert [message["Body"] for message in received] == ["poison"]
    depth = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queue = {"QueueUrl": stack.outputs["Fragile"], "AttributeNames": depth}
    eventually(
        lambda: set(sqs.get_queue_attributes(**queue)["Attributes"].values()) == {"0"}, "an empty queue", SECONDS
    )


def notifications(stack):
    """The messages of the results queue, out of their SNS envelopes."""
    sqs, queue = stack.client("sqs"), stack.outputs["Results"]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]


def test_an_asynchronous_inference_is_announced_through_the_topic(stack):
    s3, bucket = stack.client("s3"), stack.outputs["Photos"]
    s3.put_object(Bucket=bucket, Key="in.jsonl", Body=b"environment BUCKET")

    answer = stack.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=stack.outputs["EndpointName"], InputLocation=f"s3://{bucket}/in.jsonl", InferenceId="job-1"
    )

    received = []
    eventually(lambda: received.extend(notifications(stack)) or len(received) >= 3, "the announcement", SECONDS)
    assert [message["eventName"] for message in received[:2]] == ["TestNotification", "TestNotification"]
    assert (received[2]["inferenceId"], received[2]["invocationStatus"]) == ("job-1", "Completed")
    location = received[2]["responseParameters"]["outputLocation"]
    assert location == answer["OutputLocation"]
    output = s3.get_object(Bucket=bucket, Key=location.removeprefix(f"s3://{bucket}/"))["Body"].read()
    assert output == bucket.encode(), "the model's environment is resolved"


def test_the_stack_is_found_by_its_state_file_and_not_started_twice(stack, workdir):
    state = find_running(workdir)

    assert state["stack_name"] == "small"
    assert state["pid"] == os.getpid()
    assert (state["endpoint"], state["outputs"], state["environment"]) == (
        stack.endpoint,
        stack.outputs,
        stack.environment,
    )
    with pytest.raises(StackError, match="already running"), running_stack(workdir=workdir, template=TEMPLATE):
        pass


def descendants(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return {int(child) for child in found}.union(*(descendants(child) for child in found))


def target_of(link):
    with suppress(FileNotFoundError):
        return str(link.readlink())


def listening(pids):
    """(address, port) of each listening TCP socket that one of these processes holds."""
    sockets = {target for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if (target := target_of(link))}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add((address, int(port, 16)))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_everything_listens_on_loopback_alone(stack):
    loopback = socket.inet_aton("127.0.0.1")[::-1].hex().upper()

    found = listening(set().union(*(descendants(server.process.pid) for server in stack.servers)))

    assert int(stack.endpoint.rpartition(":")[2]) in {port for _, port in found}
    assert len(found) == 3, "MiniStack, the local SageMaker and the model server"
    assert {address for address, _ in found} == {loopback}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stack_leaves_no_process_behind_however_it_ends(tmp_path, number):
    command = [sys.executable, "-c", START, tmp_path, TEMPLATE, *standin.COMMAND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "up\n"
        pids = descendants(parent.pid)
        assert len(pids) >= 5, "two process groups, MiniStack, the local SageMaker, the model server, workers"
        parent.send_signal(number)
        parent.wait(SECONDS)

    def alive():
        listed = ",".join(map(str, pids))
        return subprocess.run(["ps", "-o", "pid=", "-p", listed], capture_output=True, check=False).stdout.split()

    eventually(lambda: not alive(), "all processes gone", SECONDS)
    assert find_running(tmp_path) is None
