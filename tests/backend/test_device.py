"""A run on a device, proven on the stand-in: the same bits as NumPy, and rounds that neither wait, upload nor allocate.

What a habit of the CPU would break is planted, one at a time, and must be noticed.
"""

import inspect
import sys
import textwrap

import numpy
import pytest
import standin
from loading import script

from minigan import GAN, R1, Dense, LeakyReLU, Network, Pack, Tanh, backend, gan, to_numpy, use, xp
from minigan.app.run_directory import RunDirectory
from minigan.backend import host_generator
from minigan.data import Batches, load
from minigan.layers import BatchNorm, Dropout, InstanceNoise, SpectralNorm, Standardize
from minigan.objectives import Hinge
from minigan.plots import pictures as plots
from minigan.training.guard import ROUNDS_ON_A_GPU
from minigan.training.training import Training

LATENT, PIXELS, BATCH = 100, 64, 256  # of the embedded digits: 7 rounds in an epoch
DIGITS = load("digits")
COLUMN = 8  # numbers for each row of the batch: no more than that in losses and judgments


def training(batch=BATCH):
    G = Network(Dense(LATENT, 64), LeakyReLU(), Dense(64, 128), LeakyReLU(), Dense(128, 256), LeakyReLU(),
                Dense(256, PIXELS), Tanh(), seed=0)  # fmt: skip
    D = Network(Dense(PIXELS, 128), LeakyReLU(), Dense(128, 64), LeakyReLU(), Dense(64, 1), seed=1)
    return Training(GAN(G, D), DIGITS, batch)


def play(training, epochs=1):
    """What each round cost."""
    costs, rounds = [], training.rounds(epochs)
    while True:
        with standin.counted() as seen:
            if next(rounds, rounds) is rounds:
                return costs
        costs.append(seen)


def assert_free(costs, batch):
    """No wait, no upload, and nothing new but the noise, the batch as it was stored, and columns (batch, 1)."""
    expected = sorted([4 * batch * LATENT] * 2 + [batch * PIXELS])
    for seen in costs:
        assert seen.syncs == [], f"the host waits: {seen.syncs}"
        assert seen.uploads == [], f"uploads: {seen.uploads}"
        new = sorted(size for size in seen.allocations if size > 4 * batch * COLUMN)
        assert new == expected, f"new arrays of {new} bytes, expected {expected}"


def untimed(history):
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in history]


def moment(training):
    """Everything that a checkpoint holds, on the host."""
    vectors = [
        getattr(owner, name)
        for _, network, optimizer in training.gan.players()
        for owner, names in ((network, ["theta", "dtheta"]), (optimizer, optimizer.vectors))
        for name in names
    ]
    return [to_numpy(a).tobytes() for a in [*vectors, training.log]], untimed(training.history)


def whole_run(path):
    """Two epochs with history, guard, checkpoint and pictures: (moment, {name: bytes of the pictures})."""
    played = training()
    with RunDirectory(path, played, {}) as run:
        for row in played.rounds(2):
            run.after_round(row)
        run.finish()
    assert run.saved
    pictures = {file.name: file.read_bytes() for file in path.rglob("*.png")}
    return moment(played), pictures


def test_a_whole_run_on_the_device_has_the_bits_of_numpy(tmp_path, monkeypatch):
    """With the noise of the device's stream on both sides; all else is the program's own arithmetic."""

    def devices_stream(*key):
        return numpy.random.default_rng(int(host_generator(*key).integers(2**63)))

    monkeypatch.setattr(plots, "save_curves", lambda *_: None)  # of the history alone
    with monkeypatch.context() as patch:
        patch.setattr(gan, "random_generator", devices_stream)
        expected, pictures = whole_run(tmp_path / "numpy")
    xp._switch(standin)
    found, drawn = whole_run(tmp_path / "device")
    assert found == expected
    assert drawn == pictures and {"epoch-0002.png", "neighbors.png"} <= drawn.keys()


def test_a_round_neither_waits_nor_uploads_nor_allocates(on_standin):
    """From the second round on. The first one allocates, and uploads the order of its epoch."""
    first, *others, last = play(training())
    assert first.uploads == ["array"]
    assert_free(others, BATCH)
    launches = {len(seen.launches) for seen in others}
    assert len(launches) == 1 and launches.pop() <= 240
    assert last.syncs.count("get") == 2  # the log and the samples, once in an epoch


def test_no_layer_and_no_penalty_lets_the_host_wait(on_standin):
    G = Network(Dense(3, 8), BatchNorm(8), Tanh(), Dense(8, 6))
    known = Standardize((0.1,) * 12, (0.5,) * 12)
    rest = SpectralNorm(12, 5), LeakyReLU(), Dropout(0.3), SpectralNorm(5, 1)
    D = Network(Pack(2, 6), known, InstanceNoise(0.1), *rest)
    played, x = GAN(G, D, objective=Hinge(), penalty=R1(1.0)), xp.ones((8, 6), dtype="float32")
    played.step(x)
    with standin.counted() as seen:
        played.step(x)
    assert seen.launches and seen.syncs == seen.uploads == []


def test_the_guard_looks_at_one_round_in_64(on_standin):
    costs = play(training(batch=16))[1:-1]
    looks = [i for i, seen in enumerate(costs, 2) if seen.syncs]
    assert looks == [ROUNDS_ON_A_GPU]
    assert set(costs[ROUNDS_ON_A_GPU - 2].syncs) == {"__bool__"}


@pytest.mark.parametrize("start, end", [("numpy", "standin"), ("standin", "numpy")])
def test_a_checkpoint_of_one_backend_goes_on_on_the_other(tmp_path, start, end):
    modules = {"numpy": numpy, "standin": standin}
    xp._switch(modules[start])
    saved = training()
    for played, _ in enumerate(saved.rounds(2), 1):
        if played == 10:
            break
    saved.save(tmp_path / "c.npz")
    vectors, history = moment(saved)
    xp._switch(modules[end])
    restored = training()
    restored.restore(tmp_path / "c.npz")
    theta_g, _, m_g, v_g, theta_d, _, m_d, v_d, log = vectors  # a checkpoint does not hold dtheta
    found = moment(restored)
    assert [found[0][i] for i in (0, 2, 3, 4, 6, 7, 8)] == [theta_g, m_g, v_g, theta_d, m_d, v_d, log]
    assert found[1] == history
    assert [row is not None for row in restored.rounds(2)] == [False] * 3 + [True]


@pytest.mark.slow
def test_the_scripts_run_on_the_device_from_start_to_end(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", standin)
    run = tmp_path / "run"
    script("train_mnist").main(["--device", "gpu", "--data", "digits", "--dry-run", "--out", str(run)])
    assert backend.name() == "standin" and "GPU" in capsys.readouterr().out
    assert (run / "checkpoint.npz").exists() and (run / "training.html").exists()
    for out in ("samples.png", "samples.npz"):
        arguments = [str(run / "checkpoint.npz"), "--device", "gpu", "-n", "3", "--out", str(tmp_path / out)]
        assert script("sample").main(arguments) == 0


ORDER = "xp.asarray(host_generator(self.seed, e).permutation(self.n))"
NOISE = "NOISE[self.noise_kind](rng, shape, self.generator.dtype)"
HOST_RNG = "numpy.random.default_rng(0)"
HABITS = {  # whose method, what stands there, what a habit of the CPU makes of it, and what is said: a kind each
    "a NumPy function": (Tanh.f, "xp.tanh", "numpy.tanh", "does not support ufuncs"),
    "float(loss)": (GAN.step, "return Round(", "return float(loss_d) and Round(", "__float__"),
    "if loss": (GAN.step, "return Round(", "return loss_d < 100 and Round(", "__bool__"),
    "a mask": (LeakyReLU.backward, "return", "dy[dy > 0]; return", "mask"),
    "a host index": (Batches.epoch, ORDER, ORDER[len("xp.asarray(") : -1], "take"),
    "noise from the host": (GAN.latent_points, NOISE, f"xp.asarray({NOISE})".replace("rng", HOST_RNG), "array"),
    "a host array mixed in": (Dense.forward, "y += self.b", "y += numpy.zeros(self.n_out)", "<class 'numpy.ndarray'>"),
    "d[:] = host": (Network.stack, "= a, b", "= numpy.zeros(a.shape), b", "cannot be used for fill"),
    "np.asarray": (Training._end_epoch, "to_numpy(self.log)", "numpy.asarray(self.log)", "Implicit conversion"),
    "errstate": (Tanh.f, "xp.tanh", 'with xp.errstate(over="ignore"): xp.tanh', "errstate"),
    "new arrays": (Dense.forward, "kernels.matmul(self.x, self.W, out=y)", "y = self.x @ self.W", "new arrays of"),
}  # fmt: skip


def plant(monkeypatch, method, old, new):
    """Change a line of one method, in memory."""
    module = sys.modules[method.__module__]
    source = textwrap.dedent(inspect.getsource(method))
    assert old in source, "the line to change is no longer there"
    names = {**vars(module), "numpy": numpy}
    exec(source.replace(old, new), names)
    monkeypatch.setattr(getattr(module, method.__qualname__.split(".")[0]), method.__name__, names[method.__name__])


@pytest.mark.parametrize("habit", HABITS)
def test_a_planted_habit_of_the_cpu_is_caught(habit, monkeypatch, on_standin):
    *change, words = HABITS[habit]
    plant(monkeypatch, *change)
    with pytest.raises((TypeError, ValueError, AttributeError, AssertionError), match=words):
        assert_free(play(training())[1:-1], BATCH)
    use("numpy")
    play(training())  # where nobody would have noticed
