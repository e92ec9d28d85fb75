// Fragments that refresh themselves: never under somebody's hands, and changes are said aloud.

const announce = (text) => {
  const place = document.getElementById("announce");
  if (place.textContent !== text) place.textContent = text;
};
const spoken = (fragment) => fragment.querySelector("[data-announce]")?.dataset.announce ?? "";

function inUse(fragment) {
  if (document.hidden || fragment.querySelector("details.menu[open], dialog[open], .pii [data-while-it-holds]")) return true;
  const focused = document.activeElement;
  if (fragment.contains(focused) && focused.matches("input, select, textarea")) return true;
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(fragment, true);
}

// A fragment may bring other parts of the page with it (data-hx-swap-oob): those are in somebody's hands too.
function alsoTouched(markup) {
  const brought = new DOMParser().parseFromString(markup, "text/html").querySelectorAll("[data-hx-swap-oob], [hx-swap-oob]");
  return [...brought].map((part) => document.getElementById(part.id)).filter(Boolean);
}

let lost = false;

document.addEventListener("htmx:beforeRequest", (event) => {
  const fragment = event.target;
  if (fragment.matches("[data-live]") && inUse(fragment)) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  // Signed out meanwhile: the sign-in page belongs in the window, not in a corner of this one.
  if (new URL(xhr.responseURL || location.href).pathname.startsWith(document.body.dataset.login)) {
    event.preventDefault();
    location.reload();
    return;
  }
  if (!target.matches("[data-live]")) return;
  if ([target, ...alsoTouched(event.detail.serverResponse)].some(inUse)) {
    event.preventDefault(); // the next round asks again
    return;
  }
  target.dataset.spoken = spoken(target);
  target.dataset.folds = [...target.querySelectorAll("details")].map((fold) => Number(fold.open)).join("");
  // A link or button is found again by its address or name, so that the focus stays put.
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  target.dataset.focused = focused ? String([...target.querySelectorAll("a, button, summary")].indexOf(focused)) : "";
});

document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.target;
  if (!target.matches("[data-live]")) return;
  const folds = target.querySelectorAll("details");
  if (folds.length === (target.dataset.folds ?? "").length) {
    folds.forEach((fold, place) => { fold.open = target.dataset.folds[place] === "1"; });
  }
  if (target.dataset.focused) target.querySelectorAll("a, button, summary")[Number(target.dataset.focused)]?.focus({ preventScroll: true });
  const now = spoken(target);
  if (now && now !== target.dataset.spoken) announce(now);
});

document.addEventListener("htmx:sendError", () => {
  if (!lost) announce(document.body.dataset.sayOffline);
  lost = true;
  document.documentElement.dataset.offline = "";
});
document.addEventListener("htmx:afterOnLoad", () => {
  lost = false;
  delete document.documentElement.dataset.offline;
});
