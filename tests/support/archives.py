"""Archives of other people, unpacked."""

from __future__ import annotations

import tarfile
from pathlib import Path


def unpack(packed: Path, into: Path) -> None:
    """Unpack a source distribution. Raises tarfile.TarError; newer Pythons also where it would write elsewhere."""
    with tarfile.open(packed) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.0 to 3.11.3 have none.
        archive.extractall(into)
