"use strict";
// What the pages draw with: axes with a frame and ticks, lines, dots, arrows, and the course of a value.

const film = JSON.parse(document.getElementById("film").textContent);
const style = getComputedStyle(document.documentElement);
const [DATA, SAMPLE, CURVE, BEST, INK, FAINT] =
  ["data", "sample", "curve", "best", "ink", "faint"].map(name => style.getPropertyValue("--" + name).trim());
const LEFT = 44, RIGHT = 8;

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

// Values over time: the past in color, what is to come in gray, a line at the present.
function course(canvas, height, {lines, low, high, end, present, xlabel, dashed = null, marked = false}) {
  const box = {left: LEFT, top: 6, width: Math.max(40, Math.floor(canvas.clientWidth) - LEFT - RIGHT), height};
  const pen = begin(canvas, height + 42), x = t => X(box, t / end), y = v => Y(box, (v - low) / (high - low));
  const drawn = points => points.map(([t, v]) => [x(t), y(v)]);
  inside(pen, box, () => {
    for (const {points} of lines) line(pen, drawn(points), FAINT, 1);
    for (const {points, color} of lines) line(pen, drawn(points.filter(([t]) => t <= present)), color, 1.2);
    if (dashed !== null) line(pen, [[x(0), y(dashed)], [x(end), y(dashed)]], INK, 1, [5, 4]);
    line(pen, [[x(present), Y(box, 0)], [x(present), Y(box, 1)]], "#888", 1);
  });
  if (marked) for (const {points, color} of lines) {
    const now = points.filter(([t, v]) => t === present && !Number.isNaN(v));
    dots(pen, box, now.flatMap(([t, v]) => [t / end, (v - low) / (high - low)]), 3, color);
  }
  const times = ticks(0, end, 4).filter(([t]) => Number.isInteger(t)).map(([t]) => [t / end, written(t, 0)]);
  const levels = ticks(low, high, 4).map(([v, text]) => [(v - low) / (high - low), text]);
  frame(pen, box, {x: times, xlabel, y: levels});
}
