"""MiniStack as a child process: loopback only, behind our gate, nothing kept on disk, no Docker, nothing of the user's
own AWS.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from binlocal.environment import REGION, server_environment
from binlocal.processes import Server, start_server


def ministack_environment(client: Mapping[str, str], folder: Path) -> dict[str, str]:
    """MiniStack's environment, from that of its clients.

    Its Lambda workers inherit it, and find the stack and the local SageMaker through it. `folder` takes temporary
    files, among them the code of the functions.
    """
    return {
        **server_environment(client),
        # Its workers sign with the account's number as their key, and with this token: by it the gate knows them.
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
        # Listeners of its own that bind every interface.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # Where it finds a Docker daemon, it removes containers when it starts.
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
    }


def start_ministack(environment: Mapping[str, str], log: Path, bridge: str | None = None) -> Server:
    """`bridge` is another address to listen on, for containers."""
    command = [sys.executable, "-m", "binlocal.ministack_server", *filter(None, [bridge])]
    return start_server("MiniStack", command, environment, log)
