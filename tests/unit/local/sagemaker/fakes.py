"""Fakes of S3 and SNS, of the container, and of the clock."""

import threading

from binlocal.sagemaker.container import ContainerResponse
from binlocal.sagemaker.errors import UnreadableObjectError


class FakeClock:
    """A clock whose waits end immediately and advance `time`. `waits` records their seconds."""

    def __init__(self, time=1000.0):
        self.time = time
        self.waits = []

    def now(self):
        return self.time

    def wait(self, stopped, seconds):
        self.waits.append(seconds)
        self.time += seconds
        return stopped.is_set()


class FakeStorage:
    def __init__(self, **objects):
        self.objects = dict(objects)
        self.published = []

    def read(self, uri):
        if uri not in self.objects:
            raise UnreadableObjectError("NoSuchKey")
        return self.objects[uri]

    def write(self, uri, body, content_type):
        self.objects[uri] = body

    def publish(self, topic, message):
        self.published.append((topic, message))

    def list_prefix(self, uri):
        return sorted(found for found in self.objects if found.startswith(uri))


class FakeModel:
    """Responds with `answer` (a response, an error to raise, or a function of the body) once `gate` is open."""

    status = "InService"

    def __init__(self, answer=None):
        self.answer = answer or ContainerResponse(200, "application/jsonlines", b'{"count": 3}\n')
        self.gate = threading.Event()
        self.gate.set()
        self.requests = []
        self.busy = 0
        self.busiest = 0
        self.started = self.stopped = False
        self.killed = 0

    def start(self):
        self.started = True

    def stop(self):
        self.stopped = True

    def wait_until_started(self):
        return self.status

    def kill(self):
        self.killed += 1

    def invoke(self, body, headers, timeout):
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        self.gate.wait(10)
        self.busy -= 1
        self.requests.append((body, dict(headers), timeout))
        answer = self.answer(body) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer
