"""Amazon Rekognition as a baseline: how many instances of objects DetectLabels sees in a photograph.

The policy, which `count_of` is: the instances of all labels are summed, those of CONFIDENT percent or more. A box that
overlaps one already counted by at least OVERLAP of their union is the same thing under another name ("Box" and
"Package"), and counts once. What holds the items is no item: labels in HOLDERS are left out. For the figures, the sum
is moved to the nearest class, in Rekognition's favour: it does not know that a bin holds 1 to 5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from binlab.data.dataset import Photo
from binlab.evaluate.answers import Answers
from binlab.evaluate.baselines import guess_figures

CONFIDENT = 50.0  # percent, of the instance; also the least confidence of a label that is asked for
OVERLAP = 0.5
HOLDERS = frozenset({"Bin", "Cabinet", "Closet", "Cupboard", "Furniture", "Locker", "Person", "Shelf"})
PRICE = 0.001  # US dollars an image: list price of the first million a month in us-east-1, without the free tier

Box = dict[str, float]


class Rekognition(Protocol):
    """The part of boto3's client that is used."""

    def detect_labels(self, **request: Any) -> dict[str, Any]: ...


def request_for(image: bytes) -> dict[str, Any]:
    """The parameters of DetectLabels for a JPEG or PNG of at most 5 MB."""
    return {"Image": {"Bytes": image}, "MinConfidence": CONFIDENT, "Features": ["GENERAL_LABELS"]}


def count_of(response: dict[str, Any]) -> int:
    """How many things a response of DetectLabels shows, by the policy above."""
    instances = [
        instance
        for label in response["Labels"]
        if label["Name"] not in HOLDERS
        for instance in label.get("Instances", [])
        if instance["Confidence"] >= CONFIDENT
    ]
    counted: list[Box] = []
    for instance in sorted(instances, key=lambda each: -each["Confidence"]):
        if all(overlap(instance["BoundingBox"], other) < OVERLAP for other in counted):
            counted.append(instance["BoundingBox"])
    return len(counted)


def overlap(one: Box, other: Box) -> float:
    """The area that two boxes share, as a part of what they cover together, 0 to 1."""
    sides = [
        max(0.0, min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at]))
        for at, size in (("Left", "Width"), ("Top", "Height"))
    ]
    shared = sides[0] * sides[1]
    together = one["Width"] * one["Height"] + other["Width"] * other["Height"] - shared
    return shared / together if together else 0.0


def sample(photos: list[Photo], limit: int) -> list[Photo]:
    """At most `limit` photographs, every count as often as can be, and the same ones each time."""
    ranks: dict[int, int] = {}
    order = []
    for photo in sorted(photos, key=lambda each: hashlib.sha256(each.id.encode()).digest()):
        ranks[photo.count] = ranks.get(photo.count, -1) + 1
        order.append((ranks[photo.count], photo.count, photo))
    return [photo for _, _, photo in sorted(order, key=lambda each: each[:2])[:limit]]


def read_recorded(path: Path) -> dict[str, dict[str, Any]]:
    """The responses of earlier runs, by the SHA-256 of the image. A line that was cut short is asked for again."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
            found[record["sha256"]] = record["response"]
        except (ValueError, KeyError):
            continue
    return found


def responses(
    client: Callable[[], Rekognition], photos: Iterable[Photo], recorded: Path
) -> Iterable[tuple[Photo, dict[str, Any]]]:
    """Each photograph with Rekognition's response, from the file `recorded` where it is, else asked for and added.

    `client` is called only when something has to be asked.
    """
    known, asking = read_recorded(recorded), None
    for photo in photos:
        image = photo.path.read_bytes()
        digest = hashlib.sha256(image).hexdigest()
        if digest not in known:
            asking = asking or client()
            answer = asking.detect_labels(**request_for(image))
            known[digest] = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
            with recorded.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"id": photo.id, "sha256": digest, "response": known[digest]}) + "\n")
        yield photo, known[digest]


def rekognition_figures(seen: dict[str, int], photos: list[Photo], answers: Answers) -> dict[str, Any]:
    """Rekognition's figures and the model's on the same photographs: `seen` is the number of things by id.

    `answers` are those for `photos`, in their order.
    """
    asked = answers.where(np.array([photo.id in seen for photo in photos]))
    raw = np.array([seen[photo.id] for photo in photos if photo.id in seen])
    clipped = np.clip(raw, answers.classes[0], answers.classes[-1])
    return {
        "photographs": len(asked),
        "mean_instances": float(raw.mean()),
        "without_any": float((raw == 0).mean()),
        "rekognition": guess_figures(clipped, asked.counts, answers.classes),
        "model": guess_figures(asked.guess, asked.counts, answers.classes),
    }
