"""What waiting costs (a drawing), and what a round launches on a device (counted)"""

import functools
import importlib.util
from pathlib import Path

import numpy

from minigan import GAN, Dense, LeakyReLU, Network, Tanh, use, xp
from minigan.plots.style import BLUE, ORANGE

STANDIN = Path(__file__).resolve().parents[3] / "tests" / "standin.py"
LAUNCH, WORK = 1.0, (2.0, 0.5, 3.0, 0.5, 2.0, 1.0)  # units of time, chosen for the drawing


def draw(figure):
    times, counts = figure.subplots(1, 2)
    for y, waits in (4.0, False), (1.0, True):
        host, device = timeline(waits)
        times.broken_barh(host, (y + 0.05, 0.9), color=BLUE, edgecolor="white")
        times.broken_barh(device, (y - 0.95, 0.9), color=ORANGE, edgecolor="white")
        end = sum(device[-1])
        times.plot([end, end], [y - 1.1, y + 1.1], color="black", linewidth=1)
        times.text(0, y + 1.15, "the host waits after each" if waits else "nothing waits", fontsize=9)
    times.set_yticks([4.5, 3.5, 1.5, 0.5], ["host launches", "device works"] * 2)
    times.set(title="six launches (a drawing, not measured)", xlabel="time", xticks=(), ylim=(-0.3, 5.7))
    found = launches()
    bars = counts.barh(list(found), list(found.values()), color=ORANGE)
    counts.bar_label(bars, fontsize="small", padding=2)
    counts.invert_yaxis()
    counts.margins(x=0.12)
    counts.set(title=f"launches in a round: {sum(found.values())}")


def timeline(waits):
    """(start, length) of each launch on the host and of each kernel on the device, which works through its queue."""
    host, device, now, free = [], [], 0.0, 0.0
    for work in WORK:
        host.append((now, LAUNCH))
        now += LAUNCH
        device.append((max(now, free), work))
        free = sum(device[-1])
        if waits:
            now = free
    return host, device


def launches():
    """{part of a round: launches in it} of the game of benchmarks/reference.py, at smaller widths, on the stand-in."""
    spec = importlib.util.spec_from_file_location("standin", STANDIN)
    device = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(device)
    with use("numpy"):
        xp._switch(device)
        G = Network(Dense(4, 5), LeakyReLU(), Dense(5, 6), LeakyReLU(), Dense(6, 7), LeakyReLU(), Dense(7, 8), Tanh())
        D = Network(Dense(8, 6), LeakyReLU(), Dense(6, 5), LeakyReLU(), Dense(5, 1))
        gan, x, found = GAN(G, D), xp.asarray(numpy.zeros((4, 8), "float32")), {}
        gan.step(x)
        for owner, method, part in (
            (gan, "noise", "noise, twice"),
            (G, "forward", "G forward, twice"),
            (D, "forward", "D forward, twice"),
            (D, "backward", "D backward, twice"),
            (G, "backward", "G backward"),
            (gan.discriminator_optimizer, "step", "Adam of D"),
            (gan.generator_optimizer, "step", "Adam of G"),
        ):
            setattr(owner, method, functools.partial(counting, device, getattr(owner, method), part, found))
        with device.counted() as seen:
            gan.step(x)
    return found | {"losses and figures": len(seen.launches) - sum(found.values())}


def counting(device, call, part, found, *args, **kwargs):
    """The call's result; what it launches is added to found[part]."""
    with device.counted() as seen:
        result = call(*args, **kwargs)
    found[part] = found.get(part, 0) + len(seen.launches)
    return result
