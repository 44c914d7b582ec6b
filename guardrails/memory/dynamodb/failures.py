"""What a request that failed means, and what to do about it."""

from __future__ import annotations

from botocore.exceptions import ClientError, HTTPClientError

INIT = "`guardrails state init` creates it; state.table, state.region and state.profile say where"
_THROTTLED = frozenset(
    ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottledException")
)


def code(error: BaseException) -> str:
    """DynamoDB's name of an error, "" for another one."""
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""


def may_pass(error: BaseException) -> bool:
    """Whether another attempt may succeed."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        return code(error) in _THROTTLED or status >= 500
    return isinstance(error, HTTPClientError)


def advice(operation: str, error: BaseException) -> tuple[str, str]:
    """Why a request failed, and what to do about that; "" if nothing but to make the table answer."""
    message = str(error) or type(error).__name__
    match code(error):
        case "ResourceNotFoundException":
            return "there is no such table", INIT
        case "ValidationException" if operation == "BatchGetItem":
            return "its keys are not pk and sk", f"{INIT}. Name another table"
        case "AccessDeniedException":
            return f"AccessDeniedException: dynamodb:{operation} is not permitted", _POLICY
        case "UnrecognizedClientException" | "ExpiredTokenException":
            return message, _POLICY
        case _:
            return message, ""


_POLICY = "`guardrails state init --policy` prints the IAM policy that a guard needs"
