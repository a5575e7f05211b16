"""A GAN in one file, with NumPy alone: one answer to page 17 of the course. Steps 1 to 6 stand in their order."""

import numpy as np


class Dense:
    """y = x W + b      dW = x.T dy      db = sum of dy over the samples      dx = dy W.T"""

    def __init__(self, n_in, n_out, rng):
        self.W = rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T


class LeakyReLU:
    """y = x where x > 0, else 0.2 x      dx = dy where x > 0, else 0.2 dy"""

    def forward(self, x):
        self.slope = np.where(x > 0, 1.0, 0.2)
        return x * self.slope

    def backward(self, dy):
        return dy * self.slope


class Tanh:
    """y = tanh x      dx = dy (1 - y^2)"""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


def bce_with_logits(a, t):
    """L = mean(softplus(a) - t a), softplus(a) = log(1 + e^a)      da = (sigmoid(a) - t) / N"""
    loss = (np.logaddexp(0, a) - t * a).mean()
    return loss, (0.5 + 0.5 * np.tanh(a / 2) - t) / a.size


class Network:
    """A chain of layers; every W and b is a view into one vector, theta, and dtheta is its derivative."""

    def __init__(self, *layers):
        self.layers = layers
        self.dense = [layer for layer in layers if isinstance(layer, Dense)]
        self.theta = np.concatenate([a.ravel() for layer in self.dense for a in (layer.W, layer.b)])
        start = 0
        for layer in self.dense:
            for name in "W", "b":
                a = getattr(layer, name)
                setattr(layer, name, self.theta[start : start + a.size].reshape(a.shape))
                start += a.size

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        self.dtheta = np.concatenate([g.ravel() for layer in self.dense for g in (layer.dW, layer.db)])
        return dy


class Adam:
    """m, v: running means of g and g^2, corrected for their start      theta <- theta - lr m^ / (sqrt(v^) + eps)"""

    def __init__(self, network, lr, beta1=0.5, beta2=0.999, eps=1e-8):
        self.network, self.lr, self.beta1, self.beta2, self.eps = network, lr, beta1, beta2, eps
        self.m, self.v = np.zeros_like(network.theta), np.zeros_like(network.theta)
        self.t = 0

    def step(self):
        g = self.network.dtheta
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m = self.m / (1 - self.beta1**self.t)
        v = self.v / (1 - self.beta2**self.t)
        self.network.theta -= self.lr * m / (np.sqrt(v) + self.eps)


def discriminator_step(G, D, optimizer, x, z):
    """D learns to tell x (target 1) from G(z) (target 0), both in one batch; returns the loss."""
    both = np.concatenate((x, G.forward(z)))
    t = np.concatenate((np.ones((len(x), 1)), np.zeros((len(z), 1))))
    loss, da = bce_with_logits(D.forward(both), t)
    D.backward(da)
    optimizer.step()
    return loss


def generator_step(G, D, optimizer, z):
    """G learns what makes D say 1 to G(z): the derivative goes through D, which does not move; returns the loss."""
    a = D.forward(G.forward(z))
    loss, da = bce_with_logits(a, np.ones_like(a))
    G.backward(D.backward(da))
    optimizer.step()
    return loss


def train(data, width, rounds, seed=0, lr=2e-3):
    """(G, D) after these rounds; data(n, rng) gives n samples (n, width), with values in [-1, 1]."""
    rng = np.random.default_rng(seed)
    latent, units, n = 8, 64, 64
    G = Network(Dense(latent, units, rng), LeakyReLU(), Dense(units, units, rng), LeakyReLU(),
                Dense(units, width, rng), Tanh())  # fmt: skip
    D = Network(Dense(width, units, rng), LeakyReLU(), Dense(units, units, rng), LeakyReLU(), Dense(units, 1, rng))
    of_g, of_d = Adam(G, lr), Adam(D, 2 * lr)
    for _ in range(rounds):
        discriminator_step(G, D, of_d, data(n, rng), rng.standard_normal((n, latent)))
        generator_step(G, D, of_g, rng.standard_normal((n, latent)))
    return G, D


if __name__ == "__main__":  # to look: the small digits that come with minigan
    from minigan.data import load
    from minigan.plots.pictures import save_grid

    rows = load("digits").rows()
    G, D = train(lambda n, rng: rows[rng.integers(0, len(rows), n)], 64, rounds=4000, lr=5e-4)
    save_grid("digits.png", G.forward(np.random.default_rng(1).standard_normal((40, 8))), (8, 8), (-1, 1), columns=10)
