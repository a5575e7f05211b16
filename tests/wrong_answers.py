"""What readers may write in the exercises: right answers, other than minigan's own, and a mistake in each.

Name: (right answer, what stands in it, what stands there instead, a part of what the check says of that). Further
mistakes, and those of the other exercises, are the slips of exercises.toml.
"""

import textwrap

WHOLE = ""  # stands for all of the right answer

ANSWERS = {
    "ElementWise.backward": (
        """
        slope = xp.empty_like(dy)
        self.derivative(self.y, slope)
        return dy * slope""",
        "return dy * slope", "dy *= slope\nreturn dy", "backward changed its input dy in place, which belongs to",
    ),
    "Tanh.derivative": (
        "out[...] = 1 - y**2",
        "out[...]", "out", "derivative left out as it was: write into it, `out[...] = ...`; a new array is",
    ),
    "Dense.backward": (
        """
        if wrt != "input":
            self.dW = self.x.T @ dy
            self.db[...] = dy.sum(axis=0)
        if wrt != "params":
            return dy @ self.W.T""",
        "self.dW =", "self.dW +=", "grows on a second, identical call (2 times the first): dW is added to what",
    ),
    "BatchNorm.moment": (
        """
        if not training:
            return getattr(self, name)
        batch, n = a.mean(axis=0), len(a)
        kept = getattr(self, name)
        kept[...] = self.momentum * kept + (1 - self.momentum) * batch * (n / (n - 1) if name == "var" else 1)
        return batch""",
        "n / (n - 1)", "1", "the running variance is moved towards the batch's own, without the n / (n -",
    ),
    "Conv2D.backward": (
        """
        rows = dy.reshape(-1, self.channels)
        if wrt != "input":
            self.dW = (self.remembered.reshape(len(rows), -1).T @ rows).reshape(self.W.shape)
            self.db = rows.sum(axis=0)
        if wrt != "params":
            columns = (rows @ self.M.T).reshape(self.remembered.shape)
            return kernels.col2im(columns, self.stride, self.padding, out=xp.empty(self.came, dy.dtype))""",
        "self.padding", "(0, 0)", "the padding is left out of dx",
    ),
    "ConvTranspose2D.backward": (
        """
        columns = self.gathered("columns of a", dy, self.remembered.shape[1:3])
        rows = columns.reshape(-1, len(self.M))
        if wrt != "input":
            self.dW = (rows.T @ self.remembered.reshape(len(rows), -1)).reshape(self.W.shape)
            self.db = dy.sum(axis=(0, 1, 2))
        if wrt != "params":
            return (rows @ self.M).reshape(self.remembered.shape)""",
        "(rows @ self.M)", "(rows @ self.W[::-1, ::-1].reshape(self.M.shape))", "the kernel is turned around in dx",
    ),
    "softplus": (
        "return xp.logaddexp(0, a).astype(a.dtype)",
        WHOLE, "return xp.maximum(a, 0) + xp.log(1 + xp.exp(-abs(a)))", "is taken of a tiny u, where 1 + u is 1",
    ),
    "softmax_cross_entropy": (
        """
        if labels.dtype.kind not in "iu":
            raise TypeError("labels")
        onehot = labels[:, None] == xp.arange(a.shape[1])
        if a.ndim != 2 or labels.shape != (len(a),) or not onehot.any(axis=1).all():
            raise ValueError("shapes, or a label")
        s = a - a.max(axis=1, keepdims=True)
        total = xp.exp(s).sum(axis=1, keepdims=True)
        log_p = s - xp.log(total)
        return -xp.where(onehot, log_p, 0).sum(axis=1).mean(), (xp.exp(log_p) - onehot) / len(a)""",
        "xp.exp(s).sum(axis=1, ", "xp.exp(s).sum(", "the sum under the softmax runs over the whole batch: each",
    ),
    "Network.backward": (
        """
        if not self.outputs:
            raise RuntimeError("no forward")
        if wrt not in WRT or dy.shape != self.outputs[-1].shape:
            raise ValueError("wrt or dy")
        self._check_type("dy", dy)
        for layer in reversed(self.layers):
            dy = layer.backward(dy, "input" if wrt == "input" else "both")
        return None if wrt == "params" else dy""",
        '"input" if wrt == "input" else "both"', "wrt", 'backward(dy, wrt="params") raised it: was a layer',
    ),
    "Adam.update": (
        """
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g * g - v)
        m_hat, v_hat = m / (1 - self.beta1**self.steps), v / (1 - self.beta2**self.steps)
        theta -= self.rate * m_hat / (xp.sqrt(v_hat) + self.eps)""",
        "xp.sqrt(v_hat) + self.eps", "xp.sqrt(v_hat + self.eps)", "eps stands under the root: it is added to",
    ),
    "Linear.__call__": (
        "a, b, n = self.args\nreturn b if t >= n else a * (1 - t / n) + b * t / n",
        "self.args", "self.args\nn -= 1", "the way takes updates - 1 steps; `end` is reached one update too",
    ),
    "Minimax.discriminator": (
        """
        real, d_real = log_d(a_real, self.output)
        unreal, d_unreal = log_not_d(a_real, self.output)
        fake, d_fake = log_not_d(a_fake, self.output)
        t, n = self.real, len(a_real)
        loss = -t * real.mean() - (1 - t) * unreal.mean() - fake.mean()
        return loss, -(t * d_real + (1 - t) * d_unreal) / n, -d_fake / len(a_fake)""",
        WHOLE, "return -value(a_real, a_fake, self.output)[0]", "discriminator returned a float64, expected 3",
    ),
    "Penalty.gradient": (
        """
        a = D.forward(x, training=True)
        g = D.backward(xp.ones_like(a), wrt="input")
        phi, slope = self.phi((g * g).sum(axis=1))
        jvp(D, 2 * g * slope[:, None] / len(g))
        jvp_backward(D, xp.ones_like(a), wrt="params")
        return phi.mean()""",
        "jvp_backward(D, ", "D.backward(", "dtheta holds the derivative of D's output, not of the penalty:",
    ),
    "GAN.generator_step": (
        """
        D = self.discriminator
        a = D.forward(self.generator.forward(self.noise(n), training=True), training=True)
        loss, da = self.objective.generator(a)
        dx = D.backward(da, wrt="input")
        self.generator.backward(dx, wrt="params")
        self.generator_optimizer.step()
        if self.average:
            self.average.step()
        return loss, self.objective.probability(a)""",
        "backward(dx,", "backward(da,", "ValueError: backward: dy has shape (7, 1), but the last forward gave",
    ),
}  # fmt: skip


def right(name):
    """The right answer, as lines without indentation."""
    return textwrap.dedent(ANSWERS[name][0]).strip("\n")


def wrong(name):
    """(an answer with the mistake, a part of what the check says of it)"""
    _, old, new, words = ANSWERS[name]
    assert old in right(name), f"{name}: {old!r} does not stand in the right answer"
    return right(name).replace(old, new) if old else new, words


def filled(script, name, body):
    """The text of the file that `start` writes, with this body in place of the missing one."""
    text = script.unwritten(name, "mine.py")
    (line,) = (line for line in text.splitlines() if script.todo(name) in line)
    return text.replace(line, textwrap.indent(textwrap.dedent(body), line[: -len(line.lstrip())]))
