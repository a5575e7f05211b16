"""The loss of a classifier of K classes."""

from minigan.backend import xp


def softmax_cross_entropy(a, labels):
    """Cross-entropy of K classes, p = softmax(a), p_k = e^(a_k) / sum over j of e^(a_j): L = -mean(log p_label)

    log p_k = s_k - log(sum over j of e^(s_j)) with s = a - max(a): the largest s is 0, so nothing overflows, and the
    sum is at least 1.

    da = (p - onehot(labels)) / N        a (N, K) logits, labels (N,) integers 0 ... K - 1; returns (L, da).
    Raises ValueError for other shapes, TypeError for labels that are no integers. To look at the labels' values would
    be to wait for the device: where one lies outside 0 ... K - 1, L and that row of da are NaN.
    """
    if a.ndim != 2 or labels.shape != (len(a),):
        raise ValueError(
            f"softmax_cross_entropy: logits have shape {a.shape} and labels have shape {labels.shape}; "
            "expected (N, K) and (N,): one row of logits and one label for each example"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"softmax_cross_entropy: labels are {labels.dtype}, expected integers: use labels.astype('int64'), "
            "and for one-hot rows onehot.argmax(axis=1)"
        )
    onehot = labels[:, None] == xp.arange(a.shape[1])
    onehot = xp.where(onehot.any(axis=1, keepdims=True), onehot, xp.nan).astype(a.dtype)
    s = a - a.max(axis=1, keepdims=True)
    p = xp.exp(s)
    total = p.sum(axis=1, keepdims=True)
    return (xp.log(total)[:, 0] - (onehot * s).sum(axis=1)).mean(), (p / total - onehot) / len(a)
