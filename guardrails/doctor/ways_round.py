"""What here can call AWS without botocore, and so without the guard: libraries, and programs in other languages."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from guardrails.doctor.report import Finding

# Import name -> what it does, by each project's own description.
_LIBRARIES: Mapping[str, str] = {
    "aws_requests_auth": "signs requests by itself",
    "awscurl": "signs requests by itself",
    "boto": "boto version 2, which knows nothing of botocore",
    "libcloud": "Apache Libcloud, which signs requests by itself",
    "minio": "a client of S3 of its own",
    "pyarrow": "reads and writes S3 in C++",
    "requests_auth_aws_sigv4": "signs requests by itself",
    "requests_aws4auth": "signs requests by itself",
    "smithy_aws_core": "AWS's SDK that does without botocore",
}
_PROGRAMS = ("cdk", "eksctl", "packer", "pulumi", "terraform", "tofu")


def examine() -> Iterator[Finding]:
    """One finding for what this process has imported, one for what is installed, one for programs on PATH."""
    imported = sorted(name for name in _LIBRARIES if name in sys.modules)
    there = sorted(name for name in _LIBRARIES if name not in imported and importlib.util.find_spec(name) is not None)
    programs = [name for name in _PROGRAMS if shutil.which(name)]
    if _is_binary(shutil.which("aws")):
        # Version 2 brings a Python of its own; as a plugin the guard may be in it.
        programs.append("aws")
    facts = {"imported": imported, "installed": there, "programs": programs}
    said = [
        *(f"{name} (imported here: {_LIBRARIES[name]})" for name in imported),
        *(f"{name} (installed: {_LIBRARIES[name]})" for name in there),
        *(f"{name} (on PATH, a program in another language)" for name in programs),
    ]
    if said:
        yield Finding("ways round", "note", f"the guard does not see {', '.join(said)}", facts)
    else:
        yield Finding("ways round", "well", "no library or program that is known to go round botocore is here", facts)


def _is_binary(path: str | None) -> bool:
    try:
        return path is not None and Path(path).read_bytes()[:2] != b"#!"
    except OSError:
        return False
