"""The photographs that a model got most confidently wrong, small enough for a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from binmodel.images import decode

from binlab.data.dataset import Photo
from binlab.evaluate.answers import Answers, Mask

SIDE = 180  # pixels, at most


@dataclass(frozen=True)
class Mistake:
    """One photograph: what its record says, what the model said and how surely, and the picture as a data URI."""

    id: str
    recorded: int
    counted: int
    confidence: float
    picture: str


def worst(answers: Answers, photos: list[Photo], among: Mask, limit: int) -> list[Mistake]:
    """The most confident of the wrong answers that the mask (N,) chooses, at most `limit`; `photos` are in order."""
    wrong = np.flatnonzero(among & ~answers.right)
    chosen = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:limit]
    return [
        Mistake(
            id=photos[place].id,
            recorded=photos[place].count,
            counted=int(answers.guess[place]),
            confidence=float(answers.confidence[place]),
            picture=thumbnail(photos[place].path.read_bytes()),
        )
        for place in chosen
    ]


def thumbnail(data: bytes) -> str:
    """A photograph as a data URI of a JPEG with at most SIDE pixels a side."""
    picture = decode(data, side=SIDE)
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
