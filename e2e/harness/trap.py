"""A browser's page that is opened on hostile texts, and in which none may be more than text."""

from collections.abc import Iterable

from playwright.sync_api import Dialog, Page

from .faces import Faces
from .looks import PAYLOADS

# A name has 100 characters at most; some are left for what makes it the only one.
_LINE_MAX = 95
# Of the page: all that somebody could read or hear of it, and what no page of usher holds.
_SURVEY = """
expected => {
  const places = ["aria-label", "title", "alt", "placeholder", "content", "href", "value"];
  const runs = /^\\s*(javascript|vbscript|data):/i;
  const read = [document.title, document.documentElement.textContent], strange = [];
  const never = 'script:not([src^="/assets/"]), iframe:not([name=preview]), base, object, embed, template, video, audio, marquee, '
    + 'math, animate, meta[http-equiv=refresh], img:not([alt])';
  for (const it of document.querySelectorAll("*")) {
    if ("value" in it) read.push(it.value);
    // Not `it.attributes`: the fields of a form hide what has their name.
    for (const name of Element.prototype.getAttributeNames.call(it)) {
      const value = Element.prototype.getAttribute.call(it, name);
      if (places.includes(name)) read.push(value);
      if (/^(on|srcdoc$)/.test(name)) strange.push(it);
      if (/(href|src|action|data)$/.test(name) && runs.test(value)) strange.push(it);
    }
    if (it.matches(never)) strange.push(it);
  }
  const text = read.join("\\n");
  return { missing: expected.filter(each => !text.includes(each)), strange: strange.map(it => it.outerHTML.slice(0, 200)) };
}
"""


def packed(payloads: Iterable[str], most: int = _LINE_MAX) -> list[str]:
    """All of them, in as few lines as hold them; no line begins with a space, which is taken away."""
    lines = [""]
    for payload in payloads:
        longer = f"{lines[-1]} {payload}".strip()
        lines = [*lines[:-1], longer] if len(longer) <= most else [*lines, payload]
    return [line if line == line.strip() else f".{line}" for line in lines]


LINES = packed(PAYLOADS)
WHOLE = " ".join(PAYLOADS)


class Trap(Faces):
    """Faults are what the policy has refused, too, and every call of `alert`."""

    def __init__(self, page: Page, base_url: str) -> None:
        page.add_init_script("window.alert = () => console.error('alert was called')")
        super().__init__(page, base_url)
        page.on("dialog", self._note)

    def _note(self, dialog: Dialog) -> None:
        self.watch.faults.append(f"a dialog was opened: {dialog.message}")
        dialog.dismiss()

    def look(self, path: str, texts: Iterable[str] = ()) -> None:
        self.open(path)
        self.holds(texts)

    def holds(self, texts: Iterable[str] = ()) -> None:
        """Each of these is there to be read, and nothing came of any."""
        missing, strange = list(texts), []
        for frame in self.page.frames:
            found = frame.evaluate(_SURVEY, missing)
            missing, strange = found["missing"], strange + found["strange"]
        assert strange == [], f"{self.page.url}: a text became more than text: {strange}"
        assert self.watch.faults == [], f"{self.page.url}: something ran, or was about to: {self.watch.faults}"
        assert missing == [], f"{self.page.url} does not show {missing}"
