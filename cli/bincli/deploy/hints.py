"""What a person should know before a deployment, although nothing about it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bintally.domain.errors import BintallyError
from bintally.domain.site_settings import NAMES, parameter_name

START = (
    "aws sagemaker update-endpoint-weights-and-capacities --endpoint-name {endpoint} "
    "--desired-weights-and-capacities VariantName=AllTraffic,DesiredInstanceCount=1"
)


def hints_of(parameters: Mapping[str, str]) -> Iterator[str]:
    """About the parameters that the stack will have."""
    if not parameters["ModelImageUri"] and parameters.get("InferenceMode") not in ("lambda", "auto"):
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


def hint_of_settings(ssm: Any, stack: str, parameters: Mapping[str, str]) -> str:
    """Which of the `parameters` have no effect, because people changed them with `bintally settings`; "" if none."""
    from bintally.adapters.site_settings import SsmSettings

    settings = {name.title().replace("_", ""): name.replace("_", "-") for name in NAMES}
    given = settings.keys() & parameters.keys()
    try:
        changed = SsmSettings(ssm, parameter_name(stack)).changes() if given else {}
    except BintallyError:
        return ""
    names = sorted(name for name in given if settings[name].replace("-", "_") in changed)
    if not names:
        return ""
    reset = " ".join(settings[name] for name in names)
    return (
        f"{', '.join(names)}: verdicts keep what was changed with `bintally settings`. To follow the template again: "
        f"`bintally settings reset {reset} --stack {stack}`."
    )
