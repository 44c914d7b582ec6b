"""Signatures of bundles as OPA's (https://www.openpolicyagent.org/docs/management-bundles#signing).

``.signatures.json`` holds one JSON Web Token that names every file of the bundle with its SHA hash. Files that hold
JSON are hashed by what they say, the others by their bytes. PyJWT is needed (the extra ``signing``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate.bundle_file import MANIFEST, SIGNATURES, Contents

_HASHES = {"MD5": "", "SHA-1": "", "SHA-224": "sha224", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512",
           "SHA-512-224": "sha512_224", "SHA-512-256": "sha512_256"}  # fmt: skip
# Which algorithms a key may be used with: a token must not choose that for itself.
_SECRET = ("HS256", "HS384", "HS512")
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_EC = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def sign(files: Mapping[str, bytes], key: Path, algorithm: str | None = None) -> bytes:
    """The text of .signatures.json for these files. Raises ConfigError for a key that cannot sign."""
    jwt, material = _jwt(), _material(key)
    named = [{"name": name, "hash": _hash(name, files[name], "sha256"), "algorithm": "SHA-256"} for name in files]
    allowed = _algorithms(material, key)
    chosen = algorithm or allowed[0]
    if chosen not in allowed:
        raise ConfigError(f"{key}: {chosen} is not for this kind of key; use one of {', '.join(allowed)}")
    try:
        token = jwt.encode({"files": named}, material, algorithm=chosen)
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{key}: cannot sign ({error}); give a private key in PEM, or a secret") from error
    return json.dumps({"signatures": [token]}).encode()


def verify(bundle: Contents, key: Path) -> None:
    """Check that every file of the bundle, and no other, is signed with this key.

    Raises PolicyError where it is not, ConfigError for a key that cannot be read.
    """
    jwt, material = _jwt(), _material(key)
    where = f"{bundle.path}/{SIGNATURES}"
    try:
        tokens = json.loads(bundle.files[SIGNATURES])["signatures"]
        if not isinstance(tokens, list) or len(tokens) != 1:
            raise PolicyError(f"{where}: must hold one signature; sign the bundle again")
        claims = jwt.decode(tokens[0], material, algorithms=_algorithms(material, key))
    except KeyError as error:
        raise PolicyError(f"{bundle.path}: is not signed; use policy build --signing-key, or opa sign") from error
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise PolicyError(f"{where}: the signature does not fit the key {key} ({error})") from error
    if claims.get("scope"):
        raise PolicyError(f"{where}: is signed for the scope {claims['scope']!r}, this guard has none")
    _compare(bundle, claims.get("files"), where)


def _compare(bundle: Contents, named: Any, where: str) -> None:
    if not isinstance(named, list) or not all(isinstance(file, dict) for file in named):
        raise PolicyError(f"{where}: names no files; sign the bundle again")
    signed = {str(file.get("name", "")).lstrip("/"): file for file in named}
    there = bundle.files.keys() - {SIGNATURES}
    for name in sorted(there - signed.keys()):
        raise PolicyError(f"{bundle.path}/{name}: is not among the signed files; sign the bundle again")
    for name in sorted(signed.keys() - there):
        raise PolicyError(f"{bundle.path}/{name}: is signed, but not in the bundle")
    for name, file in signed.items():
        algorithm = _HASHES.get(str(file.get("algorithm") or "SHA-256"))
        if not algorithm:
            raise PolicyError(f"{where}: {name} has a {file.get('algorithm')} hash, which proves nothing; use SHA-256")
        if _hash(name, bundle.files[name], algorithm) != file.get("hash"):
            raise PolicyError(f"{bundle.path}/{name}: was changed after it was signed")


def _hash(name: str, content: bytes, algorithm: str) -> str:
    if PurePosixPath(name).name in ("data.json", MANIFEST, SIGNATURES):
        try:
            # A number is hashed as it is written.
            content = _canonical(json.loads(content, parse_int=_Number, parse_float=_Number)).encode()
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"{name}: is not valid JSON ({error})") from error
    return hashlib.new(algorithm, content).hexdigest()


class _Number(str):
    __slots__ = ()


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, _Number):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    # As Go's encoder writes these two.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _jwt() -> ModuleType:
    try:
        import cryptography  # noqa: F401, PLC0415  (what PyJWT needs for keys that are no secrets)
        import jwt  # noqa: PLC0415  (only who signs or verifies needs it)
    except ImportError as error:
        raise ConfigError("signed bundles need PyJWT: pip install 'botocore-guardrails[signing]'") from error
    return jwt


def _material(path: Path) -> Any:
    """A private or public key of a PEM file, or the bytes of a secret."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read ({error.strerror})") from error
    if b"-----BEGIN" not in content:
        if not content.strip():
            raise ConfigError(f"{path}: the key is empty")
        return content.strip()
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415

    try:
        if b"PRIVATE KEY" in content:
            return pem.load_pem_private_key(content, None)
        return pem.load_pem_public_key(content)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: is no key ({error}); give an RSA or EC key in PEM, without a passphrase") from error


def _algorithms(material: Any, path: Path) -> list[str]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415

    if isinstance(material, bytes):
        return list(_SECRET)
    if isinstance(material, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
        return list(_RSA)
    if isinstance(material, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        found = _EC.get(material.curve.name)
        if found:
            return [found]
    raise ConfigError(
        f"{path}: OPA signs with RSA keys, EC keys (P-256, P-384, P-521) or secrets; this is none of them"
    )
