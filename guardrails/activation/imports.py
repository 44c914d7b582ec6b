"""Call a function when a module has been imported, for the first time or again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Watched = Callable[[str], bool]
Imported = Callable[[ModuleType], None]


class ImportWatch(MetaPathFinder):
    """A finder that finds nothing itself: it asks the others, and calls `imported` when a watched module is loaded.

    A script may remove botocore from sys.modules and import it again, and aiobotocore may be imported later.
    """

    def __init__(self, watched: Watched, imported: Imported, purpose: str) -> None:
        self.purpose = purpose
        self._watched = watched
        self._imported = imported
        # By name: what was loaded, and whose import `imported` ended with an exception.
        self._kept: dict[str, ModuleType] = {}

    def start(self) -> None:
        """Watch from now on."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Stop watching."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the other finders, with our loader around theirs."""
        if not self._watched(fullname):
            return None
        finders = list(sys.meta_path)
        # The ones before this have been asked, without result. Another thread may have stopped the watch meanwhile.
        for finder in finders[finders.index(self) + 1 :] if self in finders else finders:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find is not None else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Around(spec.loader, self._imported, self._kept)
                return spec
        return None


class _Around(Loader):
    """Loads with the loader it wraps, which is also the one that the module gets as its own.

    A module that is `kept` is not loaded again: others refer to the one that was loaded.
    """

    def __init__(self, loader: Loader, imported: Imported, kept: dict[str, ModuleType]) -> None:
        self._loader = loader
        self._imported = imported
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._kept.get(spec.name) or self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        if self._kept.pop(module.__name__, None) is not module:
            self._loader.exec_module(module)
        try:
            self._imported(module)
        except BaseException:
            self._kept[module.__name__] = module
            raise
