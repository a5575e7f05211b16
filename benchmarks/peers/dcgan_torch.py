"""The convolutional round in PyTorch, eager with the fused Adam, in either of its layouts of images."""

import torch
from torch import nn

from peers import with_torch

H, W, C = 7, 7, 128
ROW = H * W * C


class ChannelsFirst(with_torch.Fused):
    """Images as (N, C, H, W) in memory, PyTorch's default."""

    layout, order = torch.contiguous_format, torch.arange(ROW).view(H, W, C).permute(2, 0, 1).flatten()

    def networks(self, g_widths, d_widths):
        G = nn.Sequential(
            nn.Linear(100, ROW), self.Images(), nn.BatchNorm2d(C), nn.ReLU(inplace=True),
            nn.ConvTranspose2d(C, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
            nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        D = nn.Sequential(
            nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(64, C, 4, 2, 1, bias=False), nn.BatchNorm2d(C), nn.LeakyReLU(0.2, inplace=True),
            self.Rows(), nn.Linear(ROW, 1),
        )  # fmt: skip
        return G.to(memory_format=self.layout), D.to(memory_format=self.layout)

    def images(self, x):
        return torch.as_tensor(x).reshape(-1, 1, 28, 28).contiguous(memory_format=self.layout)

    def theirs(self, a):
        """W (k, l, C, O) is theirs as (O, C, k, l), and the numbers of a row stand in the order of the layout."""
        a = a.permute(3, 2, 0, 1) if a.ndim == 4 else super().theirs(a)
        return self.reordered(a, self.order)

    def ours(self, a):
        a = a.permute(2, 3, 1, 0) if a.ndim == 4 else super().ours(a)
        return self.reordered(a, self.order.argsort())

    def reordered(self, a, order):
        """Along the axis of rows, if there is one."""
        for axis in (axis for axis, size in enumerate(a.shape) if size == ROW):
            a = a.index_select(axis, order)
        return a

    class Images(nn.Module):
        """Rows to images."""

        def forward(self, x):
            return x.view(-1, C, H, W)

    class Rows(nn.Module):
        """Images to rows."""

        def forward(self, x):
            return x.flatten(1)


class ChannelsLast(ChannelsFirst):
    """Images as (N, H, W, C) in memory."""

    layout, order = torch.channels_last, torch.arange(ROW)

    class Images(nn.Module):
        def forward(self, x):
            return x.view(-1, H, W, C).permute(0, 3, 1, 2)

    class Rows(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)
