"""The catalogue of items in the orders bucket, and reports on it in the jobs bucket."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bintally.adapters.errors import store_errors
from bintally.adapters.order_files import report_key
from bintally.domain.catalogue import CATALOGUE_KEY, Catalogue, parse_catalogue, unreadable
from bintally.domain.objects import StoredObject
from bintally.domain.order_rows import MAX_BYTES, too_large


class ItemCatalogue:
    """Reads the catalogue, and reports on it."""

    def __init__(self, s3: Any, *, bucket: str, reports_bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._reports_bucket = reports_bucket

    def read(self, version_id: str | None = None) -> Catalogue:
        """This version of the catalogue, or the newest; empty if there is none."""
        version = {"VersionId": version_id} if version_id else {}
        with store_errors(f"Reading s3://{self._bucket}/{CATALOGUE_KEY}"):
            try:
                response = self._s3.get_object(Bucket=self._bucket, Key=CATALOGUE_KEY, **version)
            except self._s3.exceptions.NoSuchKey:
                return Catalogue()
            if response["ContentLength"] > MAX_BYTES:
                return unreadable(too_large(response["ContentLength"]))
            return parse_catalogue(response["Body"].read())

    def report(self, source: StoredObject, catalogue: Catalogue) -> str:
        """Write the report on this version of the catalogue; its location."""
        key = report_key(source.key, source.version_id or source.sequencer)
        facts = {"key": source.key, "version_id": source.version_id, "sequencer": source.sequencer, "state": "done"}
        counts = {"items": len(catalogue.volumes), "refused_rows": catalogue.refused_rows}
        report = {**facts, **counts, "refused": [asdict(row) for row in catalogue.refused]}
        body = json.dumps(report, ensure_ascii=False, indent=2).encode()
        with store_errors(f"Writing s3://{self._reports_bucket}/{key}"):
            self._s3.put_object(Bucket=self._reports_bucket, Key=key, Body=body, ContentType="application/json")
        return f"s3://{self._reports_bucket}/{key}"
