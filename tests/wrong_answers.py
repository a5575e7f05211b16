"""What readers may write in the exercises, and what the check has to say about it.

WRONG: by exercise, the mistake: (the body, a part of the answer). `python tests/wrong_answers.py` prints the answers.
"""

import contextlib
import importlib.util
import io
import os
import sys
import tempfile
import textwrap
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def element_wise(slope):
    return f'if wrt != "params":\n    return {slope}'


def dense(dW="self.x.T @ dy", db="dy.sum(axis=0)", dx="dy @ self.W.T", put="[...] ="):
    return f"""
        if wrt != "input":
            self.dW{put} {dW}
            self.db{put} {db}
        if wrt != "params":
            return {dx}"""


def maxout(receives, shape="x.shape[0], self.n_in"):
    return f"""
        if wrt != "params":
            x, y = self.x, self.y
            dx = xp.zeros(x.shape, dtype=dy.dtype)
            for k in range(x.shape[1]):
                dx[:, k] = {receives}
            return dx.reshape({shape})"""


def layer_norm(dx="dx /= self.deviation", dgamma="(dy * self.x_hat).sum(axis=0)", through="(dx, dx.copy())"):
    return f"""
        if wrt != "input":
            self.dgamma[...] = {dgamma}
            self.dbeta[...] = dy.sum(axis=0)
        if wrt != "params":
            dx = dy * self.gamma
            self.through_the_moments{through}
            {dx}
            return dx"""


def moment(start="if not training:\n            return running", rate="(1 - self.momentum)", n="len(a) / (len(a) - 1)"):
    return f"""
        running = getattr(self, name)
        {start}
        batch = a.mean(axis=0)
        unbiased = batch if name == "mean" else batch * ({n})
        running += {rate} * (unbiased - running)
        return batch"""


def cross_entropy(
    s="a - a.max(axis=1, keepdims=True)", da="(p - onehot) / len(a)", total="e.sum(axis=1, keepdims=True)"
):
    return f"""
        if a.ndim != 2 or labels.shape != (len(a),):
            raise ValueError("shapes")
        if labels.dtype.kind not in "iu":
            raise TypeError("labels")
        onehot = labels[:, None] == xp.arange(a.shape[1])
        onehot = xp.where(onehot.any(axis=1, keepdims=True), onehot, xp.nan).astype(a.dtype)
        s = {s}
        e = xp.exp(s)
        total = {total}
        p = e / total
        return (xp.log(total) - (onehot * s).sum(axis=1, keepdims=True)).mean(), {da}"""


HAND_DOWN = 'layer.backward(dy, "input" if wrt == "input" else "both")'


def chain(loop, last="return first.backward(dy, wrt)"):
    return f"""
        if not self.outputs:
            raise RuntimeError("no forward")
        if wrt not in WRT or dy.shape != self.outputs[-1].shape:
            raise ValueError("wrt or dy")
        self._check_dtype("dy", dy)
        first, *rest = self.layers
        {loop}
        {last}"""


def adam(m="g", v="g * g", m_hat="m / (1 - self.beta1**self.steps)", v_hat="v / (1 - self.beta2**self.steps)",
         below="xp.sqrt(v_hat) + self.eps", step="theta -= self.rate * m_hat / below"):  # fmt: skip
    return f"""
        m += (1 - self.beta1) * ({m} - m)
        v += (1 - self.beta2) * ({v} - v)
        m_hat, v_hat = {m_hat}, {v_hat}
        below = {below}
        {step}"""


def average(w="(1 - self.decay) / (1 - self.decay**self.steps)", state="mine += w * (new - mine)",
            theta="self.network.theta[...] += w * (self.source.theta - self.network.theta)"):  # fmt: skip
    return f"""
        self.steps += 1
        w = {w}
        {theta}
        for mine, new in zip(self.network.state().values(), self.source.state().values(), strict=True):
            {state}"""


def d_step(
    real="x", wrt='wrt="params"', end="self.discriminator_optimizer.step()", da="da_real, da_fake", z="self.noise(n)"
):
    return f"""
        G, D, n = self.generator, self.discriminator, len(x)
        a = D.forward(xp.concatenate(({real}, G.forward({z}, training=True))), training=True)
        loss, da_real, da_fake = self.objective.discriminator(a[:n], a[n:])
        V = self.objective.value(loss, a[:n], a[n:])
        D.backward(xp.concatenate(({da})), {wrt})
        d = self.objective.probability(a)
        {end}
        return loss, V, d[:n], d[n:]"""


def g_step(loss="self.objective.generator(a)", back='D.backward(da, wrt="input")', to_g="dx",
           end="self.generator_optimizer.step()", average="self.average.step()"):  # fmt: skip
    return f"""
        G, D = self.generator, self.discriminator
        a = D.forward(G.forward(self.noise(n), training=True), training=True)
        loss, da = {loss}
        dx = {back}
        G.backward({to_g}, wrt="params")
        {end}
        if self.average:
            {average}
        return loss, self.objective.probability(a)"""


def least_squares(
    loss="((a_real - 1) ** 2).mean() / 2 + (a_fake**2).mean() / 2",
    da_real="(a_real - 1) / a_real.size",
    da_fake="a_fake / a_fake.size",
):
    return f"return {loss}, {da_real}, {da_fake}"


def hinge(
    loss="xp.maximum(1 - a_real, 0).mean() + xp.maximum(1 + a_fake, 0).mean()",
    da_real="-1.0 * (a_real < 1)",
    da_fake="1.0 * (a_fake > -1)",
):
    return f"return {loss}, {da_real} / a_real.size, {da_fake} / a_fake.size"


def penalty(squares="(g * g).sum(axis=1)", v="2 * g * slope[:, None] / len(g)", result="phi.mean()",
            back='backward_tangent(D, xp.ones_like(a), wrt="params")'):  # fmt: skip
    return f"""
        a = D.forward(x, training=True)
        g = D.backward(xp.ones_like(a), wrt="input")
        phi, slope = self.phi({squares})
        forward_tangent(D, {v})
        {back}
        return {result}"""


WRONG = {
    "ReLU.backward": {
        "dy is forgotten": (
            element_wise("(self.y > 0).astype(dy.dtype)"),
            "the incoming dy is missing: by the chain rule dx is dy times the slope of",
        ),
        "dy is handed on": (
            element_wise("dy.copy()"),
            "dy is handed on unchanged: by the chain rule dx is dy times the slope of",
        ),
        "the other side": (
            element_wise("dy * (self.y <= 0)"),
            "your backward uses 1 - s where s is the slope of forward: is a sign flipped,",
        ),
        "nothing is returned": (
            "dx = dy * (self.y > 0)",
            "layer 0, ReLU(): backward returned None, where x has shape (7, 5)",
        ),
        "the kink": (
            element_wise("dy * (self.y >= 0)"),
            "dy is handed on unchanged: by the chain rule dx is dy times the slope of",
        ),
        "dy is changed": (
            element_wise("xp.multiply(dy, self.y > 0, out=dy)"),
            "layer 0, ReLU(): backward changed its input dy in place, which belongs to its",
        ),
    },
    "LeakyReLU.backward": {
        "as ReLU": (element_wise("dy * (self.y > 0)"), "the slope below 0 is taken for 0, as in a plain ReLU"),
        "sides exchanged": (
            element_wise("dy * xp.where(self.y > 0, self.slope, 1).astype(dy.dtype)"),
            "the two sides are exchanged: the slope belongs to where y <= 0",
        ),
        "y in place of the slope": (
            element_wise("dy * xp.maximum(self.y, self.slope * self.y)"),
            "at x = -2.09, where y = -0.419, your backward multiplies dy by -0.0837, but",
        ),
        "float64": (
            element_wise('dy * xp.where(self.y > 0, 1.0, self.slope).astype("float64")'),
            "in float32, for x in halves, where some are equal and some 0: dx is float64,",
        ),
    },
    "Tanh.backward": {
        "the square is forgotten": (element_wise("dy * (1 - self.y)"), "y is not squared: tanh' = 1 - y^2"),
        "dy is forgotten": (
            element_wise("1 - self.y**2"),
            "the incoming dy is missing: by the chain rule dx is dy times the slope of",
        ),
        "the input, which nobody kept": (
            element_wise("dy * (1 - self.x**2)"),
            ": return dy * (1 - self.x**2)\n",
        ),
        "tanh of the output": (
            element_wise("dy * (1 - xp.tanh(self.y) ** 2)"),
            "tanh is applied to y, which is tanh x already: tanh' = 1 - y^2",
        ),
        "the sign": (
            element_wise("dy * (self.y**2 - 1)"),
            "the sign is wrong: every entry is -1 times the numeric one",
        ),
    },
    "Sigmoid.backward": {
        "as tanh": (
            element_wise("dy * (1 - self.y**2)"),
            "the slope is that of tanh, 1 - y^2; of the sigmoid it is y (1 - y)",
        ),
        "1 - y is forgotten": (element_wise("dy * self.y"), "the factor 1 - y is left out"),
        "the sign": (
            element_wise("dy * self.y * (self.y - 1)"),
            "the sign is wrong: every entry is -1 times the numeric one",
        ),
        "divided": (
            element_wise("dy / (self.y * (1 - self.y))"),
            "the slope of forward is inverted: dx is dy times that slope, and here dy is",
        ),
    },
    "Dense.forward": {
        "the bias is forgotten": ("self.x = x\nreturn x @ self.W", "the bias b is left out"),
        "x is not kept": ("return x @ self.W + self.b", "AttributeError: 'Dense' object has no attribute 'x'"),
        "W transposed": (
            "self.x = x\nreturn x @ self.W.T + self.b",
            "a @ b needs as many columns in a as rows in b, and here they are 5 and 4: a",
        ),
        "nothing is returned": (
            "self.x = x\ny = x @ self.W + self.b",
            "call 1 of forward, training=False: y is None: is a `return` missing?",
        ),
        "the bias is subtracted": ("self.x = x\nreturn x @ self.W - self.b", "the bias b is subtracted"),
    },
    "Dense.backward": {
        "W not transposed": (
            dense(dx="dy @ self.W"),
            "a @ b needs as many columns in a as rows in b, and here they are 4 and 5: a",
        ),
        "dW transposed": (
            dense(dW="dy.T @ self.x"),
            "layer 0, Dense(5, 4): backward raised it, for an array of shape (7, 4): the",
        ),
        "a mean": (
            dense(db="dy.mean(axis=0)", dW="self.x.T @ dy / len(dy)"),
            "a constant factor: every entry is 0.142857 times the numeric one; 1/7 is 1/N,",
        ),
        "db is forgotten": (
            dense().replace("self.db[...] = dy.sum(axis=0)", "pass"),
            'backward never writes db: dL/db has to be put there unless wrt="input"',
        ),
        "a new array": (
            dense(put=" ="),
            "backward binds self.dW to a new array, so the network's dtheta never sees it:",
        ),
        "added": (dense(put=" +="), "grows on a second, identical call (2 times the first): dW is added to what"),
        "summed over everything": (dense(db="dy.sum()"), "summed over every axis, where only the batch's belongs"),
        "wrt": (
            dense().replace("input", "nothing"),
            'wrt="input" touched dW, which belongs to another player\'s loss: write',
        ),
    },
    "Maxout.backward": {
        "everyone receives": (maxout("dy"), "every piece receives dy, and not only the one that won"),
        "shared": (
            maxout("dy / x.shape[1]"),
            "dy is shared among the pieces as by a mean; of a maximum only the winner",
        ),
        "every winner of a tie": (
            maxout("dy * (x[:, k] == y)"),
            "each of several equal, largest pieces receives dy; only the first may",
        ),
        "the losers": (maxout("dy * (x[:, k] != y)"), "the pieces that lost receive dy, and the one that won does not"),
        "not flat": (
            maxout("dy * (x[:, k] == y)", "x.shape"),
            "layer 0, Maxout(6, 2): backward returned an array of shape (7, 3, 2), where x",
        ),
    },
    "Dropout.backward": {
        "no mask": (
            element_wise("dy.copy()"),
            "dy is handed on unchanged: by the chain rule dx is dy times the slope of",
        ),
        "out of training": (
            element_wise("dy * self.mask"),
            "TypeError: unsupported operand type(s) for *: 'float' and 'NoneType'",
        ),
        "scaled twice": (
            element_wise("dy if self.mask is None else dy * self.mask / (1 - self.rate)"),
            "the slope of forward is squared: dx is dy times that slope, once",
        ),
        "not scaled": (
            element_wise("dy if self.mask is None else dy * (self.mask > 0)"),
            "the 1 / keep that the mask carries is left out",
        ),
        "another mask": (
            element_wise("self.forward(dy, self.mask is not None)"),
            "layer 0, Dropout(0.4): backward changed y, which the next layer still reads:",
        ),
    },
    "LayerNorm.backward": {
        "moments as constants": (
            layer_norm(through=""),
            "mean and variance are taken for constants: x moves them, too, so call",
        ),
        "no division": (layer_norm(dx="pass"), "the last division by sqrt(var + eps), self.deviation, is left out"),
        "dgamma without x^": (layer_norm(dgamma="dy.sum(axis=0)"), "dgamma lacks the x^ that gamma multiplies"),
        "gamma is forgotten": (
            layer_norm().replace("dy * self.gamma", "dy.copy()"),
            "gamma is left out of dx^ = dy gamma",
        ),
        "divided by the variance": (
            layer_norm(dx="dx /= self.deviation**2"),
            "dx is divided by the variance, where the deviation, its square root, belongs",
        ),
    },
    "LayerNorm.through_the_moments": {
        "mean": (
            "dx -= self.x_hat * (dx * self.x_hat).mean(axis=self.axis, keepdims=True)",
            "the way through the mean is left out: - mean(dx^)",
        ),
        "variance": (
            "dx -= dx.mean(axis=self.axis, keepdims=True)",
            "the way through the variance is left out: - x^ mean(dx^ x^)",
        ),
        "a new array": (
            "m, a = (d.mean(axis=self.axis, keepdims=True) for d in (dx, dx * self.x_hat))\n"
            "dx = dx - m - self.x_hat * a",
            "dx was not changed in place: `dx = dx - ...` makes a new array, which the",
        ),
        "axis": (
            "m, a = (d.mean(axis=0, keepdims=True) for d in (dx, dx * self.x_hat))\ndx -= m + self.x_hat * a",
            "the means are taken over the batch, axis 0, where self.axis says over what",
        ),
        "sum": (
            "m, a = (d.sum(axis=self.axis, keepdims=True) for d in (dx, dx * self.x_hat))\ndx -= m + self.x_hat * a",
            "sums stand where means belong",
        ),
    },
    "BatchNorm.moment": {
        "biased": (moment(n="1"), "the running variance is moved towards the batch's own, without the n / (n -"),
        "momentum": (
            moment(rate="self.momentum"),
            "momentum and 1 - momentum are exchanged: the running statistic keeps the",
        ),
        "always the batch's": (
            moment(start="pass"),
            "the batch's moment is used outside training, too, where a sample must not",
        ),
        "the running one": (
            moment().replace("return batch", "return running"),
            "the running statistic normalizes the training batch, too: in training the",
        ),
        "a new array": (
            moment().replace("running +=", "running = running +"),
            "the running statistic was not changed in place: `running = ...` makes a new",
        ),
        "unbiased for the batch": (
            moment().replace("return batch", "return unbiased"),
            "the unbiased variance is returned: n / (n - 1) is for the running one alone",
        ),
    },
    "softplus": {
        "overflow": (
            "return xp.log(1 + xp.exp(a))",
            "log(1 + u) is taken of a tiny u, where 1 + u is 1 in the computer (log1p(u)",
        ),
        "digits": (
            "return xp.maximum(a, 0) + xp.log(1 + xp.exp(-abs(a)))",
            "log(1 + u) is taken of a tiny u, where 1 + u is 1 in the computer: log1p(u)",
        ),
        "sign": (
            "return xp.maximum(-a, 0) + xp.log1p(xp.exp(-abs(a)))",
            "max(-a, 0) stands where max(a, 0) belongs, as for log(1 + e^-a)",
        ),
        "no absolute value": ("return xp.maximum(a, 0) + xp.log1p(xp.exp(-a))", "e^-a stands where e^-|a| belongs"),
        "nothing": ("y = xp.maximum(a, 0)", "in float64, softplus is None: is a `return` missing?"),
    },
    "sigmoid": {
        "overflow": ("return xp.exp(a) / (1 + xp.exp(a))", "e^a is formed for large a, and inf / inf is not a number"),
        "tanh": (
            "return (xp.tanh(a / 2) + 1) / 2",
            "sigmoid is computed from tanh, which is nearly -1 for negative a: 1 -",
        ),
        "sign": ("return 1 / (1 + xp.exp(a))", "the sign of a is flipped: sigmoid(-a) is 1 - sigmoid(a)"),
        "the logarithm": ("return -softplus(-a)", "the result is log sigmoid(a); the exponential is missing"),
    },
    "bce_with_logits": {
        "a sum": (
            '_check("", "", a, t)\nreturn (softplus(a) - t * a).sum(), sigmoid(a) - t',
            "the loss is a sum, where it is the mean over the batch",
        ),
        "no 1/N": (
            '_check("", "", a, t)\nreturn (softplus(a) - t * a).mean(), sigmoid(a) - t',
            "a constant factor: every entry is 7 times the numeric one; 7 is the batch",
        ),
        "sign of da": (
            '_check("", "", a, t)\nreturn (softplus(a) - t * a).mean(), (t - sigmoid(a)) / a.size',
            "the sign is wrong: every entry is -1 times the numeric one",
        ),
        "a for sigmoid(a)": (
            '_check("", "", a, t)\nreturn (softplus(a) - t * a).mean(), (a - t) / a.size',
            "a stands where sigmoid(a) belongs",
        ),
        "no check": (
            "return (softplus(a) - t * a).mean(), (sigmoid(a) - t) / a.size",
            "for (float64 (7, 1), float64 (7,)) the docstring promises a ValueError, and",
        ),
        "loss alone": (
            '_check("", "", a, t)\nreturn (softplus(a) - t * a).mean()',
            "bce_with_logits returned a float64, expected 2 values: the loss comes first;",
        ),
        "overflow": (
            '_check("", "", a, t)\ns = xp.log(1 + xp.exp(a))\nreturn (s - t * a).mean(), (sigmoid(a) - t) / a.size',
            "e^a is formed for large a: softplus does without",
        ),
    },
    "bce": {
        "the logit's derivative": (
            '_check("", "", p, t)\np = inside(p)\n'
            "return -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), (p - t) / p.size",
            "the derivative is that by the logit; by p, it is divided by p (1 - p)",
        ),
        "log 0": (
            '_check("", "", p, t)\n'
            "return -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), (p - t) / (p * (1 - p)) / p.size",
            "log 0 is taken where p is 0 or 1: inside(p) comes first",
        ),
        "one term": (
            '_check("", "", p, t)\np = inside(p)\nreturn -(t * xp.log(p)).mean(), -t / p / p.size',
            "the second term, (1 - t) log(1 - p), is left out",
        ),
        "sign": (
            '_check("", "", p, t)\np = inside(p)\n'
            "return (t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), -(p - t) / (p * (1 - p)) / p.size",
            "the loss is -0.858565, expected 0.858565, -1 times that",
        ),
        "no 1/N": (
            '_check("", "", p, t)\np = inside(p)\n'
            "return -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), (p - t) / (p * (1 - p))",
            "a constant factor: every entry is 7 times the numeric one; 7 is the batch",
        ),
    },
    "softmax_cross_entropy": {
        "overflow": (cross_entropy(s="a"), "e^a is formed for large a: take the largest of each row away first"),
        "one sum for all": (
            cross_entropy(total="e.sum(keepdims=True)"),
            "the sum under the softmax runs over the whole batch: each row, axis=1, has",
        ),
        "no 1/N": (cross_entropy(da="p - onehot"), "the 1/N of the mean is missing in da"),
        "1/(N K)": (
            cross_entropy(da="(p - onehot) / a.size"),
            "da is divided by all N K entries, where the mean is over N samples",
        ),
        "da is p": (cross_entropy(da="p / len(a)"), "onehot is left out of da = (p - onehot) / N"),
        "no refusal": (
            cross_entropy().replace("a.ndim != 2 or labels.shape != (len(a),)", "False"),
            "for (float64 (7, 3), int64 (1,)) the docstring promises a ValueError, and",
        ),
    },
    "Network.backward": {
        "from the first to the last": (
            chain(f"for layer in rest:\n            dy = {HAND_DOWN}"),
            "the layers are walked from the first to the last: the chain rule begins at",
        ),
        "dy is not handed on": (
            chain(f"for layer in reversed(rest):\n            {HAND_DOWN}"),
            "what a layer returns is not handed to the one before it: dy =",
        ),
        "wrt for every layer": (
            chain("for layer in reversed(rest):\n            dy = layer.backward(dy, wrt)"),
            'backward(dy, wrt="params") raised it: was a layer but the first asked for',
        ),
        "wrt is forgotten": (
            chain("for layer in reversed(rest):\n            dy = layer.backward(dy)", "return first.backward(dy)"),
            'wrt="input" touched dW, which belongs to another player\'s loss: write',
        ),
        "no return": (
            chain(
                f"for layer in reversed(rest):\n            dy = {HAND_DOWN}",
                "first.backward(dy, wrt)",
            ),
            "backward(dy) returned None: is a `return` missing?",
        ),
        "no refusal": (
            'for layer in self.layers[:0:-1]:\n    dy = layer.backward(dy, "input" if wrt == "input" else "both")\n'
            "return self.layers[0].backward(dy, wrt)",
            "for (float64 (7, 5), 'weights') the docstring promises a ValueError, and none",
        ),
    },
    "SGD.update": {
        "uphill": (
            "v *= at(self.momentum, self.steps - 1)\nv += self.rate * g\ntheta += v",
            "v goes uphill: lr g is subtracted, as the gradient points where the loss grows",
        ),
        "no momentum": (
            "v[...] = -self.rate * g\ntheta += v",
            "the velocity v forgets what it was: momentum v is missing",
        ),
        "dampened": (
            "mu = at(self.momentum, self.steps - 1)\nv[...] = mu * v - (1 - mu) * self.rate * g\ntheta += v",
            "the gradient is weighted by 1 - momentum, as in an average; here it enters",
        ),
        "a new theta": (
            "v[...] = at(self.momentum, self.steps - 1) * v - self.rate * g\ntheta = theta + v",
            "SGD(momentum=0.0), step 1: the change of theta is 0 everywhere, and should",
        ),
        "a schedule is no number": (
            "v[...] = self.momentum * v - self.rate * g\ntheta += v",
            "TypeError: unsupported operand type(s) for *: 'Linear' and 'float'",
        ),
        "no rate": (
            "v[...] = at(self.momentum, self.steps - 1) * v - g\ntheta += v",
            "the learning rate, self.rate, is left out",
        ),
    },
    "Adam.update": {
        "no correction": (
            adam(m_hat="m", v_hat="v"),
            "the corrections by 1 - beta^t are left out: m and v start at 0 and are too",
        ),
        "no correction of m": (adam(m_hat="m"), "m is not divided by 1 - beta1^t"),
        "no correction of v": (adam(v_hat="v"), "v is not divided by 1 - beta2^t"),
        "no root": (adam(below="v_hat + self.eps"), "the square root of v is missing"),
        "eps under the root": (
            adam(below="xp.sqrt(v_hat + self.eps)"),
            "eps stands under the root: it is added to sqrt(v^), not to v^",
        ),
        "v of g": (adam(v="g"), "v is the running mean of g, where it belongs to g^2"),
        "uphill": (adam(step="theta += self.rate * m_hat / below"), "theta goes uphill: the step is subtracted"),
        "a new theta": (
            adam(step="theta = theta - self.rate * m_hat / below"),
            "Adam(beta1=0.5, beta2=0.999, eps=1e-08), step 1: the change of theta is 0",
        ),
        "the steps count from 0": (
            adam().replace("**self.steps", "**(self.steps - 1)"),
            "Adam(beta1=0.5, beta2=0.999, eps=1e-08), step 1: the change of theta[0] is",
        ),
    },
    "Average.step": {
        "not corrected": (
            average(w="1 - self.decay"),
            "the correction of the start, 1 / (1 - decay^t), is left out: the first",
        ),
        "exchanged": (average(w="self.decay / (1 - self.decay**self.steps)"), "decay and 1 - decay are exchanged"),
        "no state": (average(state="pass"), "the state beside theta, running statistics, is not averaged"),
        "a new array": (
            average(theta="a = self.network.theta + w * (self.source.theta - self.network.theta)"),
            "step 1: the change of the average of theta is 0 everywhere, and should not",
        ),
    },
    "Linear.__call__": {
        "on and on": (
            "start, end, updates = self.args\nreturn start + (end - start) * t / updates",
            "nothing stops it at `end`: after `updates` it goes on beyond",
        ),
        "backwards": (
            "start, end, updates = self.args\nreturn end + (start - end) * min(t / updates, 1)",
            "start and end are exchanged",
        ),
        "whole numbers": (
            "start, end, updates = self.args\nreturn start + (end - start) * min(t // updates, 1)",
            "// divides to whole numbers: the way is a jump at the end",
        ),
        "one early": (
            "start, end, updates = self.args\nreturn start + (end - start) * min(t / (updates - 1), 1)",
            "the way takes updates - 1 steps; `end` is reached one update too early",
        ),
        "clamped by value": (
            "start, end, updates = self.args\nreturn max(end, start + (end - start) * t / updates)",
            "Linear(0.5, 0.99, 10)(0) is 0.99, expected 0.5 (1 of 6 entries are right)",
        ),
    },
    "value": {
        "a sum": (
            "r, dr = log_d(a_real, output)\nf, df = log_not_d(a_fake, output)\nreturn r.sum() + f.sum(), dr, df",
            "sums stand where means belong",
        ),
        "fakes by log D": (
            "r, dr = log_d(a_real, output)\nf, df = log_d(a_fake, output)\n"
            "return r.mean() + f.mean(), dr / a_real.size, df / a_fake.size",
            "the fakes enter by log D, where log(1 - D) belongs",
        ),
        "one N for both": (
            "r, dr = log_d(a_real, output)\nf, df = log_not_d(a_fake, output)\nn = a_real.size\n"
            "return r.mean() + f.mean(), dr / n, df / n",
            "the derivative by a_fake is divided by the number of real samples, not of",
        ),
        "no 1/N": (
            "r, dr = log_d(a_real, output)\nf, df = log_not_d(a_fake, output)\nreturn r.mean() + f.mean(), dr, df",
            "a constant factor: every entry is 7 times the numeric one; 7 is the batch",
        ),
        "D's loss": (
            "r, dr = log_d(a_real, output)\nf, df = log_not_d(a_fake, output)\n"
            "return -r.mean() - f.mean(), -dr / a_real.size, -df / a_fake.size",
            "the sign is that of D's loss, -V",
        ),
    },
    "Minimax.discriminator": {
        "V itself": (
            "return value(a_real, a_fake, self.output)",
            "the derivatives are those of V, which D maximizes: its loss is -V, and so are",
        ),
        "derivatives of V": (
            "V, da_real, da_fake = value(a_real, a_fake, self.output)\nreturn -V, da_real, da_fake",
            "the derivatives are those of V, which D maximizes: its loss is -V, and so are",
        ),
        "no smoothing": (
            "V, da_real, da_fake = value(a_real, a_fake, self.output)\nreturn -V, -da_real, -da_fake",
            "the smoothing is left out: the term (1 - real) E[log D(x) - log(1 - D(x))]",
        ),
        "loss alone": (
            "return -value(a_real, a_fake, self.output)[0]",
            "discriminator returned a float64, expected 3 values: the loss comes first; is",
        ),
    },
    "Minimax.generator": {
        "as NonSaturating": (
            "loss, slope = log_d(a_fake, self.output)\nreturn -loss.mean(), -slope / a_fake.size",
            "G minimizes -log D(G(z)) where log(1 - D(G(z))) belongs: a flipped label or",
        ),
        "the sign": (
            "loss, slope = log_not_d(a_fake, self.output)\nreturn -loss.mean(), -slope / a_fake.size",
            "G minimizes -log(1 - D(G(z))) where log(1 - D(G(z))) belongs: a flipped label",
        ),
        "no 1/N": (
            "loss, slope = log_not_d(a_fake, self.output)\nreturn loss.mean(), slope",
            "a constant factor: every entry is 7 times the numeric one; 7 is the batch",
        ),
        "the output is forgotten": (
            "loss, slope = log_not_d(a_fake)\nreturn loss.mean(), slope / a_fake.size",
            "self.output is not handed on: D's output is taken for a logit although it may",
        ),
    },
    "NonSaturating.generator": {
        "as Minimax": (
            "loss, slope = log_not_d(a_fake, self.output)\nreturn loss.mean(), slope / a_fake.size",
            "G minimizes log(1 - D(G(z))) where -log D(G(z)) belongs: a flipped label or",
        ),
        "the sign": (
            "loss, slope = log_d(a_fake, self.output)\nreturn loss.mean(), slope / a_fake.size",
            "G minimizes log D(G(z)) where -log D(G(z)) belongs: a flipped label or sign,",
        ),
        "the sign of the derivative": (
            "loss, slope = log_d(a_fake, self.output)\nreturn -loss.mean(), slope / a_fake.size",
            "G minimizes log D(G(z)) where -log D(G(z)) belongs: a flipped label or sign,",
        ),
        "no 1/N": (
            "loss, slope = log_d(a_fake, self.output)\nreturn -loss.mean(), -slope",
            "a constant factor: every entry is 7 times the numeric one; 7 is the batch",
        ),
    },
    "LeastSquares.discriminator": {
        "no half": (
            least_squares("((a_real - 1) ** 2).mean() + (a_fake**2).mean()"),
            "the 1/2 of both squares is missing in the loss",
        ),
        "targets exchanged": (
            least_squares("(a_real**2).mean() / 2 + ((a_fake - 1) ** 2).mean() / 2"),
            "the targets are exchanged: 1 is for real samples, 0 for fakes",
        ),
        "a factor 2": (
            least_squares(da_real="2 * (a_real - 1) / a_real.size", da_fake="2 * a_fake / a_fake.size"),
            "a constant factor: every entry is 2 times the numeric one; something is",
        ),
        "no 1/N": (
            least_squares(da_real="a_real - 1", da_fake="a_fake"),
            "a constant factor: every entry is 7 times the numeric one; 7 is the batch",
        ),
    },
    "Hinge.discriminator": {
        "a slope everywhere": (
            hinge(da_real="-xp.ones_like(a_real)", da_fake="xp.ones_like(a_fake)"),
            "samples beyond the margin still have a slope: there the loss is 0, and so is",
        ),
        "the margin at 0": (
            hinge(da_real="-1.0 * (a_real < 0)", da_fake="1.0 * (a_fake > 0)"),
            "the margin of the derivative is at 0, that of the loss at 1 and -1",
        ),
        "the sign": (
            hinge(da_real="1.0 * (a_real < 1)", da_fake="-1.0 * (a_fake > -1)"),
            "the sign is wrong: every entry is -1 times the numeric one",
        ),
        "exchanged": (
            hinge("xp.maximum(1 + a_real, 0).mean() + xp.maximum(1 - a_fake, 0).mean()"),
            "the signs are exchanged: D wants a large for real samples, small for fakes",
        ),
    },
    "UnitSlope.phi": {
        "by the norm": (
            "n = xp.sqrt(squares + 1e-12)\nreturn self.weight * (n - 1) ** 2, 2 * self.weight * (n - 1)",
            "the derivative is that by |g|; by |g|^2, it is divided by 2 |g|",
        ),
        "no root": (
            "return self.weight * (squares - 1) ** 2, self.weight * (squares - 1) / squares",
            "|g|^2 stands where |g| belongs: the root is missing",
        ),
        "0": (
            "n = xp.sqrt(squares)\nreturn self.weight * (n - 1) ** 2, self.weight * (n - 1) / n",
            "nothing is added under the root: at g = 0 |g| has no derivative, and phi' is",
        ),
        "no weight": ("n = xp.sqrt(squares + 1e-12)\nreturn (n - 1) ** 2, (n - 1) / n", "the weight is left out"),
        "phi alone": (
            "return self.weight * (xp.sqrt(squares + 1e-12) - 1) ** 2",
            "phi returned a ndarray, expected 2 values: the loss comes first; is a",
        ),
    },
    "Penalty.gradient": {
        "no 2": (penalty(v="g * slope[:, None] / len(g)"), "the 2 from the derivative of |g|^2 is missing"),
        "no 1/N": (penalty(v="2 * g * slope[:, None]"), "the 1/N of the mean is missing"),
        "the derivative of a": (
            penalty(back='D.backward(xp.ones_like(a), wrt="params")'),
            "dtheta holds the derivative of D's output, not of the penalty:",
        ),
        "phi of the norm": (penalty(squares="(g * g).sum(axis=1) ** 0.5"), "phi is given |g|, where it takes |g|^2"),
        "a sum": (
            penalty(result="phi.sum()"),
            "the penalty that is returned is 2.85987, expected 0.408553, 7 times that",
        ),
    },
    "GAN.discriminator_step": {
        "real and fake exchanged": (
            d_step().replace("discriminator(a[:n], a[n:])", "discriminator(a[n:], a[:n])"),
            "real and fake are exchanged: x stands in the first n rows",
        ),
        "the derivatives exchanged": (
            d_step(da="da_fake, da_real"),
            "the derivatives are stacked in another order than the samples",
        ),
        "no update": (d_step(end="pass"), "discriminator_step never called D's optimizer"),
        "wrt": (
            d_step(wrt='wrt="input"'),
            "the gradient never arrives: discriminator_step writes nothing into D's dtheta",
        ),
        "logits are returned": (
            d_step().replace("self.objective.probability(a)", "a.copy()"),
            "step 1: the D(x) that is returned",
        ),
        "nothing is returned": (
            d_step().replace("return loss, V, d[:n], d[n:]", "pass"),
            "discriminator_step returned a NoneType, expected 4 values: the loss comes",
        ),
        "two backward passes": (
            """
            D, n = self.discriminator, len(x)
            fake = self.generator.forward(self.noise(n), training=True)
            a_real, a_fake = D.forward(x, training=True).copy(), D.forward(fake, training=True).copy()
            loss, da_real, da_fake = self.objective.discriminator(a_real, a_fake)
            D.backward(da_fake, wrt="params")
            D.forward(x, training=True)
            D.backward(da_real, wrt="params")
            self.discriminator_optimizer.step()
            D = self.objective.probability
            return loss, self.objective.value(loss, a_real, a_fake), D(a_real), D(a_fake)""",
            "only the real samples' part reaches the optimizer: each backward overwrites",
        ),
    },
    "GAN.generator_step": {
        "logits are returned": (
            g_step().replace("self.objective.probability(a)", "a"),
            "step 1: the D(G(z)) that is returned",
        ),
        "not through D": (
            g_step(to_g="da"),
            "ValueError: backward: dy has shape (7, 1), but the last forward gave (7, 4)",
        ),
        "D's gradient is overwritten": (
            g_step(back='D.backward(da, wrt="both")'),
            "generator_step overwrote D's dtheta, which belongs to D's loss: play through",
        ),
        "no update": (g_step(end="pass"), "generator_step never called G's optimizer"),
        "the sign": (g_step(to_g="-dx"), "the sign is wrong: every entry is -1 times the numeric one"),
        "D is moved": (
            g_step(back='D.backward(da, wrt="both")', end="self.discriminator_optimizer.step()"),
            "generator_step never called G's optimizer",
        ),
        "D's loss": (
            g_step(loss="(lambda l, r, f: (l, f))(*self.objective.discriminator(a, a))"),
            "G follows D's loss: it makes its fakes easier to tell",
        ),
        "no average": (
            g_step(average="pass"),
            "after step 1: theta of the average[0] is ",
        ),
        "wrt params of D": (
            g_step(back='D.backward(da, wrt="params")'),
            'None was handed on: what returned it? A backward with wrt="params" does, it',
        ),
    },
}

RIGHT = {  # written otherwise than in minigan, and as right
    "ReLU.backward": element_wise("dy * (self.y > 0)"),
    "LeakyReLU.backward": element_wise("xp.where(self.y > 0, dy, self.slope * dy)"),
    "Tanh.backward": element_wise("dy * (1 - self.y**2)"),
    "Sigmoid.backward": element_wise("dy * self.y * (1 - self.y)"),
    "Dense.forward": "self.x = x\nreturn x @ self.W + self.b",
    "Dense.backward": dense(),
    "Maxout.backward": maxout("dy * ((x[:, k] == y) & (x[:, :k] < y[:, None]).all(axis=1))"),
    "Dropout.backward": element_wise("dy if self.mask is None else dy * self.mask"),
    "LayerNorm.backward": layer_norm(),
    "LayerNorm.through_the_moments": """
        m, a = (d.mean(axis=self.axis, keepdims=True) for d in (dx, dx * self.x_hat))
        dx[...] = dx - m - self.x_hat * a""",
    "BatchNorm.moment": moment(),
    "softplus": "return xp.logaddexp(0, a).astype(a.dtype)",
    "sigmoid": "e = xp.exp(-abs(a))\nreturn xp.where(a < 0, e, 1) / (1 + e)",
    "bce_with_logits": """
        _check("", "", a, t)
        return (t * softplus(-a) + (1 - t) * softplus(a)).mean(), (sigmoid(a) - t) / len(a)""",
    "bce": """
        _check("", "", p, t)
        p = inside(p)
        return -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).mean(), (-t / p + (1 - t) / (1 - p)) / len(p)""",
    "softmax_cross_entropy": cross_entropy(),
    "Network.backward": chain(f"for layer in reversed(rest):\n            dy = {HAND_DOWN}"),
    "SGD.update": "v[...] = at(self.momentum, self.steps - 1) * v - self.rate * g\ntheta += v",
    "Adam.update": adam(),
    "Average.step": average(),
    "Linear.__call__": "a, b, n = self.args\nreturn b if t >= n else a * (1 - t / n) + b * t / n",
    "value": """
        r, dr = log_d(a_real, output)
        f, df = log_not_d(a_fake, output)
        return r.mean() + f.mean(), dr / len(a_real), df / len(a_fake)""",
    "Minimax.discriminator": """
        real, dr = log_d(a_real, self.output)
        unreal, du = log_not_d(a_real, self.output)
        fake, df = log_not_d(a_fake, self.output)
        loss = -self.real * real.mean() - (1 - self.real) * unreal.mean() - fake.mean()
        return loss, -(self.real * dr + (1 - self.real) * du) / len(a_real), -df / len(a_fake)""",
    "Minimax.generator": "loss, slope = log_not_d(a_fake, self.output)\nreturn loss.mean(), slope / len(a_fake)",
    "NonSaturating.generator": "loss, slope = log_d(a_fake, self.output)\nreturn -loss.mean(), -slope / len(a_fake)",
    "LeastSquares.discriminator": least_squares(),
    "Hinge.discriminator": hinge(
        da_real="-(a_real < 1).astype(a_real.dtype)", da_fake="(a_fake > -1).astype(a_fake.dtype)"
    ),
    "UnitSlope.phi": """
        norm = (squares + 1e-12) ** 0.5
        return self.weight * (norm**2 - 2 * norm + 1), self.weight - self.weight / norm""",
    "Penalty.gradient": penalty(),
    "GAN.discriminator_step": """
        D = self.discriminator
        fake = self.generator.forward(self.noise(len(x)), training=True)
        a_fake = D.forward(fake, training=True).copy()
        a_real = D.forward(x, training=True).copy()
        loss, da_real, da_fake = self.objective.discriminator(a_real, a_fake)
        D.backward(da_real, wrt="params")
        of_the_real = D.dtheta.copy()
        D.forward(fake, training=True)
        D.backward(da_fake, wrt="params")
        D.dtheta[...] += of_the_real
        self.discriminator_optimizer.step()
        p = self.objective.probability
        return loss, self.objective.value(loss, a_real, a_fake), p(a_real), p(a_fake)""",
    "GAN.generator_step": g_step(),
}


def load():
    """scripts/exercise.py as a module; its neighbors are found as when it is run."""
    if str(SCRIPTS) not in sys.path:
        sys.path.insert(0, str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("exercise", SCRIPTS / "exercise.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def filled(script, name, body):
    """The text of the file that `start` writes, with this body in place of the missing one."""
    text = script.unwritten(name, "mine.py")
    (line,) = (line for line in text.splitlines() if script.todo(name) in line)
    indent = line[: -len(line.lstrip())]
    return text.replace(line, textwrap.indent(textwrap.dedent(body).strip("\n"), indent))


def run(script, path, name, body):
    """(exit code, what was printed) of `exercise.py check` on the file at `path`, filled with this body."""
    path.write_text(filled(script, name, body), encoding="utf-8")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = script.main(["check", str(path)])
    return code, out.getvalue()


def main():
    script = load()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        for name, mistakes in WRONG.items():
            for mistake, (body, words) in mistakes.items():
                code, text = run(script, Path(folder) / "mine.py", name, body)
                lines = text.replace(f"{folder}/", "").splitlines()[:-1]
                shown = [line.strip() for line in lines if "  -> " in line or line.startswith("This is")] or lines
                print(f"{name}: {mistake} (exit {code}){'' if words and words in text else ' UNEXPECTED'}")
                print("\n".join(f"    {line}" for line in shown))


if __name__ == "__main__":
    main()
