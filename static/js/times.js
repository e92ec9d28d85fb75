// Relative times and due clocks keep telling the truth while a page stays open.
// The words come from the server (data-say-* on <body>); the spans are those of look/clocks.py.

const MINUTE = 60, HOUR = 3600, DAY = 86400, SOON = 30 * MINUTE, NOW = 5;
const say = document.body.dataset;

function span(seconds) {
  const total = Math.floor(Math.abs(seconds));
  if (total < MINUTE) return `${total} s`;
  if (total < 2 * HOUR) return `${Math.floor(total / MINUTE)} min`;
  if (total < 2 * DAY) return `${Math.floor(total / HOUR)} h`;
  return `${Math.floor(total / DAY)} d`;
}

function relative(seconds) {
  if (Math.abs(seconds) < NOW) return say.sayNow;
  return (seconds < 0 ? say.sayIn : say.sayAgo).replace("{}", span(seconds));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-ago]")) {
    write(element, relative((now - Date.parse(element.dateTime)) / 1000));
  }
  for (const element of document.querySelectorAll("[data-due]")) {
    const left = (Date.parse(element.dataset.due) - now) / 1000;
    write(element.lastElementChild, (left <= 0 ? say.sayLate : say.sayLeft).replace("{}", span(left)));
    element.classList.toggle("over", left <= 0);
    element.classList.toggle("soon", left > 0 && left <= SOON);
  }
}

setInterval(tick, 10_000);
document.addEventListener("visibilitychange", tick);
