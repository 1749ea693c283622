"""The HTTP face of the local SageMaker: JSON 1.1 for `sagemaker`, REST for `sagemaker-runtime`."""

import json
import time
import uuid
from collections.abc import Callable
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
from binlocal.sagemaker.control import ControlPlane, Members
from binlocal.sagemaker.errors import RefusedError


def create_app(control: ControlPlane, clock: Callable[[], float] = time.time) -> Starlette:
    """`GET /ping` answers 200 once the app is up; everything else is SageMaker's own API."""

    async def ping(_: Request) -> Response:
        return Response()

    async def perform(request: Request) -> Response:
        operation = request.headers.get("X-Amz-Target", "").removeprefix("SageMaker.")
        body = await request.body()
        answer = await run_in_threadpool(lambda: control.perform(operation, parse_members(operation, body)))
        return Response(json.dumps(answer), media_type="application/x-amz-json-1.1")

    async def invoke(request: Request) -> Response:
        endpoint = runtime.find_endpoint(control.endpoints, request.path_params["name"], control.account)
        answer = await run_in_threadpool(runtime.invoke, endpoint, await request.body(), request.headers)
        headers = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": "AllTraffic"}
        if answer.custom_attributes is not None:
            headers[f"{runtime.PREFIX}Custom-Attributes"] = answer.custom_attributes
        return Response(answer.body, headers=headers)

    async def invoke_async(request: Request) -> Response:
        endpoint = runtime.find_endpoint(control.endpoints, request.path_params["name"], control.account)
        accepted = runtime.accept(endpoint, request.headers, await request.body(), clock())
        endpoint.submit(accepted)
        headers = {f"{runtime.PREFIX}OutputLocation": accepted.output_location}
        if accepted.failure_location:
            headers[f"{runtime.PREFIX}FailureLocation"] = accepted.failure_location
        return Response(json.dumps({"InferenceId": accepted.inference_id}), 202, headers, media_type="application/json")

    routes = [
        Route("/ping", ping, methods=["GET"]),
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
    return members


@cache
def service_model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")
