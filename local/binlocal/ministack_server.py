"""`python -m binlocal.ministack_server [ADDRESS]`: MiniStack's ASGI application behind our gate, in one process.

It listens on 127.0.0.1, and on ADDRESS if one is given. MiniStack's own command serves the same application without a
gate. `binlocal.ministack.ministack_environment` makes the settings.
"""

import asyncio
import os
import resource
import sys
from contextlib import suppress
from functools import cache, partial

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

from binlocal import cloudformation
from binlocal.environment import create_client
from binlocal.gate import Gate
from binlocal.state import READY_PATH


def allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports "unlimited" but rejects it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    port = int(os.environ["GATEWAY_PORT"])
    config = Config()
    config.bind = [f"{host}:{port}" for host in ("127.0.0.1", *sys.argv[1:])]
    config.keep_alive_timeout = 75
    gate = Gate(app, port=port, key=os.environ["AWS_ACCESS_KEY_ID"], health=READY_PATH)
    allow_many_connections()
    cloudformation.install(cache(partial(create_client, os.environ)))
    asyncio.run(serve(gate, config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
