"""Errors that SageMaker itself would answer with.

RefusedError                     the request is wrong, or names what is not there
ContainerError                   the model server gave no answer
├── ContainerTimeoutError        ... within the invocation timeout
└── ContainerNotReadyError       ... because it does not pass /ping
UnreadableObjectError            the input object cannot be read
FailedRequestError               an asynchronous request that ends in a failure notification
"""


class RefusedError(Exception):
    """`code` is SageMaker's error type; the HTTP status is 400 unless said otherwise."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class ContainerError(Exception):
    pass


class ContainerTimeoutError(ContainerError):
    pass


class ContainerNotReadyError(ContainerError):
    pass


class UnreadableObjectError(Exception):
    pass


class FailedRequestError(Exception):
    """`reason` goes into the notification, `body` (the container's answer, if it gave one) into the failure object."""

    def __init__(self, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.body = body
