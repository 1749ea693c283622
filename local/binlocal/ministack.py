"""MiniStack as a child process behind our gate: loopback only, in memory, without Docker or the user's AWS setup."""

import sys
from collections.abc import Mapping
from pathlib import Path

from binlocal.environment import REGION, server_environment
from binlocal.processes import Server, start_server


def ministack_environment(client: Mapping[str, str], folder: Path) -> dict[str, str]:
    """MiniStack's environment variables, made from those of its clients.

    Its Lambda workers inherit them and find the stack and the local SageMaker through them. `folder` is for temporary
    files, including the functions' code.
    """
    return {
        **server_environment(client),
        # Lambda workers use the account id as their access key. The gate recognises them by this token.
        "AWS_SESSION_TOKEN": client["AWS_ACCESS_KEY_ID"],
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": client["AWS_ENDPOINT_URL"].rpartition(":")[2],
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "0",
        "LOCALSTACK_PERSISTENCE": "0",
        "S3_PERSIST": "0",
        "AUTH": "false",
        "USE_SSL": "0",
        "SERVICES": "",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_STRICT": "0",
        # These listeners bind every interface.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # MiniStack removes containers at startup if it finds a Docker daemon.
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
    }


def start_ministack(environment: Mapping[str, str], log: Path, bridge: str | None = None) -> Server:
    """`bridge` is another address to listen on, for containers."""
    command = [sys.executable, "-m", "binlocal.ministack_server", *filter(None, [bridge])]
    return start_server("MiniStack", command, environment, log)
