"""Members of an archive: those of any size are whole, and small ones have no more bytes for it."""

from __future__ import annotations

import random
import zipfile

import pytest

from metaocl.reports.archives import _write_zip

NOISE = random.Random(0).randbytes(5000)


@pytest.fixture
def contents(tmp_path):
    (tmp_path / "noise.bin").write_bytes(NOISE)
    return {"b/noise.bin": tmp_path / "noise.bin", "a.txt": "A text.\n"}


def test_a_member_beyond_the_limit_of_plain_zips_is_whole(contents, tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 4000)
    _write_zip(contents, tmp_path / "large.zip")
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("b/noise.bin") == NOISE


def test_a_small_archive_has_the_bytes_of_a_plain_zip(contents, tmp_path):
    _write_zip(contents, tmp_path / "small.zip")
    with zipfile.ZipFile(tmp_path / "plain.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("a.txt", b"A text.\n"), ("b/noise.bin", NOISE)):
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    assert (tmp_path / "small.zip").read_bytes() == (tmp_path / "plain.zip").read_bytes()
