"""Messages to and from the inference container: JSON Lines, one line per image, in the same order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bintally.domain.image import Image
from bintally.domain.intervals import Interval, interval_of
from bintally.domain.volume import Volume, volume_of

# A line beyond these limits is no result. DynamoDB refuses numbers of more than 38 digits and items of more than
# 400 KB, and a refused item would fail the other results of the job with it.
MAX_COUNT = 1_000_000
MAX_OUTPUTS = 1_000  # counts that a model distinguishes
MAX_NAME_LENGTH, MAX_MESSAGE_LENGTH = 200, 1_000  # in characters, of a code or model name; longer messages are cut
TOLERANCE = 0.01  # for the sum of rounded probabilities

IMAGE_ID = re.compile(r"[0-9a-f]{32}")

# Codes of images that were never examined. With every other code, the image itself is at fault.
NOT_EXAMINED = frozenset(
    {"not_found", "access_denied", "bucket_not_allowed", "fetch_failed", "bad_manifest_line", "internal"}
)


@dataclass(frozen=True)
class Prediction:
    """The model's most probable result for one image, and its uncertainty.

    The result is either `count` (0 for an empty bin), or, if the bin holds more than the model can count, `at_least`,
    which is one more than the largest count in the model's range; `count` is then None. `confidence` is the probability
    of this result. `probabilities` are conditional on the count being in the model's range, and sum to 1 over it.
    `empty` and `over_range` are the probabilities of no item and of more than the model can count. `interval` includes
    the result. `volume` is that of the items. These four are None for a model that does not provide them.
    `volume_fault` says why a volume was ignored: the count is good without it.
    """

    count: int | None
    confidence: float
    probabilities: Mapping[int, float]
    model: str
    empty: float | None = None
    over_range: float | None = None
    interval: Interval | None = None
    at_least: int | None = None
    volume: Volume | None = None
    volume_fault: str = ""


@dataclass(frozen=True)
class PredictionError:
    """Why one image was not counted: `code` for programs, `message` for people."""

    code: str
    message: str
    model: str = ""


Result = Prediction | PredictionError


def build_manifest(images: Iterable[Image]) -> str:
    """The manifest, ordered by image id, so the same images give the same bytes."""
    lines = [
        json.dumps({"image_id": image.image_id, "uri": image.uri, "version_id": image.version_id}, ensure_ascii=False)
        for image in sorted(images, key=lambda image: image.image_id)
    ]
    return "".join(f"{line}\n" for line in lines)


def parse_manifest(manifest: str) -> list[str]:
    """The image ids in a manifest that `build_manifest` made. Damaged lines are skipped."""
    return [image_id for line in manifest.split("\n") if (image_id := _image_id(line))]


def _image_id(line: str) -> str:
    try:
        image_id = json.loads(line)["image_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return image_id if isinstance(image_id, str) and IMAGE_ID.fullmatch(image_id) else ""


def parse_output(output: str) -> dict[str, Result]:
    """The results by image id. Lines that are not a valid result (cut off, not JSON) are skipped."""
    results: dict[str, Result] = {}
    for line in output.split("\n"):
        try:
            record = json.loads(line)
            results[record["image_id"]] = _result(record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return results


def _result(record: Mapping[str, object]) -> Result:
    model = _name(record.get("model", ""))
    error = record.get("error")
    if isinstance(error, Mapping):
        return PredictionError(_name(error["code"]), _message(error["message"]), model)
    probabilities = record["probabilities"]
    if not isinstance(probabilities, Mapping):
        raise TypeError("probabilities are not an object")
    empty, over_range = _optional(record.get("empty")), _optional(record.get("over_range"))
    if (empty or 0) + (over_range or 0) > 1 + TOLERANCE:
        raise ValueError("empty and over_range add up to more than 1")
    volume, volume_fault = _volume(record.get("volume"))
    prediction = Prediction(
        count=_optional_count(record["count"]),
        confidence=_probability(record["confidence"]),
        probabilities=_probabilities(probabilities),
        model=model,
        empty=empty,
        over_range=over_range,
        interval=_interval(record.get("interval")),
        at_least=_optional_count(record.get("at_least")),
        volume=volume,
        volume_fault=volume_fault,
    )
    _check_agreement(prediction)
    return prediction


def _check_agreement(prediction: Prediction) -> None:
    """Raises ValueError if the model can't give this result, or if it is outside its own interval."""
    beyond = max(prediction.probabilities) + 1
    known = {*prediction.probabilities} | ({0} if prediction.empty is not None else set())
    if prediction.count is not None:
        number, is_known = prediction.count, prediction.count in known and prediction.at_least is None
    else:
        number, is_known = beyond, prediction.at_least == beyond and prediction.over_range is not None
    interval = prediction.interval
    agrees = interval is None or (interval.holds(number) and (interval.high is None or interval.high < beyond))
    if not is_known or not agrees:
        raise ValueError(f"{prediction} contradicts itself")


def _optional_count(value: object) -> int | None:
    return None if value is None else _count(value)


def _interval(value: object) -> Interval | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError("interval is not an object")
    interval = interval_of(value)
    _count(interval.low if interval.high is None else interval.high)
    return interval


def _volume(value: object) -> tuple[Volume | None, str]:
    """The volume, or None and why it is ignored."""
    if value is None:
        return None, ""
    try:
        if not isinstance(value, Mapping):
            raise TypeError("volume is not an object")
        return volume_of(value), ""
    except KeyError as error:
        return None, f"{error.args[0]} is missing"
    except (TypeError, ValueError) as error:
        return None, _message(error)


def _probabilities(values: Mapping[str, object]) -> dict[int, float]:
    probabilities = {_count(count): _probability(value) for count, value in values.items()}
    if len(probabilities) > MAX_OUTPUTS or (probabilities and abs(sum(probabilities.values()) - 1) > TOLERANCE):
        raise ValueError("probabilities do not add up to 1")
    return probabilities


def _optional(value: object) -> float | None:
    return None if value is None else _probability(value)


def _count(value: object) -> int:
    count = int(str(value))
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"{count} is not a count")
    return count


def _probability(value: object) -> float:
    probability = float(str(value))
    if not 0 <= probability <= 1:  # also true for NaN
        raise ValueError(f"{probability} is not a probability")
    return probability


def _name(value: object) -> str:
    name = str(value)
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError("the name is too long")
    name.encode()  # raises ValueError for a lone surrogate, which DynamoDB refuses
    return name


def _message(value: object) -> str:
    return str(value).encode(errors="replace").decode()[:MAX_MESSAGE_LENGTH]
