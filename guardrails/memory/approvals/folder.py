"""Requests and grants in a folder of one host: a file each, and who owns a file is who wrote it.

Everyone may add files to the folder, as to /tmp, and no one can change another user's. A file counts only where its
owner alone may write it. So two users of the host are two people, whatever a file says.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from guardrails.memory.approvals.reading import read_grant, read_request
from guardrails.memory.approvals.record import Grant, Identity, Record, Request
from guardrails.memory.store import StateUnavailable
from guardrails.system import users
from guardrails.system.files import FOR_US, NEVER_WAITING, NOT_A_LINK, make_folder
from guardrails.values import frozen

_LARGEST = 1_000_000
_MODE = 0o1777
# All who approve find the way to it.
_ABOVE = 0o755
# A request's owner clears it away after that. No grant of it counts as long.
_KEPT_S = 2 * 86_400.0


@frozen
class _File:
    """The text of a file, and the user id of its owner."""

    name: str
    text: str
    owner: int


@frozen
class ApprovalFolder:
    """The Board in a folder, which is made where it does not exist."""

    path: Path

    def me(self) -> Identity:
        """The user of this process. One that `sudo` started is also the user who called it."""
        uid = _my_number(self.path)
        caller = os.environ.get("SUDO_UID", "")
        others = [caller] if caller.isdigit() and caller != str(uid) else []
        return Identity(user(uid), user(uid), tuple(user(int(other)) for other in others))

    def try_it(self) -> None:
        """Read all of it, and write a file that is removed again."""
        for _ in self._files():
            pass
        name = f"tried-{secrets.token_hex(8)}"
        self._write(name, "")
        (self.path / name).unlink(missing_ok=True)

    def records(self, place: str) -> list[Record]:
        """The requests for an operation in an account and region, the oldest first."""
        return [record for record in self.all() if record.request.place == place]

    def all(self) -> list[Record]:
        """Every request, the oldest first."""
        files = list(self._files())
        asked = [(read_request(file.text), file) for file in files if file.name.startswith("request-")]
        records = [
            Record(request, tuple(_grants(request, files)), used_by=_used(request, file.owner, files))
            for request, file in asked
            if request is not None
            and file.name == f"request-{request.id}.json"
            and request.asked_by.id == user(file.owner)
        ]
        return sorted(records, key=lambda record: record.request.asked_at)

    def ask(self, request: Request) -> None:
        """Put a request up."""
        self._clear()
        self._write(f"request-{request.id}.json", request.written())

    def grant(self, request: Request, grant: Grant) -> None:
        """Answer it, as the user of this process."""
        self._write(f"grant-{request.id}-{secrets.token_hex(4)}.json", grant.written())

    def take(self, request: Request, decision_id: str) -> bool:
        """Use its grant: only one can make the file."""
        try:
            self._write(f"used-{request.id}", decision_id)
        except FileExistsError:
            return False
        return True

    def give_back(self, _place: str, request_id: str, decision_id: str) -> None:
        """Undo what `take` did for this decision, whose call was never sent."""
        used = self.path / f"used-{request_id}"
        try:
            if used.read_text(encoding="utf-8") == decision_id:
                used.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unavailable(error) from error

    def _files(self) -> Iterator[_File]:
        _my_number(self.path)
        try:
            names = sorted(os.listdir(self.path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unavailable(error) from error
        for name in names:
            with suppress(OSError, UnicodeDecodeError):
                descriptor = os.open(self.path / name, os.O_RDONLY | NOT_A_LINK | NEVER_WAITING | FOR_US)
                with os.fdopen(descriptor, encoding="utf-8") as file:
                    found = os.fstat(descriptor)
                    if _counts(found):
                        yield _File(name, file.read(_LARGEST), found.st_uid)

    def _write(self, name: str, text: str) -> None:
        """Write a new file, whole. Raises FileExistsError where there is one of this name."""
        _my_number(self.path)
        new = self.path / f".new-{secrets.token_hex(8)}"
        try:
            self._make()
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FOR_US, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                # The umask may have left something out.
                new.chmod(0o644)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            try:
                # A link is never made over a file that is there.
                os.link(new, self.path / name)
            finally:
                new.unlink()
        except FileExistsError:
            raise
        except OSError as error:
            raise self._unavailable(error) from error

    def _make(self) -> None:
        if not self.path.is_dir():
            make_folder(self.path.parent, _ABOVE)
            with suppress(FileExistsError):
                self.path.mkdir()
                # mkdir would leave out what the umask says.
                self.path.chmod(_MODE)

    def _clear(self) -> None:
        """Remove this user's own files that are of no use any more."""
        with suppress(OSError):
            for file in self.path.iterdir():
                found = file.lstat()
                if found.st_uid == users.me() and found.st_mtime < time.time() - _KEPT_S:
                    file.unlink()

    def _unavailable(self, error: OSError) -> StateUnavailable:
        return StateUnavailable(
            f"the folder for approvals {self.path} cannot be used ({error.strerror}); as root, run "
            f"`install -d -m 1777 {self.path}`, or set approval_folder"
        )


def user(uid: int) -> str:
    """The name of a user of this host; its number where it has none."""
    return users.name_of(uid) or str(uid)


def _my_number(folder: Path) -> int:
    number = users.me()
    if number is None:
        raise StateUnavailable(
            f"the folder for approvals {folder} is of no use on this system, where no number says who wrote a file; "
            "share approvals in a DynamoDB table (state.store)"
        )
    return number


def _counts(found: os.stat_result) -> bool:
    """A plain file that its owner alone may write."""
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISREG(found.st_mode) and not found.st_mode & others and found.st_size <= _LARGEST


def _grants(request: Request, files: list[_File]) -> Iterator[Grant]:
    for file in files:
        if file.name.startswith(f"grant-{request.id}-"):
            grant = read_grant(file.text, user(file.owner), user(file.owner))
            if grant is not None:
                yield grant


def _used(request: Request, owner: int, files: list[_File]) -> str:
    return next((file.text for file in files if file.name == f"used-{request.id}" and file.owner == owner), "")
