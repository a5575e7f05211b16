#!/usr/bin/env python3
"""Train a small generative adversarial network on points in one or two dimensions, and draw the game.

Writes a picture and a film into --out: the data, the samples, D's belief as a surface, the arrows along which D pulls
the samples, and the value of the game beside it. Ctrl-C stops after the round and draws what there is.
"""

import sys
from pathlib import Path

import numpy
from tqdm import tqdm

from minigan import GAN, Adam, Dense, Minimax, Network, NonSaturating, Tanh
from minigan.cli import Parser, StopSignal, whole
from minigan.data.toys import TOYS, Mixture, toy
from minigan.guard import Guard, NotFiniteError
from minigan.metrics import mode_coverage
from minigan.objectives import EQUILIBRIUM
from minigan.schedules import Linear
from minigan.toy_plots import Lattice, Stage, look

OBJECTIVES = {"minimax": Minimax, "non-saturating": NonSaturating}
TRAIN, SHOW = 0, 1  # streams of data
SHOWN = 1000  # points of the data in the pictures


def players(width, hidden, latent, seed):
    """G: z -> x, not bounded, and D: x -> logit, both with two hidden layers."""
    G = Network(Dense(latent, hidden), Tanh(), Dense(hidden, hidden), Tanh(), Dense(hidden, width), seed=seed)
    D = Network(Dense(width, hidden), Tanh(), Dense(hidden, hidden), Tanh(), Dense(hidden, 1), seed=seed + 1)
    return G, D


def main(argv=None):
    parser = arguments()
    with parser.mistakes():
        args = parser.parse_args(argv)
        data = toy(args.name)
        G, D = players(data.width, args.hidden, args.latent, args.seed)
        rates = (falling(network, args.lr, args.rounds) for network in (G, D))
        gan = GAN(G, D, OBJECTIVES[args.objective](), args.seed, *rates)
        args.out.mkdir(parents=True, exist_ok=True)
    points = data.sample(SHOWN, args.seed, SHOW)
    lattice = Lattice(points)
    try:
        V, scenes, signal = play(gan, data, lattice, args)
    except NotFiniteError as error:
        parser.exit(1, f"training stopped: {error}.\n")
    picture, film = (args.out / f"{data.name}.{ending}" for ending in ("png", "gif"))
    with parser.mistakes():
        stage = Stage(data, points, lattice, V, scenes)
        stage.save_picture(picture, scenes[-1])
        stage.save_film(film, scenes)
    print(f"V {V[-100:].mean():.3f} (equilibrium {EQUILIBRIUM:.3f})  {quality(data, scenes[-1].samples)}")
    print(f"now open {picture}; how it came about is in {film}")
    return 128 + signal if signal else 0


def falling(network, lr, rounds):
    """An Adam whose rate falls linearly to 0. Raises ValueError for an lr that is no rate."""
    optimizer = Adam(network, lr)
    optimizer.lr = Linear(lr, 0.0, rounds)
    return optimizer


def play(gan, data, lattice, args):
    """Train until the end or a signal: (V of each round, scenes, the signal's number or None).

    Raises NotFiniteError where a number is no longer finite.
    """
    V, scenes, guard = [], [look(gan, lattice, 0)], Guard(gan)
    moments = {round(args.rounds * part**1.5) for part in numpy.linspace(0, 1, args.frames)}  # early ones lie closer
    with StopSignal() as stop:
        for t in tqdm(range(1, args.rounds + 1), unit="round", disable=None):
            x = data.sample(args.batch_size, args.seed, TRAIN, t)
            guard.begin_round(x)
            V.append(gan.step(x).V)
            if t in moments or t == args.rounds or stop.number:
                scenes.append(look(gan, lattice, t))
            if stop.number:
                break
    return numpy.array(V), scenes, stop.number


def quality(data, samples):
    """How near the samples (N, d) came, in words; where the distribution has no parts to count, their place."""
    if data.width == 1:
        truth = f"data {data.mean[0]:.3f} and {data.std[0]:.3f}"
        return f"mean {samples.mean():.3f}, standard deviation {samples.std():.3f} ({truth})"
    if not isinstance(data, Mixture):
        return f"the samples' mean is ({', '.join(f'{m:.2f}' for m in samples.mean(axis=0))})"
    found = mode_coverage(samples, data.centers, data.sigma)
    return f"{found.modes} of {len(data.centers)} modes, {found.high_quality:.0%} of the samples within 3 sigma"


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("name", help=f"the distribution: {', '.join(TOYS)}")
    add("--rounds", type=whole(1), default=5000, help="steps of each player (default: %(default)s)")
    add("--batch-size", type=whole(1), default=128, help="points in a round (default: %(default)s)")
    add("--lr", type=float, default=2e-3,
        help="both players' learning rate, which falls linearly to 0 (default: %(default)s)")  # fmt: skip
    add("--hidden", type=whole(1), default=64, help="width of the two hidden layers (default: %(default)s)")
    add("--latent", type=whole(1), default=2, help="width of the noise z (default: %(default)s)")
    add("--objective", choices=OBJECTIVES, default="non-saturating", help="what G minimizes (default: %(default)s)")
    add("--seed", type=whole(0), default=0, help="the same seed gives the same pictures (default: %(default)s)")
    add("--frames", type=whole(2), default=40, help="scenes of the film (default: %(default)s)")
    add("--out", type=Path, default=Path("out", "toys"), help="directory to write into (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
