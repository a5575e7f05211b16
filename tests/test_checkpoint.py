"""checkpoint: whole or refused, in words; nothing in it can do more than be numbers."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from minigan import Dense, InstanceNoise, LeakyReLU, Network, ReLU, Sigmoid, Tanh, checkpoint
from minigan.checkpoint import CheckpointError
from minigan.schedules import Cosine, Exponential, Linear

pytestmark = pytest.mark.usefixtures("each_backend")

ARRAYS = {"theta": np.arange(12, dtype="float32").reshape(3, 4), "log": np.full((2, 2), np.pi, dtype="float64")}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.write(path, {"theta": np.zeros(3)}, {"epoch": 1})
    checkpoint.write(path, ARRAYS, {"epoch": 2, "history": [{"V": -1.386}]})
    return path


def sealed(path, arrays):
    """A file whose checksum is right, whatever is in it: what an attacker would send."""
    write_zip = io.BytesIO()
    with zipfile.ZipFile(write_zip, "w") as archive:
        for name, data in arrays.items():
            archive.writestr(f"{name}.npy", data)
        archive.comment = b"0" * 64
    data = bytearray(write_zip.getvalue())
    data[-64:] = hashlib.sha256(data[:-64]).hexdigest().encode()
    path.write_bytes(data)


def npy(array, allow_pickle=False):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


META = npy(np.frombuffer(json.dumps({"format": 1}).encode(), "uint8"))


def test_what_was_written_is_read_back_bit_for_bit(path):
    arrays, meta = checkpoint.read(path)
    assert meta == {"format": checkpoint.FORMAT, "epoch": 2, "history": [{"V": -1.386}]}
    assert arrays.keys() == ARRAYS.keys()
    for name, a in ARRAYS.items():
        assert arrays[name].dtype == a.dtype and np.array_equal(arrays[name], a)


def test_it_is_an_ordinary_numpy_archive(path):
    with np.load(path, allow_pickle=False) as archive:
        assert np.array_equal(archive["theta"], ARRAYS["theta"])


def test_the_one_before_is_kept(path):
    assert checkpoint.read(checkpoint.previous(path))[1]["epoch"] == 1


def test_any_flipped_byte_is_noticed_and_the_one_before_offered(path):
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    places = {*range(8), *range(len(good) - 100, len(good)), *rng.integers(0, len(good), 200).tolist()}
    for place in places:
        bad = bytearray(good)
        bad[place] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        with pytest.raises(CheckpointError, match=r"truncated or altered.*the one before it is .*checkpoint-previous"):
            checkpoint.read(path)
    assert checkpoint.read(checkpoint.previous(path))[1]["epoch"] == 1


def test_any_truncation_is_noticed(path):
    good = path.read_bytes()
    for length in np.linspace(0, len(good) - 1, 50, dtype=int):
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError, match="not a checkpoint of minigan, or truncated"):
            checkpoint.read(path)


def test_a_missing_checkpoint_is_refused_in_words(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere.npz: no such file: check the path"):
        checkpoint.read(tmp_path / "nowhere.npz")


def test_another_npz_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", theta=np.zeros(3))
    with pytest.raises(CheckpointError, match="its checksum does not agree"):
        checkpoint.read(tmp_path / "a.npz")


@pytest.mark.parametrize("format, remedy", [(99, "update minigan"), (1, "use the minigan that wrote it, or train")])
def test_another_format_is_refused_with_both_values(format, remedy, tmp_path):
    sealed(tmp_path / "c.npz", {"meta": npy(np.frombuffer(b'{"format": %d}' % format, "uint8"))})
    with pytest.raises(CheckpointError, match=f"in format {format}, but this minigan reads format 2: {remedy}"):
        checkpoint.read(tmp_path / "c.npz")


def test_a_pickled_object_is_refused_even_under_a_right_checksum(tmp_path):
    sealed(tmp_path / "c.npz", {"meta": META, "a": npy(np.array([{}], dtype=object), allow_pickle=True)})
    with pytest.raises(CheckpointError, match="holds Python objects"):
        checkpoint.read(tmp_path / "c.npz")


def test_a_hostile_shape_is_refused_before_memory_is_spent(tmp_path):
    header = npy(np.zeros(1, "float32")).replace(b"(1,), }" + b" " * 13, b"(1000000000000,), }" + b" ")
    assert b"1000000000000" in header
    sealed(tmp_path / "c.npz", {"meta": META, "a": header})
    with pytest.raises(CheckpointError, match="promises"):
        checkpoint.read(tmp_path / "c.npz")


def test_a_failed_write_leaves_both_old_checkpoints(path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.write(path, ARRAYS, {"epoch": 3})
    assert checkpoint.read(path)[1]["epoch"] == 2
    assert checkpoint.read(checkpoint.previous(path))[1]["epoch"] == 1
    assert len(list(path.parent.iterdir())) == 2


def test_a_network_is_rebuilt_from_how_it_prints():
    network = Network(
        InstanceNoise(0.5), Dense(3, 4), LeakyReLU(0.1), InstanceNoise(Linear(1.0, 0.0, 10)), Dense(4, 5), ReLU(),
        Dense(5, 2), Tanh(), InstanceNoise(Exponential(1.0, 0.9, least=0.1)), InstanceNoise(Cosine(1.0, 0.0, 9)),
        Sigmoid(),
    )  # fmt: skip
    assert repr(checkpoint.parse_network(repr(network))) == repr(network)


def test_code_in_place_of_a_layer_is_not_run():
    with pytest.raises(CheckpointError, match="print is not a layer of minigan"):
        checkpoint.parse_network("Network(print('gotcha'))")
    with pytest.raises(CheckpointError, match=r"print is not a schedule of minigan \(Cosine, Exponential, Linear\)"):
        checkpoint.parse_network("Network(InstanceNoise(print('gotcha')))")
