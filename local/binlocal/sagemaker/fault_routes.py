"""`/_faults` and `/_process`, with which tests and people control faults; and the faults of API requests."""

import json
import os

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from binlocal.errors import PlanError
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.faults import FaultInjector, parse_plan


def fault_routes(faults: FaultInjector) -> list[Route]:
    """`GET /_faults` returns the plan and its counts, PUT replaces the plan. `GET /_process` returns the `pid`."""

    async def show(_: Request) -> Response:
        return JSONResponse(faults.summary())

    async def replace(request: Request) -> Response:
        try:
            faults.replace(parse_plan(json.loads(await request.body())))
        except (ValueError, PlanError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse(faults.summary())

    async def process(_: Request) -> Response:
        return JSONResponse({"pid": os.getpid()})

    return [
        Route("/_faults", show, methods=["GET"]),
        Route("/_faults", replace, methods=["PUT"]),
        Route("/_process", process, methods=["GET"]),
    ]


def fail_before(faults: FaultInjector) -> None:
    """Raises ApiError before the request is processed, if a fault occurs."""
    if faults.occurs("requests.throttle"):
        raise ApiError("ThrottlingException", "Rate exceeded")
    if faults.occurs("requests.error_5xx"):
        raise ApiError("InternalFailure", "We encountered an internal error. Please try again.", 500)


def fail_after(faults: FaultInjector) -> None:
    """Raises ApiError after the request was processed, if its response is to be lost."""
    if faults.occurs("requests.lost_answer"):
        raise ApiError("ServiceUnavailable", "The service is unavailable.", 503)
