/* The API page: Swagger UI from this site, under script-src 'self'. */
"use strict";
(() => {
  const place = document.getElementById("swagger-ui");
  const token = place.dataset.token;
  SwaggerUIBundle({
    url: place.dataset.schema, domNode: place, deepLinking: true, docExpansion: "none", validatorUrl: null,
    requestInterceptor: (request) => { if (request.method && request.method !== "GET") request.headers["X-CSRFToken"] = token; return request; },
  });
})();
