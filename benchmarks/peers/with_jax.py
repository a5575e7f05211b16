"""The round in JAX: one jitted function that takes the whole state and gives the next, in donated buffers."""

import itertools
from functools import partial

import jax
import numpy as np
import optax
from jax import numpy as jnp

ADAM = optax.adam(2e-4, b1=0.5, b2=0.999, eps=1e-8)


class Peer:
    """Both steps and their noise in one call of XLA's, which has as many threads as this process has cores."""

    def __init__(self, g_widths, d_widths, n, threads):
        rng = np.random.default_rng(0)
        self.latent = g_widths[0]
        self.x = jnp.asarray(rng.uniform(-1, 1, (n, d_widths[0])), "float32")
        self.key = jax.random.key(0)
        self._start(he(rng, g_widths), he(rng, d_widths))

    def _start(self, g, d):
        self.state = g, d, ADAM.init(g), ADAM.init(d)

    def rounds(self, count):
        """So many rounds on the fixed batch with fresh noise; returns when the last is done."""
        for _ in range(count):
            self.state, self.key = noisy_round(self.state, self.key, self.x, self.latent)
        jax.block_until_ready(self.state)

    def play(self, x, z, z_next):
        """One round on x, D's step with the noise z and G's with z_next."""
        self.state = jax.jit(round_of)(self.state, x, z, z_next)

    def load(self, g, d):
        """Take these weights, with fresh optimizers."""
        self._start(*([jnp.array(a) for a in given] for given in (g, d)))

    def weights(self):
        """(G's, D's), as NumPy arrays."""
        return tuple([np.array(a) for a in given] for given in self.state[:2])

    def gradients(self, x, z):
        """(G's, D's): the gradient of each player's loss at the present weights, with the fakes G(z)."""
        g, d = self.state[:2]
        found = jax.jit(jax.grad(loss_g))(g, d, z), jax.jit(jax.grad(loss_d))(d, g, x, z)
        return tuple([np.array(a) for a in given] for given in found)


def he(rng, widths):
    """[W, b, W, b, ...]"""
    return [
        jnp.asarray(a, "float32")
        for i, o in itertools.pairwise(widths)
        for a in (rng.standard_normal((i, o)) * (2 / i) ** 0.5, np.zeros(o))
    ]


def forward(weights, x):
    """The dense chain with LeakyReLU between its layers."""
    *hidden, last = zip(weights[::2], weights[1::2], strict=True)
    for W, b in hidden:
        x = jax.nn.leaky_relu(x @ W + b, 0.2)
    W, b = last
    return x @ W + b


def generate(g, z):
    """G(z)"""
    return jnp.tanh(forward(g, z))


def loss_d(d, g, x, z):
    """-mean log D(x) - mean log(1 - D(G(z))), on one stacked batch"""
    a = forward(d, jnp.concatenate((x, generate(g, z))))
    return jax.nn.softplus(-a[: len(x)]).mean() + jax.nn.softplus(a[len(x) :]).mean()


def loss_g(g, d, z):
    """-mean log D(G(z))"""
    return jax.nn.softplus(-forward(d, generate(g, z))).mean()


def round_of(state, x, z, z_next):
    """The state after one round."""
    g, d, adam_g, adam_d = state
    update, adam_d = ADAM.update(jax.grad(loss_d)(d, g, x, z), adam_d)
    d = optax.apply_updates(d, update)
    update, adam_g = ADAM.update(jax.grad(loss_g)(g, d, z_next), adam_g)
    return optax.apply_updates(g, update), d, adam_g, adam_d


@partial(jax.jit, donate_argnums=(0, 1), static_argnums=3)
def noisy_round(state, key, x, latent):
    """The same with noise drawn from the key; also the next key."""
    key, first, second = jax.random.split(key, 3)
    shape = len(x), latent
    return round_of(state, x, jax.random.normal(first, shape), jax.random.normal(second, shape)), key
