"""Connections of urllib3 whose reads end with the deadline that is under way.

A timeout of urllib3 counts anew for every piece that arrives: a server that sends single bytes is read for ever.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any, cast

import urllib3

from guardrails.waiting import deadline

# A socket without a timeout of its own.
_FOREVER = 86_400.0


class _Unlogged(threading.local, logging.Filter):
    """Leaves out what urllib3 logs in a thread, while `on` there."""

    on = False

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not self.on


_UNLOGGED = _Unlogged()


@contextmanager
def unlogged() -> Iterator[None]:
    """Inside, this thread's requests are not logged: urllib3 logs the path of an address, which may be a secret."""
    # Adding it again changes nothing. It stays, because removing it could make another thread skip it.
    logging.getLogger("urllib3.connectionpool").addFilter(_UNLOGGED)
    _UNLOGGED.on = True
    try:
        yield
    finally:
        _UNLOGGED.on = False


class _Bytes(io.RawIOBase):
    """What arrives on a socket, until the deadline."""

    def __init__(self, sock: Any) -> None:
        super().__init__()
        self._sock = sock
        # The socket stays open until its last file is closed.
        self._file = sock.makefile("rb", buffering=0)
        self._patience_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        patience_s = _FOREVER if self._patience_s is None else self._patience_s
        while True:
            left = deadline.left(patience_s)
            if not left:
                raise TimeoutError("the deadline is over")
            self._sock.settimeout(left)
            try:
                return cast("int", self._sock.recv_into(buffer))
            except TimeoutError:
                # Another decision may wait for the same answer by now, and for longer.
                if deadline.left(patience_s) <= 0 or left >= patience_s:
                    raise

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Source:
    """Takes the place of the socket where http.client asks it for a file."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Bytes(self._sock))


class _Response(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast("Any", _Source(sock)), *args, **kwargs)


def pools(proxy: str | None = None, **options: Any) -> urllib3.PoolManager:
    """Connections of urllib3 that end with the deadline, by way of a proxy if there is one."""
    made = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    made.pool_classes_by_scheme = ending(made.pool_classes_by_scheme)
    return made


def innermost(error: BaseException) -> BaseException:
    """The reason itself: the libraries wrap it several times, each time with the whole address."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def ending(pools: Any) -> dict[str, Any]:
    """urllib3's classes of pools by scheme, as classes whose connections end with the deadline."""
    return {scheme: _ending(pool) for scheme, pool in dict(pools).items()}


def _ending(pool: Any) -> Any:
    usual = pool.ConnectionCls

    def connect(connection: Any) -> None:
        if isinstance(connection.timeout, (int, float)):
            # 0 would mean not to wait for anything.
            connection.timeout = deadline.left(connection.timeout) or 0.001
        usual.connect(connection)

    members = {"response_class": _Response, "connect": connect, "__module__": usual.__module__}
    return type(pool.__name__, (pool,), {"ConnectionCls": type(usual.__name__, (usual,), members)})
