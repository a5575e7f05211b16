// The games side by side: the place where they are played, and V below it.

const places = document.querySelectorAll(".place"), values = document.querySelectorAll(".value");
const words = document.querySelectorAll(".words"), last = film.rounds.length - 1;

function unpacked(series, k = 0) {
  const bytes = Uint8Array.from(atob(series.codes[k]), c => c.charCodeAt(0));
  return Float32Array.from({length: bytes.length / 2}, (_, i) => {
    const code = bytes[2 * i] + 256 * bytes[2 * i + 1];
    return code === 65535 ? NaN : series.low + code / 65534 * (series.high - series.low);
  });
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
  const points = Array.from(unpacked(game.V), (v, i) => [Math.min(film.played, (i + 0.5) * game.block), v]);
  course(canvas, 104, {
    lines: [{points, color: CURVE}], low: game.V.low, high: game.V.high, end: film.played,
    present: film.rounds[k], xlabel: "round", dashed: game.equilibrium,
  });
}

function draw(k) {
  film.games.forEach((game, i) => {
    (film.low.length === 2 ? plane : lineOf)(places[i], game, k);
    value(values[i], game, k);
    words[i].textContent = game.words[k];
  });
}

const label = k => `round ${written(film.rounds[k], 0)} of ${written(film.played, 0)}, scene ${k} of ${last}`;
