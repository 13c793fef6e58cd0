// The keys of the console, and choosing on many pages. Without it every page works the same.

const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";

const keys = document.getElementById("keys");
document.querySelector(".keys-button").addEventListener("click", () => keys.showModal());
chooseAll();
carry();
document.addEventListener("keydown", press);

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

// The first link of a row is what is moved to, so Enter opens it by itself. A row without one is passed over.
function move(step) {
  const linkOf = (row) => row?.querySelector("th a, td a");
  const rows = [...document.querySelectorAll("table[data-rows] tbody tr")];
  const from = rows.indexOf(document.activeElement?.closest("tr"));
  const ahead = from < 0 ? rows : step > 0 ? rows.slice(from + 1) : rows.slice(0, from).reverse();
  const row = ahead.find(linkOf) ?? rows[from];
  linkOf(row)?.focus();
  row?.scrollIntoView({ block: "nearest" });
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

// Who is ticked goes along to the next page, and to another search: the form of the list, which carries the choice, is sent there.
function carry() {
  const list = document.getElementById("list");
  const bar = list?.querySelector("[data-choice-count]");
  if (!bar) return;
  const { carried, shown } = list.elements;
  const ids = (field) => field.value.split(",").filter(Boolean);
  const elsewhere = ids(carried).filter((id) => !ids(shown).includes(id)).length;
  const count = () => elsewhere + list.querySelectorAll("tbody input:checked").length;
  const look = () => {
    bar.querySelector("strong").textContent = count().toLocaleString(document.documentElement.lang);
  };
  const send = (event, path) => {
    if (!count()) return;
    event.preventDefault();
    list.action = path;
    list.submit();
  };
  list.addEventListener("change", look);
  look();
  for (const form of document.querySelectorAll("form[data-carries]")) {
    form.addEventListener("submit", (event) => send(event, `${location.pathname}?${said(form)}`));
  }
  for (const link of document.querySelectorAll("a[data-carries], main > .buttons a")) {
    link.addEventListener("click", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) send(event, link.href);
    });
  }
}

// What a form asks the list for, as an address says it.
function said(form) {
  const fields = [...new FormData(form)].filter(([name]) => !["form_token", "carried"].includes(name));
  return new URLSearchParams(fields.map(([name, value]) => [name.replace(/^columns[.].*/, "columns"), value]));
}
