"""Text as tokens: the characters of files, and the published oracle, a language model that is known exactly."""

from dataclasses import dataclass, field

import numpy

from minigan.backend import generator, to_numpy
from minigan.backend.checks import array, kind, whole
from minigan.backend.generators import DATA
from minigan.data.dataset import fingerprint
from minigan.data.files import DataError, as_path, read_text, reading
from minigan.data.npz import read_arrays
from minigan.data.sequences import InSteps
from minigan.layers import LSTM, Dense, Embedding
from minigan.network import Network
from minigan.objectives.tokens import drawn

START = 0  # the token that every sequence begins after
AT_MOST = 1 << 26  # bytes of a text
GATES = "ifoc"  # the oracle's names of input, forget and output gate, and of the cell: the order of our LSTM


@dataclass(frozen=True, eq=False)
class Text(InSteps):
    """Sequences of tokens x (N, T) to learn from and `test` (M, T) to measure with, float32, 0 ... vocabulary - 1.

    `words[v]` is what token v stands for; there are none where tokens are only numbers. `oracle` is the language model
    that drew them, where one did.
    """

    name: str
    x: numpy.ndarray
    test: numpy.ndarray
    vocabulary: int
    words: tuple = ()
    oracle: Network | None = field(default=None, repr=False)

    @property
    def identity(self):
        """What tells this text from others, for a checkpoint."""
        return {"name": self.name, "vocabulary": self.vocabulary, "sha256": fingerprint(self.x)}

    def say(self, x):
        """The sequences x (N, T) as texts, a list of N."""
        rows = numpy.rint(to_numpy(x)).astype(int).tolist()
        return ["".join(self.words[v] for v in row) if self.words else " ".join(map(str, row)) for row in rows]


def characters(path, steps=64):
    """The characters of a text in windows of so many, which share none; every tenth window is for the test.

    `path` is a file in UTF-8, or a folder, of which all *.md and *.txt are read in the order of their names. Token
    v > 0 is the v-th of the characters that occur, in the order of their codes; 0 stands before the first one. Raises
    ValueError for steps below 2, DataError for files that are no text, fewer than 20 windows, or only one character.
    """
    path, steps = as_path(path), whole(f"characters: steps={steps!r}", steps, least=2)
    files = sorted([*path.glob("*.md"), *path.glob("*.txt")]) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} is a folder without a *.md or *.txt: name a text, or a folder of texts")
    text = "".join(read_text(file, AT_MOST, "text").replace("\r\n", "\n") for file in files)
    codes, tokens = numpy.unique(numpy.array(list(text), dtype="U1"), return_inverse=True)
    windows = len(tokens) // steps
    if windows < 20 or len(codes) < 2:
        raise DataError(f"{path}: {len(tokens)} characters, {len(codes)} different ones: expected {20 * steps}, which "
                        f"make 20 sequences of {steps}, and not all alike")  # fmt: skip
    x = (tokens[: windows * steps].reshape(windows, steps) + 1).astype("float32")
    held_out = numpy.arange(windows) % 10 == 9
    return Text(path.name, x[~held_out], x[held_out], len(codes) + 1, ("", *codes.tolist()))


def load_oracle(path):
    """The published oracle of Yu et al. (2017), from a .npz of its weights, as a language model: a Network.

    embedding (V, E)   W_k (E, H)   U_k (H, H)   b_k (H,) for the gates k = i, f, o and the cell c   V (H, V)   c (V,)

    Raises DataError for a file that does not hold these, as floats of shapes that fit each other.
    """
    path = as_path(path)
    names = ["embedding", *(f"{kind}{k}" for k in GATES for kind in "WUb"), "V", "c"]
    with reading(path) as file:
        given = read_arrays(file, path, names, _floats, "expected the weights of the oracle")
    try:
        vocabulary, width = given["embedding"].shape
        hidden, _ = given["V"].shape
        oracle = Network(Embedding(vocabulary, width), LSTM(hidden), Dense(hidden, vocabulary))
        gates = [numpy.concatenate([given[f"{kind}{k}"] for k in GATES], axis=-1) for kind in "WUb"]
        values = given["embedding"], *gates, given["V"], given["c"]
        for (name, parameter, _), value in zip(oracle.parameters(), values, strict=True):
            parameter[...] = array(name, value, parameter.dtype, parameter.shape)
    except ValueError as error:
        raise DataError(f"{path}: the shapes of its arrays do not fit each other ({error})") from None
    return oracle


def _floats(where, shape, dtype):
    if dtype.kind != "f" or not all(shape):
        raise DataError(f"{where} is {dtype} of shape {shape}: expected the weights of the oracle, floats")


def spoken(oracle, path, n=10_000, steps=20, seed=0):
    """The protocol of Yu et al. (2017) as a Text: the oracle draws n sequences to learn from, and n for the test."""
    kind("spoken", oracle, Network)
    n, steps = whole(f"spoken: n={n!r} and steps={steps!r}", n, steps)
    rng = generator(whole(f"spoken: seed={seed!r}", seed, least=0), DATA)
    x = to_numpy(drawn(oracle, 2 * n, steps, rng))
    return Text(as_path(path).name, x[:n], x[n:], oracle.layers[0].vocabulary, oracle=oracle)
