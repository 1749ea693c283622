"""The four functions that SageMaker's PyTorch containers call
(https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html#serve-a-pytorch-model).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from binmodel.fetch import allowed_buckets, read_object, s3_client
from binmodel.images import Limits
from binmodel.invocation import JSON_LINES, READERS, count_image, count_manifest, json_lines, media_type
from binmodel.predict import Predictor
from binmodel.stream import Line

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Request:
    """A body and its media type: a manifest (JSON_LINES) or one image."""

    kind: str
    body: bytes


def model_fn(model_dir: str) -> Predictor:
    """Loads the model from the folder into which SageMaker unpacked it."""
    return Predictor.load(Path(model_dir))


def input_fn(request_body: bytes | str, content_type: str) -> Request:
    """Raises ValueError for a content type that is neither a manifest's nor an image's."""
    body = request_body.encode() if isinstance(request_body, str) else bytes(request_body)
    return Request(media_type(content_type), body)


def predict_fn(request: Request, predictor: Predictor) -> list[Line]:
    """One line for each image. A manifest's images are read from the S3 buckets in BINTALLY_IMAGE_BUCKETS."""
    if request.kind != JSON_LINES:
        return [count_image(predictor, request.body)]
    buckets = allowed_buckets(os.environ)
    return count_manifest(predictor, request.body, lambda entry: read_object(_client(), entry, Limits(), buckets))


def output_fn(lines: list[Line], accept: str) -> tuple[str, str]:
    """The body and its type: JSON Lines if `accept` names them or there are several lines, else one JSON object."""
    if JSON_LINES in accept or len(lines) != 1:
        return json_lines(lines), JSON_LINES
    return json.dumps(lines[0]), "application/json"


@cache
def _client() -> S3Client:
    return s3_client(READERS)
