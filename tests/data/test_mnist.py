"""mnist(): where it looks, what it believes, and every way in which a download can go wrong."""

import gzip
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

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


@pytest.mark.parametrize(("split", "suffix"), [("train", ""), ("test", ".gz")])
def test_data_dir_then_the_environment_then_the_cache(tmp_path, tiny, cache, split, suffix, monkeypatch):
    monkeypatch.setattr(mnist, "fetch", offline)
    folder = put(tmp_path / "mine", tiny, suffix=suffix)
    data = mnist.mnist(split, folder)
    assert same(data, tiny, split) and data.name == "mnist" and data.notice is None
    put(cache, dict.fromkeys(tiny, b"corrupt"))
    monkeypatch.setenv("MINIGAN_DATA", str(folder))
    assert same(mnist.mnist(), tiny)
    monkeypatch.delenv("MINIGAN_DATA")
    with pytest.raises(DownloadError, match=f"no sound {IMAGES} in {cache}, and download=False\nTo get it by hand"):
        mnist.mnist(download=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert mnist.cache_dir() == tmp_path / ".cache" / "minigan"


def test_what_is_no_folder_or_split_is_refused(tmp_path, tiny, monkeypatch):
    with pytest.raises(DataError, match=r"data_dir: there is no folder .*/none: make it \(mkdir -p .*\) or name"):
        mnist.mnist(data_dir=tmp_path / "none")
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"\$MINIGAN_DATA: there is no folder .*/none"):
        mnist.mnist()
    with pytest.raises(DataError, match=r"split='valid'\): expected one of 'train', 'test'"):
        mnist.mnist("valid")


def test_corrupt_in_a_folder_of_the_users(tmp_path, tiny, good):
    changed = {name: data[:-1] + bytes([data[-1] ^ 1]) for name, data in tiny.items()}
    folder = put(tmp_path / "mine", changed)
    words = rf"{folder}/{IMAGES}.gz is not MNIST's {IMAGES}: sha256 .*, expected .*: delete it"
    with pytest.raises(DataError, match=words) as caught:
        mnist.mnist(data_dir=folder, mirrors=[good])
    assert not isinstance(caught.value, DownloadError)


def test_corrupt_in_the_cache_is_fetched_anew_and_told(cache, tiny, good, server):
    put(cache, tiny, LABELS)
    put(cache, {IMAGES: b"rubbish"}, IMAGES, suffix="")
    data = mnist.mnist(mirrors=[good])
    assert same(data, tiny)
    assert data.notice.startswith(f"A corrupt file in the cache was fetched anew. {cache}/{IMAGES} is not an")
    assert server.asked == [f"/good/{IMAGES}.gz"]
    again = mnist.mnist(mirrors=[])
    assert same(again, tiny) and again.notice is None


def test_what_is_missing_is_downloaded_into_the_cache(cache, tiny, good, server, capfd):
    assert same(mnist.mnist(mirrors=[good]), tiny)
    assert names(cache) == [f"{IMAGES}.gz", f"{LABELS}.gz"]
    assert same(mnist.mnist(mirrors=[good]), tiny)
    assert len(server.asked) == 2, "the second call should have found both files"
    (cache / f"{LABELS}.gz").unlink()
    mnist.mnist(mirrors=[good])
    assert server.asked[2:] == [f"/good/{LABELS}.gz"]
    assert capfd.readouterr() == ("", ""), "no progress bar where stderr is no terminal"


def trickle(handler, file):
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stop.wait(0.01):
        handler.wfile.write(b"x")


def not_found(handler, file):
    handler.send_error(404)


def wrong_content(handler, file):
    handler.answer(gzip.compress(b"\0\0\x08\3\0\0\0\6\0\0\0\4\0\0\0\5" + bytes(120)))


PAGE = b"<html>Sign in to the wireless network</html>"
FAILURES = {  # what a mirror answers, and the reason that is given
    "not found": (not_found, "HTTP Error 404: Not Found"),
    "torn": (lambda handler, _: handler.answer(b"\x1f\x8b", length=1000), "the connection ended after 2 of 1000 bytes"),
    "a page": (lambda handler, _: handler.answer(PAGE), "is not an idx file: it starts with the bytes '3c 68 74 6d'"),
    "wrong content": (wrong_content, f"is not MNIST's {IMAGES}: sha256 of the decompressed bytes"),
    "closed": (lambda handler, _: None, "Remote end closed connection without response"),
    "no HTTP": (lambda handler, _: handler.wfile.write(b"SSH-2.0\r\n\r\n"), "SSH-2.0"),
    "hanging": (lambda handler, _: handler.server.stop.wait(5), "timed out"),
    "too slow": (trickle, "too slow: "),
    "too large": (lambda handler, _: handler.answer(bytes(20_000)), "the body is larger than 10000 bytes"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failing_mirror_is_named_with_its_reason(cache, tiny, bad, monkeypatch, kind):
    monkeypatch.setattr(mnist, "PATIENCE", 2)
    monkeypatch.setattr(mnist, "LARGEST", 10_000)
    route, reason = FAILURES[kind]
    mirror = bad(route)
    with pytest.raises(DownloadError) as caught:
        mnist.mnist(mirrors=[mirror], timeout=0.1 if kind in ("hanging", "too slow") else 10)
    first, second, *_ = str(caught.value).splitlines()
    assert first == f"MNIST: no mirror gave {IMAGES}.gz:"
    assert second.startswith(f"  {mirror}: ") and reason in second and ".part" not in second
    assert names(cache) == []


@pytest.mark.parametrize("route", [not_found, wrong_content])
def test_the_next_mirror_is_tried(cache, tiny, bad, good, route):
    assert same(mnist.mnist(mirrors=[bad(route), good]), tiny)
    assert names(cache) == [f"{IMAGES}.gz", f"{LABELS}.gz"]


def test_when_all_fail_the_way_by_hand_is_told(cache, tiny, bad, tmp_path, monkeypatch):
    with pytest.raises(DownloadError) as caught:
        mnist.mnist(mirrors=[bad(not_found), bad(not_found)])
    text = str(caught.value)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"MNIST: .*/file/minigan cannot be written: .*Not a directory"):
        mnist.mnist(mirrors=[])
    assert text.count("HTTP Error 404: Not Found") == 2
    assert f"put {IMAGES} and {LABELS}, gzipped or not, into {cache}:" in text
    for name in IMAGES, LABELS:
        assert f"curl -fL --create-dirs -o {cache}/{name}.gz {mnist.MIRRORS[0]}{name}.gz" in text
    assert "--data-dir (data_dir in code), or $MINIGAN_DATA" in text


def test_a_mirror_that_cannot_be_reached_is_tried_once(tiny, good, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    asked, urlopen = [], mnist.urllib.request.urlopen

    def counted(url, **kwargs):
        asked.append(url)
        return urlopen(url, **kwargs)

    monkeypatch.setattr(mnist.urllib.request, "urlopen", counted)
    assert same(mnist.mnist(mirrors=[dead, good]), tiny)
    assert [url.removeprefix(dead) for url in asked if url.startswith(dead)] == [f"{IMAGES}.gz"]
    assert len(asked) == 3


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
        body = packed[file]
        handler.answer(body[:20], length=len(body))
        if file == f"{IMAGES}.gz":
            together.wait()  # each has begun to write
        handler.wfile.write(body[20:])

    mirror = server.mirror("slow", slow)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: mnist.mnist(mirrors=[mirror]), range(4)))
    assert all(same(data, tiny) for data in found)
    assert names(cache) == [f"{IMAGES}.gz", f"{LABELS}.gz"]
