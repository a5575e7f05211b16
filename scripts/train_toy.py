"""Train a small generative adversarial network on points in one or two dimensions, and draw the game.

Writes a picture and a film into --out: the data, the samples, D's belief as a surface, the direction in which D pulls
each sample, and the value of the game beside it. With --html it writes a page instead, on which several games, played
from the same start, are watched side by side. Ctrl-C stops after the round and draws what there is.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy
from tqdm import tqdm

from minigan import GAN, Adam, Dense, Network, Tanh
from minigan.app.cli import OBJECTIVES, PENALTIES, Parser, StopSignal, penalty, positive, whoever_listens, whole
from minigan.app.machines import together
from minigan.backend.generators import DATA
from minigan.data.toys import TOYS, Mixture, ToyBatches, toy
from minigan.evaluation.metrics import mode_coverage
from minigan.optimizers import Linear
from minigan.plots.laboratory import save_page
from minigan.plots.toys import Film, Lattice, Stage, look
from minigan.plots.words import value_in_words
from minigan.training import Training

ONE, SEVERAL = ["non-saturating"], ["minimax", "non-saturating", "wasserstein"]  # played unless others are asked for
NEEDED = {"wasserstein": "slope-bound:10"}  # a critic whose gradient is not bounded has no best answer
SHOWN = 1000  # points of the data in the pictures


class Game(NamedTuple):
    """A game as it is played, and what was seen of it so far."""

    name: str
    training: Training
    V: list  # of each round
    scenes: list

    @property
    def gan(self):
        """Who plays."""
        return self.training.gan


def main(argv=None):
    return together(train, argv)


def train(argv, ranks):
    """Of several ranks, the first draws, and the others only play."""
    parser = arguments()
    with ranks.alike() as alike, parser.mistakes():
        args = parser.parse_args(argv)
        data = toy(args.name)
        games = set_up(data, args)
        for game in games:
            alike |= {f"{game.name}'s {name}": fact for name, fact in ranks.facts(game.training, vars(args)).items()}
        args.out.mkdir(parents=True, exist_ok=True)
    for game in games:
        ranks.share(game.training)
    lattice = Lattice(data.sample(SHOWN, args.seed, DATA, args.rounds))  # which no round sees
    try:
        signal = play(games, lattice, args, ranks.agreed)
    except KeyboardInterrupt:
        parser.exit(130, "nothing was drawn\n")
    if ranks.rank:
        return 128 + signal if signal else 0
    films = [Film(game.name, game.gan.objective, numpy.array(game.V), game.scenes) for game in games]
    with parser.mistakes():
        written = draw_page(data, lattice, films, args) if args.html else draw(data, lattice, films[0], args.out)
    for film in films:
        row = {"V": film.V[-100:].mean(), "equilibrium": film.objective.equilibrium}
        name = f"{film.name}: " if args.html else ""
        print(f"{name}{value_in_words(row)}  {quality(data, film.scenes[-1].samples)}")
    print(written)
    return 128 + signal if signal else 0


def set_up(data, args):
    """The games, each with the same players and the same noise. Raises ValueError for options that do not fit."""
    names = args.objective or (SEVERAL if args.html else ONE)
    if len(names) > 1 and not args.html:
        raise ValueError(f"--objective {' '.join(names)}: several games are drawn side by side with --html")
    given = args.penalty or [NEEDED.get(name, "none") for name in names]
    if len(given) not in (1, len(names)):
        raise ValueError(f"--penalty {' '.join(given)}: expected one, or one for each of the {len(names)} objectives")
    penalties = given * len(names) if len(given) == 1 else given
    return [set_up_one(data, *each, args) for each in zip(names, penalties, strict=True)]


def set_up_one(data, name, slope, args):
    """The Game of the objective and the penalty (on D's slope) of these names."""
    G, D = players(data.width, args.hidden, args.latent, args.seed)
    rates = (falling(network, args.lr, args.rounds) for network in (G, D))
    bound = None if slope == "none" else penalty(slope)
    gan = GAN(G, D, OBJECTIVES[name](), args.seed, *rates, penalty=bound)
    training = Training(gan, ToyBatches(data, args.batch_size, args.seed, args.rounds))
    return Game(f"{name} + {slope}" if bound else name, training, [], [])


def players(width, hidden, latent, seed):
    """G: z -> x, not bounded, and D: x -> logit, both with two hidden layers."""
    G = Network(Dense(latent, hidden), Tanh(), Dense(hidden, hidden), Tanh(), Dense(hidden, width), seed=seed)
    D = Network(Dense(width, hidden), Tanh(), Dense(hidden, hidden), Tanh(), Dense(hidden, 1), seed=seed + 1)
    return G, D


def falling(network, lr, rounds):
    """An Adam whose rate falls linearly to 0."""
    return Adam(network, Linear(lr, 0.0, rounds))


def play(games, lattice, args, agreed):
    """Train all of the games side by side, round by round, until the end or a signal that is `agreed`: its number.

    Raises NotFiniteError where a number is no longer finite.
    """
    moments = {round(args.rounds * part**1.5) for part in numpy.linspace(0, 1, args.frames)}  # early ones lie closer
    for game in games:
        game.scenes.append(look(game.gan, lattice, 0))
    with whoever_listens(), StopSignal() as stop:
        rounds = zip(*(game.training.rounds(1) for game in games), strict=True)
        for t, _ in enumerate(tqdm(rounds, total=args.rounds, unit="round", disable=None), 1):
            number = agreed(stop.number)
            for game in games:
                game.V.append(game.training.last.V)
                if t in moments or t == args.rounds or number:
                    game.scenes.append(look(game.gan, lattice, t))
            if number:
                break
    return number


def draw(data, lattice, film, out):
    """Write a picture and a film of one game into the directory `out`; says where."""
    picture, gif = (out / f"{data.name}.{ending}" for ending in ("png", "gif"))
    stage = Stage(data, lattice, film)
    stage.save_picture(picture, film.scenes[-1])
    stage.save_film(gif)
    return f"now open {picture}; how it came about is in {gif}"


def draw_page(data, lattice, films, args):
    """Write the page of all games into args.out; says where."""
    path, played = args.out / f"{data.name}.html", len(films[0].V)
    stopped = "" if played == args.rounds else f", stopped after {played:,}"
    setting = (
        f"Each player has two hidden layers of {args.hidden} tanh units, z has width {args.latent}. "
        f"{args.rounds:,} rounds of {args.batch_size}{stopped}, by Adam, whose rate falls linearly from {args.lr:g} "
        f"to 0. Seed {args.seed}."
    )
    words = [[quality(data, scene.samples) for scene in film.scenes] for film in films]
    save_page(path, data, lattice, films, words, setting)
    return f"now open {path}"


def quality(data, samples):
    """How close the samples (N, d) are to the data, in words: by modes, or if there are none, by moments."""
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
    add("--html", action="store_true", help="write a page with a slider, on which games stand side by side")
    add("--rounds", type=whole(1, 10**9), default=5000, help="steps of each player (default: %(default)s)")
    add("--batch-size", type=whole(1, 10**9), default=128, help="points in a round (default: %(default)s)")
    add("--lr", type=positive, default=2e-3,
        help="both players' learning rate, which falls linearly to 0 (default: %(default)s)")  # fmt: skip
    add("--hidden", type=whole(1, 100_000), default=64, help="width of the two hidden layers (default: %(default)s)")
    add("--latent", type=whole(1, 10**9), default=2, help="width of the noise z (default: %(default)s)")
    add("--objective", choices=OBJECTIVES, nargs="+", metavar="OBJECTIVE",
        help=f"what the players minimize: {', '.join(OBJECTIVES)}; with --html as many as you like "
        f"(default: {ONE[0]}; with --html: {' '.join(SEVERAL)})")  # fmt: skip
    add("--penalty", nargs="+", metavar="NAME:WEIGHT",
        help=f"on D's gradient: {', '.join(PENALTIES)}; such as r1:10, or none; one for all games, or one for each "
        f"(default: {NEEDED['wasserstein']} for wasserstein, none for the others)")  # fmt: skip
    add("--seed", type=whole(0), default=0, help="the same seed gives the same pictures (default: %(default)s)")
    add("--distributed", action="store_true",
        help="share each round among the processes of mpiexec -n 4 python -m mpi4py train_toy.py")  # fmt: skip
    add("--frames", type=whole(2), default=40, help="scenes of the film (default: %(default)s)")
    add("--out", type=Path, default=Path("out", "toys"), help="directory to write into (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
