"""Order files in the orders bucket, and the reports on their import in the jobs bucket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bintally.adapters.dynamo import store_errors
from bintally.domain.errors import InvalidEventError
from bintally.domain.objects import StoredObject
from bintally.domain.orders import RefusedRow

MOST_BYTES = 20 * 1024 * 1024


def report_key(key: str) -> str:
    """Where the report on the order file `key` lies. A hash, so that no key can lead elsewhere."""
    return f"orders/reports/{hashlib.sha256(key.encode()).hexdigest()}.json"


class OrderFiles:
    """Reads order files."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def read(self, source: StoredObject) -> bytes:
        """The bytes of that version. Raises InvalidEventError for a file that is too large to be an order file."""
        version = {"VersionId": source.version_id} if source.version_id else {}
        with store_errors(f"Reading s3://{source.bucket}/{source.key}"):
            answer = self._s3.get_object(Bucket=source.bucket, Key=source.key, **version)
            if answer["ContentLength"] > MOST_BYTES:
                raise InvalidEventError(f"{source.key} has {answer['ContentLength']:,} bytes; at most {MOST_BYTES:,}.")
            return bytes(answer["Body"].read())


class ImportReports:
    """Writes import reports."""

    def __init__(self, s3: Any, *, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def write(self, source: StoredObject, accepted: int, refused: Sequence[RefusedRow]) -> str:
        report = {"key": source.key, "version_id": source.version_id, "sequencer": source.sequencer}
        document = {**report, "accepted": accepted, "refused": [asdict(row) for row in refused]}
        key = report_key(source.key)
        with store_errors(f"Writing s3://{self._bucket}/{key}"):
            body = json.dumps(document, ensure_ascii=False, indent=2).encode()
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return f"s3://{self._bucket}/{key}"
