"""`python -m binlocal.sagemaker --port 9000 --log model-server.log -- python model_code/serve.py --model DIR`

S3 and SNS are found through the usual AWS environment variables. The command after `--` is the container: it is
started for each endpoint with `--host` and `--port` appended.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import boto3
import uvicorn
from botocore.config import Config

from binlocal.sagemaker.app import create_app
from binlocal.sagemaker.container import Container
from binlocal.sagemaker.control import ControlPlane, Members
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.serving import AsyncSettings, Serving
from binlocal.sagemaker.storage import AwsStorage

LOCAL_ACCOUNT = "000000000000"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="binlocal.sagemaker", description="The local SageMaker.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="where the model server's output goes")
    parser.add_argument("container", nargs="+", help="command of the model server")
    return parser.parse_args(arguments)


def create_control_plane(container: Sequence[str], log: Path, region: str) -> ControlPlane:
    config = Config(proxies={}, max_pool_connections=32)
    storage = AwsStorage(boto3.client("s3", config=config), boto3.client("sns", config=config))

    def make_endpoint(name: str, environment: Members, settings: AsyncSettings | None) -> Endpoint:
        model = Container(container, environment, log)
        return Endpoint(name, model, Serving(model, storage, settings, region, time.time) if settings else None)

    return ControlPlane(account=LOCAL_ACCOUNT, region=region, make_endpoint=make_endpoint)


def main(arguments: Sequence[str] | None = None) -> None:
    parsed = parse_arguments(arguments)
    control = create_control_plane(parsed.container, parsed.log, os.environ["AWS_REGION"])
    try:
        uvicorn.run(create_app(control), host="127.0.0.1", port=parsed.port, log_level="warning")
    finally:
        control.stop()


if __name__ == "__main__":
    main()
