// Shows how the service would look while it is being chosen. Without it there is a button that does.

const form = document.getElementById("branding");
const CONTRAST_MIN = 4.5;

if (form) {
  for (const picker of document.querySelectorAll("[data-picks]")) {
    const field = form.elements[picker.dataset.picks];
    picker.addEventListener("input", () => {
      field.value = picker.value;
      show();
    });
    field.addEventListener("input", () => (picker.value = colorOf(field)));
  }
  form.addEventListener("input", show);
}

function show() {
  const { name, color, color_dark: dark } = form.elements;
  const called = name.value.trim() || name.dataset.otherwise;
  say("name", called);
  say("initial", [...called][0].toUpperCase());
  for (const field of ["sign_in_text", "footer"]) say(field, form.elements[field].value.trim());
  showLinks();
  showColor(color, ".shown-light");
  showColor(dark, ".shown-dark");
}

function say(what, text) {
  for (const place of document.querySelectorAll(`[data-shows="${what}"]`)) {
    place.textContent = text;
    if (place.matches("p")) place.hidden = !text;
  }
}

function showLinks() {
  const labels = [...form.querySelectorAll('[name^="links/"][name$="/label"]')].map((field) => field.value.trim());
  for (const list of document.querySelectorAll('[data-shows="links"]')) {
    const items = labels.filter(Boolean).map((label) => {
      const item = document.createElement("li");
      item.textContent = label;
      return item;
    });
    list.replaceChildren(...items);
  }
}

// What follows from the accent comes from the server when it is saved; here it is mixed as nearly.
function showColor(field, picture) {
  const color = colorOf(field);
  const { style } = document.querySelector(picture);
  style.setProperty("--accent", color);
  style.setProperty("--accent-strong", color);
  style.setProperty("--accent-soft", `color-mix(in srgb, var(--surface), ${color} 12%)`);
  const worst = Math.min(...field.dataset.against.split(" ").map((other) => contrast(color, other)));
  const said = document.getElementById(`${field.id}-contrast`);
  const isLow = worst < CONTRAST_MIN;
  said.classList.toggle("contrast-low", isLow);
  said.textContent = said.dataset[isLow ? "low" : "enough"].replace("%", (Math.floor(worst * 100) / 100).toFixed(2));
}

// What is no colour yet changes nothing.
function colorOf(field) {
  const text = field.value.trim();
  if (/^#[0-9a-f]{6}$/i.test(text)) field.dataset.last = text.toLowerCase();
  return text ? (field.dataset.last ?? field.dataset.otherwise) : field.dataset.otherwise;
}

// WCAG 2.2, contrast ratio and relative luminance.
function contrast(one, two) {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color) {
  const part = (at) => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}
