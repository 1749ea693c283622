"""The HTTP interface of the local SageMaker: JSON 1.1 for `sagemaker`, REST for `sagemaker-runtime`."""

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
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.fault_routes import fail_after, fail_before, fault_routes
from binlocal.sagemaker.faults import FaultInjector

# The operations that functions call. Others are called while a stack is set up, where faults must not interfere.
FAULTY_OPERATIONS = {"CreateTransformJob", "DescribeTransformJob", "StopTransformJob", "ListTransformJobs"}
# The services whose operations are performed here, by the prefix of X-Amz-Target.
SERVICES = {"SageMaker": "sagemaker", "AnyScaleFrontendService": "application-autoscaling"}


def create_app(control: ControlPlane, faults: FaultInjector, clock: Clock) -> Starlette:
    """SageMaker's API, `GET /ping`, and the routes that control faults."""

    async def ping(_: Request) -> Response:
        return Response()

    async def perform(request: Request) -> Response:
        service, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
        body = await request.body()
        may_fail = operation in FAULTY_OPERATIONS
        if may_fail:
            fail_before(faults)
        result = await run_in_threadpool(lambda: control.perform(operation, parse_members(service, operation, body)))
        if may_fail:
            fail_after(faults)
        return Response(json.dumps(result), media_type="application/x-amz-json-1.1")

    async def invoke(request: Request) -> Response:
        fail_before(faults)
        endpoint = runtime.find_endpoint(control.endpoints.running, request.path_params["name"], control.account)
        response = await run_in_threadpool(runtime.invoke, endpoint, await request.body(), request.headers)
        return Response(response.body, headers=runtime.response_headers(response))

    async def invoke_async(request: Request) -> Response:
        fail_before(faults)
        endpoint = runtime.find_endpoint(control.endpoints.running, request.path_params["name"], control.account)
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
    return Starlette(routes=routes, exception_handlers={ApiError: error_response})


async def error_response(_: Request, error: Any) -> Response:
    """The error in both forms that botocore reads: JSON 1.1 (`__type`) and REST (the header)."""
    return Response(
        json.dumps({"__type": error.code, "message": error.message, "Message": error.message}),
        error.status,
        {"x-amzn-ErrorType": error.code, "x-amzn-RequestId": str(uuid.uuid4())},
        media_type="application/x-amz-json-1.1",
    )


def parse_members(service: str, operation: str, body: bytes) -> Members:
    """The request's members, validated against botocore's model of the operation. Raises ApiError."""
    model = service_model(SERVICES.get(service, "sagemaker"))
    if operation not in model.operation_names:
        raise ApiError("UnknownOperationException", f"{model.service_id} has no operation {operation!r}.")
    try:
        members: dict[str, Any] = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"The request is not JSON: {error}") from error
    shape = cast(Shape, model.operation_model(operation).input_shape)
    report = ParamValidator().validate(members, shape)
    if report.has_errors():
        raise ApiError("ValidationException", report.generate_report())
    check_constraints(members, shape)
    return members


@cache
def service_model(name: str = "sagemaker") -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)
