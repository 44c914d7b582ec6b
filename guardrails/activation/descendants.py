"""The environment variables with which every Python that is started guards itself.

`guardrails run` starts its program with them. `install()` puts them into this process's environment, from where its
children have them, however they are started.
"""

from __future__ import annotations

import base64
import functools
import os
import pickle
import sys
import zlib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from guardrails.activation.hook import INHERITED
from guardrails.activation.isolated import leaves_the_plan

_SITE = Path(__file__).parent / "site"
_PATH, _CONFIG = "PYTHONPATH", "GUARDRAILS_CONFIG"
# Linux allows 128 KiB for one variable.
_LONGEST = 100_000
# What a child needs to be a part of a plan (planning/joining.py).
PLANS = ("GUARDRAILS_PLAN", "GUARDRAILS_APPROVED")
# The place of `env` among the arguments of subprocess.Popen and of os.execve and os.posix_spawn.
_POPEN_ENV, _EXEC_ENV = 11, 2


def environment(inherited: Mapping[str, str], config: Path | None) -> dict[str, str]:
    """For `guardrails run`: `inherited` with the hook's folder on PYTHONPATH, and the file of the configuration.

    With None, no process looks for a file in the folder where it happens to be.
    """
    variables = {name: value for name, value in inherited.items() if name != INHERITED}
    variables[_PATH] = _with_site(variables.get(_PATH, ""))
    variables[_CONFIG] = os.path.abspath(config) if config is not None else os.devnull
    return variables


def hand_down(variables: MutableMapping[str, str], settings: Any) -> bool:
    """For `install()`: change `variables` so that children are guarded with the same settings.

    False where the settings are too long for that: children then read the configuration that they find.
    """
    if _has_site(variables) and INHERITED not in variables:
        # Under `guardrails run`, which has said how children are guarded.
        return True
    packed = base64.b64encode(zlib.compress(pickle.dumps(settings))).decode()
    fits = len(packed) <= _LONGEST
    variables[_PATH] = _with_site(variables.get(_PATH, ""))
    variables[INHERITED] = f"{sys.prefix}:{packed if fits else ''}"
    return fits


def take_back(variables: MutableMapping[str, str]) -> None:
    """For `uninstall()`: the variables as they were, with what the program has changed since."""
    if variables.pop(INHERITED, None) is None:
        return
    others = _others(variables.pop(_PATH, ""))
    if others:
        variables[_PATH] = os.pathsep.join(others)


def start_process(original: Any) -> Any:
    """A gate for subprocess.Popen: a program with an environment of its own gets these variables as well."""

    @functools.wraps(original)
    def start(popen: Any, *args: Any, **kwargs: Any) -> None:
        _stays(args[0] if args else kwargs.get("args"))
        if kwargs.get("env") is not None:
            kwargs["env"] = _handed_on(kwargs["env"])
        original(popen, *_changed(args, _POPEN_ENV - 1), **kwargs)

    return start


def execute(original: Any) -> Any:
    """The same for os.execve and os.posix_spawn."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        _stays(args[1] if len(args) > 1 else kwargs.get("argv"))
        if "env" in kwargs:
            kwargs["env"] = _handed_on(kwargs["env"])
        return original(*_changed(args, _EXEC_ENV), **kwargs)

    return call


def _stays(command: object) -> None:
    """Raise PermissionError for a Python that would leave the plan of this process."""
    if any(name in os.environ for name in PLANS) and (option := leaves_the_plan(command)):
        raise PermissionError(
            f"inside a plan no Python is started with {option}: it would ignore the guard, and the plan"
        )


def _changed(args: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    if len(args) <= place or args[place] is None:
        return args
    return (*args[:place], _handed_on(args[place]), *args[place + 1 :])


def _handed_on(env: Any) -> Any:
    """`env` with this process's variables; as it is where it has INHERITED, or where it is not understood."""
    try:
        given = {os.fsdecode(name): value for name, value in env.items()}
        planned = any(name in os.environ for name in PLANS)
        if (given.get(INHERITED) == "" and not planned) or not _has_site(os.environ):
            return env
        names = (INHERITED, _CONFIG, *PLANS)
        ours = {name: os.environ[name] for name in names if name in os.environ and not given.get(name)}
        path = {_PATH: _with_site(os.fsdecode(given.get(_PATH, "")))}
        # Nothing leaves a plan, not even a process that is to be unguarded.
        left_out = {_PATH, *([INHERITED] if given.get(INHERITED) == "" else [])}
        kept = {name: value for name, value in env.items() if os.fsdecode(name) not in left_out}
    except Exception:
        # Whatever it is, starting a program does not fail because of the guard.
        return env
    return {**kept, **ours, **path}


def _others(path: str) -> list[str]:
    # An empty part of it is the working directory; one that is empty as a whole is none.
    return [part for part in path.split(os.pathsep) if part != str(_SITE)] if path else []


def _with_site(path: str) -> str:
    return os.pathsep.join((str(_SITE), *_others(path)))


def _has_site(variables: Mapping[str, str]) -> bool:
    return str(_SITE) in variables.get(_PATH, "").split(os.pathsep)
