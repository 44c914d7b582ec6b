"""What is read of a tarball before anything in it is used."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle_file


def test_a_sparse_file(monkeypatch):
    """A file that is larger than what it takes in the archive is refused by its size, before it is read."""
    monkeypatch.setattr(bundle_file, "LARGEST", 100_000)
    packed, sparse = io.BytesIO(), tarfile.TarInfo("x.rego")
    sparse.size = 5
    sparse.pax_headers = {"GNU.sparse.map": "0,5", "GNU.sparse.size": "500000000", "GNU.sparse.name": "x.rego"}
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(sparse, io.BytesIO(b"abcde"))
    with pytest.raises(PolicyError, match=r"x\.rego: has 500,000,000 bytes, more than the 100,000 allowed"):
        bundle_file.unpacked("b.tar.gz", gzip.compress(packed.getvalue()))
