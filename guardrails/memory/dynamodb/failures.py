"""What a request that failed means, and what to do about it."""

from __future__ import annotations

from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError, NoRegionError

INIT = "`guardrails state init` creates it; state.table, state.region and state.profile say where"
STRANGE = (
    "the answer is not one of DynamoDB",
    "see what answers in its place: a proxy, or a network's login page",
)
_THROTTLED = frozenset(
    ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottledException")
)
_OUTDATED = frozenset(("ExpiredTokenException", "UnrecognizedClientException"))


def code(error: BaseException) -> str:
    """DynamoDB's name of an error, "" for another one."""
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""


def may_pass(error: BaseException) -> bool:
    """Whether another attempt may succeed."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        return code(error) in _THROTTLED or status >= 500
    return isinstance(error, HTTPClientError)


def has_old_credentials(error: BaseException) -> bool:
    """Whether AWS does not accept the credentials any more; there may be new ones."""
    return code(error) in _OUTDATED


def advice(operation: str, error: BaseException) -> tuple[str, str]:
    """Why a request failed, and what to do about that; "" if nothing but to make the table answer."""
    match code(error):
        case "ResourceNotFoundException":
            return "there is no such table", INIT
        case "ValidationException" if operation == "BatchGetItem":
            return "its keys are not pk and sk", f"{INIT}. Name another table"
        case "AccessDeniedException":
            return f"AccessDeniedException: dynamodb:{operation} is not permitted", _POLICY
        case _:
            return str(error) or type(error).__name__, access(error)


def access(error: BaseException) -> str:
    """What to do where this host cannot get to AWS as anybody; "" for other errors."""
    match error:
        case NoRegionError():
            return "set state.region"
        case NoCredentialsError():
            return "give this host AWS credentials, or name a profile in state.profile"
        case ClientError() if code(error) == "InvalidSignatureException":
            return "correct this host's clock; if it is right, the secret key is wrong"
        case ClientError() if has_old_credentials(error):
            return "refresh the AWS credentials of this host, or those of state.profile"
        case _:
            return ""


_POLICY = "`guardrails state init --policy` prints the IAM policy that a guard needs"
