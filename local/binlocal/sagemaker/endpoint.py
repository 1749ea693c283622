"""One endpoint: its container and, for Async Inference, the queue in front of it."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from binlocal.sagemaker.messages import TEST_NOTIFICATION, AsyncRequest
from binlocal.sagemaker.serving import Model, Serving

EXPIRY_CHECK_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Endpoint:
    """Serves requests in the order of their arrival, at most `settings.concurrency` at a time.

    Without `serving` it is a real-time endpoint and has no queue.
    """

    def __init__(self, name: str, model: Model, serving: Serving | None) -> None:
        self.name = name
        self.model = model
        self.serving = serving
        self._waiting: deque[AsyncRequest] = deque()
        self._arrival = threading.Condition()
        self._stopped = threading.Event()

    def start(self, *, announced: bool = True) -> None:
        """Starts the container; tells the topics of it, with the test notification that SageMaker sends."""
        self.model.start()
        if self.serving is None:
            return
        for topic in self.serving.settings.topics if announced else []:
            self.serving.storage.publish(topic, TEST_NOTIFICATION)
        for target in [self._expire_forever] + [self._serve_forever] * self.serving.settings.concurrency:
            threading.Thread(target=target, args=(self.serving,), daemon=True, name=self.name).start()

    def stop(self) -> None:
        self._stopped.set()
        if self.serving:
            self.serving.stopped.set()
        with self._arrival:
            self._arrival.notify_all()
        self.model.stop()

    def submit(self, request: AsyncRequest) -> None:
        with self._arrival:
            self._waiting.append(request)
            self._arrival.notify()

    def _serve_forever(self, serving: Serving) -> None:
        while request := self._next():
            safely(serving.serve, request)

    def _next(self) -> AsyncRequest | None:
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting or self._stopped.is_set())
            return None if self._stopped.is_set() else self._waiting.popleft()

    def _expire_forever(self, serving: Serving) -> None:
        while not serving.clock.wait(self._stopped, EXPIRY_CHECK_SECONDS):
            for request in self._take(serving.is_late):
                safely(serving.expire, request)

    def _take(self, chosen: Callable[[AsyncRequest], bool]) -> list[AsyncRequest]:
        with self._arrival:
            taken = [request for request in self._waiting if chosen(request)]
            for request in taken:
                self._waiting.remove(request)
        return taken


def safely(action: Callable[[AsyncRequest], None], request: AsyncRequest) -> None:
    try:
        action(request)
    except Exception:
        # A worker outlives a bucket or a topic that refuses what it has to tell.
        logger.exception("Request %s could not be answered", request.inference_id)
