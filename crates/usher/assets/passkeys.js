// Asks the browser for a passkey, and sends what it answers in a form like any other. What needs it is shown only where it can work.

const REFRESH_EVERY = 4 * 60 * 1000;
const able = "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;
const words = document.querySelector('meta[name="words"]').dataset;
let waiting;

if (able) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => run(event, form));
  }
  for (const part of document.querySelectorAll("[data-without-passkeys]")) part.hidden = true;
  const form = document.querySelector('form[data-passkey="offer"]');
  if (form && (await PublicKeyCredential.isConditionalMediationAvailable?.())) offer(form);
} else {
  // Its place was kept until now.
  document.querySelector('form[data-passkey="offer"]')?.remove();
}

// What is sent by hand carries the answer: until it is there, the browser is asked for it.
async function run(event, form) {
  if (form.elements.credential.value) return;
  event.preventDefault();
  waiting?.abort();
  const said = form.querySelector("[data-said]");
  said.hidden = true;
  try {
    fill(form, form.dataset.passkey === "create" ? await create(form) : await get({}));
    form.submit();
  } catch (error) {
    said.textContent = tell(error);
    said.hidden = false;
  }
}

// Password managers and browsers offer passkeys in the field of the name, as they do passwords. Challenges grow old.
async function offer(form) {
  waiting = new AbortController();
  const renewal = setTimeout(() => {
    waiting.abort();
    offer(form);
  }, REFRESH_EVERY);
  try {
    fill(form, await get({ mediation: "conditional", signal: waiting.signal }));
    form.submit();
  } catch {
    // Nobody has chosen one. The button is there still.
    if (!waiting.signal.aborted) clearTimeout(renewal);
  }
}

async function create(form) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.options));
  return [form.elements.ceremony.value, await navigator.credentials.create({ publicKey })];
}

async function get(how) {
  const answer = await fetch("/v1/login/passkey/options", { method: "POST" });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const { ceremony, options } = await answer.json();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return [ceremony, await navigator.credentials.get({ publicKey, ...how })];
}

function fill(form, [ceremony, credential]) {
  form.elements.ceremony.value = ceremony;
  form.elements.credential.value = JSON.stringify(credential);
}

function tell(error) {
  if (error.name === "InvalidStateError") return words.known;
  if (error.name === "NotAllowedError") return words.calledOff;
  return error.name === "Error" ? error.message : words.failed;
}
