// Says why an HTMX request was not answered, while the page and what is typed in it stay.
(() => {
  "use strict";

  const remove = () => document.querySelector("#unavailable")?.remove();

  const show = (answer) => {
    remove();
    const notice = document.createElement("p");
    notice.id = "unavailable";
    notice.className = "notice bad toast";
    notice.setAttribute("role", "alert");
    notice.dataset.code = answer.code;
    notice.textContent = answer.detail;
    document.body.append(notice);
  };

  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 503 && xhr.getResponseHeader("Content-Type") === "application/json") show(JSON.parse(xhr.responseText));
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) remove();
  });
})();
