"""The laboratory: one HTML page on which games on the same points are watched side by side, scene by scene.

The page holds numbers, not pictures, and page/laboratory.js draws them on canvases: they are sharp at every width, and
several times smaller than a PNG of each scene. Arrays are packed as `packed` says.
"""

import base64
import html

import numpy
from matplotlib import colormaps
from matplotlib.colors import to_hex

from minigan.backend.checks import kind
from minigan.objectives import Hinge, LeastSquares, Minimax, NonSaturating, RelativisticAverage, Wasserstein
from minigan.plots import page
from minigan.plots.figures import limits
from minigan.plots.style import BELIEF, CRITIC
from minigan.plots.toys import FPS, SIDE, Arrows, Film, Lattice, check, densities, is_belief, key, smoothed
from minigan.plots.words import value_in_words

NONE, CODES = 65535, 65534  # the code of NaN, and the largest of the others
DOTS, POINTS_OF_V, SHADES = 1000, 1000, 20  # samples drawn in the plane; points of the curve; colors of a scale
AVERAGED = 100  # rounds of the V that is said in words
FORMULAS = {
    Minimax: "D maximizes V = E[log D(x)] + E[log(1 &minus; D(G(z)))], G minimizes it",
    NonSaturating: "D maximizes V as in minimax, G minimizes &minus;E[log D(G(z))]",
    LeastSquares: "D minimizes E[(1 &minus; a(x))&sup2;]/2 + E[a(G(z))&sup2;]/2, G E[(1 &minus; a(G(z)))&sup2;]/2",
    Wasserstein: "D maximizes V = E[a(x)] &minus; E[a(G(z))], G minimizes &minus;E[a(G(z))]",
    Hinge: "D minimizes E[max(0, 1 &minus; a(x))] + E[max(0, 1 + a(G(z)))], G minimizes &minus;E[a(G(z))]",
    RelativisticAverage: "D tells a(x) from the mean a(G(z)), and a(G(z)) from the mean a(x); G wants the reverse",
}
BELIEVED = "D(x), the probability that x is real"
TITLES = {LeastSquares: "D(x) = a(x), cut off at 0 and 1"}


def save_page(path, data, lattice, films, words, setting):
    """Write the page: a column for each of the `films` of games on `data`, a Toy, and one slider for all.

    The films have scenes of the same rounds. words: for each film a list of what to say of each scene. setting: how
    the games were played, a sentence. Raises ValueError for data of more than two dimensions,
    and TypeError and ValueError where films, words and setting are none, or not of one length.
    """
    check(data)
    kind("save_page", lattice, Lattice)
    kind("save_page: setting", setting, str)
    for film, sentences in matched("films and words", kind("films", films, list), kind("words", words, list)):
        matched("scenes and words", kind("save_page", film, Film).scenes, kind("words", sentences, list))
    games = [
        game(film, peers, data, lattice) | {"words": said(film, sentences)}
        for film, peers, sentences in zip(films, comparable(films), words, strict=True)
    ]
    content = {
        "rounds": [scene.round for scene in films[0].scenes],
        "played": len(films[0].V),
        "fps": FPS,
        "low": lattice.low.tolist(),
        "high": lattice.high.tolist(),
        "side": SIDE,
        "points": packed([in_picture(lattice, lattice.points)], -0.5, 1.5),
        "games": games,
    }
    page.write(
        path,
        "laboratory",
        f"{data.name}: {', '.join(film.name for film in films)}",
        content,
        controls=page.controls(len(films[0].scenes) - 1),
        legend=page.read("plane-legend.html" if data.width == 2 else "line-legend.html"),
        most=len(films) if len(films) < 5 else 3,
        columns="\n".join(column(data, film, each) for film, each in zip(films, games, strict=True)),
        setting=html.escape(setting),
        means=f", drawn as means of {games[0]['block']} rounds" if games[0]["block"] > 1 else "",
        averaged=AVERAGED,
    )


def matched(what, one, other):
    """The pairs of both. Raises ValueError unless they are of one length, which is not 0."""
    if not len(one) == len(other) > 0:
        raise ValueError(f"save_page: {len(one)} and {len(other)} {what}: expected equally many, at least one")
    return list(zip(one, other, strict=True))


def packed(arrays, low, high):
    """Arrays as {"low": low, "high": high, "codes": [text, ...]}, each text the base64 of 16-bit codes, low byte first.

    A code c means low + c / 65534 (high - low), and 65535 means NaN. What lies outside is moved to low or high.
    """
    texts = []
    for a in arrays:
        share = (numpy.asarray(a, "float64").ravel() - low) / (high - low)
        codes = numpy.where(numpy.isnan(share), NONE, numpy.round(numpy.clip(share, 0, 1) * CODES))
        texts.append(base64.b64encode(codes.astype("<u2").tobytes()).decode())
    return {"low": float(low), "high": float(high), "codes": texts}


def in_picture(lattice, x):
    """Points x (N, d) with the lattice's corners at 0 and 1."""
    return (x - lattice.low) / (lattice.high - lattice.low)


def comparable(films):
    """For each film the films whose V and whose slopes are in the same unit, itself included: they share their scales.

    Those are the games in which D maximizes V of 2014; every other game has its own units.
    """
    together = [film for film in films if isinstance(film.objective, Minimax)]
    return [together if isinstance(film.objective, Minimax) else [film] for film in films]


def game(film, peers, data, lattice):
    """What the script draws of one game, on the scales of its peers."""
    scenes, objective, belief = film.scenes, film.objective, is_belief(film.objective)
    arrows = Arrows([scene for peer in peers for scene in peer.scenes], lattice)
    longest = arrows.longest / lattice.extent
    high = 1 if belief else film.reach if data.width == 2 else film.largest
    dots = DOTS if data.width == 2 else None
    block, means = smoothed(film.V, POINTS_OF_V)
    content = {
        "shades": shades(BELIEF if belief else CRITIC),
        "D": packed([scene.D for scene in scenes], 0 if belief else -high, high),
        "samples": packed([in_picture(lattice, scene.samples[:dots]) for scene in scenes], -0.5, 1.5),
        "arrows": packed([arrows(scene) / lattice.extent for scene in scenes], -longest, longest),
        "key": key(arrows.scale / lattice.extent),
        "V": packed([means], *limits(numpy.concatenate([peer.V for peer in peers]), objective.equilibrium)),
        "block": block,
        "equilibrium": objective.equilibrium,
    }
    if data.width == 1:
        p = data.density(lattice.x)
        best = [densities(data, lattice, scene)[2] for scene in scenes] if belief else []
        content |= {"p": packed([p], 0, 1.7 * p.max()), "best": packed(best, 0, 1) if belief else None}
    return content


def shades(name):
    """The colors of a matplotlib color map as on the pictures, pale enough for dots: SHADES texts like "#fbe3d4"."""
    share = (numpy.arange(SHADES) + 0.5) / SHADES
    rgb = colormaps[name]((share + 0.1) / 1.2)[:, :3]
    return [to_hex(1 - 0.55 * (1 - color)) for color in rgb]


def said(film, sentences):
    """What is said below each scene: V, and the sentence on the samples."""
    words = []
    for scene, sentence in zip(film.scenes, sentences, strict=True):
        value = "before the first round"
        if scene.round:
            V = film.V[max(0, scene.round - AVERAGED) : scene.round].mean()
            value = value_in_words({"V": V, "equilibrium": film.objective.equilibrium})
        words.append(f"{value}; {sentence}")
    return words


def column(data, film, content):
    """The HTML of a game's column, with what is said of the last scene."""
    belief, high = is_belief(film.objective), content["D"]["high"]
    judge = "D(x)" if belief else "a(x)"
    if data.width == 2:
        stops = (f"{c} {100 * i / SHADES:g}% {100 * (i + 1) / SHADES:g}%" for i, c in enumerate(content["shades"]))
        ends = ("0, fake", "½", "1, real") if belief else (f"&le; &minus;{high:.2g}", "0", f"&ge; {high:.2g}")
        scale = page.fill(
            "scale.html", stops=", ".join(stops), **dict(zip(("low", "middle", "high"), ends, strict=True))
        )
        seen = f"data, samples, arrows, and {judge} as colors"
    else:
        scale = ""
        seen = f"densities of data and samples, {judge}{' and p / (p + q)' if belief else ''}, and arrows"
    rest = film.objective.equilibrium
    return page.fill(
        "game.html",
        name=html.escape(film.name),
        formula=FORMULAS.get(type(film.objective), html.escape(repr(film.objective))),
        title=TITLES.get(type(film.objective), BELIEVED if belief else "a(x) of a critic: high for real"),
        seen=seen,
        scale=scale,
        value="V" if rest is None else f"V; dashed: its equilibrium, {'&minus;' if rest < 0 else ''}{abs(rest):.3f}",
        last=html.escape(content["words"][-1]),
    )
