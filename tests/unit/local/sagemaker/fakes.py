"""Stands for S3 and SNS, and for the container."""

import threading

from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.errors import UnreadableObjectError


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


class FakeModel:
    """Answers with `answer` (an Answer, or an error to raise) as soon as `gate` is open."""

    status = "InService"

    def __init__(self, answer=None):
        self.answer = answer or Answer(200, "application/jsonlines", b'{"count": 3}\n')
        self.gate = threading.Event()
        self.gate.set()
        self.requests = []
        self.busy = 0
        self.busiest = 0
        self.started = self.stopped = False

    def start(self):
        self.started = True

    def stop(self):
        self.stopped = True

    def invoke(self, body, headers, timeout):
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        self.gate.wait(10)
        self.busy -= 1
        self.requests.append((body, dict(headers), timeout))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
