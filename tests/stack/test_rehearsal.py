"""A deployment rehearsed on the local stack, with the commands of docs/deploy.md and the real `sam`.

The tests follow one another on one stack. `make rehearsal` runs them; `make test` leaves them out, because they take as
long as a third of all others.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from bincli.deploy.sam import BUILD, SAM
from binlocal.environment import authorization, create_client
from binlocal.state import find_running
from binmodel.artifact import shipped

from tests.documents import ROOT, commands
from tests.stack.beside import OWN, running_up

pytestmark = [pytest.mark.stack, pytest.mark.rehearsal]
DEPLOY = "bintally deploy --stack rehearsal --set ModelImageUri=local/bintally-counter --yes"
TYPE = "bintally deploy --stack rehearsal --set InferenceInstanceType=ml.c7i.xlarge --yes"
SMOKE = "bintally smoke --stack rehearsal"
DESTROY = "bintally destroy --stack rehearsal --delete-data --yes rehearsal"
AUDIT = "bintally audit --stack rehearsal --notification-grace 0 --submission-grace 0 --wait 120"
QUICK = "--set BatchWindow=1 --set RetryDelay=1 --set SweepAfter=30"
PHOTOS = "bintally backfill tests/photos --stack rehearsal"
ORDERS = "bintally orders import events/messages/orders.csv --stack rehearsal"
ACCOUNTED = "5 photos accounted for, none lost."


class Terminal:
    """A terminal that points at a running local stack."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.folder = Path(environment["BINTALLY_WORK"]) / OWN
        state = find_running(self.folder)
        assert state is not None
        self.environment = {**environment, "SAM_CLI_POLL_DELAY": "1"}
        self.stack: dict[str, str] = state["environment"]

    def types(self, line: str, code: int = 0) -> str:
        """What the command prints on both streams."""
        done = subprocess.run(
            ["bash", "-c", f". {self.folder}/aws.env && {line}"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, (line, done.stdout[-3000:])
        return done.stdout

    def reads(self, line: str) -> list[dict[str, Any]]:
        printed = self.types(f"{line} --stack rehearsal --json 2> /dev/null")
        return [json.loads(each) for each in printed.splitlines()]

    def client(self, service: str) -> Any:
        return create_client(self.stack, service)

    def faults(self, plan: dict[str, Any]) -> None:
        url = f"{self.stack['AWS_ENDPOINT_URL_SAGEMAKER']}/_faults"
        httpx.put(url, json=plan, headers=authorization(self.stack), trust_env=False).raise_for_status()

    @property
    def left(self) -> list[str]:
        """What the account has of the stack."""
        names = [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]
        names += self.client("dynamodb").list_tables()["TableNames"]
        names += [queue.rpartition("/")[2] for queue in self.client("sqs").list_queues().get("QueueUrls", [])]
        names += [model["ModelName"] for model in self.client("sagemaker").list_models()["Models"]]
        return [name for name in names if name.startswith("rehearsal")]

    @property
    def served(self) -> tuple[str, str]:
        """The instance type and the model of the endpoint, which scales."""
        sagemaker = self.client("sagemaker")
        endpoint = sagemaker.describe_endpoint(EndpointName="rehearsal-counter")
        assert endpoint["EndpointStatus"] == "InService"
        config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        (variant,) = config["ProductionVariants"]
        scaling = self.client("application-autoscaling")
        targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        assert [target["ResourceId"] for target in targets] == ["endpoint/rehearsal-counter/variant/AllTraffic"]
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
        return variant["InstanceType"], model["PrimaryContainer"].get("ModelDataUrl", "")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    built = subprocess.run(BUILD, capture_output=True, text=True, check=False)
    if built.returncode or not SAM.exists():
        pytest.skip(f"The functions can't be built here with sam: {built.stderr[-300:]}")
    with running_up(tmp_path_factory.mktemp("up")) as environment:
        yield Terminal(environment)


def test_the_document_shows_what_is_typed_here() -> None:
    assert {DEPLOY, TYPE, SMOKE, DESTROY} <= set(commands(ROOT / "docs" / "deploy.md"))


def test_a_first_create_that_failed_is_repeated(terminal: Terminal) -> None:
    terminal.faults({"endpoint": {"quota": 1}})
    said = " ".join(terminal.types(f"{DEPLOY} {QUICK}", 1).split())
    assert "Endpoint (AWS::SageMaker::Endpoint) failed: " in said
    assert "ml.c6i.xlarge for endpoint usage" in said
    assert terminal.left == []
    terminal.faults({})
    assert "Deleting the empty stack" in terminal.types(f"{DEPLOY} {QUICK}")
    assert "Passed." in terminal.types(SMOKE)
    assert terminal.served == ("ml.c6i.xlarge", "")


def test_the_instance_type_and_the_model_change_and_lose_nothing(terminal: Terminal, tmp_path: Path) -> None:
    terminal.types(PHOTOS)
    terminal.types(ORDERS)
    assert ACCOUNTED in terminal.types(AUDIT)

    terminal.types(TYPE)
    assert terminal.served == ("ml.c7i.xlarge", "")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz", compresslevel=1) as bundle:
        bundle.add(shipped(), arcname=".")
    terminal.client("s3").create_bucket(Bucket="models")
    push = "bintally model push {}/model.tar.gz --to s3://models/bintally --stack rehearsal"
    assert "PendingManualApproval" in terminal.types(push.format(tmp_path))
    assert "a person has to approve it" in terminal.types("bintally model deploy 1 --stack rehearsal --yes", 1)
    terminal.types("bintally model deploy 1 --stack rehearsal --yes --force")
    location = terminal.served[1]
    assert terminal.served == ("ml.c7i.xlarge", location)
    assert location.startswith("s3://models/bintally/")
    terminal.types("bintally model rollback --stack rehearsal --yes")
    assert terminal.served == ("ml.c7i.xlarge", "")
    assert ACCOUNTED in terminal.types(AUDIT)


def test_what_a_backup_has_comes_back_after_the_stack_was_destroyed(terminal: Terminal, tmp_path: Path) -> None:
    before = terminal.reads("bintally bins"), terminal.reads("bintally consignment C-1001")
    assert all(before)
    terminal.types(f"bintally backup {tmp_path}/backup --stack rehearsal")

    terminal.types(DESTROY)
    assert terminal.left == []
    terminal.types(f"{DEPLOY} {QUICK}")
    terminal.types(f"bintally restore {tmp_path}/backup --stack rehearsal")
    assert (terminal.reads("bintally bins"), terminal.reads("bintally consignment C-1001")) == before
    terminal.types(PHOTOS)
    assert "none lost." in terminal.types(AUDIT)
    assert "Passed." in terminal.types(SMOKE)
