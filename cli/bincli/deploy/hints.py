"""What a person should know before a deployment, although nothing about it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

START = (
    "aws sagemaker update-endpoint-weights-and-capacities --endpoint-name {endpoint} "
    "--desired-weights-and-capacities VariantName=AllTraffic,DesiredInstanceCount=1"
)


def hints_of(parameters: Mapping[str, str]) -> Iterator[str]:
    """About the parameters that the stack will have."""
    if not parameters["ModelImageUri"]:
        yield "Without a model container nothing is counted. Pass --image, or --set ModelImageUri=ADDRESS."
    if not parameters["AlertEmail"]:
        yield "AlertEmail is empty: nobody hears of alarms and discrepancies. Pass --set AlertEmail=ADDRESS."


def hint_of_idle_endpoint(sagemaker: Any, endpoint: str) -> str:
    """What to do if the endpoint has no instance while its scaling is off; "" if it has one, or can't be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        variants = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    except (ClientError, BotoCoreError):
        return ""
    if any(variant.get("CurrentInstanceCount") for variant in variants):
        return ""
    start = START.format(endpoint=endpoint)
    return f"The endpoint has no instance, and none starts while its type changes, so photos wait. Start one: {start}"
