"""What here starts Python processes that this process cannot guard: worker pools, and other Pythons on PATH."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from guardrails.activation.environment import activated
from guardrails.activation.hook import INHERITED
from guardrails.doctor.finding import Finding

# Import name -> where its workers run. They run already when the program starts, or are started by something else.
_POOLS: Mapping[str, str] = {
    "airflow": "Airflow's workers",
    "celery": "Celery's workers",
    "dagster": "Dagster's daemon",
    "distributed": "Dask's workers",
    "docker": "containers",
    "dramatiq": "Dramatiq's workers",
    "fabric": "commands over SSH",
    "huey": "Huey's consumers",
    "invoke": "commands with an environment of their own",
    "ipyparallel": "IPython's engines",
    "mpi4py": "other MPI ranks",
    "paramiko": "commands over SSH",
    "prefect": "Prefect's workers",
    "pyspark": "Spark's Python workers",
    "ray": "Ray's workers",
    "rq": "RQ's workers",
}
_PYTHONS = ("python", "python3")
# It answers by what it prints: its exit code is lost where SIGCHLD is ignored.
_HAS_GUARD = "import importlib.util; print('no' if importlib.util.find_spec('guardrails') is None else 'yes')"
_PATIENCE_S = 10.0


def examine() -> Iterator[Finding]:
    """One finding; a note where something is found, because whether it calls AWS does not show from here."""
    pools = sorted(name for name in _POOLS if name in sys.modules or importlib.util.find_spec(name) is not None)
    pythons = _without_guard()
    flags = _ignored()
    facts = {"pools": pools, "pythons": pythons, "flags": flags}
    parts = [
        *(f"{_POOLS[name]} ({name} is installed)" for name in pools),
        *(f"what {path} runs (guardrails is not installed there)" for path in pythons),
        *(f"children of this Python, which was started with {flag} and may hand that on" for flag in flags),
    ]
    if not parts:
        yield Finding("workers", "ok", "nothing is known here that starts Python processes without the guard", facts)
        return
    advice = (
        "" if activated() else "; run `guardrails activate` in their environment, or call guardrails.install() there"
    )
    yield Finding("workers", "note", f"the guard of this process does not reach {', '.join(parts)}{advice}", facts)


def _without_guard() -> list[str]:
    """The Pythons on PATH, other than this environment's, that cannot import guardrails."""
    located = dict.fromkeys(filter(None, map(shutil.which, _PYTHONS)))
    here = Path(sys.executable).parent.resolve()
    return [path for path in located if Path(path).parent.resolve() != here and not _has_guard(path)]


def _has_guard(python: str) -> bool:
    """Asked of that Python, because only it knows its own path."""
    try:
        done = subprocess.run(  # noqa: S603  (a Python on PATH)
            [python, "-c", _HAS_GUARD],
            env={**os.environ, INHERITED: ""},
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        # It starts nothing at all.
        return True
    return done.stdout.split()[-1:] == [b"yes"]


def _ignored() -> list[str]:
    """The options of this Python with which PYTHONPATH is not read."""
    options = (("-I", sys.flags.isolated), ("-E", sys.flags.ignore_environment), ("-S", sys.flags.no_site))
    given = [option for option, on in options if on]
    # -I implies -E.
    return [option for option in given if option != "-E" or "-I" not in given]
