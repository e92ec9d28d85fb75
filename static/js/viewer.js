// Documents on a page: one at a time or two side by side, closer, turned, with more contrast.
// Keys press the buttons (keys.js); without this module the pictures stand one after the other.

const ZOOMS = [1, 1.5, 2, 3, 4];

// What is in the middle of the glass stays there: where that is, as shares of what is under it.
const middleOf = (glass) => [
  (glass.scrollLeft + glass.clientWidth / 2) / glass.scrollWidth,
  (glass.scrollTop + glass.clientHeight / 2) / glass.scrollHeight,
];

function scrollTo(glass, [across, down]) {
  glass.scrollLeft = across * glass.scrollWidth - glass.clientWidth / 2;
  glass.scrollTop = down * glass.scrollHeight - glass.clientHeight / 2;
}

function start(viewer) {
  const sheets = [...viewer.querySelectorAll(".plate")];
  const tabs = viewer.querySelector("[data-viewer-tabs]");
  const zoomed = viewer.querySelector("[data-viewer-zoomed]");
  const contrast = viewer.querySelector("[data-viewer-contrast]");
  const turns = new Map(sheets.map((sheet) => [sheet, 0]));
  let zoom = 0;

  const shown = () => sheets.filter((sheet) => !sheet.hidden);

  function draw() {
    viewer.style.setProperty("--zoom", ZOOMS[zoom]);
    zoomed.textContent = `${ZOOMS[zoom] * 100} %`;
    for (const sheet of sheets) {
      sheet.classList.toggle("turned", turns.get(sheet) % 2 === 1);
      sheet.style.setProperty("--turn", `${turns.get(sheet) * 90}deg`);
    }
    viewer.classList.toggle("one", shown().length === 1);
  }

  function show(wanted, button) {
    for (const sheet of sheets) sheet.hidden = !wanted.includes(sheet);
    for (const other of tabs.children) other.setAttribute("aria-pressed", String(other === button));
    draw();
  }

  function addTab(label, wanted, key) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = label;
    if (key) {
      button.dataset.key = key;
      button.setAttribute("aria-keyshortcuts", key);
      const cap = document.createElement("kbd");
      cap.className = "letter after";
      cap.textContent = key;
      cap.setAttribute("aria-hidden", "true");
      button.append(cap);
    }
    button.addEventListener("click", () => show(wanted, button));
    tabs.append(button);
    return [wanted, button];
  }

  const front = sheets.findLast((sheet) => "front" in sheet.dataset);
  const selfie = sheets.findLast((sheet) => "selfie" in sheet.dataset);
  const both = front && selfie ? addTab(tabs.dataset.sayBoth, [front, selfie], "b") : null;
  const each = sheets.map((sheet) => addTab(sheet.dataset.label, [sheet]));
  if (sheets.length > 1) addTab(tabs.dataset.sayAll, sheets);

  viewer.querySelector("[data-viewer-zoom]").addEventListener("click", () => {
    zoom = (zoom + 1) % ZOOMS.length;
    const middles = shown().map((sheet) => middleOf(sheet.querySelector(".glass")));
    draw();
    shown().forEach((sheet, number) => scrollTo(sheet.querySelector(".glass"), middles[number]));
  });
  viewer.querySelector("[data-viewer-turn]").addEventListener("click", () => {
    for (const sheet of shown()) turns.set(sheet, turns.get(sheet) + 1);
    draw();
  });
  contrast.addEventListener("click", () => {
    contrast.setAttribute("aria-pressed", String(viewer.classList.toggle("stark")));
  });
  viewer.querySelector("[data-viewer-bar]").hidden = false;
  viewer.classList.add("ready");
  show(...(both ?? each[0]));
}

for (const viewer of document.querySelectorAll("[data-viewer]")) start(viewer);
