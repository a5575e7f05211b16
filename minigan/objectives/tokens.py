"""Sequences of tokens: how likely a language model holds some, how it draws others, and two ways round the draw.

A language model G reads tokens x (N, T) and gives logits (N, T, V), at each step those of the next token:

    p(x) = product over t of p(x_t | x_1 ... x_{t-1})      p(. | x_1 ... x_{t-1}) = softmax(a_t)

A token that is drawn is a whole number. It does not move when a_t moves a little, so the derivative of D's verdict with
respect to a_t is 0. But its probability has a derivative (`likelihood` with rewards for weights, REINFORCE), and so has
a softened draw (`relaxed`, the Gumbel softmax).
"""

from minigan.backend import checks, xp
from minigan.layers.embedding import whole
from minigan.layers.recurrent import Recurrent

CHUNK = 250  # sequences drawn at a time
BLOCK = 64  # rows of logits at a time, which stay in the processor's cache


def before(x):
    """What a language model reads to say x (N, T): the start token 0, then x_1 ... x_{T-1}, in a new array."""
    read = xp.zeros_like(x)
    read[:, 1:] = x[:, :-1]
    return read


def likelihood(a, x, weights=None, out=None):
    """L = -mean over n and t of w_nt log p(x_nt), p = softmax(a)      a (N, T, V)   x (N, T) tokens   w (N, T), or 1

    da_nt = w_nt (p_nt - onehot(x_nt)) / (N T)      returns (L, da); da goes into `out`, which may be a itself.

    Weights of 1: maximum likelihood. Weights that are rewards of tokens which G drew: REINFORCE (Williams 1992), for

        d E[R] / d theta = E[R d log p(x) / d theta]      because dp = p dlog p

    and the gradient of L is then that of -E[R] / T, in expectation. Raises TypeError for logits that are no floats,
    ValueError for other shapes, and for tokens outside 0 ... V - 1.
    """
    checks.floats("likelihood: logits", a)
    x = checks.array("likelihood: tokens", x)
    weights = None if weights is None else checks.array("likelihood: weights", weights, a.dtype)
    if a.ndim != 3 or x.shape != a.shape[:2] or (weights is not None and weights.shape != x.shape):
        shapes = [a.shape, x.shape, *([] if weights is None else [weights.shape])]
        raise ValueError(f"likelihood: shapes {', '.join(map(str, shapes))}, expected logits (N, T, V), tokens (N, T) "
                         "and weights (N, T), or none")  # fmt: skip
    da = xp.empty_like(a) if out is None else out
    a, d, tokens = a.reshape(-1, a.shape[-1]), da.reshape(-1, a.shape[-1]), whole(x, a.shape[-1]).reshape(-1)
    w = xp.full(tokens.shape, 1 / x.size, dtype=a.dtype) if weights is None else weights.reshape(-1) / x.size
    L = xp.zeros((), dtype=a.dtype)
    for i in range(0, len(tokens), BLOCK):
        here = slice(i, i + BLOCK)
        p, places = d[here], (xp.arange(len(d[here])), tokens[here])
        xp.subtract(a[here], a[here].max(axis=1, keepdims=True), out=p)  # the largest is 0: nothing overflows
        said = p[places]
        xp.exp(p, out=p)
        total = p.sum(axis=1)
        L += (w[here] * (xp.log(total) - said)).sum()
        p *= (w[here] / total)[:, None]
        p[places] -= w[here]
    return L, da


def draw(G, n, steps, choose):
    """n sequences (n, steps) that G draws, one token after another: x_t = choose(a_t, t), from logits a_t (n, V).

    Each recurrent layer of G goes one step at a time, and hands its state on.
    """
    x, states = xp.zeros((n, steps + 1), dtype=G.dtype), {}
    for t in range(steps):
        y = x[:, t, None]
        for i, layer in enumerate(G.layers):
            if isinstance(layer, Recurrent):
                y, states[i] = layer.step(y[:, 0], states.get(i))
                y = y[:, None]
            else:
                y = layer.forward(y)
        x[:, t + 1] = choose(y[:, 0], t)
    G.forget()
    return x[:, 1:]


def by_chance(rng, temperature=1.0):
    """A function for `draw`: token v with probability softmax(a / temperature)_v, the v at which u falls into the sum.

    Colder draws, below 1, are likelier ones, and less various.
    """

    def choose(a, t):
        p = xp.exp((a - a.max(axis=1, keepdims=True)) / temperature)
        p = xp.cumsum(p, axis=1)
        u = rng.random((len(a), 1), dtype=a.dtype)
        return xp.minimum((p <= u * p[:, -1:]).sum(axis=1), a.shape[1] - 1)

    return choose


def drawn(G, n, steps, rng, temperature=1.0):
    """n sequences (n, steps) drawn by chance, a few hundred at a time, which bounds the memory."""
    choose = by_chance(rng, temperature)
    return xp.concatenate([draw(G, min(CHUNK, n - i), steps, choose) for i in range(0, n, CHUNK)])


def advantages(a, discount=1.0):
    """The weights of REINFORCE from D's logits a (N, T), a_t of the first t tokens: how much token t is to be praised

        r_t = a_t - a_{t-1}, a_0 = 0      A_t = sum over s >= t of discount^(s - t) r_s, less its mean over the batch

    a_t is log p_data / p_G of what D has read, at its best, so r_t is that of token t alone. With discount 1, A_t is
    a_T - a_{t-1}: the verdict on the whole sequence, less what was known before token t. That is a baseline, as is the
    mean: E[b d log p(x_t | ...)] = 0 for all b that do not depend on x_t, so it takes away variance and nothing else.
    With discount 0, only the token itself counts. Where Yu et al. (2017) play each sequence to its end several times
    to tell what token t is worth, here D says so of every beginning.
    """
    A = xp.empty_like(a)
    A[:, 0] = a[:, 0]
    xp.subtract(a[:, 1:], a[:, :-1], out=A[:, 1:])
    for t in reversed(range(a.shape[1] - 1)):
        A[:, t] += discount * A[:, t + 1]
    A -= A.mean(axis=0)
    return A


def gumbel(rng, shape, dtype):
    """g = -log(-log u), u ~ U(0, 1): the v at which a_v + g_v is largest has probability softmax(a)_v (Gumbel 1954)."""
    u = xp.maximum(rng.random(shape, dtype=dtype), xp.finfo(dtype).tiny)
    return -xp.log(-xp.log(u))


def relaxed(a, tau):
    """y = softmax(a / tau), a (..., V); of logits + g a softened draw (Jang, Gu and Poole 2017; Maddison et al. 2017)

    The colder tau, the closer y, a new array, comes to the one-hot row of the token at which a is largest.
    """
    y = xp.exp((a - a.max(axis=-1, keepdims=True)) / tau)
    y /= y.sum(axis=-1, keepdims=True)
    return y


def relaxed_backward(dy, y, tau):
    """da = y (dy - sum of y dy) / tau, from y = relaxed(a, tau), in a new array

    Straight through: D is shown the one-hot row of the token, and its dy is handed down as if it had been shown y.
    """
    da = dy - (y * dy).sum(axis=-1, keepdims=True)
    da *= y
    da /= tau
    return da
