// Lists: selecting rows, counting them, opening a row by a click beside its link.

const boxesOf = (table) => [...table.querySelectorAll('tbody input[type="checkbox"][name="pick"]')];
let lastPicked = null;

function show(table) {
  const boxes = boxesOf(table);
  const picked = boxes.filter((box) => box.checked);
  for (const box of boxes) box.closest("tr").classList.toggle("picked", box.checked);
  const all = table.querySelector("[data-pick-all]");
  if (all) {
    all.checked = picked.length > 0 && picked.length === boxes.length;
    all.indeterminate = picked.length > 0 && picked.length < boxes.length;
  }
  const scope = table.closest("form") ?? document;
  for (const bar of scope.querySelectorAll("[data-bulk]")) {
    bar.hidden = picked.length === 0;
    bar.dataset.ready = "";
  }
  for (const place of scope.querySelectorAll("[data-picked-count]")) {
    place.textContent = document.body.dataset.saySelected.replace("{}", picked.length);
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

const showAll = () => document.querySelectorAll("table.rows").forEach(show);
addEventListener("pageshow", showAll);
document.addEventListener("htmx:afterSwap", showAll);
showAll();
