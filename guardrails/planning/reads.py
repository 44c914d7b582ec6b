"""Which operations only read, so that a plan may send them. What is not certainly a read is not sent."""

from __future__ import annotations

from typing import Literal

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import READ_ONLY

Kind = Literal["read", "change", "unknown"]

# They begin like reads, and take something from a queue, make something, or end something.
_NOT_READS = frozenset(
    (("states", "GetActivityTask"), ("cloudformation", "DetectStackDrift"),
     ("cloudformation", "DetectStackResourceDrift"),
     ("cloudformation", "DetectStackSetDrift"), ("connect", "GetFederationToken"),
     ("cognito-identity", "GetId"), ("lightsail", "GetInstanceAccessDetails"), ("redshift", "GetClusterCredentials"),
     ("redshift", "GetClusterCredentialsWithIAM"), ("redshift-serverless", "GetCredentials"),
     ("license-manager", "CheckInLicense"), ("cognito-identity", "GetOpenIdToken"),
     ("cognito-identity", "GetOpenIdTokenForDeveloperIdentity"), ("cognito-idp", "GetUserAttributeVerificationCode"),
     ("cognito-idp", "GetTokensFromRefreshToken"), ("sagemaker", "GetScalingConfigurationRecommendation"),
     ("apigateway", "PreviewPortal"), ("iot", "GetRegistrationCode"), ("iot", "DescribeEndpoint"),
     ("importexport", "GetShippingLabel"), ("security-ir", "GetCaseAttachmentUploadUrl"),
     ("support", "GetAttachmentUploadLinks"), ("bedrock-agentcore", "GetResourcePaymentToken"),
     # It may write its result to S3.
     ("timestream", "Query"))
)  # fmt: skip
# They give credentials, compute or read, under another name.
_READS = frozenset(
    (("sts", "AssumeRole"), ("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity"), ("sts", "AssumeRoot"),
     ("sts", "DecodeAuthorizationMessage"), ("sso-oauth", "CreateToken"), ("eks-auth", "AssumeRoleForPodIdentity"),
     ("kms", "Decrypt"), ("kms", "Encrypt"), ("kms", "Verify"), ("kms", "VerifyMac"), ("kms", "GenerateRandom"),
     ("kms", "GenerateDataKey"), ("kms", "GenerateDataKeyWithoutPlaintext"), ("kms", "GenerateDataKeyPair"),
     ("kms", "GenerateDataKeyPairWithoutPlaintext"), ("kms", "GenerateMac"), ("kms", "Sign"), ("kms", "ReEncrypt"),
     ("kms", "DeriveSharedSecret"),
     ("dynamodb", "TransactGetItems"), ("rds", "DownloadDBLogFilePortion"), ("logs", "FilterLogEvents"),
     ("logs", "TestMetricFilter"), ("events", "TestEventPattern"),
     ("cloudsearchdomain", "Suggest"), ("signin", "CreateOAuth2Token"))
)  # fmt: skip
# A name that begins so may go on with another word: GetAndDelete, ListAndUpdate.
_BUT = ("AndDelete", "AndUpdate", "AndCreate", "AndRemove", "OrCreate")
_CHANGES = (
    "Accept", "Activate", "Add", "Allocate", "Apply", "Assign", "Associate", "Attach", "Authorize", "Cancel",
    "Change", "Clear", "Close", "Complete", "Confirm", "Copy", "Create", "Deactivate", "Delete", "Deregister",
    "Detach", "Disable", "Disassociate", "Enable", "Enter", "Exit", "Execute", "Import", "Increase", "Decrease",
    "Invoke", "Modify", "Move", "Publish", "Purge", "Put", "Reboot", "Register", "Reject", "Release", "Remove",
    "Replace", "Request", "Reset", "Restore", "Resume", "Retry", "Revoke", "Rollback", "Rotate", "Run", "Schedule",
    "Send", "Set", "Start", "Stop", "Suspend", "Swap", "Tag", "Terminate", "Transfer", "Unassign", "Unlock",
    "Untag", "Update", "Upgrade", "Upload", "Write",
)  # fmt: skip


def kind_of(catalogue: Catalogue, service: str, operation: str) -> Kind:
    """What an operation does, by the catalogue and its name; `service` is the name that requests are signed with.

    ``unknown`` is what may change something or not: it is not sent either.
    """
    if not operation or operation.startswith("Poll") or (service, operation) in _NOT_READS:
        return "unknown"
    if any(each in operation for each in _BUT):
        return "unknown"
    if (service, operation) in _READS:
        return "read"
    if service in catalogue.services:
        known = catalogue.service(service)
        if operation in known.operations or operation in known.harmless:
            return "change"
    if operation.startswith(READ_ONLY) and _whole_word(operation):
        return "read"
    return "change" if operation.startswith(_CHANGES) else "unknown"


def _whole_word(operation: str) -> bool:
    """True where the verb ends with a word: ``GetItem`` and not ``Getaway``."""
    rest = next(operation[len(verb) :] for verb in READ_ONLY if operation.startswith(verb))
    return not rest or not rest[0].islower()
