// Peeking at a row: its page is shown at the side, to read and not to act. The list stays where it is.

const PARTS = "main .page > .stack > section.panel, main .page > .stack > div > section.panel";
const UNWANTED = "form, button, script, dialog, details.menu, [data-live], input, select, textarea";
let asked = null;

const panel = () => document.getElementById("peek");

// What only works in its own page is left out, and no id is there twice.
function readable(element) {
  const copy = document.importNode(element, true);
  for (const part of copy.querySelectorAll(UNWANTED)) part.remove();
  for (const part of [copy, ...copy.querySelectorAll("*")]) {
    for (const { name } of [...part.attributes]) if (name === "id" || name.startsWith("hx-") || name.startsWith("data-hx")) part.removeAttribute(name);
  }
  return copy;
}

async function show(link) {
  asked?.abort();
  asked = new AbortController();
  const aside = panel();
  const [title, body] = [aside.querySelector("[data-peek-title]"), aside.querySelector("[data-peek-body]")];
  title.textContent = link.textContent.trim();
  title.href = link.href;
  aside.hidden = false;
  aside.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href, { signal: asked.signal, headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const beside = page.querySelector("main .head .beside");
    body.replaceChildren(...[beside, ...page.querySelectorAll(PARTS)].filter(Boolean).map(readable));
    body.scrollTop = 0;
  } catch (failure) {
    if (failure.name === "AbortError") return;
    body.replaceChildren(document.createTextNode(aside.dataset.sayFailed));
  }
  aside.removeAttribute("aria-busy");
}

export const isPeeking = () => panel()?.hidden === false;

export function peek(row) {
  const link = row?.querySelector("a.open");
  if (!link || !panel()) return false;
  show(link);
  return true;
}

export function stopPeeking() {
  asked?.abort();
  panel().hidden = true;
  panel().querySelector("[data-peek-body]").replaceChildren();
  return true;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-stop-peeking]")) stopPeeking();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isPeeking()) stopPeeking();
});
