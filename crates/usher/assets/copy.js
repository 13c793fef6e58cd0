// Copies what is shown once, so that nothing of it is left behind. Without it a click chooses the whole of it.

const words = document.querySelector('meta[name="words"]').dataset;

// A browser has no clipboard for pages that anybody on the way could have changed.
if (navigator.clipboard) {
  for (const shown of document.querySelectorAll("[data-copies]")) addCopy(shown);
}

function addCopy(shown) {
  const line = document.createElement("p");
  line.className = "copying";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-quiet button-small";
  button.textContent = words.copy;
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    // The same words are said again.
    said.textContent = "";
    said.textContent = (await copy(shown)) ? words.copied : words.copyFailed;
  });
  line.append(button, said);
  shown.after(line);
}

// Each code on a line of its own.
async function copy(shown) {
  const texts = [...shown.querySelectorAll("code")].map((code) => code.textContent);
  try {
    await navigator.clipboard.writeText(texts.join("\n"));
    return true;
  } catch {
    return false;
  }
}
