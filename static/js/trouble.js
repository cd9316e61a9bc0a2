// What goes wrong behind the page's back: requests of htmx and scripts that fail, and a session that
// has ended. Said in a sentence above the page, so that nothing on the page moves.
(() => {
  "use strict";

  const box = document.querySelector("#trouble > .notice");
  const link = box.querySelector("a");

  // Long enough to be read, whatever the page fetches behind the person's back.
  const LEAST = 3_000;
  let shown = 0;
  let hiding = 0;

  const say = (code, told) => {
    const sentence = document.querySelector(`[data-sentence="${code}"]`);
    box.dataset.code = code;
    box.querySelector("p").textContent = told || sentence.content.textContent;
    link.hidden = code !== "logged_out";
    if (!link.hidden) link.href = `/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
    box.hidden = false;
    clearTimeout(hiding);
    shown = performance.now();
  };
  box.querySelector("button").addEventListener("click", () => { box.hidden = true; });

  const codeOf = (status) => {
    if (status === 401) return "logged_out";
    if (status === 403 || status === 404) return "not_available";
    if (status === 429 || status === 502 || status === 503 || status === 504) return "server_busy";
    return status >= 500 ? "server_error" : "request_refused";
  };

  // The server may say itself what is the matter, such as a full disk.
  const toldBy = (xhr) => {
    const isJson = xhr.getResponseHeader("Content-Type")?.startsWith("application/json");
    return isJson ? JSON.parse(xhr.responseText).detail : undefined;
  };

  // Scripts say so by an event; `status` is that of the answer, 0 without one.
  document.addEventListener("genga:failed", ({ detail }) => {
    say(detail.status ? codeOf(detail.status) : "no_answer");
  });
  document.addEventListener("htmx:responseError", ({ detail }) => {
    // htmx itself follows an answer that leads elsewhere.
    const { xhr } = detail;
    if (xhr.getResponseHeader("HX-Refresh") || xhr.getResponseHeader("HX-Redirect")) return;
    say(codeOf(xhr.status), toldBy(xhr));
  });
  document.addEventListener("htmx:sendError", () => say("no_answer"));
  document.addEventListener("htmx:timeout", () => say("no_answer"));
  // An answer shows that the server is there again.
  document.addEventListener("htmx:afterOnLoad", () => {
    if (!["no_answer", "server_busy"].includes(box.dataset.code)) return;
    clearTimeout(hiding);
    hiding = setTimeout(() => { box.hidden = true; }, Math.max(0, LEAST - (performance.now() - shown)));
  });

  // A closed socket does not say whether the session or only a right has ended: ask for the page.
  const ask = async () => {
    try {
      const headers = { Accept: "application/json" };
      const { ok, status } = await fetch(location.href, { method: "HEAD", headers });
      say(ok ? "not_live" : codeOf(status));
    } catch {
      say("no_answer");
    }
  };
  document.addEventListener("htmx:wsClose", ({ detail }) => {
    if (detail.event.code === 4403) ask();
  });
})();
