"""Errors of AWS for people: what happened, where, and what to do."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from bincli.text import visible

OTHER_PROFILE = "Use another --profile, or ask the owner of the account for the permission."
SIGN_IN = "Sign in again (`aws sso login`, `aws configure`), or use another --profile."
TRY_AGAIN = "Wait a minute, then run the command again."
# Services name the same problem differently.
CODES = {
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation AllAccessDisabled 403": (
        f"access denied. {OTHER_PROFILE}"
    ),
    "ExpiredToken ExpiredTokenException RequestExpired": f"the AWS credentials have expired. {SIGN_IN}",
    "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId SignatureDoesNotMatch AuthFailure "
    "IncompleteSignature InvalidToken MissingAuthenticationToken InvalidSignatureException": (
        f"AWS does not accept these credentials. {SIGN_IN}"
    ),
    "ResourceNotFoundException NoSuchBucket QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue NotFound": (
        "a table, bucket, queue or function of the stack does not exist. "
        "Is the stack still being created or deleted? Check its events in CloudFormation."
    ),
    "PermanentRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException 301": (
        "the bucket is in another region. Pass its --region."
    ),
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException SlowDown "
    "ProvisionedThroughputExceededException RequestLimitExceeded TooManyRequestsException": (
        f"AWS is throttling these requests. {TRY_AGAIN}"
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


def explain_aws_error(error: ClientError | BotoCoreError, doing: str = "") -> str:
    """The error in a sentence or two, without the SDK's own words. `doing`, such as `Reading x: `, says where."""
    return doing + (_refused(error) if isinstance(error, ClientError) else _not_sent(error))


def _refused(error: ClientError) -> str:
    details = error.response.get("Error", {})
    code = str(details.get("Code", "unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in MEANING:
        return f"{error.operation_name}: {MEANING[code]}"
    if status >= 500:
        return f"{error.operation_name}: AWS failed ({visible(code)}). {TRY_AGAIN}"
    return f"{error.operation_name} was refused ({visible(code)}): {visible(details.get('Message', 'no reason given'))}"


def _not_sent(error: BotoCoreError) -> str:
    if isinstance(error, CREDENTIALS):
        return f"No usable AWS credentials were found. {SIGN_IN}"
    if isinstance(error, boto.ProfileNotFound):
        profile = visible(error.kwargs.get("profile", ""))
        return f"AWS profile {profile} not found. `aws configure list-profiles` lists your profiles."
    if isinstance(error, boto.NoRegionError):
        return "No AWS region is set. Pass --region, or set AWS_REGION."
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return _unreachable(str(error.kwargs.get("endpoint_url", "")))
    return f"The request could not be made ({type(error).__name__}). Check the AWS configuration."


def _unreachable(endpoint: str) -> str:
    host = urlsplit(endpoint).hostname or "AWS"
    if host in ("127.0.0.1", "localhost"):
        return f"Nothing answers at {visible(endpoint)}. Is `bintally up` still running?"
    return f"{visible(host)} can't be reached. Check the network, the proxy settings and the region's name."
