"""What readers may write in the exercises: a mistake in the answers of exercises.toml.

Name: (what stands in the answer, what stands there instead, a part of what the check says of that). Further mistakes,
and those of the other exercises, are the slips of exercises.toml.
"""

import textwrap

WHOLE = ""  # stands for all of the answer

MISTAKES = {
    "ElementWise.backward": (
        "return dy * slope", "dy *= slope\nreturn dy", "backward changed its input dy in place, which belongs to",
    ),
    "Tanh.derivative": (
        "out[...]", "out", "derivative left out as it was: write into it, `out[...] = ...`; a new array is",
    ),
    "Dense.backward": (
        "self.dW =", "self.dW +=", "grows on a second, identical call (2 times the first): dW is added to what",
    ),
    "BatchNorm.moments": (
        "n / (n - 1)", "1", "the running variance is moved towards the batch's own, without the n / (n -",
    ),
    "Conv2D.backward": (
        "self.padding", "(0, 0)", "the padding is left out of dx",
    ),
    "ConvTranspose2D.backward": (
        "(rows @ self.M)", "(rows @ self.W[::-1, ::-1].reshape(self.M.shape))",
        "the kernel is turned around in dx",
    ),
    "softplus": (
        WHOLE, "return xp.maximum(a, 0) + xp.log(1 + xp.exp(-abs(a)))", "is taken of a tiny u, where 1 + u is 1",
    ),
    "softmax_cross_entropy": (
        "xp.exp(s).sum(axis=1, ", "xp.exp(s).sum(", "the sum under the softmax runs over the whole batch: each",
    ),
    "Network.backward": (
        '"input" if wrt == "input" else "both"', "wrt", 'backward(dy, wrt="params") raised it: was a layer',
    ),
    "Adam.update": (
        "xp.sqrt(v_hat) + self.eps", "xp.sqrt(v_hat + self.eps)", "eps stands under the root: it is added to",
    ),
    "Linear.__call__": (
        "self.args", "self.args\nn -= 1", "the way takes updates - 1 steps; `end` is reached one update too",
    ),
    "Minimax.discriminator": (
        WHOLE, "return -value(a_real, a_fake, self.output)[0]", "discriminator returned a float64, expected 3",
    ),
    "Penalty.gradient": (
        "jvp_backward(D, ", "D.backward(", "dtheta holds the derivative of D's output, not of the penalty:",
    ),
    "GAN.generator_step": (
        "backward(dx,", "backward(da,", "ValueError: backward: dy has shape (7, 1), but the last forward gave",
    ),
}  # fmt: skip


def wrong(script, name):
    """(an answer with the mistake, a part of what the check says of it)"""
    (old, new, words), right = MISTAKES[name], script.answer(name)
    assert old in right, f"{name}: {old!r} does not stand in the answer"
    return right.replace(old, new) if old else new, words


def filled(script, name, body):
    """The text of the file that `start` writes, with this body in place of the missing one."""
    text = script.unwritten(name, "mine.py")
    (line,) = (line for line in text.splitlines() if script.todo(name) in line)
    return text.replace(line, textwrap.indent(textwrap.dedent(body), line[: -len(line.lstrip())]))
