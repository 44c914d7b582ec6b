"""Signatures of bundles in OPA's format (https://www.openpolicyagent.org/docs/management-bundles#signing).

``.signatures.json`` holds one JSON Web Token that lists every file of the bundle with its SHA hash. JSON files are
hashed in a canonical form, the others byte by byte. Needs PyJWT (the extra ``signing``).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate.bundle_file import MANIFEST, SIGNATURES, Contents
from guardrails.system import reading

_HASHES = {"MD5": "", "SHA-1": "", "SHA-224": "sha224", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512",
           "SHA-512-224": "sha512_224", "SHA-512-256": "sha512_256"}  # fmt: skip
# How far the clocks of two hosts may be apart.
_CLOCKS_S = 3600
# Algorithms by kind of key: a token must not choose its own.
_SECRET = ("HS256", "HS384", "HS512")
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_EC = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def sign(files: Mapping[str, bytes], key: Path, algorithm: str | None = None) -> bytes:
    """The bytes of .signatures.json for these files. Raises ConfigError for a key that cannot sign."""
    jwt, material = _jwt(), _material(key)
    entries = [{"name": name, "hash": _hash(name, files[name], "sha256"), "algorithm": "SHA-256"} for name in files]
    allowed = _algorithms(material, key)
    chosen = algorithm or allowed[0]
    if chosen not in allowed:
        raise ConfigError(f"{key}: {chosen} does not work with this kind of key; use one of {', '.join(allowed)}")
    try:
        # OPA knows `iat`, too. A guard that fetches bundles takes none that was signed before the one it has.
        token = jwt.encode({"files": entries, "iat": int(time.time())}, material, algorithm=chosen)
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{key}: cannot sign ({error}); give a private key in PEM, or a secret") from error
    return json.dumps({"signatures": [token]}).encode()


def verify(bundle: Contents, key: Path) -> float:
    """Check that exactly the files of the bundle are signed with this key.

    Returns when it was signed, in seconds since the epoch; 0.0 where the signature does not say. Raises PolicyError if
    they are not, ConfigError for a key that cannot be read.
    """
    jwt, material = _jwt(), _material(key)
    where = f"{bundle.path}/{SIGNATURES}"
    try:
        tokens = json.loads(bundle.files[SIGNATURES])["signatures"]
        if not isinstance(tokens, list) or len(tokens) != 1:
            raise PolicyError(f"{where}: must hold exactly one signature; sign the bundle again")
        # The clock of the host that signed it may be ahead of this one's.
        claims = jwt.decode(tokens[0], material, algorithms=_algorithms(material, key), options={"verify_iat": False})
    except KeyError as error:
        raise PolicyError(
            f"{bundle.path}: is not signed; sign it with guardrails policy build --signing-key, or with opa sign"
        ) from error
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise PolicyError(f"{where}: the signature does not match the key {key} ({error})") from error
    if claims.get("scope"):
        raise PolicyError(f"{where}: is signed for the scope {claims['scope']!r}; sign it without a scope")
    _compare(bundle, claims.get("files"), where)
    return _signed_at(claims.get("iat"), where)


def _signed_at(claimed: Any, where: str) -> float:
    if not isinstance(claimed, (int, float)) or claimed <= 0:
        return 0.0
    if claimed > time.time() + _CLOCKS_S:
        raise PolicyError(f"{where}: is signed in the future; correct the clock of the host that signs, and sign again")
    return float(claimed)


def _compare(bundle: Contents, claimed: Any, where: str) -> None:
    if not isinstance(claimed, list) or not all(isinstance(file, dict) for file in claimed):
        raise PolicyError(f"{where}: lists no files; sign the bundle again")
    signed = {str(file.get("name", "")).lstrip("/"): file for file in claimed}
    present = bundle.files.keys() - {SIGNATURES}
    for name in sorted(present - signed.keys()):
        raise PolicyError(f"{bundle.path}/{name}: is not among the signed files; sign the bundle again")
    for name in sorted(signed.keys() - present):
        raise PolicyError(f"{bundle.path}/{name}: is signed, but missing from the bundle; build and sign it again")
    for name, file in signed.items():
        algorithm = _HASHES.get(str(file.get("algorithm") or "SHA-256"))
        if not algorithm:
            raise PolicyError(f"{where}: {name} has a {file.get('algorithm')} hash, which is not secure; use SHA-256")
        if _hash(name, bundle.files[name], algorithm) != file.get("hash"):
            raise PolicyError(f"{bundle.path}/{name}: was changed after it was signed; sign the bundle again")


def _hash(name: str, content: bytes, algorithm: str) -> str:
    if PurePosixPath(name).name in ("data.json", MANIFEST, SIGNATURES):
        try:
            # Numbers are hashed as they are written.
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
    # Go's encoder escapes these two.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _jwt() -> ModuleType:
    try:
        import cryptography  # noqa: F401, PLC0415  (PyJWT needs it for RSA and EC keys)
        import jwt  # noqa: PLC0415  (only needed to sign or verify)
    except ImportError as error:
        raise ConfigError("signed bundles need PyJWT: pip install 'botocore-guardrails[signing]'") from error
    return jwt


def _material(path: Path) -> Any:
    """The key in a PEM file, or the bytes of a secret."""
    try:
        content = reading.content(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: the key cannot be read ({error.strerror}); name a file this user may read"
        ) from error
    if b"-----BEGIN" not in content:
        if not content.strip():
            raise ConfigError(f"{path}: the key file is empty; put a PEM key or a secret into it")
        return content.strip()
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415

    try:
        if b"PRIVATE KEY" in content:
            return pem.load_pem_private_key(content, None)
        return pem.load_pem_public_key(content)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{path}: is not a key ({error}); give an RSA or EC key in PEM, without a passphrase"
        ) from error


def _algorithms(material: Any, path: Path) -> list[str]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415

    if isinstance(material, bytes):
        return list(_SECRET)
    if isinstance(material, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
        return list(_RSA)
    if isinstance(material, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        algorithm = _EC.get(material.curve.name)
        if algorithm:
            return [algorithm]
    raise ConfigError(f"{path}: unsupported key; OPA signs with RSA keys, EC keys (P-256, P-384, P-521) or secrets")
