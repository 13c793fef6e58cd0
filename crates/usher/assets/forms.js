// Helps with passwords: shows one while it is typed, and says how hard a new one is to guess. Without it every form works the same.

const words = document.querySelector('meta[name="words"]').dataset;

for (const field of document.querySelectorAll('input[type="password"]')) {
  addReveal(field);
  if (field.autocomplete === "new-password") addStrength(field);
}

function addReveal(field) {
  const around = document.createElement("div");
  around.className = "revealing";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? words.hide : words.show;
    button.setAttribute("aria-label", shown ? words.hidePassword : words.showPassword);
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // What is sent is a password again, so that no browser offers it as an old entry.
  field.form?.addEventListener("submit", () => show(false));
  show(false);
  const had = document.activeElement === field;
  field.replaceWith(around);
  around.append(field, button);
  if (had) field.focus();
}

function addStrength(field) {
  const meter = document.createElement("div");
  meter.className = "strength";
  const text = document.createElement("p");
  text.setAttribute("role", "status");
  meter.append(...Array.from({ length: 4 }, () => document.createElement("i")), text);
  field.closest(".field").append(meter);
  let waiting;
  let asked = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => look(++asked), 400);
  });
  const look = async (mine) => {
    const report = field.value && (await check(field));
    if (mine !== asked) return;
    meter.dataset.score = report ? report.strength.score : 0;
    text.textContent = report ? say(report) : "";
  };
}

// Nothing of it is kept. What a form does not say of the person is left out.
async function check(field) {
  const about = { password: field.value };
  for (const name of ["email", "display_name"]) {
    const value = field.form?.elements.namedItem(name)?.value;
    if (value) about[name] = value;
  }
  try {
    const answer = await fetch("/v1/password/check", {
      method: "POST",
      // What it says is to be in the language of the page.
      headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
      body: JSON.stringify(about),
    });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function say({ acceptable, reasons, strength, suggestions }) {
  if (!acceptable) return words.refused.replace("%", reasons[0].detail);
  const advice = strength.score < 3 && suggestions.length ? ` ${suggestions[0]}` : "";
  return `${words.strengths.split("|")[strength.score]}.${advice}`;
}
