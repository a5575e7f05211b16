"""files: nothing half-written ever stands under the final name."""

import contextlib

import pytest

from minigan.data import files
from minigan.data.files import DataError, read_text, replacing


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_after_a_failure_the_old_content_stands_and_no_part_is_left(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path, "w") as file:
        file.write("ne")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_content_takes_the_old_ones_place_when_it_is_whole_and_the_old_file_can_be_kept(tmp_path):
    path, kept = tmp_path / "a.txt", tmp_path / "old.txt"
    for text in "one", "two":
        with replacing(path, "w", keep=kept) as file:
            file.write(text)
            assert not path.exists() or path.read_text() == "one"
    assert (path.read_text(), kept.read_text()) == ("two", "one")
    assert sorted(tmp_path.iterdir()) == [path, kept]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xef\xbb\xbf\xc3\xa9", None), (b"\xe9", "is no poem in UTF-8"), (b"6 bytes", "more than 5 bytes: cut it")],
)
def test_a_text_is_read_up_to_a_bound_and_without_its_mark(tmp_path, content, message):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match=message) if message else contextlib.nullcontext():
        assert read_text(tmp_path / "a", 5, "poem") == "\u00e9"


@pytest.mark.parametrize("linking", [True, False])
def test_at_no_moment_is_there_neither_the_old_file_nor_the_kept_one(tmp_path, monkeypatch, linking):
    path, kept = tmp_path / "a.txt", tmp_path / "old.txt"
    path.write_text("good")
    kept.write_text("older")
    replace = files.os.replace

    def interrupted(source, target):
        if target == path:
            raise KeyboardInterrupt
        replace(source, target)

    def refused(*args):
        raise OSError("links are not to be had here")

    monkeypatch.setattr(files.os, "replace", interrupted)
    if not linking:
        monkeypatch.setattr(files.os, "link", refused)
    with pytest.raises(KeyboardInterrupt), replacing(path, "w", keep=kept) as file:
        file.write("new")
    assert kept.read_text() == "good"
    assert path.exists() == linking


def test_a_folder_is_never_taken_for_the_old_file(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(IsADirectoryError, match="run"), replacing(folder, keep=tmp_path / "old"):
        pytest.fail("written")
    assert list(tmp_path.iterdir()) == [folder]
