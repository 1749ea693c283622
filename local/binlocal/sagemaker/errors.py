"""Errors of the local SageMaker.

ApiError                         an error response of SageMaker's API
ContainerError                   the model server gave no response
├── ContainerTimeoutError        ... within the invocation timeout
└── ContainerNotReadyError       ... because it does not respond to /ping
UnreadableObjectError            the input object cannot be read
FailedRequestError               an asynchronous request that ends with a failure notification
"""


class ApiError(Exception):
    """`code` is SageMaker's error type, `status` the HTTP status."""

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
    """`reason` goes into the notification, `body` (the container's response, if any) into the failure object."""

    def __init__(self, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.body = body
