"""The round in PyTorch: eager with Adam as it comes, eager with the fused Adam, and compiled."""

import itertools

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


class Plain:
    """Eager, with Adam as it comes: on a CPU it goes from tensor to tensor."""

    fused = None

    def __init__(self, g_widths, d_widths, n, threads):
        torch.set_num_threads(threads)
        self.G, self.D = self.networks(g_widths, d_widths)
        self.theta_g = list(self.G.parameters())
        self.latent, self.x = g_widths[0], self.images(2 * torch.rand(n, d_widths[0]) - 1)
        self.target = torch.cat((torch.ones(n, 1), torch.zeros(n, 1)))
        self._fresh_optimizers()

    def networks(self, g_widths, d_widths):
        """The two players."""
        return network(g_widths, nn.Tanh()), network(d_widths)

    def images(self, x):
        """A batch as D takes it."""
        return torch.as_tensor(x)

    def theirs(self, a):
        """A parameter of minigan's as PyTorch has it."""
        return a.T if a.ndim == 2 else a

    def ours(self, a):
        """And back."""
        return a.T if a.ndim == 2 else a

    def _fresh_optimizers(self):
        self.adam_g, self.adam_d = (
            torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), eps=1e-8, fused=self.fused)
            for net in (self.G, self.D)
        )

    def loss_d(self, x, z):
        """-mean log D(x) - mean log(1 - D(G(z))), on one stacked batch; G is not recorded."""
        with torch.no_grad():
            fakes = self.G(z)
        a = self.D(torch.cat((x, fakes)))
        return binary_cross_entropy_with_logits(a, self.target, reduction="sum") / len(x)

    def loss_g(self, z):
        """-mean log D(G(z))"""
        return binary_cross_entropy_with_logits(self.D(self.G(z)), self.target[: len(z)])

    def backward_g(self, z):
        """G's gradient; what D's parameters would need is not computed."""
        self.loss_g(z).backward(inputs=self.theta_g)

    def play(self, x, z, z_next):
        """One round on x, D's step with the noise z and G's with z_next."""
        x, z, z_next = self.images(x), *map(torch.as_tensor, (z, z_next))
        self.loss_d(x, z).backward()
        self.adam_d.step()
        self.adam_d.zero_grad()
        self.backward_g(z_next)
        self.adam_g.step()
        self.adam_g.zero_grad()

    def rounds(self, count):
        """So many rounds on the fixed batch with fresh noise."""
        n = len(self.x)
        for _ in range(count):
            self.play(self.x, torch.randn(n, self.latent), torch.randn(n, self.latent))

    def updates(self, count):
        """So many times both players' updates, with the same gradients."""
        if self.theta_g[0].grad is None:
            z = torch.randn(len(self.x), self.latent)
            self.loss_d(self.x, z).backward()
            self.loss_g(z).backward()
        for _ in range(count):
            self.adam_d.step()
            self.adam_g.step()

    def load(self, g, d):
        """Take these weights, with fresh optimizers."""
        for net, given in (self.G, g), (self.D, d):
            for p, value in zip(net.parameters(), given, strict=True):
                p.data.copy_(self.theirs(torch.from_numpy(value)))
        self._fresh_optimizers()

    def weights(self):
        """(G's, D's), as NumPy arrays."""
        return tuple([self.ours(p.detach()).numpy().copy() for p in net.parameters()] for net in (self.G, self.D))

    def gradients(self, x, z):
        """(G's, D's): the gradient of each player's loss at the present weights, with the fakes G(z)."""
        x, z = self.images(x), torch.from_numpy(z)
        self.loss_d(x, z).backward()
        self.backward_g(z)
        found = tuple([self.ours(p.grad).numpy().copy() for p in net.parameters()] for net in (self.G, self.D))
        self.adam_d.zero_grad()
        self.adam_g.zero_grad()
        return found


class Fused(Plain):
    """Eager, with the Adam that updates all tensors in one call."""

    fused = True


class Compiled(Fused):
    """Both losses, forward and backward, through torch.compile."""

    def __init__(self, g_widths, d_widths, n, threads):
        super().__init__(g_widths, d_widths, n, threads)
        self.loss_d, self.loss_g = torch.compile(self.loss_d), torch.compile(self.loss_g)

    def backward_g(self, z):
        """G's gradient. A compiled backward computes all that was recorded, so D is not."""
        self.D.requires_grad_(False)
        self.loss_g(z).backward()
        self.D.requires_grad_(True)


def network(widths, *last):
    """Linear layers with LeakyReLU between them, in place: no layer before it needs its output."""
    layers = []
    for n_in, n_out in itertools.pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers[:-1], *last)
