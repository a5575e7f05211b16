"""Layers with one mistake each, as a reader might write them, and what the check has to say about it.

Each class goes into a file of its own and through --layer.
"""

import contextlib
import importlib.util
import io
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRELUDE = "import numpy as np\n\nfrom minigan import LSTM, RNN, Dense, Embedding, Layer, Network, ReLU, xp\n\n\n"

TANH = """
class Mine(Layer):
    def forward(self, x, training=False):
        self.x, self.y = x, {y}
        return self.y

    def backward(self, dy, wrt="both"):
        {before}
        if wrt != "params":
            return {dx}
"""

DENSE = """
class Mine(Dense):
    def forward(self, x, training=False):
        self.x = x
        return {y}

    def backward(self, dy, wrt="both"):
        if {guard}:
            {dW}
            {db}
        if wrt != "params":
            return {dx}
"""

RECURRENT = """
class Mine(RNN):
    def backward(self, dy, wrt="both"):
        h, da = self.s, np.zeros((dy.shape[1], len(dy), self.width))
        dh = 0
        for t in reversed(range(len(da))):
            da[t] = (dy[:, t] + dh) * (1 - h[t + 1] ** 2)
            dh = {dh}
        if wrt != "input":
            self.dW[...] = np.einsum("tni,tno->io", self.x, da)
            self.dU[...] = np.einsum("tnh,tno->ho", h[:-1], da)
            self.db[...] = da.sum((0, 1))
        if wrt != "params":
            return (da @ self.W.T).transpose(1, 0, 2)
"""

TOKENS = """
class Mine(Embedding):
    def forward(self, x, training=False):
        return super().forward(xp.floor(3 * abs(xp.tanh(x))))  # a token of any number

    def backward(self, dy, wrt="both"):
        if wrt != "input":
            self.dW[...] = 0
            {dW}
        if wrt != "params":
            return xp.zeros(self.x.shape)
"""

MEMORY = """
class Mine(LSTM):
    def go_back(self, t, before, ds, da, du):
        super().go_back(t, before, ds, da, du)
        ds[:, self.width :] = 0
"""

CHAIN = """


class Mine(Network):
    def __init__(self):
        super().__init__(Dense(5, 6), Wrong(), Dense(6, 4))
"""

DEAD = """
class Mine(Network):  # where the one ReLU is dead, the next one sees its bias alone, which is 0 exactly
    def __init__(self):
        super().__init__(Dense(5, 1), ReLU(), Dense(1, 3), ReLU(), Dense(3, 2))
"""


def tanh(y="xp.tanh(x)", dx="dy * (1 - self.y**2)", before="pass"):
    return TANH.format(y=y, dx=dx, before=before)


def dense(dW="self.dW[...] = self.x.T @ dy", db="self.db[...] = dy.sum(0)", guard='wrt != "input"',
          dx="dy @ self.W.T", y="x @ self.W + self.b"):  # fmt: skip
    return DENSE.format(dW=dW, db=db, guard=guard, dx=dx, y=y)


PLANTED = {  # the mistake: (source, what the output says, further arguments)
    "time (no mistake)": (RECURRENT.format(dh="da[t] @ self.U.T"), "all ok", "--args 3 --shape 4,2"),
    "dh is not passed on": (
        RECURRENT.format(dh="0"),
        "hands back through the state is missing",
        "--args 3 --shape 4,2",
    ),
    "dc is not passed on": (MEMORY, "step t + 1 hands back through c is missing", "--args 3 --shape 4,2"),
    "tokens (no mistake)": (TOKENS.format(dW="xp.add.at(self.dW, self.tokens, dy)"), "all ok", "--args 3,2 --shape 4"),
    "a token that comes twice": (
        TOKENS.format(dW="self.dW[self.tokens] += dy"),
        "only the last of several contributions is kept",
        "--args 3,2 --shape 4",
    ),
    "no mistake": (dense(), "3 tensors in 1 checks: all ok"),
    "a sign": (tanh(dx="-dy * (1 - self.y**2)"), "every entry is -1 times"),
    "a factor 2": (
        tanh(y="x * x", dx="4 * dy * self.x"),
        "every entry is 2 times the numeric one; something is counted twice",
    ),
    "1/N too much": (dense(dW="self.dW[...] = self.x.T @ dy / len(dy)"), "1/7 is 1/N, N the batch size"),
    "1/N missing": (tanh(y="x / len(x)", dx="dy"), "7 is the batch size N: the 1/N of a mean is missing"),
    "another factor": (tanh(dx="1.0001 * dy * (1 - self.y**2)"), "every entry is 1.0001 times"),
    "a transpose": (dense(dW="self.dW[...] = dy.T @ self.x"), "equal after a transpose", "--args 4,4"),
    "a transpose that does not fit": (dense(dW="self.dW[...] = dy.T @ self.x"), "each other's transpose"),
    "a transpose of W in dx": (dense(dx="dy @ self.W"), "equal with 0.W transposed", "--args 4,4"),
    "summed over the wrong axis": (dense(db="self.db[...] = dy.sum(1)"), "summed over the wrong axis", "--batch 4"),
    "summed over every axis": (dense(db="self.db[...] = dy.sum()"), "summed over every axis"),
    "not summed over the batch": (
        dense(db="self.db[...] = dy[-1]"),
        "not summed over the batch: this is the contribution of sample 6 alone",
    ),
    "a sample is left out": (dense(dW="self.dW[...] = self.x[1:].T @ dy[1:]"), "sample 0 is missing from the sum"),
    "the cache was cleared": (
        dense(dW="self.x = 0 * self.x; self.dW[...] = self.x.T @ dy"),
        "all zero, but the slope is not: the gradient never arrives",
    ),
    "a gradient never written": (dense(db="pass"), "backward never writes db"),
    "a gradient set by = (no mistake)": (dense(dW="self.dW = self.x.T @ dy"), "all ok"),
    "dx is zero": (tanh(dx="0 * dy"), "its dx is zero everywhere although dy is not"),
    "dx is forgotten": (tanh(dx="None"), "backward returned None, where x has shape (7, 5)"),
    "backward without wrt": (tanh().replace('(self, dy, wrt="both")', "(self, dy)"), "and backward(dy, wrt)"),
    "accumulates": (dense(dW="self.dW += self.x.T @ dy"), "grows on a second, identical call (2 times the first)"),
    "unseeded randomness": (tanh(y="xp.tanh(x) * np.random.default_rng().random(x.shape)"), "unseeded randomness"),
    "x changed in place": (tanh(y="xp.tanh(x, out=x)"), "forward changed its input x in place"),
    "dy changed in place": (tanh(before="dy *= 1 - self.y**2", dx="dy"), "backward changed its input dy in place"),
    "y changed in backward": (tanh(before="self.y *= self.y", dx="dy * (1 - self.y)"), "backward changed y"),
    'wrt="input" touched the gradients': (dense(guard="True"), 'wrt="input" touched dW'),
    'wrt="input" changes dx': (dense(dx='dy @ self.W.T * (1 if wrt == "both" else 2)'), 'wrt="input" gives another dx'),
    'wrt="params" changes dW': (
        dense(dW='self.dW[...] = self.x.T @ dy * (1 if wrt == "both" else 2)'),
        'wrt="params" gives another dW',
    ),
    "not finite in forward": (
        tanh(y="xp.log(x)", dx="dy / self.y"),
        "forward is the first call whose result is not finite",
    ),
    "not finite in backward": (tanh(dx="dy / (0 * self.y)"), "backward is the first call whose result is not finite"),
    "float32 in forward": (tanh(y='xp.tanh(x.astype("float32"))'), "forward computed in float32"),
    "float32 in backward": (
        tanh(dx='(dy * (1 - self.y**2)).astype("float32").astype("float64")'),
        "backward computed in float32",
    ),
    "strong curvature (no mistake)": (tanh(y="xp.sin(2000 * x)", dx="dy * 2000 * xp.cos(2000 * self.x)"), "all ok"),
    "another function's derivative": (
        tanh(dx="dy * self.y * (1 - self.y)"),
        "backward does not fit forward (a smaller step eps measures the same slope, so the measurement is right)",
    ),
    "tanh without the square": (tanh(dx="dy * (1 - self.y)"), "your backward multiplies dy by 1.9"),
    "softplus with e^x for e^-x": (
        tanh(y="xp.log(1 + xp.exp(x))", dx="dy / (1 + xp.exp(self.x))"),
        "your backward uses 1 - s where s is the slope of forward: is a sign flipped, as in e^x for e^-x",
    ),
    "dy is forgotten": (tanh(dx="1 - self.y**2"), "the incoming dy is missing: by the chain rule dx is dy times"),
    "the slope is forgotten": (tanh(dx="1 * dy"), "dy is handed on unchanged: by the chain rule dx is dy times"),
    "the slope is inverted": (tanh(dx="dy / (1 - self.y**2)"), "the slope of forward is inverted"),
    "the slope is squared": (tanh(dx="dy * (1 - self.y**2) ** 2"), "the slope of forward is squared"),
    "a sign within the slope": (
        tanh(dx="dy * (1 + self.y**2)"),
        "a sign is flipped within the slope: that of forward is 1 - y^2, and your backward uses 1 + y^2",
    ),
    "s (1 + s)": (
        tanh(y="0.5 * xp.tanh(0.5 * x) + 0.5", dx="dy * self.y * (1 + self.y)"),
        "that of forward is y - y^2, and your backward uses y + y^2",
    ),
    "the first term of a product rule": (
        tanh(y="x * xp.exp(-x * x)", dx="dy * self.y / self.x"),
        "a term of the product rule is lost: with y = x h(x), y' has a term for either factor, and here there is only "
        "the derivative of x, times h",
    ),
    "the second term of a product rule": (
        tanh(y="x * x * xp.sin(x)", dx="dy * self.x**2 * xp.cos(self.x)"),
        "with y = x^2 h(x), y' has a term for either factor, and here there is only x^2 h'(x)",
    ),
    "a factor, and wrt": (dense(dW="self.dW[...] = self.x.T @ dy / len(dy)", guard="True"), "1/7 is 1/N"),
    "another width than n_out": (
        tanh(y="xp.concatenate((x, x), 1)", dx="dy[:, :5] + dy[:, 5:]"),
        "forward made an array of shape (7, 10) of one of shape (7, 5), but by its n_out (or output_shape)",
    ),
    "one branch": (
        tanh(y="xp.where(x > 0, x, xp.exp(x) - 1)", dx="dy * xp.where(self.x > 0, 1, self.y)"),
        "only where x < 0 is it wrong; at x = ",
    ),
    "a kink (no mistake)": (DEAD, "a kink at"),
    "one layer of a network": (
        tanh(dx="dy * self.y * (1 - self.y)").replace("Mine", "Wrong").rstrip() + CHAIN,
        "layer 1, Wrong(), fails and the other layers pass: look there first\n    -> dx of layer 1, Wrong(): at x = ",
    ),
    "not complex-safe": (
        tanh(y="abs(x + 3) + 0.1 * x", dx="1.1 * dy"),
        "drops the imaginary part (it calls abs)",
        "--method complex",
    ),
}


def run(source, arguments, folder):
    """(exit code, what was printed) of the script on a file with this source."""
    spec = importlib.util.spec_from_file_location("check_gradients", ROOT / "scripts" / "check_gradients.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = Path(folder) / "mine.py"
    path.write_text(PRELUDE + source.lstrip(), encoding="utf-8")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = script.main(["--layer", f"{path}:Mine", *arguments])
    return code, out.getvalue()
