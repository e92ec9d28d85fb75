// What holds for seconds, a price or a value that is shown for a moment: how many are left, and what
// takes its place when it is over. The server keeps to it whatever a page says: a price is refused, a
// value is not shown again.

const until = new Map();
let ticking = 0;
const announce = (text) => { document.getElementById("announce").textContent = text; };

function tick() {
  for (const [box, end] of until) {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (!box.isConnected) until.delete(box);
    else if (left > 0) box.querySelector("[data-seconds]").textContent = left;
    else expire(box);
  }
  if (until.size) return;
  clearInterval(ticking);
  ticking = 0;
}

function expire(box) {
  until.delete(box);
  for (const part of box.querySelectorAll("[data-while-it-holds]")) part.remove();
  for (const part of box.querySelectorAll("[data-when-over]")) part.hidden = false;
  announce(box.dataset.sayOver);
}

function watch() {
  for (const box of document.querySelectorAll("[data-seconds-left]:not([data-watched])")) {
    box.dataset.watched = "";
    until.set(box, Date.now() + Number(box.dataset.secondsLeft) * 1000);
    for (const part of box.querySelectorAll("[data-countdown]")) part.hidden = false;
  }
  if (until.size && !ticking) ticking = setInterval(tick, 250);
  tick();
}

// The browser's way back shows the page as it was left, with what held long ago.
addEventListener("pageshow", (event) => { if (event.persisted) tick(); });
document.addEventListener("htmx:afterSwap", watch);
watch();
