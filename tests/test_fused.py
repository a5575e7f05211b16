"""The fused candidates of benchmarks/fused.py: valid CUDA, equal to their plain twins, and what they save."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import standin

from minigan import GAN, Dense, LeakyReLU, Network, Tanh, to_numpy, use, xp

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def fused(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("fused")


def game(dtype="float32"):
    G = Network(Dense(5, 12), LeakyReLU(), Dense(12, 16), Tanh(), seed=0, dtype=dtype)
    D = Network(Dense(16, 12), LeakyReLU(), Dense(12, 1), seed=1, dtype=dtype)
    return GAN(G, D)


def play(dtype="float64", rounds=5):
    """(theta of both players, what the last round saw) after a few rounds on fixed data and noise."""
    rng, gan = np.random.default_rng(0), game(dtype)
    gan.noise = lambda n: xp.asarray(rng.standard_normal((n, 5)), dtype=dtype)
    for _ in range(rounds):
        seen = gan.step(xp.asarray(rng.uniform(-1, 1, (8, 16)), dtype=dtype))
    return [to_numpy(a) for a in (gan.generator.theta, gan.discriminator.theta, xp.stack(seen))]


def cuda(name, parts, T):
    """A kernel of the operation on elements of type T, as CuPy would write it."""
    ins, outs, operation = parts
    ins, outs = ([parameter.split()[1] for parameter in names.split(", ")] for names in (ins, outs))
    arguments = [f"const T* {a}_" for a in ins] + [f"T* {a}_" for a in outs]
    elements = [f"const T {a} = {a}_[i];" for a in ins] + [f"T& {a} = {a}_[i];" for a in outs]
    body = "\n".join(["int i = blockIdx.x * blockDim.x + threadIdx.x;", *elements, f"{operation};"])
    return f'typedef {T} T;\nextern "C" __global__ void {name}({", ".join(arguments)}) {{\n{body}\n}}'


@pytest.mark.parametrize("T", ["float", "double"])
def test_each_operation_is_valid_cuda(fused, T):
    """Compiled by NVIDIA's compiler, which needs no GPU."""
    nvrtc = pytest.importorskip("cupy", reason="CuPy is not installed").cuda.nvrtc
    try:
        nvrtc.getVersion()
    except ImportError:
        pytest.skip("NVRTC is not installed")
    for name, parts in fused.KERNELS.items():
        program = nvrtc.createProgram(cuda(name, parts, T), f"{name}.cu", (), ())
        nvrtc.compileProgram(program, ("--gpu-architecture=sm_90",))
        assert name.encode() in nvrtc.getPTX(program)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-4)])
def test_a_fused_game_is_the_plain_game(fused, dtype, tolerance):
    try:
        use("cupy")
    except RuntimeError as error:
        pytest.skip(str(error))
    plain = play(dtype)
    with fused.installed():
        found = play(dtype)
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["softplus", "sigmoid"])
def test_a_fused_function_is_its_plain_twin(fused, name):
    try:
        use("cupy")
    except RuntimeError as error:
        pytest.skip(str(error))
    a = xp.asarray([-800.0, -40.0, -3.0, -1e-9, 0.0, 1e-9, 0.5, 17.0, 40.0, 800.0])
    plain = getattr(fused.losses, name)(a)
    with fused.installed():
        np.testing.assert_allclose(to_numpy(getattr(fused.losses, name)(a)), to_numpy(plain), rtol=1e-12)


def test_the_twins_are_put_back(fused, monkeypatch):
    before = [getattr(owner, name) for owner, name in fused.TWINS]
    monkeypatch.setattr(fused, "xp", type("CuPy", (), {"ElementwiseKernel": staticmethod(lambda *parts: object())}))
    with pytest.raises(ZeroDivisionError), fused.installed():
        assert not any(getattr(owner, name) is old for (owner, name), old in zip(fused.TWINS, before, strict=True))
        _ = 1 / 0
    assert [getattr(owner, name) for owner, name in fused.TWINS] == before


def test_how_many_launches_of_a_round_are_left(fused, monkeypatch):
    """Counted on the stand-in, with each plain twin as one launch."""
    xp._switch(standin)
    gan, x = game(), standin.ones((8, 16), dtype="float32")
    launches = []
    for _ in range(2):
        gan.step(x)
        with standin.counted() as seen:
            gan.step(x)
        launches.append(len(seen.launches))
        for owner, name in fused.TWINS:
            monkeypatch.setattr(owner, name, standin.as_one_launch(getattr(owner, name)))
    print(f"\nlaunches in a round: {launches[0]}, fused {launches[1]}")
    assert launches[1] < 0.6 * launches[0]
