"""Bearer tokens, from a file or from the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path

from guardrails.errors import ConfigError
from guardrails.system import reading

_ONE_LINE = re.compile("[!-~]+")


def bearer(table: str, file: Path | None, variable: str | None) -> str:
    """The token that `table` of the configuration names, "" where it names none. Raises ConfigError."""
    if file is not None:
        where = f"`{table}.token_file` names {file}, which"
        try:
            token = reading.text(file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{where} cannot be read ({error}); put the token into it, or remove the key") from error
    elif variable is not None:
        where = f"`{table}.token_env` names {variable}, which"
        token = os.environ.get(variable, "").strip()
        if not token:
            raise ConfigError(f"{where} is not set; set it to the token")
    else:
        return ""
    # Libraries quote what they cannot send, in an error that others read.
    if not _ONE_LINE.fullmatch(token):
        raise ConfigError(f"{where} does not hold one line of visible ASCII; put the token alone into it")
    return token
