// Forms that keep what is typed: on the server every few seconds, and in this window until it is there.
// Choosing a reason writes what is usually written for it, as long as nobody has written something else.

const PAUSE = 2_000;
const LEFT_OUT = new Set(["csrfmiddlewaretoken", "do"]);
const form = document.querySelector("form[data-keeps]");
const token = () => form.elements.namedItem("csrfmiddlewaretoken").value;
const place = () => `draft ${location.pathname} ${form.dataset.of}`;
const say = (text) => { form.querySelector("[data-kept]").textContent = text; };
const typed = () => [...new FormData(form)].filter(([name]) => !LEFT_OUT.has(name));
let waiting = 0;

function hold() {
  try { sessionStorage.setItem(place(), JSON.stringify(typed())); } catch { /* full or forbidden: the server has it soon */ }
  clearTimeout(waiting);
  waiting = setTimeout(keep, PAUSE);
}

async function keep() {
  const sent = JSON.stringify(typed());
  try {
    const answer = await fetch(form.dataset.keeps, { method: "POST", body: new FormData(form), headers: { "X-CSRFToken": token() }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return say(form.dataset.sayLost);
    if (!answer.ok) return;
    if (JSON.stringify(typed()) === sent) sessionStorage.removeItem(place());
    say(form.dataset.sayKept);
  } catch { /* no connection: it stays in this window, the next letter tries again */ }
}

// What the server never got, say because the session had run out.
function restore() {
  const kept = sessionStorage.getItem(place());
  if (!kept || form.querySelector(".errors")) return;
  const values = JSON.parse(kept);
  const has = (name, value) => values.some(([one, other]) => one === name && other === value);
  for (const field of form.elements) {
    if (!field.name || LEFT_OUT.has(field.name) || field.type === "hidden") continue;
    if (field.matches("[type=checkbox], [type=radio]")) field.checked = !field.disabled && has(field.name, field.value);
    else if (field.matches("textarea, input")) field.value = values.find(([name]) => name === field.name)?.[1] ?? field.value;
  }
  form.dispatchEvent(new Event("change", { bubbles: true }));
  hold();
}

function usual() {
  const texts = JSON.parse(document.getElementById("reason-texts").textContent);
  const chosen = [...form.querySelectorAll("[data-show-when]:not([hidden]) input[type=checkbox]:checked")];
  return chosen.map((box) => texts[box.value]).filter(Boolean).join("\n");
}

if (form) {
  const text = form.elements.namedItem("customer_text");
  let written = usual();
  form.addEventListener("change", () => setTimeout(() => {
    const now = usual();
    if (text.value.trim() === written.trim()) text.value = now;
    written = now;
  }));
  form.addEventListener("input", hold);
  form.addEventListener("change", hold);
  form.addEventListener("submit", () => { clearTimeout(waiting); sessionStorage.removeItem(place()); });
  restore();
}
