// A form is sent once. Fields that do not apply are put away. Errors get the focus.

const PATIENCE = 15_000; // after this long without an answer the buttons come back
const buttonsOf = (form) =>
  [...form.elements].filter((element) => element.matches("button:not([type=button]), input[type=submit]"));

function release(form) {
  delete form.dataset.sent;
  for (const button of buttonsOf(form)) {
    if (!("heldBack" in button.dataset)) continue;
    delete button.dataset.heldBack;
    button.disabled = false;
    button.classList.remove("busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  // What is downloaded leaves this page where it is, and may be asked for again.
  // Not form.method: a field of that name would answer in its place.
  if (form.getAttribute("method")?.toLowerCase() !== "post" || form.matches("[data-hx-post], [hx-post], [data-download]")) return;
  if ("sent" in form.dataset) return event.preventDefault();
  // Another listener may still refuse, and the pressed button's value must travel: wait a turn.
  setTimeout(() => {
    if (event.defaultPrevented) return;
    form.dataset.sent = "";
    for (const button of buttonsOf(form)) {
      if (button.disabled) continue;
      button.dataset.heldBack = "";
      button.disabled = true;
    }
    event.submitter?.classList.add("busy");
    document.getElementById("announce").textContent =
      event.submitter?.dataset.busy || document.body.dataset.sayWorking;
    setTimeout(() => release(form), PATIENCE);
  });
});

// The browser's way back may show this very page again, with everything still held back.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) release(form);
});

// "method=payid currency=AUD|NZD": shown when every named field has one of its values.
function applies(rule, form) {
  return rule.trim().split(/\s+/).every((part) => {
    const [name, wanted] = part.split("=");
    const field = form.elements.namedItem(name);
    if (!field) return true;
    const value = field.type === "checkbox" ? String(field.checked) : field.value;
    return wanted.split("|").includes(value);
  });
}

function arrange(form) {
  for (const part of form.querySelectorAll("[data-show-when]")) {
    const shown = applies(part.dataset.showWhen, form);
    part.hidden = !shown;
    for (const control of part.querySelectorAll("input, select, textarea")) control.disabled = !shown;
  }
}

function arrangeAll(scope) {
  const forms = new Set([...scope.querySelectorAll("[data-show-when]")].map((part) => part.closest("form")));
  for (const form of forms) if (form) arrange(form);
}

document.addEventListener("change", (event) => event.target.form && arrange(event.target.form));
document.addEventListener("htmx:afterSwap", (event) => arrangeAll(event.target));
addEventListener("pageshow", () => arrangeAll(document)); // after the browser has restored values
arrangeAll(document);

document.querySelector("[data-focus]")?.focus();
