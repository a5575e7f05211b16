"""mnist(): where it looks, what it believes, and every way in which a download can go wrong."""

import gzip
import os
import socket
import threading
import time

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigan.data import DataError, DownloadError, mnist

IMAGES, LABELS = mnist.SPLITS["train"]


@pytest.fixture
def good(server, packed):
    """A mirror that has every file."""
    return server.mirror("good", lambda handler, file: handler.answer(packed[file]))


@pytest.fixture
def bad(server):
    """bad(route) is a mirror that answers as `route` does."""
    return lambda route: server.mirror("bad", route)


def put(folder, files, *names, suffix=".gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or mnist.FILES:
        data = files[name]
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    return folder


def same(data, tiny, split="train"):
    for array, name in zip((data.images, data.labels), mnist.SPLITS[split], strict=True):
        assert array.tobytes() == tiny[name][-array.size :]
    return True


def offline(*args, **kwargs):
    raise AssertionError("nothing should be downloaded here")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Where it looks


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_data_dir(tmp_path, tiny, suffix, split, monkeypatch):
    monkeypatch.setattr(mnist, "fetch", offline)
    data = mnist.mnist(split, put(tmp_path / "mine", tiny, suffix=suffix))
    assert same(data, tiny, split) and data.name == "mnist" and data.notice is None


def test_environment_before_cache(tmp_path, tiny, cache, monkeypatch):
    monkeypatch.setattr(mnist, "fetch", offline)
    put(cache, dict.fromkeys(tiny, b"corrupt"))
    monkeypatch.setenv("MINIGAN_DATA", str(put(tmp_path / "named", tiny)))
    assert same(mnist.mnist(), tiny)


def test_cache_after_environment(tmp_path, tiny, cache, monkeypatch):
    monkeypatch.setattr(mnist, "fetch", offline)
    put(cache, tiny, LABELS)
    monkeypatch.setenv("MINIGAN_DATA", str(put(tmp_path / "named", tiny, IMAGES)))
    assert same(mnist.mnist(), tiny)


def test_the_cache_is_in_the_home_folder_unless_xdg_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert mnist.cache_dir() == tmp_path / ".cache" / "minigan"
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert str(mnist.cache_dir()) == "/elsewhere/minigan"


def test_no_such_data_dir(tmp_path, tiny):
    with pytest.raises(DataError, match=r"data_dir: there is no folder .*/none: make it \(mkdir -p .*\) or name"):
        mnist.mnist(data_dir=tmp_path / "none")


def test_no_such_environment(tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"\$MINIGAN_DATA: there is no folder .*/none"):
        mnist.mnist()


def test_unknown_split():
    with pytest.raises(DataError, match=r"split='valid'\): expected one of 'train', 'test'"):
        mnist.mnist("valid")


def test_download_refused(cache, tiny):
    with pytest.raises(DownloadError, match=f"no sound {IMAGES} in {cache}, and download=False\nTo get it by hand"):
        mnist.mnist(download=False)
    assert not cache.exists()


# What it believes


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_corrupt_in_a_folder_of_the_users(tmp_path, tiny, suffix, good):
    changed = {name: data[:-1] + bytes([data[-1] ^ 1]) for name, data in tiny.items()}
    folder = put(tmp_path / "mine", changed, suffix=suffix)
    words = rf"{folder}/{IMAGES}{suffix} is not MNIST's {IMAGES}: sha256 .*, expected .*: delete it"
    with pytest.raises(DataError, match=words) as caught:
        mnist.mnist(data_dir=folder, mirrors=[good])
    assert not isinstance(caught.value, DownloadError)


def test_corrupt_in_the_environments_folder(tmp_path, tiny, good, monkeypatch):
    monkeypatch.setenv("MINIGAN_DATA", str(put(tmp_path / "named", dict.fromkeys(tiny, b"\0\0\x08\1\0\0\0\1x"))))
    with pytest.raises(DataError, match=r"promises shape \(1,\), expected \(6, 4, 5\)"):
        mnist.mnist(mirrors=[good])


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_corrupt_in_the_cache_is_fetched_anew_and_told(cache, tiny, suffix, good, server):
    put(cache, tiny, LABELS)
    put(cache, {IMAGES: b"rubbish"}, IMAGES, suffix=suffix)
    data = mnist.mnist(mirrors=[good])
    assert same(data, tiny)
    assert data.notice.startswith(f"A corrupt file in the cache was fetched anew. {cache}/{IMAGES}{suffix} is not an")
    assert server.asked == [f"/good/{IMAGES}.gz"]
    again = mnist.mnist(mirrors=[])
    assert same(again, tiny) and again.notice is None


def test_corrupt_in_the_cache_and_no_mirror(cache, tiny):
    put(cache, {IMAGES: b"rubbish"}, IMAGES)
    with pytest.raises(DownloadError, match=f"{IMAGES}.gz is not an idx file(.|\n)*no mirror gave"):
        mnist.mnist(mirrors=[])


@given(where=st.integers(0, 10**6), flip=st.integers(0, 255), cut=st.booleans(), pack=st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_corruption_goes_unseen(tmp_path, tiny, where, flip, cut, pack):
    """Whatever one byte or a cut does to a file: the very same array, or a DataError."""
    body = bytearray(gzip.compress(tiny[IMAGES], mtime=0) if pack else tiny[IMAGES])
    where %= len(body)
    if cut:
        del body[where:]
    else:
        body[where] ^= flip
    path = tmp_path / "file"
    path.write_bytes(body)
    try:
        array = mnist.read_verified(path, IMAGES)
    except DataError:
        return
    assert array.shape == (6, 4, 5) and array.tobytes() == tiny[IMAGES][-array.size :]


# Downloads


def test_download_into_the_cache(cache, tiny, good, server):
    assert same(mnist.mnist(mirrors=[good]), tiny)
    assert names(cache) == [f"{IMAGES}.gz", f"{LABELS}.gz"]
    assert same(mnist.mnist(mirrors=[good]), tiny)
    assert len(server.asked) == 2, "the second call should have found both files"


def test_download_into_data_dir(tmp_path, cache, tiny, good):
    assert same(mnist.mnist("test", tmp_path, mirrors=[good]), tiny, "test")
    assert names(tmp_path) == [f"{name}.gz" for name in mnist.SPLITS["test"]]
    assert not cache.exists()


def test_only_what_is_missing_is_fetched(cache, tiny, good, server):
    put(cache, tiny, IMAGES)
    mnist.mnist(mirrors=[good])
    assert server.asked == [f"/good/{LABELS}.gz"]


def hang(handler, file):
    handler.server.stop.wait(5)


def trickle(handler, file):
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stop.wait(0.01):
        handler.wfile.write(b"x")


def not_found(handler, file):
    handler.send_error(404)


def garbage(handler, file):
    handler.wfile.write(b"SSH-2.0\r\n\r\n")


def torn(handler, file):
    handler.answer(b"\x1f\x8b", length=1000)


def page(handler, file):
    handler.answer(b"<html>Sign in to the wireless network</html>")


def other_data(handler, file):
    handler.answer(gzip.compress(b"\0\0\x08\1\0\0\0\6abcdef"))


def wrong_content(handler, file):
    handler.answer(gzip.compress(b"\0\0\x08\3\0\0\0\6\0\0\0\4\0\0\0\5" + bytes(120)))


def closed(handler, file):
    pass


def huge(handler, file):
    handler.answer(bytes(20_000))


FAILURES = [
    (not_found, "HTTP Error 404: Not Found"),
    (torn, "the connection ended after 2 of 1000 bytes"),
    (page, "is not an idx file: it starts with the bytes '3c 68 74 6d'"),
    (other_data, "the header promises shape (6,), expected (6, 4, 5)"),
    (wrong_content, f"is not MNIST's {IMAGES}: sha256 of the decompressed bytes"),
    (closed, "Remote end closed connection without response"),
    (garbage, "SSH-2.0"),
    (hang, "timed out"),
    (trickle, "too slow: "),
    (huge, "the body is larger than 10000 bytes"),
]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(mnist, "PATIENCE", 2)
    monkeypatch.setattr(mnist, "LARGEST", 10_000)


@pytest.mark.parametrize(("route", "reason"), FAILURES, ids=[route.__name__ for route, _ in FAILURES])
def test_a_failing_mirror_is_named_with_its_reason(cache, tiny, bad, impatient, route, reason):
    mirror = bad(route)
    began = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        mnist.mnist(mirrors=[mirror], timeout=0.1)
    assert time.monotonic() - began < 2
    first, second, *_ = str(caught.value).splitlines()
    assert first == f"MNIST: no mirror gave {IMAGES}.gz:"
    assert second.startswith(f"  {mirror}: ") and reason in second and ".part" not in second
    assert names(cache) == []


@pytest.mark.parametrize(("route", "reason"), FAILURES, ids=[route.__name__ for route, _ in FAILURES])
def test_the_next_mirror_is_tried(cache, tiny, bad, good, impatient, route, reason):
    assert same(mnist.mnist(mirrors=[bad(route), good], timeout=0.1), tiny)
    assert names(cache) == [f"{IMAGES}.gz", f"{LABELS}.gz"]


def test_when_all_fail_the_way_by_hand_is_told(cache, tiny, bad):
    with pytest.raises(DownloadError) as caught:
        mnist.mnist(mirrors=[bad(not_found), bad(not_found)])
    text = str(caught.value)
    assert text.count("HTTP Error 404: Not Found") == 2
    assert f"put {IMAGES} and {LABELS}, gzipped or not, into {cache}:" in text
    for name in IMAGES, LABELS:
        assert f"curl -fL --create-dirs -o {cache}/{name}.gz {mnist.MIRRORS[0]}{name}.gz" in text
    assert "--data-dir (data_dir in code), or $MINIGAN_DATA" in text


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_a_mirror_that_cannot_be_reached_is_tried_once(tiny, good, monkeypatch):
    dead, asked, urlopen = f"http://127.0.0.1:{free_port()}/", [], mnist.urllib.request.urlopen

    def counted(url, **kwargs):
        asked.append(url)
        return urlopen(url, **kwargs)

    monkeypatch.setattr(mnist.urllib.request, "urlopen", counted)
    assert same(mnist.mnist(mirrors=[dead, good]), tiny)
    assert [url.removeprefix(dead) for url in asked if url.startswith(dead)] == [f"{IMAGES}.gz"]
    assert len(asked) == 3


def test_its_reason_is_told_for_the_next_file_too(tiny, cache):
    unreachable = {"http://dead/": "Name or service not known"}
    with pytest.raises(DownloadError, match="http://dead/: Name or service not known"):
        mnist.fetch(LABELS, cache, ["http://dead/"], 1, unreachable)


def test_offline_fails_at_once(tiny, monkeypatch):
    def unresolved(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    began = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        mnist.mnist()
    assert time.monotonic() - began < 1
    for mirror in mnist.MIRRORS:
        assert f"  {mirror}: [Errno -2] Name or service not known" in str(caught.value)


def test_unwritable_cache(tmp_path, tiny, good, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"MNIST: .*/file/minigan cannot be written: .*Not a directory"):
        mnist.mnist(mirrors=[good])


def test_a_folder_under_the_files_name(cache, tiny, good):
    (cache / f"{IMAGES}.gz").mkdir(parents=True)
    with pytest.raises(DownloadError, match=rf"{IMAGES}.gz is a folder(.|\n)*cannot be written: .*[Dd]irectory"):
        mnist.mnist(mirrors=[good])
    assert names(cache) == [f"{IMAGES}.gz"]


def test_a_stale_part_does_no_harm(cache, tiny, good):
    cache.mkdir(parents=True)
    (cache / f"{IMAGES}.gz.0123abcd.part").write_bytes(b"half")
    assert same(mnist.mnist(mirrors=[good]), tiny)


def test_ctrl_c_leaves_nothing(cache, tiny, bad, monkeypatch):
    class Interrupted(mnist.tqdm):
        def update(self, n):
            assert any(name.endswith(".part") for name in os.listdir(cache))
            raise KeyboardInterrupt

    monkeypatch.setattr(mnist, "tqdm", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        mnist.mnist(mirrors=[bad(lambda handler, file: handler.answer(b"half", length=8))])
    assert names(cache) == []


def test_downloads_at_the_same_time(cache, tiny, server, packed):
    together = threading.Barrier(4, timeout=5)

    def slow(handler, file):
        if file == f"{IMAGES}.gz":
            together.wait()
        handler.answer(packed[file])

    mirror, found = server.mirror("slow", slow), []
    threads = [threading.Thread(target=lambda: found.append(mnist.mnist(mirrors=[mirror]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(same(data, tiny) for data in found)
    assert names(cache) == [f"{IMAGES}.gz", f"{LABELS}.gz"]


def test_silent_where_stderr_is_no_terminal(tiny, good, capfd):
    mnist.mnist(mirrors=[good])
    assert capfd.readouterr() == ("", "")


# The real files


@pytest.mark.parametrize(("split", "n"), [("train", 60000), ("test", 10000)])
def test_real(real_mnist, split, n):
    data = mnist.mnist(split, real_mnist)
    assert data.images.shape == (n, 28, 28) and data.images.dtype == numpy.uint8
    assert data.labels.shape == (n,) and set(numpy.unique(data.labels)) == set(range(10))
