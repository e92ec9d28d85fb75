import { isPeeking, peek, stopPeeking } from "./peek.js";

// Letter keys. None fires while somebody types, with a modifier, or when they are switched off.
// An element says which key presses it: data-key="a"; a desk says where "g" leads: data-go="w".

const PATIENCE = 1200; // how long "g" waits for its second letter
const NEVER_SENT = new Set(["a", "r"]); // approve and reject open a question or choose; a key never sends one
let goUntil = 0;

const rows = () => [...document.querySelectorAll("table.rows tbody tr")].filter((row) => row.querySelector("a.open"));
const current = () => document.querySelector('table.rows tr[aria-current="true"]');

function isTyping(element) {
  return element.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]");
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const from = all.indexOf(current());
  const next = all[from < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(from + step, 0), all.length - 1)];
  current()?.removeAttribute("aria-current");
  next.setAttribute("aria-current", "true");
  next.querySelector("a.open").focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  if (isPeeking()) peek(next);
  return true;
}

function press(key) {
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
  if (NEVER_SENT.has(key) && !target?.matches("a, label")) return false;
  if (target?.matches("input, textarea")) target.focus();
  return click(target);
}

function click(element) {
  element?.click();
  return Boolean(element);
}

const follow = (key) => click(document.querySelector(`[data-go="${CSS.escape(key)}"]`));

// The space bar presses what has the focus; it peeks when that is a row, or nothing.
function peekOrStop() {
  if (document.activeElement.matches("button, input, summary, a:not(.open)")) return false;
  return isPeeking() ? stopPeeking() : peek(current());
}

export function showSheet() {
  document.getElementById("keys-off").hidden = document.documentElement.dataset.keys !== "off";
  document.getElementById("keys").showModal();
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  x: () => click(current()?.querySelector('input[name="pick"]')),
  Enter: () => document.activeElement === document.body && click(current()?.querySelector("a.open")),
  " ": peekOrStop,
  "/": () => document.getElementById("search")?.focus(),
  "?": showSheet,
  ".": () => click((current() ?? document.querySelector("main"))?.querySelector("[data-copy]")),
  g: () => { goUntil = Date.now() + PATIENCE; },
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.documentElement.dataset.keys === "off" || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const going = Date.now() < goUntil;
  goUntil = 0;
  const done = going ? follow(event.key) : (Object.hasOwn(actions, event.key) ? actions[event.key]() : press(event.key));
  if (done !== false) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-keys]")) showSheet();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest("table.rows tbody tr");
  if (!row || row === current()) return;
  current()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
});
