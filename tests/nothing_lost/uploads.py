"""The intake bucket of the simulation: uploads, the model's results for them, and S3's notifications."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from urllib.parse import quote_plus

from bintally.domain.bins import bin_id_of
from bintally.domain.image import Image
from bintally.domain.objects import StoredObject, padded_sequencer
from bintally.domain.times import iso
from bintally.messages.s3 import objects_in_bucket

from tests.unit.functions.examples import prediction, refusal

BUCKET = "intake"
ORDERS = "orders"
OVER_RANGE = 6


@dataclass(frozen=True)
class Upload:
    """An uploaded photo. `count` is what the model counts, 0 to 5; 6 stands for any larger number, and
    None for a photo that it rejects.
    """

    image: Image
    count: int | None

    @property
    def image_id(self) -> str:
        return self.image.image_id

    @property
    def record(self) -> dict[str, object]:
        """The container's prediction line."""
        if self.count is None:
            return refusal(self.image)
        if self.count in (0, OVER_RANGE):
            empty, shares = (0.9 if self.count == 0 else 0.05), {number: 0.2 for number in range(1, 6)}
            answer = {"count": 0} if self.count == 0 else {"count": None, "at_least": OVER_RANGE}
            return prediction(self.image, **answer, probabilities=shares, empty=empty, over_range=0.95 - empty)
        shares = {number: 0.92 if number == self.count else 0.02 for number in range(1, 6)}
        return prediction(self.image, self.count, shares)


class Uploads:
    """Puts, each a moment after the one before; `refused` is the share that the model can't read."""

    def __init__(self, chance: Random, refused: float = 0.05) -> None:
        self.all: dict[str, Upload] = {}
        self._chance = chance
        self.refused = refused

    def put(self, key: str, now: datetime) -> Upload:
        """A new version of an object. `now` is the time of the test; two uploads in one moment still differ."""
        number = len(self.all)
        at = now + timedelta(milliseconds=number)
        image = Image(BUCKET, key, f"v{number}", padded_sequencer(self.sequencer(number)), iso(at), bin_id_of(key))
        count = None if self._chance.random() < self.refused else self._chance.randint(0, OVER_RANGE)
        upload = Upload(image, count)
        self.all[upload.image_id] = upload
        return upload

    def sequencer(self, number: int) -> str:
        """Ordered by `number`, of unequal lengths, in capitals or not: S3 promises no more than hexadecimal digits."""
        tail = "".join(self._chance.choices("0123456789ABCDEF", k=self._chance.randint(0, 6)))
        text = f"{0x55AED6 + number:012X}{tail}"
        return text.lower() if self._chance.random() < 0.5 else text


def s3_record(image: Image, name: str = "ObjectCreated:Put", *, sequencer: str = "") -> dict[str, object]:
    """One record of a notification."""
    stored = {"key": quote_plus(image.key), "versionId": image.version_id, "sequencer": sequencer or image.sequencer}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": image.captured_at,
        "eventName": name,
        "s3": {"bucket": {"name": image.bucket}, "object": stored},
    }


def s3_notification(*images: Image) -> str:
    """The body of a message that announces these uploads."""
    return json.dumps({"Records": [s3_record(image) for image in images]})


def images_in(body: str) -> list[Image]:
    """The photos that a message of the intake queue announces, as the handler finds them."""
    found: list[StoredObject] = objects_in_bucket(body, BUCKET)
    return [Image(o.bucket, o.key, o.version_id, o.sequencer, o.put_at, bin_id_of(o.key)) for o in found]
