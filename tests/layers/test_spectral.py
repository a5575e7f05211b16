"""A layer whose largest stretch is 1: from the start, while W moves, and through its derivative."""

import numpy as np
import pytest

from minigan import Adam, Network, SpectralNorm, assert_gradients


def stretch(layer):
    """The largest singular value of what x is multiplied with."""
    return float(np.linalg.svd((layer.W / layer.sigma).astype("float64"), compute_uv=False)[0])


@pytest.mark.parametrize("n_in, n_out", [(40, 30), (3, 7), (1, 1)])
def test_no_x_is_stretched_by_more_than_1_from_the_start_and_hardly_while_w_moves(n_in, n_out, rng):
    network = Network(SpectralNorm(n_in, n_out))
    layer, optimizer = network.layers[0], Adam(network, lr=2e-4)
    network.forward(np.ones((2, n_in), dtype="float32"))
    assert stretch(layer) == pytest.approx(1, abs=1e-5)
    for image, vector in (layer.W @ layer.v, layer.u), (layer.W.T @ layer.u, layer.v):
        np.testing.assert_allclose(image, layer.sigma * vector, atol=1e-5)
    for _ in range(30):
        y = network.forward(rng.standard_normal((9, n_in)).astype("float32"), training=True)
        network.backward(rng.standard_normal(y.shape).astype("float32"))
        assert 1 - 1e-5 < stretch(layer) < 1.01
        optimizer.step()


def test_the_derivative_is_that_through_sigma_itself(rng):
    """dW at the singular vectors, where sigma is the largest singular value."""
    network = Network(SpectralNorm(5, 4), dtype="float64")
    layer, x, dy = network.layers[0], rng.standard_normal((7, 5)), rng.standard_normal((7, 4))

    def loss(W):
        layer.W, sigma = W, np.linalg.svd(W)[1][0]
        network.forward(x)
        network.backward(dy)
        return (x @ W / sigma * dy).sum(), layer.dW

    assert_gradients(loss, layer.W.copy())
