"""Draw the pictures of a run, finished or stopped, from what its directory holds:

curves.png                    the course of the game
neighbors.png                 each sample beside the training image nearest to it: is G copying?
training.gif, training.html   the samples epoch by epoch; the page has a slider and needs no network
"""

import sys
from pathlib import Path

from minigan.app.cli import Parser
from minigan.app.run_directory import directory_of
from minigan.app.saved import open_checkpoint
from minigan.backend import host_generator
from minigan.evaluation.metrics import nearest
from minigan.evaluation.protocol import data_of_run
from minigan.gan import FIXED, NOISE
from minigan.plots.pictures import draw_run
from minigan.training.training import TILES


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="where scripts/train_mnist.py wrote, out/run-1 say")
    parser.add_argument("--game", metavar="FILE", help="the Python file with the layers, where they are your own")
    args = parser.parse_args(argv)
    with parser.mistakes():
        directory = directory_of(args.run)
        G, meta = open_checkpoint(directory, args.game)
        _, data = data_of_run(meta, meta["dataset"]["range"])
        # the samples of training's own grids, where it ran on the CPU
        rows = G(NOISE[meta["noise"]](host_generator(meta["seed"], FIXED, 0), (TILES, G.n_in), G.dtype))
        index, _ = nearest(rows, data)
        paths = draw_run(directory, meta["history"], rows, data.rows(index), data.shape, data.range)
    print("now open", *paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
