"""Losses: each returns the mean over the batch and its derivative with respect to the network's output.

With a logit a = log(p / (1 - p)) the two logarithms of a GAN never overflow:

    p = sigmoid(a)      log p = -softplus(-a)      log(1 - p) = -softplus(a)
"""

from minigan.backend import checks, xp


def softplus(a):
    """log(1 + e^a) = max(a, 0) + log(1 + e^-|a|)      its derivative is sigmoid(a)"""
    return xp.maximum(a, 0) + xp.log1p(xp.exp(xp.minimum(a, -a)))  # min(a, -a) is -|a|


def sigmoid(a):
    """1 / (1 + e^-a) = e^(log sigmoid(a)) = e^-softplus(-a)      its derivative is sigmoid(a) sigmoid(-a)

    (tanh(a / 2) + 1) / 2 is shorter, but in float32 it is wrong by 44 % at a = -17, and 0 from -20 on, where the
    saturating generator needs it.
    """
    return xp.exp(-softplus(-a))


def inside(p):
    """Probabilities p moved into [eps, 1 - eps], eps the spacing of their precision at 1, where log p and 1 / p exist.

    A float32 sigmoid is exactly 1 from about a = 17 on, where log(1 - p) would be infinite. Prefer losses on logits.
    """
    eps = float(xp.finfo(p.dtype).eps)
    return xp.minimum(xp.maximum(p, eps), 1 - eps)


def bce_with_logits(a, t):
    """Binary cross-entropy of sigmoid(a) against targets t in [0, 1]: L = mean(softplus(a) - t a)

    For p = sigmoid(a), -(t log p + (1 - t) log(1 - p)) = t softplus(-a) + (1 - t) softplus(a), and softplus(-a) is
    softplus(a) - a. An infinite logit counts as the largest finite number: where t agrees with it, L is 0.

    da = (sigmoid(a) - t) / N        a, t (N, 1) or any one shape of N elements; returns (L, da).
    Raises ValueError for empty arrays and where the shapes differ, (N,) against (N, 1) would broadcast to (N, N), and
    TypeError unless both are arrays of floats of one dtype.
    """
    _check("bce_with_logits", "logits", a, t)
    most = float(xp.finfo(a.dtype).max)
    a = xp.minimum(xp.maximum(a, -most), most)  # inf - inf would be NaN
    return (softplus(a) - t * a).mean(), (sigmoid(a) - t) / a.size


def bce(p, t):
    """Binary cross-entropy of probabilities p against targets t: L = -mean(t log p + (1 - t) log(1 - p))

    dp = (p - t) / (p (1 - p) N)        p, t any one shape of N elements; returns (L, dp).
    p is moved `inside` (0, 1) first. Raises what `bce_with_logits` raises.
    """
    _check("bce", "probabilities", p, t)
    p = inside(p)
    return -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), (p - t) / (p * (1 - p)) / p.size


def softmax_cross_entropy(a, labels):
    """Cross-entropy of K classes, p = softmax(a), p_k = e^(a_k) / sum over j of e^(a_j): L = -mean(log p_label)

    log p_k = s_k - log(sum over j of e^(s_j)) with s = a - max(a): the largest s is 0, so nothing overflows, and the
    sum is at least 1.

    da = (p - onehot(labels)) / N        a (N, K) logits, labels (N,) integers 0 ... K - 1; returns (L, da).
    Raises ValueError for other shapes, a label outside 0 ... K - 1 and a row whose largest logit is not finite, and
    TypeError for labels that are not integers. These checks read the values, so they wait for the device once.
    """
    checks.floats("softmax_cross_entropy: logits", a)
    if not isinstance(labels, xp.ndarray) or labels.dtype.kind not in "iu":
        found = getattr(labels, "dtype", f"a {type(labels).__name__}")
        raise TypeError(f"softmax_cross_entropy: labels are {found}, expected an array of integers: use "
                        "labels.astype('int64'), and for one-hot rows onehot.argmax(axis=1)")  # fmt: skip
    if a.ndim != 2 or labels.shape != (len(a),):
        raise ValueError(f"softmax_cross_entropy: logits have shape {a.shape} and labels have shape {labels.shape}; "
                         "expected (N, K) and (N,): one row of logits and one label for each example")  # fmt: skip
    onehot = labels[:, None] == xp.arange(a.shape[1])
    top = a.max(axis=1, keepdims=True)
    if not (onehot.any(axis=1) & xp.isfinite(top[:, 0])).all():
        wrong = "the largest logit of a row is not finite"
        if not onehot.any(axis=1).all():
            wrong = f"a label lies outside 0 ... {a.shape[1] - 1}, the classes that there are logits of"
        raise ValueError(f"softmax_cross_entropy: {wrong}")
    s = a - top
    p = xp.exp(s)
    total = p.sum(axis=1, keepdims=True)
    return (xp.log(total)[:, 0] - xp.where(onehot, s, 0).sum(axis=1)).mean(), (p / total - onehot) / len(a)


def _check(loss, what, a, t):
    checks.floats(f"{loss}: {what}", a)
    checks.floats(f"{loss}: targets", t)
    if a.shape != t.shape:
        raise ValueError(f"{loss}: {what} have shape {a.shape} but targets have shape {t.shape}; they must be equal "
                         "(reshape one of them: unequal shapes would broadcast to a wrong mean)")  # fmt: skip
    if a.dtype != t.dtype:
        raise TypeError(f"{loss}: {what} are {a.dtype} but targets are {t.dtype}: use targets.astype({str(a.dtype)!r})")
