// The keys of the console, choosing whole pages, and runs that show how far they are. Without it every page works the same.

const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const POLL_EVERY = 2000;
const GOES_ON = ["staging", "classifying", "running"];

const keys = document.getElementById("keys");
document.querySelector(".keys-button").addEventListener("click", () => keys.showModal());
chooseAll();
document.addEventListener("keydown", press);
showPlace();
const live = document.getElementById("live");
if (GOES_ON.includes(live?.dataset.state)) setTimeout(poll, POLL_EVERY);

// On the phone the navigation is wider than the screen.
function showPlace() {
  const here = document.querySelector(".places [aria-current]");
  if (here) here.closest("nav").scrollLeft = here.offsetLeft - 16;
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (keys.open || event.target.closest?.(TYPING)) return;
  const action = { "/": search, "?": () => keys.showModal(), j: () => move(1), k: () => move(-1), x: choose }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function search() {
  const field = document.querySelector("main input[type=search]") ?? document.querySelector("input[type=search]");
  field?.focus();
  field?.select();
}

// The link of a row is what is moved to, so Enter opens it by itself.
function move(step) {
  const links = [...document.querySelectorAll("table[data-rows] tbody th a")];
  if (!links.length) return;
  const row = document.activeElement?.closest("table[data-rows] tbody tr");
  const at = row ? links.indexOf(row.querySelector("th a")) + step : 0;
  const link = links[Math.min(Math.max(at, 0), links.length - 1)];
  link.focus();
  link.closest("tr").scrollIntoView({ block: "nearest" });
}

function choose() {
  document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]")?.click();
}

function chooseAll() {
  const all = document.querySelector("[data-choose-all]");
  if (!all) return;
  const boxes = [...all.closest("table").querySelectorAll("tbody input[type=checkbox]")];
  const look = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  for (const box of boxes) box.addEventListener("change", look);
  look();
}

// Only the numbers are replaced while it goes on; when that changes, so does what can be done, and the page is opened anew.
async function poll() {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("live");
    if (!answer.ok || next?.dataset.state !== live.dataset.state) {
      location.reload();
      return;
    }
    const focused = live.contains(document.activeElement);
    if (!focused) live.replaceChildren(...next.childNodes);
  } catch {
    // The next look may do better.
  }
  setTimeout(poll, POLL_EVERY);
}
