"""checkpoint: whole or refused, in words; nothing in it can do more than be numbers and names."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from minigan import GAN, R1, Adam, Dense, ExponentialMovingAverage, Layer, Network, NonSaturating, Tanh
from minigan.data import sealed as checkpoint
from minigan.data.sealed import CheckpointError
from minigan.training.checkpoint import load_generator, restore, state
from minigan.training.description import KNOWN, register

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


def test_what_was_written_is_read_back_bit_for_bit_and_is_an_ordinary_numpy_archive(path):
    arrays, meta = checkpoint.read(path)
    assert meta == {"format": checkpoint.FORMAT, "epoch": 2, "history": [{"V": -1.386}]}
    assert arrays.keys() == ARRAYS.keys()
    for name, a in ARRAYS.items():
        assert arrays[name].dtype == a.dtype and np.array_equal(arrays[name], a)
    with np.load(path, allow_pickle=False) as archive:
        assert np.array_equal(archive["theta"], ARRAYS["theta"])


def test_any_flipped_byte_and_any_truncation_is_noticed_and_the_one_before_offered(path):
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in {*range(8), *range(len(good) - 100, len(good)), *rng.integers(0, len(good), 50).tolist()}:
        bad = bytearray(good)
        bad[place] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        with pytest.raises(CheckpointError, match=r"truncated or altered.*the one before it is .*checkpoint-previous"):
            checkpoint.read(path)
    for length in np.linspace(0, len(good) - 1, 20, dtype=int):
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError, match="not a checkpoint of minigan, or truncated"):
            checkpoint.read(path)
    assert checkpoint.read(checkpoint.previous(path))[1]["epoch"] == 1


def format_of(number):
    return {"meta": npy(np.frombuffer(b'{"format": %d}' % number, "uint8"))}


HUGE = npy(np.zeros(1, "float32")).replace(b"(1,), }" + b" " * 13, b"(1000000000000,), }" + b" ")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (None, "c.npz: no such file: check the path"),
        (format_of(99), "in format 99, but this minigan reads format 3: update minigan"),
        (format_of(1), "in format 1, but this minigan reads format 3: use the minigan that wrote it, or train"),
        ({"meta": META, "a": npy(np.array([{}], dtype=object), allow_pickle=True)}, "holds Python objects"),
        ({"meta": META, "a": HUGE}, "promises"),  # and no memory is spent
    ],
)
def test_what_is_no_checkpoint_is_refused_even_under_a_right_checksum(arrays, message, tmp_path):
    if arrays:
        sealed(tmp_path / "c.npz", arrays)
    with pytest.raises(CheckpointError, match=message):
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


class Half(Layer):
    """y = x / 2, a layer of one's own."""

    def forward(self, x, training=False):
        return x / 2

    def backward(self, dy, wrt="both"):
        return dy / 2


@pytest.fixture
def own():
    """A GAN with a layer of one's own, which is forgotten afterwards."""
    yield GAN(Network(Dense(2, 3), Half(), Dense(3, 4), Tanh(), seed=1), Network(Dense(4, 1), seed=2))
    KNOWN.pop("Half", None)


@pytest.mark.usefixtures("each_backend")
def test_a_layer_of_ones_own_is_saved_and_restored_and_made_again_where_it_is_registered(own, tmp_path):
    checkpoint.write(tmp_path / "c.npz", *state(own))
    twin = GAN(Network(Dense(2, 3), Half(), Dense(3, 4), Tanh(), seed=3), Network(Dense(4, 1), seed=4))
    twin.generator.forward(twin.fixed_noise(2))
    restore(twin, *checkpoint.read(tmp_path / "c.npz"))
    assert not twin.generator.outputs  # nobody goes backward through what other weights made
    assert (twin.generator.theta == own.generator.theta).all()
    with pytest.raises(CheckpointError, match=r"Half is not a layer that is known here .*write @register over its"):
        load_generator(tmp_path / "c.npz")
    register(Half)
    network, _ = load_generator(tmp_path / "c.npz")
    z = own.fixed_noise(5)
    assert type(network.layers[1]) is Half and (network(z) == own.generator(z)).all()


def test_a_file_that_is_no_game_is_refused(tmp_path):
    checkpoint.write(tmp_path / "c.npz", ARRAYS, {"made_of": "digits"})
    with pytest.raises(CheckpointError, match=r"not the checkpoint of a game: it holds no generator"):
        load_generator(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": "uniform"}, "its noise is 'normal', but here it is 'uniform'"),
        ({"k": 2}, "its k is 1, but here it is 2"),
        ({"seed": 5}, "its seed is 0, but here it is 5"),
        ({"averaged": True}, "its average is None, but here it is 'kept'"),
        ({"objective": NonSaturating(real=0.9)}, r"real=1.0\), but here it is NonSaturating\(output='logit', real=0.9"),
        ({"penalty": R1(1)}, r"its penalty is None, but here it is R1\(weight=1\)"),
        ({"hidden": 5}, r"its generator's layer 0 is Dense\(n_in=2, n_out=3\), but here it is Dense\(n_in=2, n_out=5"),
        ({"more": [Tanh]}, "its discriminator's number of layers is 1, but here it is 2"),
        ({"dtype": "float64"}, "its generator's dtype is 'float32', but here it is 'float64'"),
        ({"beta1": 0.9}, r"its discriminator's optimizer is Adam\(beta1=0.5, .* but here it is Adam\(beta1=0.9"),
    ],
)
def test_a_checkpoint_of_another_game_is_refused_with_both_values(change, message):
    def game(hidden=3, more=(), dtype="float32", beta1=0.5, averaged=False, **settings):
        G = Network(Dense(2, hidden), Dense(hidden, 4), Tanh(), dtype=dtype)
        D = Network(Dense(4, 1), *(layer() for layer in more), dtype=dtype)
        average = ExponentialMovingAverage(G, 0.9) if averaged else None
        return GAN(G, D, discriminator_optimizer=Adam(D, beta1=beta1), average=average, **settings)

    saved, other = state(game()), game(**change)
    before = state(other)
    with pytest.raises(CheckpointError, match=message):
        restore(other, *saved)
    assert before[1] == state(other)[1]
    assert all(np.array_equal(a, before[0][name]) for name, a in state(other)[0].items())
