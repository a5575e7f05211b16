// The slider, the play button and the keys. draw(k) and label(k), for k from 0 to last, are the page's own.

const slider = document.getElementById("scene"), button = document.getElementById("play");
const output = document.getElementById("now");
let now = Number(slider.value), timer = null;

function show(k) {
  now = Math.max(0, Math.min(last, k));
  draw(now);
  slider.value = now;
  output.textContent = label(now);
  slider.setAttribute("aria-valuetext", output.textContent);
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
