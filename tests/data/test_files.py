"""files: nothing half-written ever stands under the final name."""

import pytest

from minigan.data import files
from minigan.data.files import replacing


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
