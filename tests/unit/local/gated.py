"""MiniStack and the local SageMaker behind their gates, each alone."""

from contextlib import contextmanager

from binlocal.environment import client_environment
from binlocal.ministack import ministack_environment, start_ministack
from binlocal.processes import free_port, stopping, wait_until_ready
from binlocal.stack import SAGEMAKER_STATE, start_sagemaker
from binlocal.state import READY_PATH

from tests.unit.local.sagemaker import standin


@contextmanager
def running_ministack(folder, bridge=None):
    """Yields the environment for its clients."""
    environment = client_environment(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}")
    server = start_ministack(ministack_environment(environment, folder), folder / "ministack.log", bridge)
    with stopping(server):
        wait_until_ready(server, environment["AWS_ENDPOINT_URL"] + READY_PATH, 60)
        yield environment


@contextmanager
def running_sagemaker(folder, bridge=None):
    """Yields the environment for its clients."""
    environment = client_environment("http://127.0.0.1:9", f"http://127.0.0.1:{free_port()}")
    (folder / SAGEMAKER_STATE).mkdir()
    with stopping(start_sagemaker(environment, standin.COMMAND, folder, bridge=bridge)) as server:
        wait_until_ready(server, environment["AWS_ENDPOINT_URL_SAGEMAKER"] + "/ping", 60)
        yield environment
