"""The local stack: MiniStack, the local SageMaker with the real model server, the template, pollers and a scheduler."""

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from binmodel.artifact import shipped
from botocore.exceptions import ClientError

from binlocal.deploy import deploy
from binlocal.desk import Desk, open_desk
from binlocal.environment import client_environment, create_client, server_environment
from binlocal.errors import StackError
from binlocal.ministack import ministack_environment, start_ministack
from binlocal.poller import INVOKE_CONFIG, QueuePoller, take_over_queues
from binlocal.processes import AnyServer, Server, free_port, is_free, start_server, stopping, tail, wait_until_ready
from binlocal.sagemaker.faults import read_plan
from binlocal.scheduler import Scheduler, take_over_schedules
from binlocal.state import READY_PATH, remove_state, write_state
from binlocal.supervisor import SupervisedServer
from binlocal.workfolder import locked

ROOT = Path(__file__).parents[2]
MODEL_LOG = "model-server.log"
LOGS = (MODEL_LOG, "ministack.log", "sagemaker.log")
# The folder in which the local SageMaker keeps its state for a restart.
SAGEMAKER_STATE = "sagemaker"
SCHEDULE_SECONDS = 10.0
LAST_PORT = 65535
START_SECONDS = 60.0
# Shorter than the template's defaults. Counting a few images takes less than the default batching window of 5 s, and
# nobody waits minutes in front of a terminal for a retry.
PARAMETERS = {"BatchWindow": "1", "RetryDelay": "1", "SweepAfter": "30"}


@dataclass(frozen=True)
class Stack:
    """A running stack. `environment` is for SDKs; `skipped` are resources that have no local equivalent.

    `desk` is None if the template has none.
    """

    name: str
    outputs: dict[str, str]
    environment: dict[str, str]
    skipped: tuple[str, ...]
    servers: tuple[AnyServer, ...]
    desk: Desk | None = None

    @property
    def endpoint(self) -> str:
        """MiniStack's URL."""
        return self.environment["AWS_ENDPOINT_URL"]

    def client(self, service: str) -> Any:
        """A new boto3 client."""
        return create_client(self.environment, service)

    def serve_forever(self) -> None:
        """Returns on SIGINT or SIGTERM. Raises StackError if a server has ended for good."""
        stop = threading.Event()
        handlers = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not stop.wait(1):
                self.check()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raises StackError if a server has ended for good."""
        for server in self.servers:
            if not server.alive:
                raise StackError(f"{server.name} has exited. Its log, {server.log}, ends:\n{tail(server.log)}")


@contextmanager
def running_stack(
    *,
    workdir: Path,
    stack_name: str = "bintally",
    port: int = 0,
    model: Path | None = None,
    template: Path = ROOT / "template.yaml",
    parameters: Mapping[str, str] = PARAMETERS,
    container: Sequence[str] | None = None,
    faults: Path | None = None,
    schedule_seconds: float = SCHEDULE_SECONDS,
    bridge: str | None = None,
) -> Iterator[Stack]:
    """Starts the stack and deploys the template. Every process ends with the block, or with this process if killed.

    workdir: for logs, temporary files and the state file. New, empty, or a stack's earlier folder; locked meanwhile.
    port: MiniStack's port, 0 for any free one. The local SageMaker gets the next port if that is free.
    model: an artifact folder (default: the shipped model). container: another command for the model server.
    faults: a fault plan (see binlocal.sagemaker.faults).
    schedule_seconds: the interval at which functions with a schedule run.
    bridge: another address to listen on, for containers.

    A local SageMaker that exits is restarted with its models, endpoints and transform jobs; requests that it had
    accepted are lost. Raises StackError, StartError, DeployError, TemplateError or PlanError.
    """
    if faults:
        read_plan(faults)
    with ExitStack() as running:
        running.enter_context(locked(workdir))
        check_port(port, bridge)
        clear(workdir)
        sagemaker_port = free_port(port + 1 if 0 < port < LAST_PORT else 0)
        environment = client_environment(local_url(port or free_port()), local_url(sagemaker_port))
        command = container or model_server(model or shipped())
        servers = start_servers(running, environment, workdir, model or shipped(), command, faults, bridge)
        deployment = deploy(cache(partial(create_client, environment)), stack_name, template, parameters)
        start_pollers(running, environment)
        start_scheduler(running, environment, schedule_seconds)
        for endpoint in deployment.endpoints:
            wait_for_endpoint(environment, endpoint, workdir)
        outputs = deployment.outputs
        desk = open_desk(create_client(environment, "cognito-idp"), outputs, environment["AWS_ENDPOINT_URL"])
        running.callback(remove_state, workdir)
        write_state(workdir, stack_name, environment, outputs)
        yield Stack(stack_name, outputs, environment, deployment.skipped, servers, desk)


def check_port(port: int, bridge: str | None = None) -> None:
    """Raises StackError if another program uses the requested port."""
    if port and not (is_free(port) and (bridge is None or is_free(port, bridge))):
        raise StackError(f"Port {port} is not free. Choose another one with --port, or 0 for any free port.")


def clear(workdir: Path) -> None:
    """Removes what an earlier stack left in its folder."""
    remove_state(workdir)
    shutil.rmtree(workdir / "tmp", ignore_errors=True)
    (workdir / "tmp").mkdir(parents=True)
    shutil.rmtree(workdir / SAGEMAKER_STATE, ignore_errors=True)
    (workdir / SAGEMAKER_STATE).mkdir()
    for log in LOGS:
        (workdir / log).unlink(missing_ok=True)


def local_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def model_server(model: Path) -> list[str]:
    return [sys.executable, str(ROOT / "model_code" / "serve.py"), "--model", str(model)]


def start_servers(
    running: ExitStack,
    environment: Mapping[str, str],
    workdir: Path,
    model: Path,
    container: Sequence[str],
    faults: Path | None,
    bridge: str | None,
) -> tuple[AnyServer, AnyServer]:
    """Starts MiniStack and the local SageMaker. Both respond when this returns."""
    running.callback(shutil.rmtree, workdir / "tmp", ignore_errors=True)
    # The model function runs in MiniStack.
    variables = {**ministack_environment(environment, workdir / "tmp"), "BINTALLY_MODEL": str(model.resolve())}
    ministack = start_ministack(variables, workdir / "ministack.log", bridge)
    running.enter_context(stopping(ministack))
    sagemaker = SupervisedServer(partial(start_sagemaker, environment, container, workdir, faults, bridge))
    running.enter_context(stopping(sagemaker))
    wait_until_ready(ministack, environment["AWS_ENDPOINT_URL"] + READY_PATH, START_SECONDS)
    wait_until_ready(sagemaker, environment["AWS_ENDPOINT_URL_SAGEMAKER"] + "/ping", START_SECONDS)
    check_access_key(environment)
    return ministack, sagemaker


def check_access_key(environment: Mapping[str, str]) -> None:
    """Raises StackError if another stack answers at our ports: two that start at once may find the same port free."""
    try:
        create_client(environment, "s3").list_buckets()
        create_client(environment, "sagemaker").list_models()
    except ClientError as error:
        port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
        raise StackError(
            f"Another stack took port {port} or the next one while this one started. "
            "Start again, or use --port 0 for any free port."
        ) from error


def start_sagemaker(
    environment: Mapping[str, str],
    container: Sequence[str],
    workdir: Path,
    faults: Path | None = None,
    bridge: str | None = None,
) -> Server:
    """Starts the local SageMaker with the state that an earlier process left in `workdir`."""
    port = environment["AWS_ENDPOINT_URL_SAGEMAKER"].rpartition(":")[2]
    options = ["--port", port, "--log", str(workdir / MODEL_LOG), "--state", str(workdir / SAGEMAKER_STATE)]
    options += ["--faults", str(faults)] if faults else []
    options += ["--bridge", bridge] if bridge else []
    command = [sys.executable, "-m", "binlocal.sagemaker", *options, "--", *container]
    return start_server("The local SageMaker", command, server_environment(environment), workdir / "sagemaker.log")


def start_pollers(running: ExitStack, environment: Mapping[str, str]) -> None:
    """Polls the queues as Lambda does until the stack ends."""
    sqs = create_client(environment, "sqs")
    functions = create_client(environment, "lambda", INVOKE_CONFIG)
    pollers = [QueuePoller(source, sqs, functions) for source in take_over_queues(functions, sqs)]
    running.callback(stop_pollers, pollers)
    for poller in pollers:
        poller.start()


def start_scheduler(running: ExitStack, environment: Mapping[str, str], seconds: float) -> None:
    """Runs the schedules until the stack ends."""
    schedules = take_over_schedules(create_client(environment, "scheduler"))
    scheduler = Scheduler(schedules, create_client(environment, "lambda", INVOKE_CONFIG), seconds)
    running.callback(scheduler.stop)
    scheduler.start()


def stop_pollers(pollers: Sequence[QueuePoller]) -> None:
    for poller in pollers:
        poller.stop()
    for poller in pollers:
        poller.join()


def wait_for_endpoint(environment: Mapping[str, str], name: str, workdir: Path) -> None:
    sagemaker = create_client(environment, "sagemaker")
    while (status := sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]) == "Creating":
        time.sleep(0.05)
    if status != "InService":
        log = workdir / MODEL_LOG
        raise StackError(f"The model server did not start. Its log, {log}, ends:\n{tail(log)}")
