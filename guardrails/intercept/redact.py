"""Take secrets and private payloads out of a call's parameters before anyone stores them.

Three kinds of values are replaced: members that botocore's model marks `sensitive` and blobs; members whose names say
that they hold a secret; and payloads, free strings such as commands, scripts, inputs and environment variables, in
which people put secrets. A URL with a signature or a password loses that part wherever it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field
from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.values import MASK, Private, frozen

# Members that hold secrets in practice, although not every model marks them `sensitive`: by the end of their names,
# without `_`, `-` and case.
_SECRET = re.compile(
    r"(?:password|passwords|passwd|passphrase|secret|authcode|secretstring|secretbinary|secretkey"
    r"|secretaccesskey|presharedkey|privatekey|certificatekey|encryptionkey|connectionstring|keymaterial"
    r"|(?:auth|access|refresh|session|bearer|oauth|security|identity|id|bot|api|user|registration|activation|webhook)token"
    r"|granttoken|granttokens|callbacktoken|apikey|apikeyvalue|licensekey|activationcode|userdata|tokencode|authenticationcode\d?|securityanswer"
    # Whatever their authors put there: templates, their parameters, and the presigned URLs of templates.
    r"|templatebody|parametervalue|templateurl)$"
    r"|^(?:authorization|mfa|pin|cookie|otp)$"
)
# What a call wants to have run or delivered: shown to the person who is asked about it, and to no one else.
_PAYLOAD = re.compile(
    r"(?:command|commands|commandline|commandtext|parameters|script|scripts|scriptbody|scriptcontent|shellscript|entrypoint|arguments"
    r"|payload|inputtemplate|parametervalues|statement|statements|sql|sqls|querystring|customdata|clientcontext"
    r"|configurationvalues|buildspec|buildspecoverride|dockerfile)$"
    r"|^(?:args|body|requestbody|messagebody|message|input|inputpayload|data|detail|content|inlinecontent|definition)$"
)
# Maps of free strings: variables of processes, headers, properties of connections, items of tables.
_MAP = re.compile(
    r"(?:environment|env|envvars|variables|headers|params|parameters|parametersmap|properties|options|details|configuration)$"
    r"|^(?:item|key|expressionattributevalues|attributeupdates|exclusivestartkey)$"
)
# Lists whose members have a name, which is shown, and a value, which is not.
_PAIRS = re.compile(
    r"(?:environment|env|envvars|variables|variablesoverride|headers|parameters|optionsettings|appconfigs)$"
)
# A member of another type that has such a name says yes or no.
_HOLDS_TEXT = frozenset(("string", "list", "structure", "map"))
_URL = re.compile(
    r"(?P<kept>[?&;](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|Signature|AWSAccessKeyId|sig|token)=)[^&\s\"']+"
    r"|(?P<scheme>\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,200}:)[^\s/@]{1,200}(?=@)",
    re.IGNORECASE,
)
Kind = Literal["secret", "payload", ""]


@frozen
class Redacted:
    """The parameters with what is secret replaced by MASK, the JSON pointers of what was replaced, and the payloads."""

    params: dict[str, Any]
    masked: tuple[str, ...]
    private: Private = field(repr=False)


def redact(params: Mapping[str, Any], shape: Shape | None) -> Redacted:
    """Mask the parameters of a call; `shape` is the operation's input."""
    walk = _Walk()
    clean = walk.mapping(dict(params), shape, "")
    if str(params.get("Attribute", "")).lower() == "userdata" and "Value" in clean:
        # EC2's Attribute/Value syntax passes user data in a member that is not marked.
        clean["Value"] = MASK
        walk.masked.append("/Value")
    return Redacted(clean, tuple(walk.masked), Private(dict(params), walk.payloads))


class _Walk:
    """One way through the parameters of a call."""

    def __init__(self) -> None:
        self.masked: list[str] = []
        self.payloads: dict[str, Any] = {}

    def mapping(self, value: Mapping[str, Any], shape: Shape | None, path: str) -> dict[str, Any]:
        options = _PAIRS.search(_name_of_list(path)) is not None
        clean = {}
        for key, item in value.items():
            below = f"{path}/{_escape(key)}"
            if options and key.lower() == "value":
                clean[key] = self.hidden(item, below, "secret")
            else:
                clean[key] = self.value(item, _member(shape, key), below)
        return clean

    def value(self, value: Any, shape: Shape | None, path: str) -> Any:
        kind = _kind(shape, path) if shape is not None else ""
        if kind:
            return self.hidden(value, path, kind)
        if isinstance(value, Mapping):
            return self.mapping(value, shape, path)
        if isinstance(value, (list, tuple)):
            member = shape.member if isinstance(shape, ListShape) else None
            return [self.value(item, member, f"{path}/{index}") for index, item in enumerate(value)]
        if isinstance(value, str) and _URL.search(value):
            self.masked.append(path)
            return _URL.sub(_without_credentials, value)
        return value

    def hidden(self, value: Any, path: str, kind: Kind) -> str:
        self.masked.append(path)
        if kind == "payload":
            self.payloads[path] = value
        return MASK


def _without_credentials(match: re.Match[str]) -> str:
    return f"{match['kept'] or match['scheme']}{MASK}"


def _kind(shape: Shape, path: str) -> Kind:
    """Whether a member holds a secret or a payload."""
    name = _plain(path.rpartition("/")[2])
    if shape.type_name == "blob":
        return "secret"
    payload = _free(shape) and _PAYLOAD.search(name) is not None
    if shape.metadata.get("sensitive"):
        return "payload" if payload else "secret"
    if shape.type_name in _HOLDS_TEXT and _SECRET.search(name):
        return "secret"
    if isinstance(shape, MapShape) and _MAP.search(name):
        return "secret"
    return "payload" if payload else ""


def _free(shape: Shape) -> bool:
    """True for what may be any string: one, a list or a map of them."""
    if isinstance(shape, ListShape):
        return _free(shape.member)
    return isinstance(shape, MapShape) or (shape.type_name == "string" and not getattr(shape, "enum", None))


def _name_of_list(path: str) -> str:
    """The name of the list that the value at `path` is a member of; "" where it is not in a list."""
    names = path.split("/")
    return _plain(names[-2]) if len(names) > 1 and names[-1].isdigit() else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _member(shape: Shape | None, key: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        return shape.members.get(key)
    if isinstance(shape, MapShape):
        return shape.value
    return None


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
