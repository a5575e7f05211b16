// The samples of an epoch, its place on the curves, and its numbers.

const picture = document.getElementById("picture"), canvases = document.querySelectorAll(".chart");
const numbers = document.querySelectorAll("dd"), last = film.pictures.length - 1, end = film.epochs.at(-1);
const charts = film.charts.map(chart => ({...chart, lines: chart.lines.map(({color, values}) => ({
  color: style.getPropertyValue("--" + color).trim(), points: values.map((v, i) => [film.epochs[i], v ?? NaN]),
}))}));

function draw(k) {
  picture.src = film.pictures[k];
  charts.forEach((chart, i) => {
    const height = Math.max(100, Math.round(0.23 * canvases[i].clientWidth));
    course(canvases[i], height, {...chart, end, present: film.shown[k], xlabel: "epoch", marked: true});
  });
  film.numbers[k].forEach((text, i) => { numbers[i].textContent = text; });
}

const label = k => `epoch ${film.shown[k]} of ${end}`;

if (film.live) setInterval(() => { if (now === last && timer === null) location.reload(); }, 5000);
