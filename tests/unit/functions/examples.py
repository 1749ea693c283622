"""Small facts for tests: each with defaults, so that a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bintally.domain.bins import BinCount, BinStatus, bin_id_of
from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from bintally.domain.objects import StoredObject, padded_sequencer
from bintally.domain.risk import OrderPrior
from bintally.domain.verdicts import OrderLine, VerdictRules
from bintally.domain.volume import Volume
from hypothesis import strategies as st

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NOON = "2026-05-04T12:00:00.000Z"
EARLIER = "2026-05-04T08:00:00.000Z"
LATER = "2026-05-04T16:00:00.000Z"
# At this site three lines in ten are wrong, so that one clear photo decides.
RULES = VerdictRules(match_risk=0.1, variance=0.6, prior=OrderPrior(0.3, (0.4, 0.3, 0.3)))
MODEL = "resnet50@0123456789ab"
SURE_OF_3 = {1: 0.01, 2: 0.04, 3: 0.9, 4: 0.04, 5: 0.01}
THREE_OR_FOUR = Interval(3, 4, 0.9)
TWO_LITRES = Volume(2.0, 1.0, 4.0, 0.9, 0.5, 0.8, 0.6)

HOSTILE_KEYS = [
    "P-17-C/photo 1é.jpg",
    "P-17-C/a+b%20c.jpg",
    "日本/写真.jpg",
    "a/line\nbreak.jpg",
    "a/line\u2028separator\u2029and\x85.jpg",
    'a/"quoted",;\\.jpg',
    "a/${jndi:ldap://x}.jpg",
    "a/\u202egpj.exe",
    "a/../../etc/passwd",
    "//x//y.jpg",
    "/leading.jpg",
    "a/../b.jpg",
    ".",
    "..",
    "./.",
    ".jpg",
    "a/nul\x00.jpg",
    "s3:TestEvent",
    "jobs/async-0/output/a.out",
    "x" * 1024,
    "é" * 512,
    "a/" + "y" * 1022,
]
# Keys that S3 accepts: 1 to 1,024 bytes of UTF-8.
keys = st.one_of(
    st.sampled_from(HOSTILE_KEYS),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda key: len(key.encode()) <= 1024),
    st.lists(st.sampled_from(["a", ".", "..", "", "x.jpg", " "]), min_size=1, max_size=5).map("/".join).filter(bool),
)


def make_image(
    key: str = "P-17-C/a.jpg", *, sequencer: str = "0055AED6DCD90281E5", at: str = EARLIER, version: str | None = None
) -> Image:
    """A photo; its version is that of its sequencer unless given."""
    return Image("intake", key, version or f"v-{sequencer}", padded_sequencer(sequencer), at, bin_id_of(key))


def make_images(number: int) -> list[Image]:
    """Photos of as many bins."""
    return [make_image(f"bin-{index:04}/photo.jpg", sequencer=f"00{index:04X}") for index in range(number)]


def counted(
    image: Image | None = None, count: int | None = 3, probabilities: Mapping[int, float] | None = None, **more: Any
) -> BinCount:
    """A bin's count; `more` may say `empty`, `over_range`, `interval`, and for a count of None `at_least`."""
    shares = dict(probabilities or SURE_OF_3)
    confidence = shares.get(count, more.get("empty")) if count is not None else more.get("over_range")
    return BinCount(image or make_image(), BinStatus.COUNTED, count, confidence, shares, MODEL, revision=1, **more)


def unreadable(image: Image | None = None) -> BinCount:
    return BinCount(
        image or make_image(), BinStatus.UNREADABLE, model=MODEL, reason="Damaged.", code="corrupt_image", revision=1
    )


def unseen(image: Image | None = None) -> BinCount:
    """A bin whose photo the model did not get to see."""
    fields = {"reason": "No answer.", "code": "internal", "answered": False}
    return BinCount(image or make_image(), BinStatus.UNREADABLE, revision=1, **fields)  # type: ignore[arg-type]


def order_line(
    expected: int = 3, *, bin_id: str = "P-17-C", consignment: str = "C-1", due: str | None = None
) -> OrderLine:
    return OrderLine(consignment, bin_id, expected, due, order_version="1")


def order_file(key: str = "orders.csv", *, at: str = EARLIER, sequencer: str = "01") -> StoredObject:
    return StoredObject("orders", key, None, padded_sequencer(sequencer), at)


def prediction(
    image: Image, count: int | None = 3, probabilities: Mapping[int, float] | None = None, **more: object
) -> dict[str, object]:
    """A line of the container's output; `more` may say `empty`, `over_range`, `interval` and `at_least`."""
    shares = dict(probabilities or SURE_OF_3)
    named = {str(number): share for number, share in shares.items()}
    return {
        "image_id": image.image_id,
        "count": count,
        "confidence": shares[count] if count else 0.9,
        "probabilities": named,
        **more,
        "model": MODEL,
    }


def refusal(image: Image, code: str = "corrupt_image", message: str = "The file is damaged.") -> dict[str, object]:
    """A line of the container's output for a photo that it could not count."""
    return {"image_id": image.image_id, "error": {"code": code, "message": message}, "model": MODEL}
