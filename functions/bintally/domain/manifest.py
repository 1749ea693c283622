"""Messages to and from the inference container: JSON Lines, one line for each photograph, in the same order."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bintally.domain.image import Image
from bintally.domain.intervals import Interval, interval_of

# Codes for what kept a photograph from being looked at. Every other code is the photograph's own fault.
UNREACHABLE = frozenset({"not_found", "access_denied", "fetch_failed", "bad_manifest_line", "internal"})


@dataclass(frozen=True)
class Prediction:
    """The model's answer for one photograph.

    `confidence` is the probability that the bin holds `count` items. `probabilities` sum to 1 over the counts that the
    model knows: they hold given that the count is one of them. `empty` and `fuller` are the probabilities of no item
    and of more than the last of those counts; they and `interval` are None for a model that can't tell.
    """

    count: int
    confidence: float
    probabilities: Mapping[int, float]
    model: str
    empty: float | None = None
    fuller: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True)
class Refusal:
    """Why one photograph was not counted."""

    code: str
    message: str
    model: str = ""

    @property
    def reason(self) -> str:
        """For the ledger: `code: message`."""
        return f"{self.code}: {self.message}"


Answer = Prediction | Refusal


def manifest_of(images: Iterable[Image]) -> str:
    """The manifest, ordered by image id so that the same photographs give the same bytes."""
    lines = [
        json.dumps({"image_id": image.image_id, "uri": image.uri, "version_id": image.version_id}, ensure_ascii=False)
        for image in sorted(images, key=lambda image: image.image_id)
    ]
    return "".join(f"{line}\n" for line in lines)


def image_ids_of(manifest: str) -> list[str]:
    """The image ids of a manifest that `manifest_of` made."""
    return [json.loads(line)["image_id"] for line in manifest.split("\n") if line]


def answers_of(output: str) -> dict[str, Answer]:
    """From image id to answer. A line that is not an answer (cut off, not JSON) is left out: that image has none."""
    answers: dict[str, Answer] = {}
    for line in output.split("\n"):
        try:
            record = json.loads(line)
            answers[record["image_id"]] = _answer(record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return answers


def _answer(record: Mapping[str, object]) -> Answer:
    model = str(record.get("model", ""))
    error = record.get("error")
    if isinstance(error, Mapping):
        return Refusal(str(error["code"]), str(error["message"]), model)
    probabilities = record["probabilities"]
    if not isinstance(probabilities, Mapping):
        raise TypeError("probabilities")
    return Prediction(
        count=int(str(record["count"])),
        confidence=_number(record["confidence"]),
        probabilities={int(count): _number(share) for count, share in probabilities.items()},
        model=model,
        empty=_optional(record.get("empty")),
        fuller=_optional(record.get("fuller")),
        interval=_interval(record.get("interval")),
    )


def _interval(value: object) -> Interval | None:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError("interval")
    return interval_of(value) if value is not None else None


def _optional(value: object) -> float | None:
    return None if value is None else _number(value)


def _number(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number):
        raise ValueError(f"{number} can't be stored")
    return number
