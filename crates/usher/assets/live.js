// Pages that show how far something is. The server says when it has moved; then the page is asked for anew, and what has changed is put
// into the one that is open: what has the focus, is open or is being typed stays as it is. Without it, there is a link to look again.

const LOOK_AT_MOST_EVERY = 1500;
const AGAIN_AFTER = 5000;
const FIELDS = "input, select, textarea";

const live = document.getElementById("live");
const said = document.createElement("p");
said.className = "visually-hidden";
said.setAttribute("role", "status");
live.after(said);
let stream;
let planned;
let looked = 0;

document.addEventListener("visibilitychange", follow);
follow();

// A page that nobody sees holds no connection. When it is seen again, it hears at once how far things are.
function follow() {
  const wanted = live.dataset.follow && !document.hidden;
  if (!wanted) leave();
  if (!wanted || stream) return;
  stream = new EventSource(`/admin/events?follow=${encodeURIComponent(live.dataset.follow)}`);
  stream.addEventListener("open", () => live.toggleAttribute("data-followed", true));
  stream.addEventListener("message", () => plan(looked + LOOK_AT_MOST_EVERY - Date.now()));
  stream.addEventListener("over", () => location.reload());
  stream.addEventListener("error", () => {
    live.removeAttribute("data-followed");
    // The browser comes back by itself where a stream has broken off, and not where it was refused.
    if (stream?.readyState !== EventSource.CLOSED) return;
    leave();
    plan(AGAIN_AFTER);
  });
}

function leave() {
  stream?.close();
  stream = undefined;
  live.removeAttribute("data-followed");
}

function plan(wait) {
  planned ??= setTimeout(look, Math.max(wait, 0));
}

async function look() {
  looked = Date.now();
  planned = undefined;
  try {
    const answer = await fetch(live.dataset.from ?? location.href, { headers: { Accept: "text/html" } });
    // Signed out, or not to be seen any longer: the page itself says so.
    if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    take(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live"));
    follow();
  } catch {
    plan(AGAIN_AFTER);
  }
}

function take(found) {
  const had = live.contains(document.activeElement);
  const changes = live.dataset.state !== found.dataset.state;
  fit(live, found);
  live.dataset.follow = found.dataset.follow ?? "";
  const heading = live.querySelector("h2");
  if (changes) {
    live.dataset.state = found.dataset.state;
    said.textContent = heading.textContent;
  }
  // What was pressed is gone with what it did.
  if (heading && had && !live.contains(document.activeElement)) {
    heading.tabIndex = -1;
    heading.focus();
  }
}

// Makes the elements of one those of the other, and keeps each that can stay.
function fit(old, found) {
  const isText = [...found.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (isText || !found.children.length) {
    if (old.innerHTML !== found.innerHTML) old.replaceChildren(...found.childNodes);
    return;
  }
  let at = old.firstElementChild;
  for (const wanted of [...found.children]) {
    const same = counterpart(at, wanted);
    if (!same) {
      old.insertBefore(wanted, at);
      continue;
    }
    while (at !== same) at = drop(at);
    at = same.nextElementSibling;
    if (same.isEqualNode(wanted) || same.matches(FIELDS)) continue;
    for (const name of same.getAttributeNames()) {
      if (name !== "open" && !wanted.hasAttribute(name)) same.removeAttribute(name);
    }
    for (const { name, value } of wanted.attributes) {
      if (same.getAttribute(name) !== value) same.setAttribute(name, value);
    }
    fit(same, wanted);
  }
  while (at) at = drop(at);
}

function drop(element) {
  const next = element.nextElementSibling;
  element.remove();
  return next;
}

function counterpart(at, wanted) {
  let one = at;
  while (one && (one.localName !== wanted.localName || name(one) !== name(wanted))) one = one.nextElementSibling;
  return one;
}

// What an element is known by among those beside it. A row is known by where its link leads.
function name(element) {
  const row = element.localName === "tr" ? element.querySelector("th a")?.getAttribute("href") : "";
  return element.id || element.getAttribute("aria-labelledby") || element.getAttribute("action") || row || "";
}
