"""Messages to and from the inference container: JSON Lines, one line for each photograph, in the same order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bintally.domain.image import Image
from bintally.domain.intervals import Interval, interval_of

# What a table holds and a person reads: a line beyond it is no answer. A number beyond a table's 38 digits, or an item
# beyond its 400 KB, would fail every other answer of the job with it.
MOST_COUNT = 1_000_000
MOST_OUTPUTS = 1_000  # counts that a model tells apart
LONGEST_NAME, LONGEST_MESSAGE = 200, 1_000  # characters of a code or a model; of a message, which is cut
TOLERANCE = 0.01  # of probabilities that are rounded, in sum

IMAGE_ID = re.compile(r"[0-9a-f]{32}")

# Codes for what kept a photograph from being looked at. Every other code is the photograph's own fault.
NOT_EXAMINED = frozenset(
    {"not_found", "access_denied", "bucket_not_allowed", "fetch_failed", "bad_manifest_line", "internal"}
)


@dataclass(frozen=True)
class Prediction:
    """The model's answer for one photograph: the most probable of all that it can answer, and how sure it is.

    That is a number of items, `count` (0 for an empty bin), or else that the bin holds more than the model counts: then
    `count` is None, and `at_least` is one more than the last count that it knows. `confidence` is the probability of
    this answer. `probabilities` sum to 1 over the counts that the model knows: they hold given that the count is one of
    them. `empty` and `over_range` are the probabilities of no item and of more than the last of those counts; they and
    `interval`, which includes the answer, are None for a model that can't tell.
    """

    count: int | None
    confidence: float
    probabilities: Mapping[int, float]
    model: str
    empty: float | None = None
    over_range: float | None = None
    interval: Interval | None = None
    at_least: int | None = None


@dataclass(frozen=True)
class PredictionError:
    """Why one photograph was not counted: `code` for programs, `message` for people."""

    code: str
    message: str
    model: str = ""


Result = Prediction | PredictionError


def build_manifest(images: Iterable[Image]) -> str:
    """The manifest, ordered by image id so that the same photographs give the same bytes."""
    lines = [
        json.dumps({"image_id": image.image_id, "uri": image.uri, "version_id": image.version_id}, ensure_ascii=False)
        for image in sorted(images, key=lambda image: image.image_id)
    ]
    return "".join(f"{line}\n" for line in lines)


def parse_manifest(manifest: str) -> list[str]:
    """The image ids of a manifest that `build_manifest` made. A line that somebody spoiled since is left out."""
    return [image_id for line in manifest.split("\n") if (image_id := _image_id(line))]


def _image_id(line: str) -> str:
    try:
        image_id = json.loads(line)["image_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return image_id if isinstance(image_id, str) and IMAGE_ID.fullmatch(image_id) else ""


def parse_output(output: str) -> dict[str, Result]:
    """From image id to answer. A line that is not an answer (cut off, not JSON) is left out: that image has none."""
    answers: dict[str, Result] = {}
    for line in output.split("\n"):
        try:
            record = json.loads(line)
            answers[record["image_id"]] = _answer(record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return answers


def _answer(record: Mapping[str, object]) -> Result:
    model = _name(record.get("model", ""))
    error = record.get("error")
    if isinstance(error, Mapping):
        return PredictionError(_name(error["code"]), _message(error["message"]), model)
    probabilities = record["probabilities"]
    if not isinstance(probabilities, Mapping):
        raise TypeError("probabilities")
    empty, over_range = _optional(record.get("empty")), _optional(record.get("over_range"))
    if (empty or 0) + (over_range or 0) > 1 + TOLERANCE:
        raise ValueError("empty and over_range exclude each other")
    prediction = Prediction(
        count=_optional_count(record["count"]),
        confidence=_share(record["confidence"]),
        probabilities=_shares(probabilities),
        model=model,
        empty=empty,
        over_range=over_range,
        interval=_interval(record.get("interval")),
        at_least=_optional_count(record.get("at_least")),
    )
    _check_agreement(prediction)
    return prediction


def _check_agreement(prediction: Prediction) -> None:
    """Raises ValueError where the answer is not one that the model can give, or is outside of its own interval."""
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
        raise TypeError("interval")
    interval = interval_of(value)
    _count(interval.low if interval.high is None else interval.high)
    return interval


def _shares(probabilities: Mapping[str, object]) -> dict[int, float]:
    shares = {_count(count): _share(share) for count, share in probabilities.items()}
    if len(shares) > MOST_OUTPUTS or (shares and abs(sum(shares.values()) - 1) > TOLERANCE):
        raise ValueError("probabilities do not add up to 1")
    return shares


def _optional(value: object) -> float | None:
    return None if value is None else _share(value)


def _count(value: object) -> int:
    count = int(str(value))
    if not 0 <= count <= MOST_COUNT:
        raise ValueError(f"{count} is no count")
    return count


def _share(value: object) -> float:
    share = float(str(value))
    if not 0 <= share <= 1:  # nor is NaN
        raise ValueError(f"{share} is no probability")
    return share


def _name(value: object) -> str:
    name = str(value)
    if len(name) > LONGEST_NAME:
        raise ValueError("a name without end")
    name.encode()  # half a character, which no table takes, raises ValueError
    return name


def _message(value: object) -> str:
    return str(value).encode(errors="replace").decode()[:LONGEST_MESSAGE]
