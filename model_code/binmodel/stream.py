"""Counts a stream of images in order, while further images are read and decoded and several batches run at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from binmodel.images import ImageError, Limits, decode, out_of_memory
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
    """One line for each item, in order: the fields of its Prediction (see `Prediction.fields`) and `model`, or
    `{"error": {"code", "message"}, "model"}` for an image that cannot be counted.

    `read` returns an item's bytes. It is called from `readers` threads. If it raises ImageError or OSError, or memory
    runs out, the item gets an error line; any other exception ends the stream. `predictor.concurrency` batches are
    counted at the same time, with one more ready. Memory is bounded: at most `readers` items and three more batches
    than are counted at the same time are held.
    """

    def prepared(item: T) -> Pixels | ImageError:
        try:
            return squash(decode(read(item), side=predictor.input_size, limits=limits), predictor.input_size)
        except ImageError as error:
            return error
        except MemoryError:
            return out_of_memory()
        except OSError as error:
            return ImageError("unreadable", f"The file cannot be read ({error.strerror or error}).")

    def read_ahead() -> None:
        ahead.extend(reading.submit(prepared, item) for item in islice(source, readers + batch - len(ahead)))

    def count_ahead() -> None:
        while ahead and len(batches) <= predictor.concurrency:
            next_batch = [ahead.popleft() for _ in range(min(batch, len(ahead)))]
            batches.append(counting.submit(_lines, predictor, next_batch))
            read_ahead()

    source = iter(items)
    ahead: deque[Future[Pixels | ImageError]] = deque()
    batches: deque[Future[list[Line]]] = deque()
    reading = ThreadPoolExecutor(readers, "image")
    counting = ThreadPoolExecutor(predictor.concurrency, "count")
    try:
        read_ahead()
        count_ahead()
        while batches:
            lines = batches.popleft().result()
            count_ahead()
            yield from lines
    finally:
        reading.shutdown(cancel_futures=True)
        counting.shutdown(cancel_futures=True)


def _lines(predictor: Predictor, images: list[Future[Pixels | ImageError]]) -> list[Line]:
    ready = [image.result() for image in images]
    pixels = [item for item in ready if not isinstance(item, ImageError)]
    predictions = iter(predictor.predict(np.stack(pixels)) if pixels else [])
    return [
        _error(item, predictor) if isinstance(item, ImageError) else _count(next(predictions), predictor)
        for item in ready
    ]


def _count(prediction: Prediction, predictor: Predictor) -> Line:
    return {**prediction.fields(), "model": predictor.model}


def _error(error: ImageError, predictor: Predictor) -> Line:
    return {"error": {"code": error.code, "message": error.message}, "model": predictor.model}
