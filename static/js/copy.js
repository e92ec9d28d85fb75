// Copy buttons: the whole identifier goes to the clipboard, and the button says so.

async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without TLS there is no clipboard API: select a field and copy it the old way.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  await put(button.dataset.copy);
  button.focus();
  button.classList.add("copied");
  document.getElementById("announce").textContent = `${document.body.dataset.sayCopied}: ${button.dataset.copy}`;
  setTimeout(() => button.classList.remove("copied"), 1600);
});
