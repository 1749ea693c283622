"""`python -m binlocal.sagemaker --port 9000 --log model-server.log -- python model_code/serve.py --model DIR`

It finds S3, SNS, SQS and EventBridge through the usual AWS environment variables. Requests to it need the same access
key id (see binlocal.gate). The command after `--` starts the container, once for each endpoint and each transform job,
with `--host` and `--port` appended. Models, endpoints and jobs are saved in the `--state` folder and restored from it.
"""

import argparse
import os
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import boto3
import uvicorn
from binmodel.connections import TimeoutProtocol
from botocore.config import Config

from binlocal.gate import App, Gate
from binlocal.sagemaker.app import create_app
from binlocal.sagemaker.async_inference import AsyncInference, AsyncSettings
from binlocal.sagemaker.clock import Clock, SystemClock
from binlocal.sagemaker.container import Container
from binlocal.sagemaker.control import ControlPlane, Members
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.endpoints import Endpoints
from binlocal.sagemaker.events import Rules, transform_state_change
from binlocal.sagemaker.faults import FaultInjector, read_plan
from binlocal.sagemaker.faulty_model import FaultyModelServer
from binlocal.sagemaker.notifier import Notifier
from binlocal.sagemaker.registry import Registry
from binlocal.sagemaker.storage import AwsStorage
from binlocal.sagemaker.transforms import TransformJobs

LOCAL_ACCOUNT = "000000000000"
FAULTS_VARIABLE = "BINTALLY_FAULTS"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="binlocal.sagemaker", description="The local SageMaker.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bridge", help="another address to listen on, for containers")
    parser.add_argument("--log", type=Path, required=True, help="file for the model server's output")
    parser.add_argument("--faults", type=Path, help=f"fault plan in JSON (default: ${FAULTS_VARIABLE})")
    parser.add_argument("--state", type=Path, help="folder in which state survives a restart (default: none)")
    parser.add_argument("container", nargs="+", help="command that starts the model server")
    return parser.parse_args(arguments)


def load_faults(path: Path | None, state: Path | None) -> FaultInjector:
    """A plan saved in `state` before a restart takes precedence over the one in `path`. Raises PlanError."""
    named = path or Path(os.environ.get(FAULTS_VARIABLE, ""))
    plan = read_plan(named) if named != Path() else None
    return FaultInjector(plan, state / "faults.json" if state else None)


def create_control_plane(
    container: Sequence[str], log: Path, region: str, faults: FaultInjector, state: Path | None, clock: Clock
) -> ControlPlane:
    config = Config(proxies={}, max_pool_connections=32)
    client = partial(boto3.client, config=config)
    storage = AwsStorage(client("s3"), client("sns"))
    notifier = Notifier(faults, clock)
    rules = Rules(client("events"), client("sqs"))
    registry = Registry(
        f"arn:aws:sagemaker:{region}:{LOCAL_ACCOUNT}", clock, state / "definitions.json" if state else None
    )

    def make_model(environment: Mapping[str, str]) -> FaultyModelServer:
        return FaultyModelServer(Container(container, environment, log), faults, clock)

    def make_endpoint(name: str, environment: Members, settings: AsyncSettings | None) -> Endpoint:
        model = make_model(environment)
        inference = AsyncInference(model, storage, settings, region, clock, faults, notifier) if settings else None
        return Endpoint(name, model, inference)

    def announce(job: Members) -> None:
        event = partial(transform_state_change, job, region=region, account=LOCAL_ACCOUNT, now=clock.now())
        notifier.send(lambda: rules.deliver(event(epoch_times=faults.occurs("notifications.epoch_times"))))

    transforms = TransformJobs(
        registry,
        storage=storage,
        make_model=make_model,
        announce=announce,
        faults=faults,
        clock=clock,
        region=region,
    )
    endpoints = Endpoints(registry, make_endpoint, faults, clock)
    return ControlPlane(account=LOCAL_ACCOUNT, registry=registry, endpoints=endpoints, transforms=transforms)


def create_server(app: App, port: int, key: str) -> uvicorn.Server:
    """A server behind the gate that closes the connections of slow clients."""
    gate = Gate(app, port=port, key=key, health="/ping")
    return uvicorn.Server(
        uvicorn.Config(gate, host="127.0.0.1", port=port, http=TimeoutProtocol, ws="none", log_level="warning")
    )


def listeners(port: int, bridge: str | None) -> list[socket.socket]:
    return [socket.create_server((host, port)) for host in ("127.0.0.1", bridge) if host]


def main(arguments: Sequence[str] | None = None) -> None:
    parsed = parse_arguments(arguments)
    clock = SystemClock()
    faults = load_faults(parsed.faults, parsed.state)
    control = create_control_plane(parsed.container, parsed.log, os.environ["AWS_REGION"], faults, parsed.state, clock)
    control.restore()
    try:
        app = create_app(control, faults, clock)
        server = create_server(app, parsed.port, os.environ["AWS_ACCESS_KEY_ID"])
        server.run(sockets=listeners(parsed.port, parsed.bridge))
    finally:
        control.stop()


if __name__ == "__main__":
    main()
