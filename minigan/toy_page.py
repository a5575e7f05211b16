"""The laboratory: one HTML page on which games on the same points are watched side by side, scene by scene.

The page holds numbers, not pictures, and SCRIPT draws them on canvases: that is sharp at every width, and several times
smaller than a PNG of each scene. It needs no library, no network and no other file. Arrays are packed as `packed` says.
"""

import base64
import html
import json
import math

import numpy
from matplotlib import colormaps
from matplotlib.colors import to_hex

from minigan.advice import value_in_words
from minigan.files import replacing
from minigan.objectives import Minimax, NonSaturating
from minigan.other_objectives import Hinge, LeastSquares, RelativisticAverage, Wasserstein
from minigan.plots import PAGE
from minigan.toy_plots import (
    BELIEF,
    CRITIC,
    CURVE,
    DATA,
    FPS,
    SAMPLE,
    SIDE,
    Arrows,
    check,
    densities,
    is_belief,
    limits,
)  # fmt: skip

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
    the games were played, a sentence. Raises ValueError for data of more than two dimensions.
    """
    check(data)
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
    body = BODY.format(
        legend=PLANE_LEGEND if data.width == 2 else LINE_LEGEND,
        last=len(films[0].scenes) - 1,
        setting=html.escape(setting),
        means=f", drawn as means of {games[0]['block']} rounds" if games[0]["block"] > 1 else "",
        averaged=AVERAGED,
        most=len(films) if len(films) < 5 else 3,
        columns="\n".join(column(data, film, each) for film, each in zip(films, games, strict=True)),
        content=json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
        script=SCRIPT,
    )
    title = html.escape(f"{data.name}: {', '.join(film.name for film in films)}")
    with replacing(path, "w", encoding="utf-8") as file:
        file.write(PAGE.format(title=title, icons=COLORS + STYLE, film=body))


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

    Those are the games in which D plays for V of 2014; every other game has units of its own.
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
    block = math.ceil(len(film.V) / POINTS_OF_V)
    starts = numpy.arange(0, len(film.V), block)
    means = numpy.add.reduceat(film.V, starts) / numpy.diff([*starts, len(film.V)])
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


def key(scale):
    """[slope, length] of the arrow that explains the others: a round slope, at most 0.08 pictures long."""
    scale = float(scale)
    power = 10.0 ** math.floor(math.log10(0.08 / scale))
    slope = max(step * power for step in (1, 2, 5) if step * power * scale <= 0.08 * (1 + 1e-9))
    return [float(f"{slope:.1g}"), slope * scale]


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
        scale = SCALE.format(", ".join(stops), *ends)
        seen = f"data, samples, arrows, and {judge} as colors"
    else:
        scale = ""
        seen = f"densities of data and samples, {judge}{' and p / (p + q)' if belief else ''}, and arrows"
    rest = film.objective.equilibrium
    return COLUMN.format(
        name=html.escape(film.name),
        formula=FORMULAS.get(type(film.objective), html.escape(repr(film.objective))),
        title=TITLES.get(type(film.objective), BELIEVED if belief else "a(x) of a critic: high for real"),
        seen=seen,
        scale=scale,
        value="V" if rest is None else f"V; dashed: its equilibrium, {'&minus;' if rest < 0 else ''}{abs(rest):.3f}",
        last=html.escape(content["words"][-1]),
    )


SCALE = """<div class="shades" style="background: linear-gradient(to right, {})"></div>
<div class="ends"><span>{}</span><span>{}</span><span>{}</span></div>"""

COLUMN = """<section class="game">
<h4>{name}</h4>
<p class="formula">{formula}</p>
<div><p class="title">{title}</p>
<canvas class="place" role="img" aria-label="{name}: {seen}"></canvas></div>
<div>{scale}</div>
<div><p class="title">{value}</p>
<canvas class="value" role="img" aria-label="{name}: V over the rounds"></canvas></div>
<p class="words">{last}</p>
</section>"""

PLANE_LEGEND = """<span><i class="dot data"></i> data</span>
<span><i class="dot sample"></i> samples G(z)</span>
<span><b>→</b> minus the gradient of G's loss at a sample</span>
<span><i class="line border"></i> border: D = ½, or a = 0</span>"""

LINE_LEGEND = """<span><i class="box data"></i> p, the data</span>
<span><i class="box sample"></i> q, the samples G(z)</span>
<span><i class="line curve"></i> D or a (right axis)</span>
<span><i class="line best"></i> p / (p + q), the best D</span>
<span><b>→</b> minus the gradient of G's loss at a sample</span>"""

BODY = """<noscript>
<style>.controls, .legend, .game > div {{ display: none }}</style>
<p><strong>This page draws with JavaScript, which is switched off here.</strong> It would show each game below as a
film: the data, the samples, what the discriminator D makes of every point, and the value V. The sentences below say
how the games ended.</p>
</noscript>
<div class="controls">
<button id="play" type="button">▶ play</button>
<input id="scene" type="range" min="0" max="{last}" value="0" step="1" aria-label="scene">
<output id="round" for="scene"></output>
</div>
<p class="legend">{legend}</p>
<main class="games" style="--most: {most}">
{columns}
</main>
<details open><summary>How to read this</summary>
<p>{setting}</p>
<p>Every column is a game of its own. All began with the same weights, and saw the same data and the same noise in the
same order; only what the players minimize differs. Arrow keys move the slider, the space bar plays.</p>
<p>The arrows say where each of 150 samples would go if it could move freely; G can move them only together, by its
weights. The arrow below the axes shows what length stands for what slope, over the whole film. Arrows longer than a
tenth of the picture are cut off.</p>
<p>Minimax and non-saturating share their scales, because D plays for the same V. Other games have units of their own.
The output a of a critic is no probability, and where only differences of a count (in all of them but hinge), 0 is
midway between its means over data and samples.</p>
<p>V is that of the batches that D learned from, before its step{means}; in words, the mean of the last {averaged}
rounds. It is at its equilibrium where D cannot tell samples from data, which also holds of a D that learns too
slowly.</p>
</details>
<script type="application/json" id="film">{content}</script>
<script>{script}</script>"""

COLORS = f"""<style>
  :root {{ --data: {DATA}; --sample: {SAMPLE}; --curve: {CURVE}; --best: #a6a6a6; --ink: #222; --faint: #d0d0d0 }}
</style>"""

STYLE = """<meta name="viewport" content="width=device-width, initial-scale=1"><style>
  html { color-scheme: light; background: white; color: var(--ink); font-size: 14px; line-height: 1.35 }
  body { max-width: 1500px; margin: 0 auto; padding: 0 16px 24px }
  h3 { font-size: 20px; margin: 14px 0 6px }
  .controls { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 4px 12px;
    align-items: center; padding: 8px 0; background: white; border-bottom: 1px solid var(--faint) }
  .controls input { flex: 1; min-width: 80px }
  .controls button { font: inherit; width: 6em; padding: 4px 0 }
  .controls output { min-width: 19em; white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums }
  .legend { display: flex; flex-wrap: wrap; gap: 4px 22px; justify-content: center; margin: 10px 0 }
  .legend i { display: inline-block; vertical-align: middle }
  .dot { width: 8px; height: 8px; border-radius: 4px }
  .box { width: 14px; height: 10px; opacity: 0.5 }
  .line { width: 18px; height: 2px }
  .data { background: var(--data) }
  .sample { background: var(--sample) }
  .border { background: var(--ink) }
  .curve { background: var(--curve) }
  .best { height: 4px; background: var(--best) }
  .games { display: grid; gap: 0 18px; max-width: calc(var(--most) * 500px); margin: 0 auto;
    grid-template-columns: repeat(auto-fit, minmax(max(235px, 100% / var(--most) - 18px), 1fr)) }
  .game { display: grid; grid-row: span 6; grid-template-rows: subgrid; min-width: 0; padding-bottom: 14px }
  .game h4 { font-size: 16px; margin: 8px 0 2px }
  .game p { margin: 0 0 6px }
  .formula, .words { font-size: 13px }
  .words { min-height: 2.7em }
  .game .title { font-size: 12px; margin: 0 }
  canvas { display: block; width: 100% }
  .shades { height: 10px; margin: 0 8px 0 44px }
  .ends { display: flex; font-size: 12px; margin: 1px 8px 8px 44px }
  .ends span { flex: 1 }
  .ends span:first-child { text-align: left }
  .ends span:last-child { text-align: right }
  details { text-align: left; max-width: 75em; margin: 8px auto 0 }
</style>"""

SCRIPT = r"""
"use strict";
const film = JSON.parse(document.getElementById("film").textContent);
const places = document.querySelectorAll(".place"), values = document.querySelectorAll(".value");
const words = document.querySelectorAll(".words"), rounds = document.getElementById("round");
const slider = document.getElementById("scene"), button = document.getElementById("play");
const style = getComputedStyle(document.documentElement);
const [DATA, SAMPLE, CURVE, BEST, INK, FAINT] =
  ["data", "sample", "curve", "best", "ink", "faint"].map(name => style.getPropertyValue("--" + name).trim());
const last = film.rounds.length - 1, LEFT = 44, RIGHT = 8;
let now = 0, timer = null;

function unpacked(series, k = 0) {
  const bytes = Uint8Array.from(atob(series.codes[k]), c => c.charCodeAt(0));
  return Float32Array.from({length: bytes.length / 2}, (_, i) => {
    const code = bytes[2 * i] + 256 * bytes[2 * i + 1];
    return code === 65535 ? NaN : series.low + code / 65534 * (series.high - series.low);
  });
}

function begin(canvas, height) {
  const sharp = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = height + "px";
  [canvas.width, canvas.height] = [Math.round(width * sharp), Math.round(height * sharp)];
  const pen = canvas.getContext("2d");
  pen.scale(sharp, sharp);
  pen.font = "12px sans-serif";
  pen.lineJoin = "round";
  return pen;
}

// A box is the inside of the axes. Places in it are shares of its width and, upward, of its height.
const X = (box, u) => box.left + u * box.width, Y = (box, v) => box.top + (1 - v) * box.height;

function inside(pen, box, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  draw();
  pen.restore();
}

function line(pen, points, color, width, dash = []) {
  pen.beginPath();
  let down = false;
  for (const [x, y] of points) {
    if (Number.isNaN(y)) { down = false; continue; }
    if (down) pen.lineTo(x, y); else pen.moveTo(x, y);
    down = true;
  }
  [pen.strokeStyle, pen.lineWidth] = [color, width];
  pen.setLineDash(dash);
  pen.stroke();
  pen.setLineDash([]);
}

function dots(pen, box, places, radius, color) {
  pen.fillStyle = color;
  for (let i = 0; i < places.length; i += 2) {
    pen.beginPath();
    pen.arc(X(box, places[i]), Y(box, places[i + 1]), radius, 0, 7);
    pen.fill();
  }
}

function arrow(pen, x, y, dx, dy) {
  const length = Math.hypot(dx, dy), head = Math.min(4, length / 2);
  if (length < 0.5) return;
  const [ux, uy] = [dx / length * head, dy / length * head], [ex, ey] = [x + dx, y + dy];
  line(pen, [[x, y], [ex, ey]], INK, 0.9);
  line(pen, [[ex - ux - uy / 2, ey - uy + ux / 2], [ex, ey], [ex - ux + uy / 2, ey - uy - ux / 2]], INK, 0.9);
}

function ticks(low, high, most) {
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(s => s * power).find(s => s >= raw * 0.999), found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step + 0);  // no -0
  return found.map(value => [value, written(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))]);
}

const written = (value, digits) =>
  value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits}).replace("-", "\u2212");

function frame(pen, box, {x, xlabel, y, ylabel, right}) {
  pen.fillStyle = INK;
  line(pen, [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]].map(([u, v]) => [X(box, u), Y(box, v)]), "#888", 1);
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const [u, text] of x) {
    line(pen, [[X(box, u), Y(box, 0)], [X(box, u), Y(box, 0) + 3]], "#888", 1);
    pen.textAlign = u > 0.98 ? "right" : "center";
    pen.fillText(text, X(box, u), Y(box, 0) + 5);
  }
  pen.textAlign = "center";
  pen.fillText(xlabel, X(box, 0.5), Y(box, 0) + 18);
  pen.textBaseline = "middle";
  for (const [side, labels] of [[0, y], [1, right || []]]) {
    pen.textAlign = side ? "left" : "right";
    for (const [v, text] of labels) {
      const start = X(box, side), out = side ? 3 : -3;
      line(pen, [[start, Y(box, v)], [start + out, Y(box, v)]], "#888", 1);
      pen.fillText(text, start + 2 * out, Y(box, v));
    }
  }
  if (!ylabel) return;
  pen.save();
  pen.translate(9, Y(box, 0.5));
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(ylabel, 0, 0);
  pen.restore();
}

const along = (axis, most) => ticks(film.low[axis], film.high[axis], most)
  .map(([value, text]) => [(value - film.low[axis]) / (film.high[axis] - film.low[axis]), text]);

function surface(pen, box, D, low, high, shades) {
  const sharp = window.devicePixelRatio || 1, n = film.side, size = Math.round(box.width * sharp);
  const picture = pen.createImageData(size, size);
  const colors = shades.map(text => [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16)));
  const at = Float32Array.from({length: size}, (_, i) => (i + 0.5) / size * (n - 1));
  for (let row = 0, out = 0; row < size; row++) {
    const v = at[size - 1 - row], j = Math.floor(v), t = v - j;
    for (let col = 0; col < size; col++, out += 4) {
      const u = at[col], i = Math.floor(u), s = u - i, k = j * n + i;
      const value = (1 - t) * ((1 - s) * D[k] + s * D[k + 1]) + t * ((1 - s) * D[k + n] + s * D[k + n + 1]);
      const shade = Math.floor((value - low) / (high - low) * colors.length);
      const rgb = colors[Math.max(0, Math.min(colors.length - 1, shade))];
      picture.data[out] = rgb[0];
      picture.data[out + 1] = rgb[1];
      picture.data[out + 2] = rgb[2];
      picture.data[out + 3] = 255;
    }
  }
  pen.putImageData(picture, Math.round(box.left * sharp), Math.round(box.top * sharp));
}

function border(pen, box, D, level) {  // the line D = level, cell by cell of the lattice
  const n = film.side, place = ([i, j]) => [X(box, i / (n - 1)), Y(box, j / (n - 1))];
  for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
    const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
    const above = corners.map(([a, b]) => D[b * n + a] - level), ends = [];
    for (let e = 0; e < 4; e++) {
      const f = (e + 1) % 4, t = above[e] / (above[e] - above[f]);
      if (above[e] < 0 !== above[f] < 0)
        ends.push([0, 1].map(axis => corners[e][axis] + t * (corners[f][axis] - corners[e][axis])));
    }
    for (let e = 0; e + 1 < ends.length; e += 2) line(pen, [place(ends[e]), place(ends[e + 1])], INK, 1.2);
  }
}

function key(pen, box, game) {  // below the axes: what length stands for what slope
  const [slope, length] = game.key, x = box.left, y = Y(box, 0) + 24, dx = length * box.width;
  arrow(pen, x, y, dx, 0);
  [pen.fillStyle, pen.textAlign, pen.textBaseline] = [INK, "left", "middle"];
  pen.fillText("slope " + slope, x + dx + 5, y);
}

function plane(canvas, game, k) {
  const side = Math.max(40, Math.floor(canvas.clientWidth) - LEFT - RIGHT), box =
    {left: LEFT, top: 6, width: side, height: side};
  const pen = begin(canvas, side + 42), D = unpacked(game.D, k);
  const samples = unpacked(game.samples, k), arrows = unpacked(game.arrows, k), radius = side > 300 ? 1.8 : 1.4;
  surface(pen, box, D, game.D.low, game.D.high, game.shades);
  inside(pen, box, () => {
    border(pen, box, D, (game.D.low + game.D.high) / 2);
    pen.globalAlpha = 0.8;
    dots(pen, box, samples, radius, SAMPLE);
    dots(pen, box, unpacked(film.points), radius * 0.6, DATA);
    pen.globalAlpha = 1;
    for (let i = 0; i < arrows.length; i += 2)
      arrow(pen, X(box, samples[i]), Y(box, samples[i + 1]), arrows[i] * side, -arrows[i + 1] * side);
  });
  const most = side > 300 ? 6 : 4;
  frame(pen, box, {x: along(0, most), xlabel: "x₁", y: along(1, most), ylabel: "x₂"});
  key(pen, box, game);
}

function lineOf(canvas, game, k) {
  const right = 36, width = Math.max(40, Math.floor(canvas.clientWidth) - LEFT - right);
  const height = Math.round(0.85 * width), strip = Math.round(0.3 * width);
  const pen = begin(canvas, height + strip + 46), box = {left: LEFT, top: 6, width, height};
  const below = {left: LEFT, top: 6 + height + 4, width, height: strip};
  const D = unpacked(game.D, k), samples = unpacked(game.samples, k), arrows = unpacked(game.arrows, k);
  const curve = (numbers, low, high) =>
    Array.from(numbers, (value, i) => [X(box, i / (numbers.length - 1)), Y(box, (value - low) / (high - low))]);
  inside(pen, box, () => {
    pen.globalAlpha = 0.3;
    pen.fillStyle = DATA;
    pen.beginPath();
    for (const [x, y] of [[X(box, 0), Y(box, 0)], ...curve(unpacked(game.p), 0, game.p.high), [X(box, 1), Y(box, 0)]])
      pen.lineTo(x, y);
    pen.fill();
    pen.globalAlpha = 0.45;
    pen.fillStyle = SAMPLE;
    const bins = 60, count = new Array(bins).fill(0);
    for (const u of samples) if (u >= 0 && u < 1) count[Math.floor(u * bins)]++;
    for (let i = 0; i < bins; i++) {
      const q = count[i] / samples.length * bins / (film.high[0] - film.low[0]) / game.p.high;
      pen.fillRect(X(box, i / bins), Y(box, q), width / bins, q * height);
    }
    pen.globalAlpha = 1;
    line(pen, [[X(box, 0), Y(box, 0.5)], [X(box, 1), Y(box, 0.5)]], "#888", 1, [2, 3]);
    if (game.best) line(pen, curve(unpacked(game.best, k), 0, 1), BEST, 4);
    line(pen, curve(D, game.D.low, game.D.high), CURVE, 2);
  });
  inside(pen, below, () => {
    arrows.forEach((length, i) => {
      const level = Y(below, 0.95 - 0.9 * i / arrows.length);
      pen.fillStyle = SAMPLE;
      pen.fillRect(X(below, samples[i]) - 1, level - 1, 2, 2);
      arrow(pen, X(below, samples[i]), level, length * width, 0);
    });
  });
  const density = ticks(0, game.p.high, 5).map(([value, text]) => [value / game.p.high, text]);
  const ends = game.best ? [[0, "0"], [0.5, "½"], [1, "1"]]
    : [[0, written(game.D.low, 1)], [0.5, "0"], [1, written(game.D.high, 1)]];
  frame(pen, box, {x: [], xlabel: "", y: density, ylabel: "density", right: ends});
  frame(pen, below, {x: along(0, 6), xlabel: "x", y: []});
  key(pen, below, game);
}

function value(canvas, game, k) {
  const box = {left: LEFT, top: 6, width: Math.max(40, Math.floor(canvas.clientWidth) - LEFT - RIGHT), height: 104};
  const pen = begin(canvas, 146), {low, high} = game.V, total = film.played;
  const height = v => Y(box, (v - low) / (high - low)), present = X(box, film.rounds[k] / total);
  const points = Array.from(unpacked(game.V), (v, i) =>
    [X(box, Math.min(total, (i + 0.5) * game.block) / total), height(v)]);
  inside(pen, box, () => {
    line(pen, points, FAINT, 1);
    line(pen, points.filter(([x]) => x <= present), CURVE, 1.2);
    if (game.equilibrium !== null) {
      const rest = height(game.equilibrium);
      line(pen, [[X(box, 0), rest], [X(box, 1), rest]], INK, 1, [5, 4]);
    }
    line(pen, [[present, Y(box, 0)], [present, Y(box, 1)]], "#888", 1);
  });
  const rounds = ticks(0, total, 4).map(([value, text]) => [value / total, text]);
  const levels = ticks(low, high, 4).map(([value, text]) => [(value - low) / (high - low), text]);
  frame(pen, box, {x: rounds, xlabel: "round", y: levels});
}

function show(k) {
  now = Math.max(0, Math.min(last, k));
  film.games.forEach((game, i) => {
    (film.low.length === 2 ? plane : lineOf)(places[i], game, now);
    value(values[i], game, now);
    words[i].textContent = game.words[now];
  });
  slider.value = now;
  rounds.textContent = `round ${written(film.rounds[now], 0)} of ${written(film.played, 0)}, scene ${now} of ${last}`;
  slider.setAttribute("aria-valuetext", rounds.textContent);
}

function stop() {
  clearInterval(timer);
  timer = null;
  button.textContent = "▶ play";
}

function play() {
  if (timer !== null) return stop();
  if (now === last) show(0);
  timer = setInterval(() => now < last ? show(now + 1) : stop(), 1000 / film.fps);
  button.textContent = "❚❚ pause";
}

function fromAddress() {  // page.html#scene=20 opens at scene 20
  const found = location.hash.match(/^#scene=(\d+)$/);
  show(found ? Number(found[1]) : now);
}

button.addEventListener("click", play);
slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
window.addEventListener("resize", () => show(now));
window.addEventListener("hashchange", fromAddress);
document.addEventListener("keydown", event => {
  const to = {ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last}[event.key];
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (to !== undefined) { stop(); show(to); event.preventDefault(); }
  if (event.key === " " && event.target !== button) { play(); event.preventDefault(); }
});
fromAddress();
"""
