"""One round of the game, number by number, as one would work it out on paper.

G is 2-3-2 and D is 2-3-1, the batch is 2, and weights, noise and data have one decimal, so that you can follow with a
pencil. First D's step, then G's: forward, the loss, every derivative from the loss back to the first layer, and Adam's
update. The numbers are those of minigan's own layers and optimizers. At the end GAN.step, from the same start, must
arrive at the same weights, bit for bit. With --images a sample is a row of three pixels: a ConvTranspose2D draws it,
and a Conv2D is the first to look at it, both with a kernel of two. With --time it is no round, but three steps of an
RNN and the way back through them: backpropagation through time. With --text G says tokens: the likelihood of two
sequences and its derivative, two that are drawn, and REINFORCE, which weighs them by D's verdicts.
"""

import itertools
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from minigan import (
    GAN,
    RNN,
    Adam,
    Conv2D,
    ConvTranspose2D,
    Dense,
    Embedding,
    Flatten,
    LeakyReLU,
    Minimax,
    Network,
    NonSaturating,
    Reshape,
    Tanh,
    xp,
)  # fmt: skip
from minigan.app.cli import Parser, whole
from minigan.backend import host_generator
from minigan.data.files import replacing
from minigan.losses import sigmoid
from minigan.objectives import tokens
from minigan.plots.style import DATA, INK, SAMPLE

OBJECTIVES = {"non-saturating": NonSaturating, "minimax": Minimax}
N, LR = 2, 0.1  # samples in a batch; Adam's rate, large enough to see its steps
G_NAMES, D_NAMES = ("z", "u", "v", "r", "x"), ("x", "s", "t", "a")  # what enters each player, and each layer's output
WEIGHTS = {"G": ("W1", "b1", "W2", "b2"), "D": ("W3", "b3", "W4", "b4")}
SLOPE = 0.2  # of LeakyReLU, below 0
SIZE, LINE = 12, 15.6  # of the figure's numbers, and of a line of them, in points


class OnPaper(GAN):
    """A GAN whose noise has one decimal."""

    def latent_points(self, n, stream, number):
        return super().latent_points(n, stream, number).round(1)


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("--objective", choices=OBJECTIVES, default="non-saturating", help="(default: %(default)s)")
    parser.add_argument("--images", action="store_true", help="a game with convolutions, on rows of three pixels")
    parser.add_argument("--time", action="store_true", help="three steps of an RNN in place of the round")
    parser.add_argument("--text", action="store_true", help="tokens, their likelihood and a draw in place of the round")
    parser.add_argument("--seed", type=whole(0), default=59, help="seed of all numbers (default: %(default)s)")
    parser.add_argument("--round", type=whole(1), default=1, help="which round to explain (default: the first)")
    parser.add_argument("--precision", type=whole(1), default=3, help="decimals (default: %(default)s)")
    parser.add_argument("--figure", type=Path, metavar="PATH", help="draw the round on one page, too")
    args = parser.parse_args(argv)
    page = Page(args.precision)
    if args.time or args.text:
        (explain_text if args.text else explain_time)(page, args.seed)
        print("\n".join(page.lines))
        return 0
    start, x = (args.seed, args.objective, args.round, args.images), data(args.seed, args.round, args.images)
    explain(begin(*start), x, page)
    print("\n".join(page.lines))
    judge = begin(*start)
    judge.step(x)
    agree(page, judge)
    print("\nGAN.step, from the same start, arrives at the same theta_d and theta_g, bit for bit.")
    if args.figure:
        with parser.mistakes():
            draw(page, args.figure)
        print(f"now open {args.figure}")
    return 0


def begin(seed, objective, number, images=False):
    """The game as it is when round `number` begins: weights of one decimal, and the rounds before it played."""
    if images:
        kernel = {"kernel": (1, 2), "stride": 1, "padding": 0}
        last = Reshape(1, 2, 1), ConvTranspose2D(1, **kernel), Tanh()
        G = Network(Dense(2, 2), LeakyReLU(SLOPE), *last, dtype="float64")
        first = Conv2D(1, **kernel), LeakyReLU(SLOPE), Flatten()
        D = Network(*first, Dense(2, 1), shape=(1, 3, 1), dtype="float64")
    else:
        G = Network(Dense(2, 3), LeakyReLU(SLOPE), Dense(3, 2), Tanh(), dtype="float64")
        D = Network(Dense(2, 3), LeakyReLU(SLOPE), Dense(3, 1), dtype="float64")
    for stream, network in enumerate((G, D)):
        rng, size = host_generator(seed, stream), network.theta.size
        network.theta[...] = rng.integers(1, 10, size) * (2 * rng.integers(0, 2, size) - 1) / 10  # none is 0
    gan = OnPaper(G, D, OBJECTIVES[objective](), seed, Adam(G, LR), Adam(D, LR))
    for past in range(1, number):
        gan.step(data(seed, past, images))
    return gan


def data(seed, number, images=False):
    """Two real samples of one decimal, near (0.6, -0.3), or images (1, 3, 1) near the row 0.6, -0.3, 0.6."""
    near = xp.array([0.6, -0.3, 0.6][: 2 + images])
    x = near + host_generator(seed, 2, number).integers(-3, 4, (N, len(near))) / 10
    return x.reshape(N, 1, 3, 1) if images else x


# One round, step by step: the calls are those of GAN.step


def explain(gan, real, page):
    """Play one round on `gan`, layer by layer, and write everything down on `page`."""
    G, D, n = gan.generator, gan.discriminator, len(real)
    page.title(f"ONE ROUND: {gan.objective!r}, N = {n}, Adam with lr {LR}, beta1 0.5, beta2 0.999")
    chains = [named(network, names) for network, names in ((G, G_NAMES), (D, D_NAMES))]
    steps = [[(layer, after) for layer, before, after in chain if before != after] for chain in chains]
    ways = [[f"{re.sub('[a-z]+=', '', repr(layer))} -> {after}" for layer, after in chain] for chain in steps]
    page.say(
        f"G   z -> {' -> '.join(ways[0])}",
        f"D   x -> {' -> '.join(ways[1])},   D(x) = sigmoid(a)",
        "dW means dL/dW. Each row of z, x, ..., a is one sample; * is entry by entry, @ the product of matrices.",
    )
    page.layers = [type(layer).__name__ for chain in steps for layer, _ in chain]

    page.title("D's STEP: real or fake?", "D")
    page.head("Forward through G: two fakes from fresh noise")
    fake = forward(page, G, gan.noise(n), G_NAMES, WEIGHTS["G"])
    page.head("Forward through D: two real samples and the two fakes, as one batch of four")
    a = forward(page, D, xp.concatenate((real, fake)), D_NAMES, WEIGHTS["D"])
    page.head("D's loss, and its derivative with respect to each logit")
    loss, da_real, da_fake = gan.objective.discriminator(a[:n], a[n:])
    page.say("L_D = -mean log D(real) - mean log(1 - D(fake))        da = -(1 - D)/N for real, D/N for fake")
    da = page.keep("da", xp.concatenate((da_real, da_fake)))
    p = sigmoid(a)
    page.equation(("a", a), "->", ("D = sigmoid(a)", p), "->",
                  ("-log D, -log(1 - D)", -xp.log(xp.concatenate((p[:n], 1 - p[n:])))), "->", ("da", da))  # fmt: skip
    page.say(f"L_D = {page.number(page.keep('loss', loss))}")
    page.head("Backward through D: the chain rule, from the last layer to the first")
    backward(page, D, da, D_NAMES, WEIGHTS["D"], "params")
    update(page, gan.discriminator_optimizer, WEIGHTS["D"], "theta_d")

    page.title("G's STEP: through D", "G")
    page.head("Forward through G: two new fakes")
    fake = forward(page, G, gan.noise(n), G_NAMES, WEIGHTS["G"])
    page.head("Forward through D, with the weights that it has just learned")
    a = forward(page, D, fake, D_NAMES, WEIGHTS["D"])
    page.head("G's loss, and its derivative with respect to each logit")
    loss, da = gan.objective.generator(a)
    p = sigmoid(a)
    if isinstance(gan.objective, NonSaturating):
        page.say("L_G = -mean log D(fake)        da = -(1 - D)/N")
        terms = "-log D", -xp.log(p)
    else:
        page.say("L_G = mean log(1 - D(fake))        da = -D/N")
        terms = "log(1 - D)", xp.log(1 - p)
    page.equation(("a", a), "->", ("D = sigmoid(a)", p), "->", terms, "->", ("da", page.keep("da", da)))
    page.say(f"L_G = {page.number(page.keep('loss', loss))}")
    page.head("Backward through all of D, to what G made: D's own dW and db are not asked for")
    dx = backward(page, D, da, D_NAMES, WEIGHTS["D"], "input")
    page.say("-dx is the direction in which each fake looks more real to D. It goes on into G:")
    page.head("Backward through G, to the weights of its first layer")
    backward(page, G, dx, G_NAMES, WEIGHTS["G"], "params")
    update(page, gan.generator_optimizer, WEIGHTS["G"], "theta_g")
    page.theta = {name: network.theta.copy() for name, network, _ in gan.players()}


def named(network, names):
    """[(layer, the name of what enters it, that of what leaves it)]: a Reshape changes no number and no name."""
    places = itertools.accumulate((not isinstance(layer, Reshape) for layer in network.layers), initial=0)
    return [
        (layer, names[a], names[b]) for layer, (a, b) in zip(network.layers, itertools.pairwise(places), strict=True)
    ]


def forward(page, network, y, names, weights):
    """network.forward(x, training=True), each layer written down. `names` has x and then each layer's output."""
    page.keep(names[0], y)
    pairs = iter(zip(weights[::2], weights[1::2], strict=True))
    for layer, before, after in named(network, names):
        y = layer.forward(y, True)
        if before == after:
            continue
        x, shown = page.seen(before), page.keep(after, y)
        if isinstance(layer, Dense | Conv2D):
            W, b = next(pairs)
            M, bias = page.keep(W, matrix_of(layer.W)), (b, page.keep(b, layer.b))
        if isinstance(layer, Dense):
            page.say(f"{after} = {before} {W} + {b}")
            page.equation((before, x), "@", (W, M), "+", bias, "=", (after, shown))
        elif isinstance(layer, ConvTranspose2D):
            each, back = x.reshape(-1, 1), (f"{before} {W}.T", x.reshape(-1, 1) @ M.T)
            page.say(f"{after} = col2im({before} {W}.T) + {b}: each number times the kernel, added up where two meet")
            page.equation((f"each {before}", each), "@", (f"{W}.T", M.T), "=", back)
            page.equation(back, "->", ("col2im", shown - layer.b), "+", bias, "=", (after, shown))
        elif isinstance(layer, Conv2D):
            patches = f"im2col({before})", layer.remembered.reshape(-1, len(M))
            page.say(
                f"{after} = im2col({before}) {W} + {b}: a row for each patch that the kernel meets, two of a sample"
            )
            page.equation((before, x), "->", patches, "@", (W, M), "+", bias, "=", (f"each {after}", y.reshape(-1, 1)))
        elif isinstance(layer, Tanh):
            page.say(f"{after} = tanh {before}")
            page.equation((before, x), "->", (after, shown))
        else:
            page.say(f"{after} = {before} where {before} > 0, {layer.slope} {before} elsewhere")
            page.equation((before, x), "->", (after, shown))
    return y


def matrix_of(W):
    """W, or dW, as the matrix that it is in the layer's formula."""
    return W.reshape(-1, W.shape[-1])


def backward(page, network, dy, names, weights, wrt):
    """network.backward(dy, wrt), each layer written down; returns dx, or None for wrt="params"."""
    pairs = iter(zip(weights[-2::-2], weights[::-2], strict=True))
    for i, (layer, before, after) in reversed(list(enumerate(named(network, names)))):
        dx = layer.backward(dy, wrt if i == 0 or wrt == "input" else "both")
        dy, above = dx, dy
        if before == after:
            continue
        x, y, given = page.seen(before), page.seen(after), (f"d{after}", page.seen(f"d{after}"))
        found = None if dx is None else (f"d{before}", page.keep(f"d{before}", dx))
        if isinstance(layer, Dense | Conv2D):
            W, b = next(pairs)
            M = matrix_of(layer.W)
            left, right = (before, x), given
            if isinstance(layer, ConvTranspose2D):
                patches = layer.gathered("shown", above, layer.remembered.shape[1:3])
                left, right = (f"im2col(d{after})", patches.reshape(-1, len(M))), (f"each {before}", x.reshape(-1, 1))
            elif isinstance(layer, Conv2D):
                left = f"im2col({before})", layer.remembered.reshape(-1, len(M))
                right = f"each d{after}", above.reshape(-1, 1)
            if wrt != "input":
                of_all = "the rows of " if isinstance(layer, Dense) else ""
                page.say(f"d{W} = {left[0]}.T {right[0]}        d{b} = sum of {of_all}d{after}")
                dW, db = page.keep(f"d{W}", matrix_of(layer.dW)), page.keep(f"d{b}", layer.db)
                page.equation((f"{left[0]}.T", left[1].T), "@", right, "=", (f"d{W}", dW), ",", (f"d{b}", db))
            if found and isinstance(layer, ConvTranspose2D):
                page.say(f"d{before} = im2col(d{after}) {W}")
                page.equation(given, "->", left, "@", (W, M), "=", (f"each d{before}", dx.reshape(-1, 1)))
            elif found and isinstance(layer, Conv2D):
                page.say(f"d{before} = col2im(d{after} {W}.T)")
                back = f"d{after} {W}.T", right[1] @ M.T
                page.equation(right, "@", (f"{W}.T", M.T), "=", back, "->", found)
            elif found:
                page.say(f"d{before} = d{after} {W}.T")
                page.equation(given, "@", (f"{W}.T", M.T), "=", found)
            continue
        if isinstance(layer, Tanh):
            slope, rule, where = 1 - y * y, f"1 - {after}^2", ""
        else:
            slope, rule = xp.where(y > 0, 1, layer.slope), f"1 or {layer.slope}"
            where = f": 1 where {before} > 0, {layer.slope} elsewhere"
        page.say(f"d{before} = d{after} * ({rule}){where}")
        page.equation(given, "*", (rule, slope), "=", found)
    return dy


def update(page, rule, weights, name):
    """rule.step(), with a row for each weight: the gradient, Adam's two means, both corrections, and the step."""
    theta, g = rule.network.theta.copy(), rule.network.dtheta.copy()
    rule.step()
    t = rule.steps
    m_hat, v_hat = rule.m / (1 - rule.beta1**t), rule.v / (1 - rule.beta2**t)
    page.head(f"Adam moves {name}: update {t}")
    page.say(
        "m <- 0.5 m + 0.5 g            m^ = m / (1 - 0.5^t)",
        "v <- 0.999 v + 0.001 g^2      v^ = v / (1 - 0.999^t)      theta <- theta - lr m^ / (sqrt(v^) + eps)",
    )
    given = (a if a.ndim == 1 else matrix_of(a) for _, a, _ in rule.network.parameters())
    arrays = dict(zip(weights, given, strict=True))
    entries = [
        f"{w}[{', '.join(str(k) for k in index)}]" for w, a in arrays.items() for index in numpy.ndindex(a.shape)
    ]
    columns = {"theta": theta, "g": g, "m": rule.m, "v": rule.v, "m^": m_hat, "v^": v_hat}
    page.table(entries, columns | {"step": rule.network.theta - theta, "new theta": rule.network.theta})
    if t == 1:
        page.say("In the first update m^ = g and v^ = g^2: each step is lr, against the sign of g, whatever its size.")
    for w, a in arrays.items():
        page.keep(f"new {w}", a)


def agree(page, judge):
    """Raises RuntimeError unless `judge`, after its step, has the weights that the page ends with, bit for bit."""
    for name, network, _ in judge.players():
        if not numpy.array_equal(network.theta, page.theta[name]):
            raise RuntimeError(f"GAN.step moved the {name} elsewhere than this page: it has another round by now")


class Page:
    """The lines written so far, and every array by its name, for D's step ("D") and G's ("G")."""

    def __init__(self, precision):
        self.precision, self.lines, self.values, self.step = precision, [], {"D": {}, "G": {}}, "D"

    def keep(self, name, a):
        """A copy of an array of this step, of images as rows, remembered under its name: layers overwrite theirs."""
        self.values[self.step][name] = numpy.array(a).reshape(len(a), -1) if numpy.ndim(a) == 4 else numpy.array(a)
        return self.values[self.step][name]

    def seen(self, name):
        return self.values[self.step][name]

    def number(self, a, width=0):
        text = f"{float(a):.{self.precision}f}"
        return (text[1:] if float(text) == 0 and text[0] == "-" else text).rjust(width)

    def title(self, text, step="D"):
        self.step = step
        self.lines += ["", "", text, "=" * len(text)] if self.lines else [text, "=" * len(text)]

    def head(self, text):
        self.lines += ["", text, "-" * len(text)]

    def say(self, *sentences):
        self.lines += ["", *(f"  {sentence}" for sentence in sentences)]

    def equation(self, *parts):
        """Matrices side by side, each (name, array) with its name and shape below, and signs between them."""
        blocks = []
        height = max(len(numpy.atleast_2d(part[1])) for part in parts if isinstance(part, tuple))
        for part in parts:
            if isinstance(part, str):
                rows, label = [part if k == (height - 1) // 2 else "" for k in range(height)], ""
            else:
                name, a = part
                rows, label = matrix(a, self.number), f"{name} {str(a.shape).replace(' ', '')}"
                above = (height - len(rows)) // 2
                rows = [""] * above + rows + [""] * (height - above - len(rows))
            width = max(map(len, [*rows, label]))
            blocks.append([row.center(width) for row in (*rows, label)])
        self.lines += ["", *("    " + " ".join(row).rstrip() for row in zip(*blocks, strict=True))]

    def table(self, entries, columns):
        width, first = self.precision + 7, max(map(len, entries)) + 2
        self.lines += ["", "    " + " " * first + "".join(name.rjust(width) for name in columns)]
        for entry, *row in zip(entries, *columns.values(), strict=True):
            cells = [
                f"{a:{width}.1e}" if name[0] == "v" else self.number(a, width)
                for name, a in zip(columns, row, strict=True)
            ]
            self.lines.append("    " + entry.ljust(first) + "".join(cells))


def matrix(a, number):
    """The rows of an array as text, in brackets, its columns aligned."""
    tenths = numpy.allclose(a, a.round(1), rtol=0, atol=1e-9)
    cells = [[f"{value:.1f}" if tenths else number(value) for value in row] for row in numpy.atleast_2d(a) + 0.0]
    width = max(len(cell) for row in cells for cell in row)
    return ["[ " + " ".join(cell.rjust(width) for cell in row) + " ]" for row in cells]


# Three steps of an RNN, back through time


def explain_time(page, seed):
    """Forward and backward of an RNN of width 2 over three steps of one number, written down on `page`.

    Raises RuntimeError unless the sums by hand are the layer's own.
    """
    rnn = RNN(2)
    network = Network(rnn, shape=(3, 1), dtype="float64")
    rng = host_generator(seed, 3)
    network.theta[...], x, dy = (rng.integers(-9, 10, shape) / 10 for shape in (network.theta.size, (3, 1), (3, 2)))
    W, U, b = rnn.W, rnn.U, ("b", rnn.b)
    page.title("THREE STEPS OF AN RNN, width 2, on a sequence of three numbers")
    page.say("h_t = tanh(s_t)   s_t = x_t W + h_{t-1} U + b   h_0 = 0", "W, U and b are the same in every step.")
    h, s = [xp.zeros((1, 2))], [None]
    for t in 1, 2, 3:
        page.head(f"Step {t}, forward")
        s.append(x[t - 1 : t] @ W + h[-1] @ U + rnn.b)
        h.append(xp.tanh(s[t]))
        page.equation((f"x{t}", x[t - 1 : t]), "@", ("W", W), "+", (f"h{t - 1}", h[t - 1]), "@", ("U", U), "+", b, "=",
                      (f"s{t}", s[t]), "->", (f"h{t} = tanh", h[t]))  # fmt: skip
    ds, back = {}, xp.zeros((1, 2))
    for t in 3, 2, 1:
        page.head(f"Step {t}, backward: dh{t} is what comes from the loss, and what step {t + 1} hands back")
        dh = dy[t - 1 : t] + back
        ds[t] = dh * (1 - h[t] * h[t])
        page.equation((f"from L, dy{t}", dy[t - 1 : t]), "+", (f"from step {t + 1}", back), "=", (f"dh{t}", dh), "*",
                      (f"1 - h{t}^2", 1 - h[t] * h[t]), "=", (f"ds{t}", ds[t]))  # fmt: skip
        back = ds[t] @ U.T
        page.equation((f"ds{t}", ds[t]), "@", ("U.T", U.T), "=", (f"to step {t - 1}", back))
    page.say("Nobody asks for what step 1 hands back, unless h_0 was given: it is dL/dh_0.")
    page.head("One W, three uses: its derivative is the sum of three")
    found = {}
    for name, left, given in ("W", "x", [x[t : t + 1] for t in range(3)]), ("U", "h", h[:3]):
        first = name == "W"
        parts = [(f"{left}{t + first}.T ds{t + 1}", given[t].T @ ds[t + 1]) for t in range(3)]
        found[f"d{name}"] = page.keep(f"d{name}", sum(part for _, part in parts))
        page.equation(parts[0], "+", parts[1], "+", parts[2], "=", (f"d{name}", found[f"d{name}"]))
    found["db"] = page.keep("db", ds[1][0] + ds[2][0] + ds[3][0])
    page.equation(("ds1", ds[1]), "+", ("ds2", ds[2]), "+", ("ds3", ds[3]), "=", ("db", found["db"]))
    network.forward(x[None])
    network.backward(dy[None])
    if not all(xp.allclose(getattr(rnn, name), a, rtol=0, atol=1e-12) for name, a in found.items()):
        raise RuntimeError("RNN.backward gives other derivatives than this page: it computes something else by now")
    page.say("RNN.backward gives the same dW, dU and db.")


# Tokens: their likelihood, a draw, and D's verdict on it


def explain_text(page, seed):
    """Maximum likelihood of two sequences of two tokens out of three, and REINFORCE on two drawn ones, on `page`.

    Raises RuntimeError unless the numbers by hand are those of minigan's own functions.
    """
    G, rng = Network(Embedding(3, 3), dtype="float64"), host_generator(seed, 8)
    A = G.layers[0].W
    A[...], verdict = (rng.integers(-9, 10, shape) / 10 for shape in ((3, 3), (N, 2)))
    x, u = xp.array([[1, 2], [2, 0]]), rng.integers(1, 10, (2, N, 1)) / 10
    page.title("TWO SEQUENCES OF TWO TOKENS, each of them 0, 1 or 2")
    page.say("G is one matrix A: its row v has the logits a of the token after v. Before the first token stands a 0.",
             "Each row of a, p and x is one sequence; x is shown as rows with a 1 in the token's column.")  # fmt: skip
    page.equation(("A", A))

    page.title("MAXIMUM LIKELIHOOD: what the data say becomes likelier")
    weigh(page, G, x, xp.ones((N, 2)))

    page.title("A DRAW: u falls into one of the parts of the sum", "G")
    y, uniform = xp.zeros((N, 3), dtype=int), iter(u)
    for t in 1, 2:
        page.head(f"Token {t}: the first v whose sum of p is above u")
        p = softmax(A[y[:, t - 1]])
        y[:, t] = (p.cumsum(axis=1) <= u[t - 1]).sum(axis=1)
        page.equation((f"p{t}", p), "->", ("sums", p.cumsum(axis=1)), ",", (f"u{t}", u[t - 1]), "->",
                      (f"token {t}", y[:, t : t + 1] + 0.0))  # fmt: skip
    page.say("Move A a little, and the same tokens are drawn: they have no derivative. How likely they were has one.")
    own = tokens.draw(G, N, 2, tokens.by_chance(SimpleNamespace(random=lambda shape, dtype: next(uniform))))

    page.title("REINFORCE: what D praised becomes likelier", "G")
    page.say("D gives a logit for each beginning: c1 of the first token, c2 of both. Token 1 earned c1, token 2 earned",
             "c2 - c1. Less the mean over the batch, a baseline, that is its weight w.")  # fmt: skip
    earned = xp.stack([verdict[:, 0], verdict[:, 1] - verdict[:, 0]], axis=1)
    w = earned - earned.mean(axis=0)
    page.equation(("c1, c2", verdict), "->", ("earned", earned), "->", ("w1, w2", w))
    weigh(page, G, y[:, 1:], w)
    if not (xp.array_equal(own, y[:, 1:]) and xp.allclose(tokens.advantages(verdict, 0.0), w, rtol=0, atol=1e-12)):
        raise RuntimeError("draw or advantages gives other numbers than this page: it computes something else by now")
    page.say("draw, advantages, likelihood and Embedding.backward give the same numbers.")


def softmax(a):
    """exp(a) over the sum of its row."""
    return xp.exp(a) / xp.exp(a).sum(axis=1, keepdims=True)


def weigh(page, G, x, w):
    """L = -mean of w log p(x) and its derivative dA, for sequences x (N, 2) and weights w (N, 2), on `page`."""
    A, read, L = G.layers[0].W, tokens.before(x), 0.0
    dA = xp.zeros_like(A)
    for t in 1, 2:
        page.head(f"Token {t}: a{t} is the row of A that token {t - 1} names; da{t} = w{t} (p{t} - x{t}) / 4")
        a, onehot, weights = A[read[:, t - 1]], xp.eye(3)[x[:, t - 1]], w[:, t - 1 : t]
        p = softmax(a)
        page.equation((f"a{t}", a), "->", (f"p{t} = softmax", p), "-", (f"x{t}", onehot), "=", ("d", p - onehot))
        da = weights * (p - onehot) / x.size
        page.equation(("d", p - onehot), "*", (f"w{t}", weights), "/ 4 =", (f"da{t}", da))
        L -= (weights * onehot * xp.log(p)).sum() / x.size
        xp.add.at(dA, read[:, t - 1], da)
    page.say(f"L = -mean of w log p(x) = {page.number(page.keep('loss', L))}")
    page.head("Each row of dA is the sum of what was computed from that row of A")
    page.equation(("dA", page.keep("dA", dA)))
    loss, da = tokens.likelihood(G.forward(read + 0.0), x, w)
    G.backward(da)
    if not (xp.allclose(G.layers[0].dW, dA, rtol=0, atol=1e-12) and abs(loss - L) < 1e-12):
        raise RuntimeError("likelihood gives other derivatives than this page: it computes something else by now")


# The same on one page: lengths are in lines of text up and down, and in halves of a layer's place along it


def draw(page, path):
    """Write the picture of both steps to `path`, in the format of its ending."""
    with replacing(path) as file:
        picture(page).savefig(file, format=path.suffix.removeprefix(".") or "png", dpi=100)


def picture(page):
    """Two panels, D's step and G's: layers as boxes, forward values above the line, derivatives below it."""
    titles = {
        "D": "D's step: two real samples and two fakes. Forward through G and D (blue), back through D (orange)",
        "G": "G's step: two new fakes. Forward through both (blue), back through all of D and on into G (orange)",
    }
    ends = {"D": "No derivative is asked for here:\nD's step ends at D's own weights.",
            "G": "D's own dW and db are not asked for:\nthe derivative only passes through."}  # fmt: skip
    heights = {step: 25 + 2 * len(page.values[step]["x"]) for step in titles}  # of x, its rows stand twice
    whole, width = sum(heights.values()), 21 * (page.precision + 4) / 7
    figure, top = Figure(figsize=(width, whole * LINE / 72)), whole
    for step, title in titles.items():
        values, top = page.values[step], top - heights[step]
        rows = len(values["x"])
        axes = figure.add_axes((0, top / whole, 1, heights[step] / whole))
        axes.set(xlim=(-0.7, 15.7), ylim=(-14.2 - rows, 10.8 + rows))
        axes.axis("off")
        axes.text(-0.5, 10.3 + rows, title, fontsize=15, weight="bold", va="top")
        for player, left, right, color in ("G", 0.4, 7.6, "#e7f5ff"), ("D", 8.4, 14.5, "#fff4e6"):
            axes.add_patch(Rectangle((left, -13.6 - rows), right - left, 22.4 + rows * 2, fc=color, ec="none"))
            axes.text(right - 0.1, 8.5 + rows, player, fontsize=20, weight="bold", color="0.45", ha="right", va="top")
            if player != step:
                axes.text(
                    (left + right) / 2, -9.5 - rows, ends[step], color="0.35", fontsize=13, ha="center", va="center"
                )
        chain(axes, page, values, rows)
    return figure


def chain(axes, page, values, rows):
    """One step: what stands between two layers at even places, the layers at odd ones."""
    names = [*G_NAMES, *D_NAMES[1:]]
    for i, (name, layer) in enumerate(zip(names, [*page.layers, "loss"], strict=True)):
        x, after = 2 * i, (*names[1:], "")[i]
        W, b = f"W{i // 2 + 1}", f"b{i // 2 + 1}"
        write(axes, x, 2.7, name, values[name], page, DATA)
        arrow(axes, x - 0.42, x + 0.42, 0.9, DATA)
        forward, backward = {
            "Dense": (f"{after} = {name} {W} + {b}", f"d{name} = d{after} {W}.T"),
            "Conv2D": (f"{after} = im2col({name}) {W} + {b}", f"d{name} = col2im(d{after} {W}.T)"),
            "ConvTranspose2D": (f"{after} = col2im({name} {W}.T) + {b}", f"d{name} = im2col(d{after}) {W}"),
            "LeakyReLU": (f"{after} = {name} or {SLOPE} {name}", f"d{name} = d{after} (1 or {SLOPE})"),
            "Tanh": (f"{after} = tanh {name}", f"d{name} = d{after} (1 - {after}²)"),
            "loss": (f"L = {page.number(values['loss'])}", f"d{name} = dL/d{name}"),
        }[layer]
        axes.add_patch(FancyBboxPatch((x + 0.49, -2), 1.02, 4, boxstyle="round,pad=0.02", fc="white", ec="0.4"))
        size, bold = (7.3, 9) if layer.startswith("Conv") else (10, 12)
        axes.text(x + 1, 1.2, layer, ha="center", va="center", fontsize=bold, weight="bold")
        axes.text(x + 1, 0, forward, ha="center", va="center", fontsize=size, color=DATA)
        if f"d{name}" in values:
            write(axes, x, -2.7, f"d{name}", values[f"d{name}"], page, SAMPLE)
            arrow(axes, x + 0.42, x - 0.42, -0.9, SAMPLE)
            axes.text(x + 1, -1.2, backward, ha="center", va="center", fontsize=size, color=SAMPLE)
        if layer in ("Dense", "Conv2D", "ConvTranspose2D"):
            for y, before, color in (4.4 + rows, "", INK), (-4.4 - rows, "d", SAMPLE), (-9 - rows, "new ", INK):
                if before + W in values:
                    wide = write(axes, x + 0.5, y, before + W, values[before + W], page, color, "left")
                    write(axes, x + 0.5 + wide, y, before + b, values[before + b], page, color, "left")


def arrow(axes, start, end, y, color):
    axes.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "->", "color": color, "lw": 1.8})


def write(axes, x, y, name, a, page, color, align="center"):
    """An array with its name and shape, growing away from the line at 0; returns how much of the line it takes."""
    lines = [f"{name} {str(a.shape).replace(' ', '')}", *(row[2:-2] for row in matrix(a, page.number))]
    options = {"ha": align, "va": "bottom" if y > 0 else "top", "family": "monospace", "fontsize": SIZE}
    axes.text(x, y, "\n".join(lines), color=color, linespacing=1.1, **options)
    places = numpy.ptp(axes.get_xlim()) / axes.figure.get_figwidth() / 72  # of the line, in a point
    return (max(map(len, lines)) + 2) * 0.602 * SIZE * places  # DejaVu Sans Mono's characters are 0.602 em wide


if __name__ == "__main__":
    sys.exit(main())
