"""Stage one again, for entries that seem wrong: is it the derivative, or its measurement?

Where L bends too sharply for eps, central differences D(h) of several steps tell more than one (Richardson 1911):

    D(h) = dL/dv + c h^2 + d h^4 + ...    so that (64 D(h/4) - 20 D(h/2) + D(h)) / 45    is wrong by about h^6
"""

from minigan.gradcheck.measure import derivative

LOOKS = 4, 1 / 4, 1 / 64, 1 / 1024  # steps h of the extrapolation, in eps: the first rounds no more than D(eps)


def extrapolated(variable, d, eps, enough):
    """The Derivative d measured anew, or d itself where no step brings the error that remains below `enough`.

    What the last term of the extrapolation changed is more than that error.
    """
    for h in (look * eps for look in LOOKS if not variable.twin):
        (far, _), (middle, _), (near, noise) = (derivative(variable, d.u, h / k) for k in (1, 2, 4))
        numeric = (64 * near - 20 * middle + far) / 45
        if 2 * noise > max(2 * d.noise, enough):
            break
        if abs(numeric - (4 * near - middle) / 3) <= enough:
            return d._replace(numeric=numeric)
    return d
