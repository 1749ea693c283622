"""The inference server: `binmodel` behind SageMaker's container contract.

    python model_code/serve.py --host 127.0.0.1 --port 8080 --model DIR

GET /ping, POST /invocations (a manifest as `application/jsonlines`, or one image as `image/jpeg`, `image/png` or
`application/x-image`) and GET /execution-parameters
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html).

BINTALLY_IMAGE_BUCKETS lists the buckets that manifests may use, separated by commas. Without it, only images in the
request itself can be counted. BINTALLY_CONCURRENT_REQUESTS is the number of requests counted at the same time; in a
batch transform job, SageMaker's own SAGEMAKER_MAX_CONCURRENT_TRANSFORMS takes precedence.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from anyio import CapacityLimiter
from binmodel.artifact import ArtifactError, model_to_serve
from binmodel.connections import BodyReader, TimeoutProtocol, while_connected
from binmodel.fetch import allowed_buckets, read_object, s3_client
from binmodel.images import Limits
from binmodel.invocation import JSON_LINES, READERS, AbandonedError, count_image, count_manifest, json_lines, media_type
from binmodel.manifest import Entry
from binmodel.predict import Predictor
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MODEL_DIR = Path("/opt/ml/model")  # where SageMaker unpacks ModelDataUrl
MAX_LINES = 50_000  # of a manifest
WAITING_BODIES = 2  # requests of the maximum size that can wait while others are counted
CLIENT_GONE = 499  # never received by anyone
GRACE = 25  # seconds; SageMaker sends SIGKILL 30 seconds after SIGTERM

log = logging.getLogger("serve")


@dataclass(frozen=True)
class Settings:
    """At most `concurrency` requests run at the same time, each with a body of at most `max_payload_mb` MiB.

    A body must arrive within `body_seconds`.
    """

    concurrency: int = 2
    max_payload_mb: int = 25
    batch_strategy: str = "SINGLE_RECORD"
    body_seconds: float = 60.0

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """From the variables of a batch transform job, or BINTALLY_CONCURRENT_REQUESTS on an endpoint."""
        concurrency = env.get("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS") or env.get("BINTALLY_CONCURRENT_REQUESTS")
        return cls(
            int(concurrency or cls.concurrency),
            int(env.get("SAGEMAKER_MAX_PAYLOAD_IN_MB") or cls.max_payload_mb),
            env.get("SAGEMAKER_BATCH_STRATEGY") or cls.batch_strategy,
        )

    def parameters(self) -> dict[str, int | str]:
        """The response of /execution-parameters."""
        return {
            "MaxConcurrentTransforms": self.concurrency,
            "BatchStrategy": self.batch_strategy,
            "MaxPayloadInMB": self.max_payload_mb,
        }


def build_app(
    predictor: Predictor, read: Callable[[Entry], bytes], settings: Settings, limits: Limits | None = None
) -> Starlette:
    """The server. `read` returns the bytes of a manifest entry. Inference runs in threads, so /ping always responds."""
    limiter = CapacityLimiter(settings.concurrency)
    payload = settings.max_payload_mb * 2**20
    bodies = BodyReader(payload, payload * (settings.concurrency + WAITING_BODIES), settings.body_seconds)

    async def ping(_: Request) -> Response:
        return Response()

    async def execution_parameters(_: Request) -> Response:
        return JSONResponse(settings.parameters())

    async def invocations(request: Request) -> Response:
        if "origin" in request.headers:  # browsers send it with every POST, and SageMaker never does
            raise HTTPException(403, "The model server does not accept requests from web pages.")
        try:
            kind = media_type(request.headers.get("content-type", ""))
        except ValueError as error:
            raise HTTPException(415, str(error)) from error
        async with bodies.received(request) as body:
            if kind == JSON_LINES and body.count(b"\n") > MAX_LINES:
                raise HTTPException(413, f"The manifest has more than {MAX_LINES:,} lines.")
            work = partial(manifest if kind == JSON_LINES else image, body)
            return await while_connected(request, work, limiter) or Response(status_code=CLIENT_GONE)

    def manifest(body: bytes, disconnected: threading.Event) -> Response | None:
        started = time.monotonic()
        try:
            lines = count_manifest(predictor, body, read, limits, disconnected.is_set)
        except AbandonedError:
            log.info(json.dumps({"event": "abandoned", "seconds": round(time.monotonic() - started, 3)}))
            return None
        errors, seconds = sum("error" in line for line in lines), round(time.monotonic() - started, 3)
        log.info(json.dumps({"event": "manifest", "images": len(lines), "errors": errors, "seconds": seconds}))
        return Response(json_lines(lines), media_type=JSON_LINES)

    def image(body: bytes, _: threading.Event) -> Response:
        line = count_image(predictor, body, limits)
        code = line["error"]["code"] if "error" in line else None
        return JSONResponse(line, status_code={None: 200, "internal": 503}.get(code, 400))

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/invocations", invocations, methods=["POST"]),
            Route("/execution-parameters", execution_parameters),
        ]
    )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    parser.add_argument("serve", nargs="?", choices=["serve"], help="ignored; SageMaker passes it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="(default: %(default)s)")
    parser.add_argument("--model", type=Path, help=f"artifact folder (default: {MODEL_DIR}, else the shipped one)")
    parser.add_argument("--threads", type=int, help="for inference (default: one for each core)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings, limits = Settings.from_environment(os.environ), Limits()
    client, buckets = s3_client(READERS * settings.concurrency), allowed_buckets(os.environ)
    try:
        predictor = Predictor.load(options.model or model_to_serve(MODEL_DIR), threads=options.threads)
    except ArtifactError as error:
        sys.exit(f"Error: {error}")
    app = build_app(predictor, lambda entry: read_object(client, entry, limits, buckets), settings, limits)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        http=TimeoutProtocol,
        ws="none",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
    )


if __name__ == "__main__":
    main()
