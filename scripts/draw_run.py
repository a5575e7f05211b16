#!/usr/bin/env python3
"""Draw the pictures of a run, finished or stopped, from what its directory holds:

curves.png                    the course of the game
neighbors.png                 each sample beside the training image nearest to it: is G copying?
training.gif, training.html   the samples epoch by epoch; the page has a slider and needs no network
"""

import sys
from dataclasses import replace
from pathlib import Path

from minigan.backend import host_generator
from minigan.checkpoint import load_generator
from minigan.cli import Parser
from minigan.data import load
from minigan.gan import FIXED, NOISE
from minigan.metrics import nearest
from minigan.plots import draw_run
from minigan.training import TILES


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="where scripts/train_mnist.py wrote, out/run-1 say")
    directory = parser.parse_args(argv).run
    with parser.mistakes():
        G, meta = load_generator(directory / "checkpoint.npz")
        data = training_data(meta)
        # the samples of training's own grids, where it ran on the CPU
        rows = G(NOISE[meta["noise"]](host_generator(meta["seed"], FIXED, 0), (TILES, G.n_in), G.dtype))
        index, _ = nearest(rows, data)
        paths = draw_run(directory, meta["history"], rows, data.rows(index), data.shape, data.range)
    print("now open", *paths)
    return 0


def training_data(meta):
    """The images that the run was trained on. Raises ValueError where they cannot be had any more."""
    saved, config = meta["dataset"], meta["config"]
    if "data" not in config:
        raise ValueError("the checkpoint does not say where its data are: draw with minigan.plots.draw_run instead")
    data = load(config["data"], config["data_dir"], range=tuple(saved["range"]))
    data = replace(data, images=data.images[: saved["images"]], labels=None)  # a dry run takes the first ones
    if data.sha256 != saved["sha256"]:
        raise ValueError(
            f"the run was trained on {saved['name']} with SHA-256 {saved['sha256']}, but --data {config['data']} "
            f"is now {data.name} with SHA-256 {data.sha256}: put those images back"
        )
    return data


if __name__ == "__main__":
    sys.exit(main())
