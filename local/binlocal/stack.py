"""The local stack: MiniStack, the local SageMaker with the real model server, the template, queue readers, a ticker."""

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

from binlocal.deploy import deploy
from binlocal.environment import client_environment, create_client, server_environment
from binlocal.errors import StackError
from binlocal.keeper import KeptServer
from binlocal.ministack import ministack_environment, start_ministack
from binlocal.poller import INVOKE_CONFIG, QueueReader, take_over
from binlocal.processes import AnyServer, Server, free_port, is_free, start_server, stopping, tail, wait_until_ready
from binlocal.sagemaker.faults import read_plan
from binlocal.state import READY_PATH, remove_state, write_state
from binlocal.ticker import Ticker, take_over_schedules
from binlocal.workfolder import held

ROOT = Path(__file__).parents[2]
MODEL_LOG = "model-server.log"
LOGS = (MODEL_LOG, "ministack.log", "sagemaker.log")
# What the local SageMaker keeps over a restart of its process.
SAGEMAKER_STATE = "sagemaker"
SCHEDULE_SECONDS = 10.0
LAST_PORT = 65535
START_SECONDS = 60.0
# A window of 5 s, as the template has it, would be most of the time that a few photographs take; and nobody waits for
# minutes in front of a terminal until something is tried again.
PARAMETERS = {"BatchWindow": "1", "RetryDelay": "1", "SweepAfter": "30"}


@dataclass(frozen=True)
class Stack:
    """A running stack. `environment` is what an SDK needs; `left_out` are resources that nothing local stands for."""

    name: str
    outputs: dict[str, str]
    environment: dict[str, str]
    left_out: tuple[str, ...]
    servers: tuple[AnyServer, ...]

    @property
    def endpoint(self) -> str:
        """MiniStack's URL."""
        return self.environment["AWS_ENDPOINT_URL"]

    def client(self, service: str) -> Any:
        """A new boto3 client."""
        return create_client(self.environment, service)

    def serve_forever(self) -> None:
        """Returns on SIGINT or SIGTERM. Raises StackError when a server of the stack has ended for good."""
        asked = threading.Event()
        before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not asked.wait(1):
                self.check()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raises StackError when a server of the stack has ended for good."""
        for server in self.servers:
            if not server.alive:
                raise StackError(f"{server.name} ended. Its log, {server.log}, ends:\n{tail(server.log)}")


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
    """Starts the stack, deploys the template, and ends all of it on the way out, also when we are killed.

    Logs, temporary files and the state file are in `workdir`, which is new, empty or a stack's already, and which this
    stack alone has until it ends. Port 0 is any free one; beside another one, SageMaker gets the next, if that is free.
    `model` is an artifact folder, the shipped one by default; `container` is another command for the model server;
    `faults` is a fault plan (see binlocal.sagemaker.faults). The functions that the template has on a schedule run
    every `schedule_seconds`. `bridge` is another address to listen on, for containers. A local SageMaker that ends by
    itself is started again, with its models, endpoints and transform jobs; requests that it had accepted are lost.
    Raises StackError, StartError, DeployError, TemplateError or PlanError.
    """
    if faults:
        read_plan(faults)
    with ExitStack() as running:
        running.enter_context(held(workdir))
        check_port(port, bridge)
        prepare(workdir)
        beside = free_port(port + 1 if 0 < port < LAST_PORT else 0)
        environment = client_environment(local_url(port or free_port()), local_url(beside))
        command = container or model_server(model or shipped())
        servers = start_servers(running, environment, workdir, command, faults, bridge)
        deployment = deploy(cache(partial(create_client, environment)), stack_name, template, parameters)
        start_readers(running, environment)
        start_ticker(running, environment, schedule_seconds)
        for endpoint in deployment.endpoints:
            wait_for_endpoint(environment, endpoint, workdir)
        running.callback(remove_state, workdir)
        write_state(workdir, stack_name, environment, deployment.outputs)
        yield Stack(stack_name, deployment.outputs, environment, deployment.left_out, servers)


def check_port(port: int, bridge: str | None = None) -> None:
    """Raises StackError where another program listens on the port that was asked for."""
    if port and not (is_free(port) and (bridge is None or is_free(port, bridge))):
        raise StackError(f"Port {port} is not free. Name another one with --port, or 0 for any that is free.")


def prepare(workdir: Path) -> None:
    """Clears away what an earlier stack has left in its folder."""
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
    container: Sequence[str],
    faults: Path | None,
    bridge: str | None,
) -> tuple[AnyServer, AnyServer]:
    """MiniStack and the local SageMaker, side by side. Both answer when this returns."""
    running.callback(shutil.rmtree, workdir / "tmp", ignore_errors=True)
    ministack = start_ministack(ministack_environment(environment, workdir / "tmp"), workdir / "ministack.log", bridge)
    running.enter_context(stopping(ministack))
    sagemaker = KeptServer(partial(start_sagemaker, environment, container, workdir, faults, bridge))
    running.enter_context(stopping(sagemaker))
    wait_until_ready(ministack, environment["AWS_ENDPOINT_URL"] + READY_PATH, START_SECONDS)
    wait_until_ready(sagemaker, environment["AWS_ENDPOINT_URL_SAGEMAKER"] + "/ping", START_SECONDS)
    return ministack, sagemaker


def start_sagemaker(
    environment: Mapping[str, str],
    container: Sequence[str],
    workdir: Path,
    faults: Path | None = None,
    bridge: str | None = None,
) -> Server:
    """With what an earlier process has left in `workdir`."""
    port = environment["AWS_ENDPOINT_URL_SAGEMAKER"].rpartition(":")[2]
    options = ["--port", port, "--log", str(workdir / MODEL_LOG), "--state", str(workdir / SAGEMAKER_STATE)]
    options += ["--faults", str(faults)] if faults else []
    options += ["--bridge", bridge] if bridge else []
    command = [sys.executable, "-m", "binlocal.sagemaker", *options, "--", *container]
    return start_server("The local SageMaker", command, server_environment(environment), workdir / "sagemaker.log")


def start_readers(running: ExitStack, environment: Mapping[str, str]) -> None:
    """Reads the queues as Lambda does, until the stack ends."""
    sqs = create_client(environment, "sqs")
    functions = create_client(environment, "lambda", INVOKE_CONFIG)
    readers = [QueueReader(source, sqs, functions) for source in take_over(functions, sqs)]
    running.callback(end_readers, readers)
    for reader in readers:
        reader.start()


def start_ticker(running: ExitStack, environment: Mapping[str, str], seconds: float) -> None:
    """Runs the schedules, until the stack ends."""
    schedules = take_over_schedules(create_client(environment, "scheduler"))
    ticker = Ticker(schedules, create_client(environment, "lambda", INVOKE_CONFIG), seconds)
    running.callback(ticker.stop)
    ticker.start()


def end_readers(readers: Sequence[QueueReader]) -> None:
    for reader in readers:
        reader.stop()
    for reader in readers:
        reader.join()


def wait_for_endpoint(environment: Mapping[str, str], name: str, workdir: Path) -> None:
    sagemaker = create_client(environment, "sagemaker")
    while (status := sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]) == "Creating":
        time.sleep(0.05)
    if status != "InService":
        log = workdir / MODEL_LOG
        raise StackError(f"The model server did not start. Its log, {log}, ends:\n{tail(log)}")
