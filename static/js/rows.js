// Lists: selecting rows, counting them, opening a row by a click beside its link.
// A form with data-keep-picks="view" keeps what was picked on the other pages of that view, and sends it along;
// data-most-picks is how many go at once: the boxes that were ticked beyond it are empty again.

const boxesOf = (table) => [...table.querySelectorAll('tbody input[type="checkbox"][name="pick"]')];
let lastPicked = null;

const placeOf = (form) => `picks ${location.pathname}${form.dataset.keepPicks}`;
const keptIn = (form) => new Set(JSON.parse(sessionStorage.getItem(placeOf(form)) ?? "[]"));

function restore(table) {
  const form = table.closest("form[data-keep-picks]");
  if (!form) return;
  const kept = keptIn(form);
  for (const box of boxesOf(table)) box.checked ||= kept.has(box.value);
}

// Returns how many are picked on other pages.
function keep(form, boxes) {
  const kept = keptIn(form);
  const before = new Set(kept);
  for (const box of boxes) kept.delete(box.value);
  const elsewhere = [...kept];
  const most = Number(form.dataset.mostPicks || Infinity);
  const ticked = boxes.filter((box) => box.checked);
  // The latest give way: what was kept before stays.
  ticked.sort((one, other) => before.has(other.value) - before.has(one.value));
  for (const box of ticked.slice(Math.max(0, most - elsewhere.length))) box.checked = false;
  for (const box of boxes) if (box.checked) kept.add(box.value);
  sessionStorage.setItem(placeOf(form), JSON.stringify([...kept]));
  for (const old of form.querySelectorAll("input[type=hidden][name=pick]")) old.remove();
  for (const value of elsewhere) {
    const travelling = Object.assign(document.createElement("input"), { type: "hidden", name: "pick", value });
    form.append(travelling);
  }
  return elsewhere.length;
}

function show(table) {
  const boxes = boxesOf(table);
  const keeper = table.closest("form[data-keep-picks]");
  const elsewhere = keeper ? keep(keeper, boxes) : 0;
  const picked = boxes.filter((box) => box.checked);
  const number = picked.length + elsewhere;
  for (const box of boxes) box.closest("tr").classList.toggle("picked", box.checked);
  const all = table.querySelector("[data-pick-all]");
  if (all) {
    all.checked = picked.length > 0 && picked.length === boxes.length;
    all.indeterminate = picked.length > 0 && picked.length < boxes.length;
  }
  const scope = table.closest("form") ?? document;
  for (const bar of scope.querySelectorAll("[data-bulk]")) {
    bar.hidden = number === 0;
    bar.dataset.ready = "";
  }
  for (const full of scope.querySelectorAll("[data-picks-full]")) {
    full.hidden = number < Number(keeper?.dataset.mostPicks || Infinity);
  }
  for (const place of scope.querySelectorAll("[data-picked-count]")) {
    place.textContent = document.body.dataset.saySelected.replace("{}", number);
  }
}

document.addEventListener("click", (event) => {
  const box = event.target.closest('input[name="pick"]');
  if (box && event.shiftKey && lastPicked && lastPicked !== box) {
    const boxes = boxesOf(box.closest("table"));
    const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((one, other) => one - other);
    if (from >= 0) for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
  }
  if (box) lastPicked = box;

  const row = event.target.closest("table.rows tbody tr");
  if (!row || event.target.closest("a, button, input, label, summary, .pick") || !getSelection().isCollapsed) return;
  row.querySelector("a.open")?.click();
});

document.addEventListener("change", (event) => {
  const table = event.target.closest("table.rows");
  if (!table) return;
  if (event.target.matches("[data-pick-all]")) {
    for (const box of boxesOf(table)) box.checked = event.target.checked;
  }
  show(table);
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-keep-picks]")) sessionStorage.removeItem(placeOf(event.target));
});
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-clear-picks]")?.form;
  if (!form) return;
  sessionStorage.removeItem(placeOf(form));
  for (const table of form.querySelectorAll("table.rows")) {
    for (const box of boxesOf(table)) box.checked = false;
    show(table);
  }
});

// The way back finds the row that was open.
const here = `row ${location.pathname}${location.search}`;
document.addEventListener("click", (event) => {
  const link = event.target.closest("table.rows a.open");
  if (link) sessionStorage.setItem(here, link.getAttribute("href"));
});
const wasOpen = sessionStorage.getItem(here);
if (wasOpen) {
  const row = document.querySelector(`table.rows a.open[href="${CSS.escape(wasOpen)}"]`)?.closest("tr");
  row?.setAttribute("aria-current", "true");
  row?.scrollIntoView({ block: "nearest" });
}

const showAll = () => document.querySelectorAll("table.rows").forEach((table) => {
  restore(table);
  show(table);
});
addEventListener("pageshow", showAll);
document.addEventListener("htmx:afterSwap", showAll);
showAll();
