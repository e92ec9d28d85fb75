// Theme and letter keys change at once; the same form without this file changes them by a reload.

const root = document.documentElement;
const apply = {
  theme(value) {
    if (value === "system") delete root.dataset.theme;
    else root.dataset.theme = value;
  },
  letter_keys(value) {
    if (value === "true") delete root.dataset.keys;
    else root.dataset.keys = "off";
  },
};

for (const form of document.querySelectorAll("[data-preferences]")) {
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    const change = button && apply[button.name];
    if (!change) return; // zone and language are told anew by the server
    event.preventDefault();
    const body = new FormData(form, button);
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, redirect: "manual" });
    // A redirect is the yes of a plain form: seen from here it is opaque, with status 0.
    if (!answer.ok && answer.type !== "opaqueredirect") return form.submit();
    change(button.value);
    for (const other of button.parentElement.children) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  });
  const zone = form.querySelector('[data-zone="own"]');
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && own && own !== "UTC") {
    zone.value = own;
    zone.textContent = own.split("/").pop().replaceAll("_", " ");
    zone.hidden = false;
  }
}
