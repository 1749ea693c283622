"""`/_faults` and `/_process`: how tests and people steer the local SageMaker; and the faults of its answers."""

import json
import os

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from binlocal.errors import PlanError
from binlocal.sagemaker.errors import RefusedError
from binlocal.sagemaker.faults import Faults, parse_plan


def fault_routes(faults: Faults) -> list[Route]:
    """`GET /_faults` tells plan, counts and chances, PUT with a plan replaces it; `GET /_process` tells the `pid`."""

    async def tell(_: Request) -> Response:
        return JSONResponse(faults.told())

    async def replace(request: Request) -> Response:
        try:
            faults.replace(parse_plan(json.loads(await request.body())))
        except (ValueError, PlanError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse(faults.told())

    async def process(_: Request) -> Response:
        return JSONResponse({"pid": os.getpid()})

    return [
        Route("/_faults", tell, methods=["GET"]),
        Route("/_faults", replace, methods=["PUT"]),
        Route("/_process", process, methods=["GET"]),
    ]


def fail_before(faults: Faults) -> None:
    """Raises RefusedError: the request has not been looked at."""
    if faults.strikes("requests.throttle"):
        raise RefusedError("ThrottlingException", "Rate exceeded")
    if faults.strikes("requests.error_5xx"):
        raise RefusedError("InternalFailure", "We encountered an internal error. Please try again.", 500)


def fail_after(faults: Faults) -> None:
    """Raises RefusedError although the request has been fulfilled: its answer is lost on the way."""
    if faults.strikes("requests.lost_answer"):
        raise RefusedError("ServiceUnavailable", "The service is unavailable.", 503)
