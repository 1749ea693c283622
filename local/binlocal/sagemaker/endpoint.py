"""One endpoint: its container and, for Async Inference, the queue in front of it."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from binlocal.sagemaker.async_inference import AsyncInference
from binlocal.sagemaker.container import ModelServer
from binlocal.sagemaker.messages import TEST_NOTIFICATION, AsyncRequest

EXPIRY_CHECK_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Endpoint:
    """Serves requests in order of arrival, at most `settings.concurrency` at a time.

    Without `inference` it is a real-time endpoint and has no queue.
    """

    def __init__(self, name: str, model: ModelServer, inference: AsyncInference | None) -> None:
        self.name = name
        self.model = model
        self.inference = inference
        self._waiting: deque[AsyncRequest] = deque()
        self._arrival = threading.Condition()
        self._stopped = threading.Event()
        self._workers: list[threading.Thread] = []
        self._successor: Endpoint | None = None

    def start(self, *, announce: bool = True) -> None:
        """Starts the container. `announce` publishes the test notification that SageMaker sends for a new endpoint."""
        self.model.start()
        if self.inference is None:
            return
        for topic in self.inference.settings.topics if announce else []:
            self.inference.storage.publish(topic, TEST_NOTIFICATION)
        for target in [self._expire_forever] + [self._serve_forever] * self.inference.settings.concurrency:
            worker = threading.Thread(target=target, args=(self.inference,), daemon=True, name=self.name)
            self._workers.append(worker)
            worker.start()

    def stop(self) -> None:
        self._stopped.set()
        if self.inference:
            self.inference.stopped.set()
        with self._arrival:
            self._arrival.notify_all()
        self.model.stop()

    def retire(self, successor: "Endpoint") -> None:
        """Passes the requests that wait, and all later ones, to `successor`; stops after those in progress."""
        with self._arrival:
            self._successor = successor
            waiting = [*self._waiting]
            self._waiting.clear()
            self._stopped.set()
            self._arrival.notify_all()
        for request in waiting:
            successor.submit(request)
        for worker in self._workers:
            worker.join()
        self.stop()

    def submit(self, request: AsyncRequest) -> None:
        with self._arrival:
            if self._successor is None:
                self._waiting.append(request)
                self._arrival.notify()
                return
        self._successor.submit(request)

    def _serve_forever(self, inference: AsyncInference) -> None:
        while request := self._next():
            safely(inference.serve, request)

    def _next(self) -> AsyncRequest | None:
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting or self._stopped.is_set())
            return None if self._stopped.is_set() else self._waiting.popleft()

    def _expire_forever(self, inference: AsyncInference) -> None:
        while not inference.clock.wait(self._stopped, EXPIRY_CHECK_SECONDS):
            for request in self._remove_if(inference.is_expired):
                safely(inference.expire, request)

    def _remove_if(self, condition: Callable[[AsyncRequest], bool]) -> list[AsyncRequest]:
        with self._arrival:
            removed = [request for request in self._waiting if condition(request)]
            for request in removed:
                self._waiting.remove(request)
        return removed


def safely(action: Callable[[AsyncRequest], None], request: AsyncRequest) -> None:
    try:
        action(request)
    except Exception:
        # The worker must survive a bucket or a topic that rejects its output.
        logger.exception("Request %s could not be answered", request.inference_id)
