"""`python -m binlocal.sagemaker --port 9000 --log model-server.log -- python model_code/serve.py --model DIR`

S3, SNS, SQS and EventBridge are found through the usual AWS environment variables, whose access key id also opens our
gate. The command after `--` is the container: it is started for each endpoint and each transform job, with `--host` and
`--port` appended. In `--state` lies what outlives the process: started again with the same folder, it has the same
models, endpoints and jobs.
"""

import argparse
import os
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import boto3
import uvicorn
from binmodel.clients import PromptProtocol
from botocore.config import Config

from binlocal.gate import App, Gate
from binlocal.sagemaker.app import create_app
from binlocal.sagemaker.clock import Clock, SystemClock
from binlocal.sagemaker.container import Container
from binlocal.sagemaker.control import ControlPlane, Members
from binlocal.sagemaker.courier import Courier
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.events import Rules, transform_state_change
from binlocal.sagemaker.faults import Faults, read_plan
from binlocal.sagemaker.faulty import FaultyModel
from binlocal.sagemaker.registry import Registry
from binlocal.sagemaker.serving import AsyncSettings, Serving
from binlocal.sagemaker.storage import AwsStorage
from binlocal.sagemaker.transforms import TransformJobs

LOCAL_ACCOUNT = "000000000000"
FAULTS_VARIABLE = "BINTALLY_FAULTS"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="binlocal.sagemaker", description="The local SageMaker.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bridge", help="another address to listen on, for containers")
    parser.add_argument("--log", type=Path, required=True, help="where the model server's output goes")
    parser.add_argument("--faults", type=Path, help=f"fault plan, JSON; ${FAULTS_VARIABLE} without this")
    parser.add_argument("--state", type=Path, help="folder for what outlives this process; nothing does without it")
    parser.add_argument("container", nargs="+", help="command of the model server")
    return parser.parse_args(arguments)


def load_faults(path: Path | None, state: Path | None) -> Faults:
    """Raises PlanError. A plan in `state`, from before a restart, goes before the one in `path`."""
    named = path or Path(os.environ.get(FAULTS_VARIABLE, ""))
    plan = read_plan(named) if named != Path() else None
    return Faults(plan, state / "faults.json" if state else None)


def create_control_plane(
    container: Sequence[str], log: Path, region: str, faults: Faults, state: Path | None, clock: Clock
) -> ControlPlane:
    config = Config(proxies={}, max_pool_connections=32)
    client = partial(boto3.client, config=config)
    storage = AwsStorage(client("s3"), client("sns"))
    courier = Courier(faults, clock)
    rules = Rules(client("events"), client("sqs"))
    registry = Registry(
        f"arn:aws:sagemaker:{region}:{LOCAL_ACCOUNT}", clock, state / "definitions.json" if state else None
    )

    def make_model(environment: Mapping[str, str]) -> FaultyModel:
        return FaultyModel(Container(container, environment, log), faults, clock)

    def make_endpoint(name: str, environment: Members, settings: AsyncSettings | None) -> Endpoint:
        model = make_model(environment)
        serving = Serving(model, storage, settings, region, clock, faults, courier) if settings else None
        return Endpoint(name, model, serving)

    def announce(job: Members) -> None:
        told = partial(transform_state_change, job, region=region, account=LOCAL_ACCOUNT, now=clock.now())
        courier.send(lambda: rules.deliver(told(epoch_times=faults.strikes("notifications.epoch_times"))))

    transforms = TransformJobs(
        registry,
        storage=storage,
        make_model=make_model,
        announce=announce,
        faults=faults,
        clock=clock,
        region=region,
    )
    return ControlPlane(account=LOCAL_ACCOUNT, registry=registry, make_endpoint=make_endpoint, transforms=transforms)


def create_server(app: App, port: int, key: str) -> uvicorn.Server:
    """A server behind the gate that closes the connections of clients that are too slow."""
    gate = Gate(app, port=port, key=key, health="/ping")
    return uvicorn.Server(
        uvicorn.Config(gate, host="127.0.0.1", port=port, http=PromptProtocol, ws="none", log_level="warning")
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
