"""What AWS refused, for a person: what failed, and what to do about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from bincli.output import visible

OTHER_PROFILE = "Use another --profile, or ask the owner of the account for the permission."
SIGN_IN = "Sign in again (`aws sso login`, `aws configure`), or use another --profile."
# Error codes of the services that the command talks to, which name the same trouble differently.
CODES = {
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation AllAccessDisabled 403": (
        "access denied. These credentials have no permission for it. " + OTHER_PROFILE
    ),
    "ExpiredToken ExpiredTokenException RequestExpired": "the AWS credentials have expired. " + SIGN_IN,
    "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId SignatureDoesNotMatch AuthFailure "
    "IncompleteSignature InvalidToken MissingAuthenticationToken InvalidSignatureException": (
        "AWS does not know these credentials. " + SIGN_IN
    ),
    "ResourceNotFoundException NoSuchBucket QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue NotFound": (
        "a table, bucket, queue or function of the stack is not there. "
        "Is the stack still being created, or half deleted? Look at its events in CloudFormation."
    ),
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException SlowDown "
    "ProvisionedThroughputExceededException RequestLimitExceeded TooManyRequestsException": (
        "AWS is throttling these requests. Wait a minute, then run the command again."
    ),
}
MEANING = {code: meaning for codes, meaning in CODES.items() for code in codes.split()}
CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
)


def explained(error: ClientError | BotoCoreError) -> str:
    """The error in a sentence or two, without the SDK's own words."""
    return _refused(error) if isinstance(error, ClientError) else _not_sent(error)


def _refused(error: ClientError) -> str:
    facts = error.response.get("Error", {})
    code = str(facts.get("Code", "unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in MEANING:
        return f"{error.operation_name}: {MEANING[code]}"
    if status >= 500:
        return f"{error.operation_name}: AWS failed ({code}). Wait a minute, then run the command again."
    return f"{error.operation_name} was refused ({visible(code)}): {visible(facts.get('Message', 'no reason given'))}"


def _not_sent(error: BotoCoreError) -> str:
    if isinstance(error, CREDENTIALS):
        return "No usable AWS credentials were found. " + SIGN_IN
    if isinstance(error, boto.ProfileNotFound):
        profile = visible(error.kwargs.get("profile", ""))
        return f"There is no AWS profile {profile}. `aws configure list-profiles` shows those that there are."
    if isinstance(error, boto.NoRegionError):
        return "No AWS region is set. Pass --region, or set AWS_REGION."
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return _unreachable(str(error.kwargs.get("endpoint_url", "")))
    return f"The request could not be made ({type(error).__name__}). Check the AWS configuration."


def _unreachable(endpoint: str) -> str:
    host = urlsplit(endpoint).hostname or "AWS"
    if host in ("127.0.0.1", "localhost"):
        return f"Nothing answers at {visible(endpoint)}. Does `bintally up` still run?"
    return f"{visible(host)} can't be reached. Check the network, the proxy settings, and the name of the region."
