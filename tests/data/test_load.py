"""load(): each kind of data by its name, and every refusal in words."""

import gzip
import struct
import tracemalloc
import zipfile

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigan.data import DataError, DownloadError, load, mnist
from minigan.data.idx import idx_header

IMAGES = numpy.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype="uint8")
IDX = idx_header(IMAGES.shape) + IMAGES.tobytes()


@pytest.fixture
def offline(monkeypatch):
    def refuse(name, folder, mirrors, timeout, unreachable):
        raise DownloadError("MNIST: no mirror")

    monkeypatch.setattr(mnist, "fetch", refuse)


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        numpy.savez_compressed(tmp_path / "mine.npz", **arrays)
        return tmp_path / "mine.npz"

    return write


def refused(words, *args, **kwargs):
    with pytest.raises(DataError, match=words):
        load(*args, **kwargs)


def test_auto_takes_mnist_where_it_is(tmp_path, tiny, offline):
    for name, raw in tiny.items():
        (tmp_path / name).write_bytes(raw)
    for name in "auto", "mnist":
        data = load(name, data_dir=tmp_path, range=(0, 1))
        assert data.name == "mnist" and data.shape == (4, 5) and data.range == (0, 1) and data.notice is None
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"rubbish")
    refused("train-images-idx3-ubyte is not an idx file", "auto", data_dir=tmp_path)


def test_auto_falls_back_and_says_so_where_mnist_does_not(offline, cache):
    data = load()
    assert data.name == "digits" and data.range == (-1, 1) and load("digits", range=(0, 1)).notice is None
    assert data.notice.startswith("MNIST cannot be had, so these are the embedded 8x8 digits.\nMNIST: no mirror\n")
    assert f"curl -fL --create-dirs -o {cache}/train-images-idx3-ubyte.gz" in data.notice
    with pytest.raises(DownloadError, match="no mirror\nTo get it by hand"):
        load("mnist")


def test_unknown_name():
    refused("data 'MNIST': no such data set, and no such file; did you mean 'mnist'.*auto.*digits.*idx.*.npz", "MNIST")
    refused("data 'none/such': no such data set", "none/such")
    refused("no such data set", "")
    for arguments in (5,), ("idx", 5):
        refused("expected a path, as a text", *arguments)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "images.idx3"])
def test_idx_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(IDX) if name.endswith(".gz") else IDX)
    for data in load("idx", data_dir=path), load(path), load(str(path), range=(0, 1)):
        assert (data.images == IMAGES).all() and data.stored == (0, 255) and data.name == name
    if "images-idx3" in name:
        for data in load("idx", data_dir=tmp_path), load(tmp_path), load(str(tmp_path)):
            assert (data.images == IMAGES).all()


def test_images_in_color_have_their_channels_last(tmp_path, npz):
    images = numpy.random.default_rng(1).integers(0, 256, (5, 3, 4, 3), dtype="uint8")
    (tmp_path / "train-images-idx4-ubyte").write_bytes(idx_header(images.shape) + images.tobytes())
    for data in load(npz(images=images)), load(tmp_path):
        assert (data.shape, data.size, data.picture) == ((3, 4, 3), 36, (3, 4, 3))
        assert numpy.abs(data.rows(slice(2)) - (images[:2].reshape(2, 36) / 127.5 - 1)).max() < 1e-6
    refused(r"shape \(5, 3, 4, 2\), expected images \(N, H, W\), or \(N, H, W, 3\)", npz(images=images[..., :2]))


def test_the_one_idx_file_of_a_folder_is_taken_or_its_training_images(tmp_path):
    (tmp_path / "emnist-images-idx3-ubyte").write_bytes(IDX)
    (tmp_path / "emnist-labels-idx1-ubyte").write_bytes(IDX)
    (tmp_path / "emnist-images-idx3-ubyte.gz.ab.part").write_bytes(IDX[:9])
    assert load("idx", data_dir=tmp_path).name == "emnist-images-idx3-ubyte"
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IDX)
    assert load("idx", data_dir=tmp_path).name == "train-images-idx3-ubyte"


def test_idx_refused(tmp_path):
    refused(r"expected one idx file of images \(\*images\*idx3\*, in color idx4\), found n", "idx", data_dir=tmp_path)
    refused("found none: name the file itself, or put your pictures into one .npz with an array 'images'", tmp_path)
    for name in "a-images-idx3-ubyte", "b-images-idx3-ubyte":
        (tmp_path / name).write_bytes(IDX)
    refused("found a-images-idx3-ubyte, b-images-idx3-ubyte: name the file itself", "idx", data_dir=tmp_path)
    refused("data 'idx' needs data_dir: an idx file of images, or the folder that holds one", "idx")
    refused("none: no such file", "idx", data_dir=tmp_path / "none")


@pytest.mark.parametrize(("dtype", "order"), [("float16", "C"), ("float32", "F"), (">f4", "C"), ("float64", "F")])
@pytest.mark.parametrize(("low", "stored"), [(0, (0, 1)), (-1, (-1, 1))])
def test_npz_floats(npz, dtype, order, low, stored):
    images = numpy.asarray(numpy.linspace(low, 1, 24).reshape(2, 3, 4), dtype=dtype, order=order)
    data = load(str(npz(images=images)))
    assert (data.images == images).all() and data.stored == stored
    assert data.images.dtype.isnative and data.images.flags.c_contiguous
    assert numpy.abs(data.rows().ravel() - numpy.linspace(-1, 1, 24)).max() < 1e-3


def test_npz_bytes(npz):
    data = load(npz(images=IMAGES))
    assert (data.images == IMAGES).all() and data.stored == (0, 255) and data.notice is None
    assert data.name == "mine.npz" and data.labels is None
    assert "all is black" in load(npz(images=IMAGES * 0)).notice
    assert "all is black: multiply by 255?" in load(npz(images=IMAGES // 255)).notice
    assert load(npz(images=IMAGES * 0.0)).rows().max() == -1


@pytest.mark.parametrize("dtype", ["int64", "uint8", ">i2"])
@pytest.mark.parametrize("images", [IMAGES, IMAGES / 255])
def test_npz_labels(npz, images, dtype):
    labels = numpy.arange(len(IMAGES)) % 3
    data = load(npz(images=images, labels=labels.astype(dtype)))
    numpy.testing.assert_array_equal(data.class_labels, labels)
    assert data.classes == 3


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": IMAGES, "y": IMAGES}, "has no array named 'images', only 'x', 'y': write it with numpy.savez"),
        ({"images": IMAGES[0]}, r"'images' has shape \(3, 4\), expected images \(N, H, W\), or"),
        ({"images": IMAGES[:0]}, r"'images' has shape \(0, 3, 4\), which is empty"),
        ({"images": IMAGES.astype(object)}, "'images' holds Python objects, expected numbers"),
        ({"images": IMAGES.astype("complex64")}, "'images' has dtype complex64, expected uint8"),
        ({"images": IMAGES.astype("float32")}, "mine.npz: the images' values run from .* to .*, expected 0 to 1"),
        (
            {"images": IMAGES, "labels": IMAGES},
            r"'labels' has shape \(5, 3, 4\) and dtype uint8, expected \(N,\) integers",
        ),
        ({"images": IMAGES, "labels": numpy.ones(5)}, r"'labels' has shape \(5,\) and dtype float64, expected"),
        ({"images": IMAGES, "labels": numpy.arange(4)}, r"labels of shape \(4,\) for 5 images"),
        ({"images": IMAGES / numpy.float64("nan")}, "mine.npz: the images hold NaN or infinite values"),
    ],
)
def test_npz_refused(npz, arrays, words):
    refused(words, npz(**arrays))


def npy(shape, data=b"", dtype="|u1", version=(1, 0)):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header)) + header + data


def archive(tmp_path, entry, compression=zipfile.ZIP_DEFLATED):
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("images.npy", entry)
    return path


@pytest.mark.parametrize("shape", [(2**63, 2**63, 2**63), (5, 3, 5), (5, 3, 3), (4000, 1000, 1000)])
def test_npz_header_that_lies_spends_no_memory(tmp_path, shape):
    """Also where the archive's directory promises as many bytes."""
    path = archive(tmp_path, npy(shape, IMAGES.tobytes()))
    body = path.read_bytes()
    if shape[0] == 4000:
        at = body.rindex(b"PK\x01\x02") + 24  # the uncompressed size in the central directory
        path.write_bytes(body[:at] + struct.pack("<I", len(npy(shape)) + 4 * 10**9) + body[at + 4 :])
    tracemalloc.start()
    refused("which the file does not hold", path)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_npz_that_is_none_or_packed_otherwise_or_encrypted(npz, tmp_path):
    (tmp_path / "rubbish.npz").write_bytes(b"rubbish")
    words = "rubbish.npz is not a sound .npz file .*: write it with numpy.savez_compressed"
    refused(words, tmp_path / "rubbish.npz")
    refused("packed by another method", archive(tmp_path, npy((5, 3, 4), IMAGES.tobytes()), zipfile.ZIP_BZIP2))
    path = npz(images=IMAGES)
    body = bytearray(path.read_bytes())
    body[body.rindex(b"PK\x01\x02") + 8] |= 1
    body[6] |= 1
    path.write_bytes(body)
    refused("is not a sound .npz file .*password", path)


@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_npz_corruption_never_crashes_and_never_goes_unseen(npz, data):
    path = npz(images=IMAGES)
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del body[data.draw(st.integers(0, len(body) - 1)) :]
    path.write_bytes(body)
    try:
        found = load(path)
    except DataError:
        return
    assert (found.images == IMAGES).all()


@given(text=st.text("{}()'\"[],:0123456789 \nTrueFalsdcpfont_h<|u", max_size=60))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_npz_header_that_almost_parses(tmp_path, text):
    header = text.encode()
    with pytest.raises(DataError, match="the header of 'images' cannot be read"):
        load(archive(tmp_path, b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header))


def test_a_plain_npy_is_the_array_itself(tmp_path):
    path = tmp_path / "mine.npy"
    numpy.save(path, IMAGES)
    assert load(path).name == "mine.npy" and (load(path).images == IMAGES).all()
    for body, words in (
        (b"rubbish", "mine.npy is not a sound .npy file .*: write it with numpy.save"),
        (npy((5, 3, 4), IMAGES.tobytes()[:-1]), r"promises shape \(5, 3, 4\), 60 bytes, which the file does not hold"),
        (npy((5, 12), IMAGES.tobytes()), r"has shape \(5, 12\), expected images"),
    ):
        path.write_bytes(body)
        refused(words, path)
