"""Many images counted in their order, with reading, decoding and inference going on at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from binmodel.images import ImageError, Limits, decode
from binmodel.predict import Prediction, Predictor
from binmodel.preprocess import Pixels, squash

T = TypeVar("T")
Line = dict[str, Any]


def predict_stream(
    predictor: Predictor,
    items: Iterable[T],
    read: Callable[[T], bytes],
    *,
    limits: Limits | None = None,
    readers: int = 8,
    batch: int = 8,
) -> Iterator[Line]:
    """One line for each of `items`, in their order: `{"count", "confidence", "probabilities", "model"}`, or
    `{"error": {"code", "message"}, "model"}` for an image that can't be counted.

    `read` gives an item's bytes; it is called from `readers` threads and may raise ImageError or OSError, which become
    that item's error line. What else it raises ends the stream. At most `readers + batch` items are read ahead of the
    `batch` that is being yielded, so memory stays bounded however many there are.
    """

    def prepared(item: T) -> Pixels | ImageError:
        try:
            return squash(decode(read(item), side=predictor.input_size, limits=limits), predictor.input_size)
        except ImageError as error:
            return error
        except OSError as error:
            return ImageError("unreadable", f"The file can't be read ({error.strerror or error}).")

    def read_ahead() -> None:
        ahead.extend(pool.submit(prepared, item) for item in islice(source, readers + batch - len(ahead)))

    source = iter(items)
    ahead: deque[Future[Pixels | ImageError]] = deque()
    pool = ThreadPoolExecutor(readers, "image")
    try:
        read_ahead()
        while ahead:
            ready = [ahead.popleft().result() for _ in range(min(batch, len(ahead)))]
            read_ahead()
            yield from _lines(predictor, ready)
    finally:
        pool.shutdown(cancel_futures=True)


def _lines(predictor: Predictor, ready: list[Pixels | ImageError]) -> Iterator[Line]:
    pixels = [item for item in ready if not isinstance(item, ImageError)]
    predictions = iter(predictor.predict(np.stack(pixels)) if pixels else [])
    for item in ready:
        yield _error(item, predictor) if isinstance(item, ImageError) else _count(next(predictions), predictor)


def _count(prediction: Prediction, predictor: Predictor) -> Line:
    return {**asdict(prediction), "model": predictor.model}


def _error(error: ImageError, predictor: Predictor) -> Line:
    return {"error": {"code": error.code, "message": error.message}, "model": predictor.model}
