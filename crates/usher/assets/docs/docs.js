// Opens the document of this very server. The access token lives in this page's memory only.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // All at once would be too many for it: it would show only those on the screen, and no search of the browser would find the others.
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});

// Swagger UI leaves these without a name, out of reach of the keyboard, or one within the other.
const mend = () => {
  const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
  const name = (selector, text) => each(`${selector}:not([aria-label])`, (it) => it.setAttribute("aria-label", text(it)));
  name("#servers", () => "Server");
  name(".close-modal", () => "Close");
  name(".opblock-section-request-body :is(textarea, input[type=file])", () => "Request body");
  name("tr[data-param-name] :is(select, textarea)", (it) => it.closest("tr").dataset.paramName);
  each("pre.microlight:not([tabindex])", (it) => it.setAttribute("tabindex", "0"));
  // A link within a button. The button opens the operation, and then its address is that of the page.
  each(".opblock-summary-control a[href]", (it) => it.removeAttribute("href"));
};
new MutationObserver(mend).observe(document.getElementById("docs"), { childList: true, subtree: true });
