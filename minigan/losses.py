"""Losses: each returns the mean over the batch and its derivative with respect to the network's output.

With a logit a = log(p / (1 - p)) the two logarithms of a GAN never overflow:

    p = sigmoid(a)      log p = -softplus(-a)      log(1 - p) = -softplus(a)
"""

from minigan.backend import xp


def softplus(a):
    """log(1 + e^a) = max(a, 0) + log(1 + e^-|a|)      its derivative is sigmoid(a)"""
    return xp.maximum(a, 0) + xp.log1p(xp.exp(xp.minimum(a, -a)))  # min(a, -a) is -|a|


def sigmoid(a):
    """1 / (1 + e^-a) = e^(log sigmoid(a)) = e^-softplus(-a)      its derivative is sigmoid(a) sigmoid(-a)

    (tanh(a / 2) + 1) / 2 is shorter, but its float32 is 44 % off at a = -17 and 0 from -20 on: just where the
    saturating generator needs it.
    """
    return xp.exp(-softplus(-a))


def inside(p):
    """Probabilities p moved into [eps, 1 - eps], eps the spacing of their precision at 1, where log p and 1 / p exist.

    A float32 sigmoid is exactly 1 from a = 17.4 on; its logarithm would be lost. Prefer losses on logits.
    """
    eps = float(xp.finfo(p.dtype).eps)
    return xp.minimum(xp.maximum(p, eps), 1 - eps)


def bce_with_logits(a, t):
    """Binary cross-entropy of sigmoid(a) against targets t in [0, 1]: L = mean(softplus(a) - t a)

    For p = sigmoid(a), -(t log p + (1 - t) log(1 - p)) = t softplus(-a) + (1 - t) softplus(a), and softplus(-a) is
    softplus(a) - a.

    da = (sigmoid(a) - t) / N        a, t (N, 1) or any one shape of N elements; returns (L, da).
    Raises ValueError where the shapes differ, (N,) against (N, 1) would broadcast to (N, N), and TypeError where the
    dtypes do.
    """
    _check("bce_with_logits", "logits", a, t)
    return (softplus(a) - t * a).mean(), (sigmoid(a) - t) / a.size


def bce(p, t):
    """Binary cross-entropy of probabilities p against targets t: L = -mean(t log p + (1 - t) log(1 - p))

    dp = (p - t) / (p (1 - p) N)        p, t any one shape of N elements; returns (L, dp).
    p is moved `inside` (0, 1) first. Raises ValueError where the shapes differ, TypeError where the dtypes do.
    """
    _check("bce", "probabilities", p, t)
    p = inside(p)
    return -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), (p - t) / (p * (1 - p)) / p.size


def _check(loss, what, a, t):
    if a.shape != t.shape:
        raise ValueError(
            f"{loss}: {what} have shape {a.shape} but targets have shape {t.shape}; "
            "they must be equal (reshape one of them: unequal shapes would broadcast to a wrong mean)"
        )
    if a.dtype != t.dtype:
        raise TypeError(f"{loss}: {what} are {a.dtype} but targets are {t.dtype}: use targets.astype({str(a.dtype)!r})")
