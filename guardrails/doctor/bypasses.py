"""What here can call AWS without botocore, and so without the guard: libraries, and programs in other languages."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from guardrails.doctor.finding import Finding

# Import name -> what it does, according to the project's own description.
_LIBRARIES: Mapping[str, str] = {
    "aws_requests_auth": "signs requests itself",
    "awscurl": "signs requests itself",
    "boto": "boto version 2, which does not use botocore",
    "libcloud": "Apache Libcloud, which signs requests itself",
    "minio": "an S3 client of its own",
    "pyarrow": "reads and writes S3 in C++",
    "requests_auth_aws_sigv4": "signs requests itself",
    "requests_aws4auth": "signs requests itself",
    "smithy_aws_core": "an AWS SDK without botocore",
}
_PROGRAMS = ("cdk", "eksctl", "packer", "pulumi", "terraform", "tofu")


def examine() -> Iterator[Finding]:
    """One finding: libraries imported in this process or installed, and programs on PATH."""
    imported = sorted(name for name in _LIBRARIES if name in sys.modules)
    installed = sorted(
        name for name in _LIBRARIES if name not in imported and importlib.util.find_spec(name) is not None
    )
    programs = [name for name in _PROGRAMS if shutil.which(name)]
    if _is_binary(shutil.which("aws")):
        # Version 2 has its own Python. The guard's plugin may be loaded there, but that does not show from here.
        programs.append("aws")
    facts = {"imported": imported, "installed": installed, "programs": programs}
    names = [
        *(f"{name} (imported here: {_LIBRARIES[name]})" for name in imported),
        *(f"{name} (installed: {_LIBRARIES[name]})" for name in installed),
        *(f"{name} (on PATH, a program in another language)" for name in programs),
    ]
    if names:
        yield Finding("bypasses", "note", f"the guard does not see the calls of {', '.join(names)}", facts)
    else:
        yield Finding("bypasses", "ok", "no library or program is known here that bypasses botocore", facts)


def _is_binary(path: str | None) -> bool:
    try:
        return path is not None and Path(path).read_bytes()[:2] != b"#!"
    except OSError:
        return False
