"""Presigned addresses of photos."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from bintally.adapters.clients import SIGNED
from bintally.adapters.photos import Photos

from tests.unit.functions.examples import HOSTILE_KEYS, make_image


def test_an_address_names_one_version_of_a_photo_as_an_image() -> None:
    keys = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    photos = Photos(boto3.client("s3", config=SIGNED, **keys), "intake")  # type: ignore[call-overload]

    for key in HOSTILE_KEYS:
        url = urlsplit(photos.url(make_image(key, version="v-1")))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        assert unquote(url.path) == f"/{key}"
        assert f"{url.scheme}://{url.netloc}" == photos.origin
        assert (query["versionId"], query["response-content-type"]) == ("v-1", "image/jpeg")
        assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == ("300", "AWS4-HMAC-SHA256"), "as KMS requires"
