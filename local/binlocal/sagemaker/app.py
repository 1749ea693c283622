"""The HTTP face of the local SageMaker: JSON 1.1 for `sagemaker`, REST for `sagemaker-runtime`, and its faults."""

import json
import uuid
from functools import cache
from typing import Any, cast

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from binlocal.sagemaker import runtime
from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.constraints import check_constraints
from binlocal.sagemaker.control import ControlPlane, Members
from binlocal.sagemaker.errors import RefusedError
from binlocal.sagemaker.fault_routes import fail_after, fail_before, fault_routes
from binlocal.sagemaker.faults import Faults

# What the functions ask for. The rest is asked for while a stack is set up, which no fault shall spoil.
FAULTY_OPERATIONS = {"CreateTransformJob", "DescribeTransformJob", "StopTransformJob", "ListTransformJobs"}


def create_app(control: ControlPlane, faults: Faults, clock: Clock) -> Starlette:
    """SageMaker's own API; `GET /ping` answers 200 once the app is up, and `fault_routes` are beside it."""

    async def ping(_: Request) -> Response:
        return Response()

    async def perform(request: Request) -> Response:
        operation = request.headers.get("X-Amz-Target", "").removeprefix("SageMaker.")
        body = await request.body()
        may_fail = operation in FAULTY_OPERATIONS
        if may_fail:
            fail_before(faults)
        answer = await run_in_threadpool(lambda: control.perform(operation, parse_members(operation, body)))
        if may_fail:
            fail_after(faults)
        return Response(json.dumps(answer), media_type="application/x-amz-json-1.1")

    async def invoke(request: Request) -> Response:
        fail_before(faults)
        endpoint = runtime.find_endpoint(control.endpoints, request.path_params["name"], control.account)
        answer = await run_in_threadpool(runtime.invoke, endpoint, await request.body(), request.headers)
        return Response(answer.body, headers=runtime.answer_headers(answer))

    async def invoke_async(request: Request) -> Response:
        fail_before(faults)
        endpoint = runtime.find_endpoint(control.endpoints, request.path_params["name"], control.account)
        accepted = runtime.accept(endpoint, request.headers, await request.body(), clock.now())
        endpoint.submit(accepted)
        fail_after(faults)
        body = json.dumps({"InferenceId": accepted.inference_id})
        return Response(body, 202, runtime.accepted_headers(accepted), media_type="application/json")

    routes = [
        Route("/ping", ping, methods=["GET"]),
        *fault_routes(faults),
        Route("/", perform, methods=["POST"]),
        Route("/endpoints/{name}/invocations", invoke, methods=["POST"]),
        Route("/endpoints/{name}/async-invocations", invoke_async, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={RefusedError: refusal})


async def refusal(_: Request, error: Any) -> Response:
    """The error as botocore reads it, both in its JSON 1.1 form (`__type`) and its REST form (the header)."""
    return Response(
        json.dumps({"__type": error.code, "message": error.message, "Message": error.message}),
        error.status,
        {"x-amzn-ErrorType": error.code, "x-amzn-RequestId": str(uuid.uuid4())},
        media_type="application/x-amz-json-1.1",
    )


def parse_members(operation: str, body: bytes) -> Members:
    """The request's members, checked against botocore's model of the operation."""
    model = service_model()
    if operation not in model.operation_names:
        raise RefusedError("UnknownOperationException", f"SageMaker has no operation {operation!r}.")
    try:
        members: dict[str, Any] = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedError("SerializationException", f"The request is not JSON: {error}") from error
    shape = cast(Shape, model.operation_model(operation).input_shape)
    report = ParamValidator().validate(members, shape)
    if report.has_errors():
        raise RefusedError("ValidationException", report.generate_report())
    check_constraints(members, shape)
    return members


@cache
def service_model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")
