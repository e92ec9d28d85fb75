// Menus are <details>: they open without this file. Here they learn to close again.

const open = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary").focus();
  }
});

// A detail page under print shows everything, folds included.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("main details.fold:not([open])")) {
    fold.open = true;
    fold.dataset.openedForPrint = "";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("[data-opened-for-print]")) {
    fold.open = false;
    delete fold.dataset.openedForPrint;
  }
});
