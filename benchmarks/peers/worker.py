"""One peer in a process of its own: takes orders as JSON lines on stdin, and computes only when told to.

    python -m peers.worker '{"name": ..., "g": [widths], "d": [widths], "batch": N, "threads": N, "pinned": BOOL}'

It plays one round and answers; then `Worker` in bench_peers.py gives orders: turn, prove or peak, with arguments.
"""

import json
import os
import re
import resource
import sys
import time
from pathlib import Path

from peers import make, pin

counts = {}


def turn(peer, seconds, what="rounds"):
    """Milliseconds per round over so many rounds as fill these seconds on quiet cores; the first two do not count.

    what="updates": of both players' updates alone.
    """
    play = getattr(peer, what)
    play(2)
    if (seconds, what) not in counts:
        counts[seconds, what] = max(1, round(seconds / timed(play, 3)))
    return 1e3 * timed(play, counts[seconds, what])


def timed(play, count):
    """Seconds per round."""
    start = time.perf_counter()
    play(count)
    return (time.perf_counter() - start) / count


def prove(peer, given, answer):
    """From the weights and inputs in the file `given`: both gradients, and the change of all weights in one round."""
    import numpy as np

    with np.load(given) as file:
        g, d = ([file[f"{player}{i}"] for i in range(int(file[f"len_{player}"]))] for player in "gd")
        x, z, z_next = file["x"], file["z"], file["z_next"]
    peer.load(g, d)
    dg, dd = peer.gradients(x, z)
    peer.load(g, d)
    peer.play(x, z, z_next)
    played_g, played_d = peer.weights()
    change = [after - before for after, before in zip(played_g + played_d, g + d, strict=True)]
    vectors = zip(("G's gradient", "D's gradient", "one round"), (dg, dd, change), strict=True)
    np.savez(answer, **{name: np.concatenate([a.ravel() for a in arrays]) for name, arrays in vectors})


def peak(peer, rounds):
    """The most memory, in MB, that the process ever held, after so many more rounds."""
    peer.rounds(rounds)
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says here may be the parent's
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main():
    """Be a worker until stdin ends."""
    settings = json.loads(sys.argv[1])
    if settings["pinned"]:
        pin(settings["threads"])
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # whatever a library prints

        def answer(value):
            print(json.dumps(value), file=answers, flush=True)

        peer = make(settings["name"], settings["g"], settings["d"], settings["batch"], settings["threads"])
        peer.rounds(1)
        answer("ready")
        for line in sys.stdin:
            order, args = json.loads(line)
            answer({"turn": turn, "prove": prove, "peak": peak}[order](peer, *args))


if __name__ == "__main__":
    main()
