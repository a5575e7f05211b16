"""A layer whose largest stretch is 1: from the start, while W moves, and through its derivative."""

import numpy as np
import pytest

from minigan import Adam, Network, SpectralNorm, to_numpy, xp

pytestmark = pytest.mark.usefixtures("each_backend")


def stretch(layer):
    """The largest singular value of what x is multiplied with."""
    return float(np.linalg.svd(to_numpy(layer.W / layer.sigma).astype("float64"), compute_uv=False)[0])


@pytest.mark.parametrize("n_in, n_out", [(40, 30), (3, 7), (1, 1)])
def test_no_x_is_stretched_by_more_than_1_from_the_start_and_hardly_while_w_moves(n_in, n_out, rng):
    network = Network(SpectralNorm(n_in, n_out))
    layer, optimizer = network.layers[0], Adam(network, lr=2e-4)
    network.forward(xp.ones((2, n_in), dtype="float32"))
    assert stretch(layer) == pytest.approx(1, abs=1e-5)
    for image, vector in (layer.W @ layer.v, layer.u), (layer.W.T @ layer.u, layer.v):
        np.testing.assert_allclose(to_numpy(image), to_numpy(layer.sigma * vector), atol=1e-5)
    for _ in range(30):
        y = network.forward(xp.asarray(rng.standard_normal((9, n_in)), dtype="float32"), training=True)
        network.backward(xp.asarray(rng.standard_normal(y.shape), dtype="float32"))
        assert 1 - 1e-5 < stretch(layer) < 1.01
        optimizer.step()


def test_the_derivative_is_that_through_sigma_itself(rng, numeric, relative_error):
    """dW at the singular vectors, against differences of a loss whose sigma is the largest singular value."""
    network = Network(SpectralNorm(5, 4), dtype="float64")
    layer = network.layers[0]
    x, dy = xp.asarray(rng.standard_normal((7, 5))), xp.asarray(rng.standard_normal((7, 4)))
    network.forward(x)
    network.backward(dy)

    def loss():
        sigma = np.linalg.svd(to_numpy(layer.W), compute_uv=False)[0]
        return ((x @ layer.W / sigma + layer.b) * dy).sum()

    assert relative_error(layer.dW.copy(), numeric(loss, layer.W)) <= 1e-6
