"""A newcomer's file: a layer, an objective and a game of one's own.

.venv/bin/python my_game.py
.venv/bin/python scripts/train_mnist.py --game my_game.py --data digits
"""

from minigan import GAN, Adam, Dense, Layer, LeakyReLU, Network, Objective, Tanh, xp


class Swish(Layer):
    """y = x s      dx = dy (s + x s (1 - s)), s = sigmoid(slope x)      (Ramachandran et al. 2017, slope 1)"""

    def __init__(self, slope=1.0):
        self.slope = slope

    def forward(self, x, training=False):
        self.x, self.s = x, 0.5 * xp.tanh(0.5 * self.slope * x) + 0.5
        return x * self.s

    def backward(self, dy, wrt="both"):
        return dy * (self.s + self.slope * self.x * self.s * (1 - self.s))


class Squares(Objective):
    """D: E[(a(x) - 1)^2]/2 + E[a(G(z))^2]/2      G: E[(a(G(z)) - 1)^2]/2"""

    def discriminator(self, a_real, a_fake):
        loss = ((a_real - 1) ** 2).mean() / 2 + (a_fake**2).mean() / 2
        return loss, (a_real - 1) / a_real.size, a_fake / a_fake.size

    def generator(self, a_fake):
        return ((a_fake - 1) ** 2).mean() / 2, (a_fake - 1) / a_fake.size


def make(data, rounds, seed):
    G = Network(Dense(16, 32), Swish(1.5), Dense(32, data.size), Tanh(), seed=seed)
    D = Network(Dense(data.size, 32), LeakyReLU(), Dense(32, 1), seed=seed + 1)
    return GAN(G, D, Squares(), seed, Adam(G, lr=1e-3), Adam(D, lr=1e-3))


if __name__ == "__main__":
    from minigan.app import fit
    from minigan.data import load

    digits = load("digits")
    fit(make(digits, rounds=0, seed=0), digits, epochs=2, out="out/mine", resume=True)
