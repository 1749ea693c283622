"""What to compare a model with: constant guesses, published results, and Amazon Rekognition.

Rekognition's count of a photo (`count_of`) is the number of instances of all labels that DetectLabels returns with
at least CONFIDENT percent. A box that overlaps a counted one by OVERLAP of their union or more is the same object
under another name ("Box" and "Package"). Labels in HOLDERS name the shelf, not an item. For the figures, counts are
clipped to the classes, in Rekognition's favour: it does not know that a bin holds 1 to 5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from binlab.data.dataset import LabelledImage
from binlab.evaluate.metrics import Counts, class_weights, error_figures, even_weights
from binlab.evaluate.predictions import Predictions

# Most were tested on other photos. Six classes are 0 to 5: empty bins are easy (97.7% correct in the first source), so
# six-class figures do not compare with five classes. Balanced accuracy is ours, computed from their tables.
PUBLISHED: tuple[dict[str, Any], ...] = (
    {
        "name": "ResNet-50, the 10,441-image list (course project)", "classes": 5, "accuracy": 0.3241,
        "source": "https://github.com/joangerard/Inventory-Monitoring-at-Distribution-Centers-w-Sagemaker",
    },
    {
        "name": "ResNet-50, the 10,441-image list (course project)", "classes": 5, "accuracy": 0.32,
        "source": "https://github.com/AbdiTolesa/inventory-monitoring",
    },
    {
        "name": "ResNet-50, a tenth of the dataset (course project)", "classes": 6, "accuracy": 0.31, "rmse": 1.96,
        "balanced_1_to_5": 0.324,
        "source": "https://github.com/suinaowawa/Inventory-Monitoring-at-Distribution-Centers",
    },
    {
        "name": "ResNet-34, the whole dataset (2017)", "classes": 6, "accuracy": 0.5567, "rmse": 0.930,
        "balanced_1_to_5": 0.586, "source": "https://github.com/silverbottlep/abid_challenge",
    },
    {
        "name": "ResNet-34, the whole dataset (Bertorello, Sripada and Dendumrongsup, 2018)", "classes": 6,
        "accuracy": 0.562, "rmse": 0.90, "source": "https://cs229.stanford.edu/proj2018/report/65.pdf",
    },
)  # fmt: skip

CONFIDENT = 50.0  # percent, of the instance, and the MinConfidence of the request
OVERLAP = 0.5
HOLDERS = frozenset({"Bin", "Cabinet", "Closet", "Cupboard", "Furniture", "Locker", "Person", "Shelf"})
PRICE = 0.001  # US dollars an image: list price of the first million a month in us-east-1, without the free tier

Box = dict[str, float]


def guess_figures(guess: Any, counts: Counts, classes: tuple[int, ...]) -> dict[str, float]:
    """Plain and `balanced_` figures of guesses (N,), which are rounded to make counts."""
    plain = error_figures(np.rint(guess), guess, counts, even_weights(counts))
    balanced = error_figures(np.rint(guess), guess, counts, class_weights(counts, classes))
    return {**plain, **{f"balanced_{name}": value for name, value in balanced.items()}}


def constants(counts: Counts, training_counts: Counts, classes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Figures on `counts` of always guessing one number: the training counts' most common one, and their mean."""
    common, mean = int(np.bincount(training_counts).argmax()), float(training_counts.mean())
    guesses = {
        f"always {common}, the most common count in training": common,
        f"always {mean:.2f}, the mean count in training": mean,
    }
    return [
        {"name": name, **guess_figures(np.full(len(counts), guess), counts, classes)} for name, guess in guesses.items()
    ]


class Rekognition(Protocol):
    """The part of the boto3 client used here."""

    def detect_labels(self, **request: Any) -> dict[str, Any]: ...


def request_for(image: bytes) -> dict[str, Any]:
    """The parameters of DetectLabels for a JPEG or PNG of at most 5 MB."""
    return {"Image": {"Bytes": image}, "MinConfidence": CONFIDENT, "Features": ["GENERAL_LABELS"]}


def count_of(response: dict[str, Any]) -> int:
    """How many objects a DetectLabels response shows, by the rule above."""
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
    """Intersection over union of two boxes, 0 to 1."""
    sides = [
        max(0.0, min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at]))
        for at, size in (("Left", "Width"), ("Top", "Height"))
    ]
    shared = sides[0] * sides[1]
    union = one["Width"] * one["Height"] + other["Width"] * other["Height"] - shared
    return shared / union if union else 0.0


def sample(images: list[LabelledImage], limit: int) -> list[LabelledImage]:
    """At most `limit` images, spread evenly over the counts, always the same ones."""
    ranks: dict[int, int] = {}
    order = []
    for image in sorted(images, key=lambda each: hashlib.sha256(each.id.encode()).digest()):
        ranks[image.count] = ranks.get(image.count, -1) + 1
        order.append((ranks[image.count], image.count, image))
    return [image for _, _, image in sorted(order, key=lambda each: each[:2])[:limit]]


def read_recorded(path: Path) -> dict[str, dict[str, Any]]:
    """Responses of earlier runs by the SHA-256 of the image. A truncated line is skipped, and so requested again."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
            found[record["sha256"]] = record["response"]
        except (ValueError, KeyError):
            continue
    return found


def responses(
    client: Callable[[], Rekognition], images: Iterable[LabelledImage], recorded: Path
) -> Iterable[tuple[LabelledImage, dict[str, Any]]]:
    """Each image with Rekognition's response: from the file `recorded` if it is there, else requested and appended.

    `client` is called only if a request is needed, so that a repeated run needs no credentials.
    """
    known, service = read_recorded(recorded), None
    for image in images:
        data = image.path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest not in known:
            service = service or client()
            response = service.detect_labels(**request_for(data))
            known[digest] = {name: value for name, value in response.items() if name != "ResponseMetadata"}
            with recorded.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"id": image.id, "sha256": digest, "response": known[digest]}) + "\n")
        yield image, known[digest]


def rekognition_figures(
    instances: dict[str, int], images: list[LabelledImage], predictions: Predictions
) -> dict[str, Any]:
    """Rekognition's figures and the model's on the same images. `instances` maps image ids to counts.

    `predictions` belong to `images`, in order.
    """
    shared = predictions.where(np.array([image.id in instances for image in images]))
    raw = np.array([instances[image.id] for image in images if image.id in instances])
    clipped = np.clip(raw, predictions.classes[0], predictions.classes[-1])
    return {
        "images": len(shared),
        "mean_instances": float(raw.mean()),
        "without_any": float((raw == 0).mean()),
        "rekognition": guess_figures(clipped, shared.counts, predictions.classes),
        "model": guess_figures(shared.predicted, shared.counts, predictions.classes),
    }
