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
