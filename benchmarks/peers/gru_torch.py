"""The recurrent round in PyTorch, eager with the fused Adam."""

import torch
from torch import nn

from peers import with_torch

STEPS, WIDTH = 24, 5


class Peer(with_torch.Fused):
    """With PyTorch's own GRU, forward and backward."""

    def networks(self, g_widths, d_widths):
        (latent, H), (_, units) = g_widths, d_widths
        G = nn.Sequential(
            nn.Linear(latent, H), nn.LeakyReLU(0.2, inplace=True), Repeat(), GRU(H, H),
            nn.Linear(H, WIDTH), nn.Sigmoid(),
        )  # fmt: skip
        return G, nn.Sequential(GRU(WIDTH, units), MeanOverTime(), nn.Linear(units, 1))

    def images(self, x):
        return torch.as_tensor(x).reshape(-1, STEPS, WIDTH)


class GRU(nn.Module):
    """As nn.GRU calls it, but with one bias b for what x and h give to r and z: a second one would learn the same."""

    def __init__(self, n_in, H):
        super().__init__()
        self.W, self.U = nn.Parameter(torch.zeros(3 * H, n_in)), nn.Parameter(torch.zeros(3 * H, H))
        self.b, self.c = nn.Parameter(torch.zeros(3 * H)), nn.Parameter(torch.zeros(H))
        self.none = torch.zeros(2 * H)

    def forward(self, x):
        h = x.new_zeros(1, len(x), len(self.c))
        of_h = torch.cat((self.none, self.c))
        return torch.gru(x, h, (self.W, self.U, self.b, of_h), True, 1, 0.0, self.training, False, True)[0]


class Repeat(nn.Module):
    """The same row at each step."""

    def forward(self, x):
        return x[:, None].expand(-1, STEPS, -1)


class MeanOverTime(nn.Module):
    """Sequences to rows."""

    def forward(self, x):
        return x.mean(dim=1)
