// A price that holds for seconds: how many are left, and what takes its place when it is over.
// The server refuses it then whatever a page says, so this only spares people a vain click.

const until = new Map();
const announce = (text) => { document.getElementById("announce").textContent = text; };

function tick() {
  for (const [box, end] of until) {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (!box.isConnected) until.delete(box);
    else if (left > 0) box.querySelector("[data-seconds]").textContent = left;
    else expire(box);
  }
  if (!until.size) clearInterval(ticking);
}

function expire(box) {
  until.delete(box);
  for (const part of box.querySelectorAll("[data-while-it-holds]")) part.remove();
  for (const part of box.querySelectorAll("[data-when-over]")) part.hidden = false;
  announce(box.dataset.sayOver);
}

for (const box of document.querySelectorAll("[data-seconds-left]")) {
  until.set(box, Date.now() + Number(box.dataset.secondsLeft) * 1000);
  for (const part of box.querySelectorAll("[data-countdown]")) part.hidden = false;
}
const ticking = setInterval(tick, 250);
// The browser's way back shows the page as it was left, with a price from long ago.
addEventListener("pageshow", (event) => { if (event.persisted) tick(); });
tick();
