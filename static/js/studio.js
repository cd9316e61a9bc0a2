// The connection state, pushed parts and keyboard shortcuts. htmx does everything else.
(() => {
  "use strict";

  // The browser applies autofocus with the first frame, which may be after the page has loaded.
  // Keys typed before that would be taken for shortcuts.
  document.querySelector("[autofocus]")?.focus();

  const connection = document.querySelector("[data-line]");
  const showConnection = (state, text) => {
    if (!connection) return;
    connection.dataset.state = state;
    connection.textContent = text;
  };

  // A refresh fetches the live part of the page again. Forms are outside of it and keep their values.
  // The server sends nothing until the page acknowledges that it has shown the new state.
  const refresh = (socket) => {
    const acknowledge = (event) => {
      if (event && event.detail.requestConfig.triggeringEvent?.type !== "genga:refresh") return;
      document.body.removeEventListener("htmx:afterRequest", acknowledge);
      socket.sendImmediately("shown");
    };
    document.body.addEventListener("htmx:afterRequest", acknowledge);
    document.body.dispatchEvent(new CustomEvent("genga:refresh"));
    if (!document.querySelector("#live")) acknowledge();
  };

  // Buttons depend on the user, so they are not pushed. The page fetches them when a state has
  // changed, unless somebody is typing there.
  const fetchActions = () => {
    const actions = document.querySelector("[data-actions]");
    const typing = actions && [...actions.querySelectorAll("textarea")].some((area) => area.value);
    if (actions && !typing) document.body.dispatchEvent(new CustomEvent("genga:moved"));
  };

  // A push is rendered once for all pages of its group. Each page takes the parts whose target it
  // contains, inner parts first, because an outer part replaces their targets.
  const placeOf = (part) => {
    const target = (part.getAttribute("hx-swap-oob") || "").split(":")[1];
    return document.querySelector(target || `#${CSS.escape(part.id)}`);
  };
  const depthOf = (element) => (element ? 1 + depthOf(element.parentElement) : 0);
  htmx.defineExtension("parts", {
    transformResponse: (text, request) => {
      if (request) return text;
      const push = document.createElement("template");
      push.innerHTML = text;
      const parts = [...push.content.children].map((part) => [depthOf(placeOf(part)), part]);
      const shown = parts.filter(([depth]) => depth).sort(([one], [other]) => other - one);
      return shown.map(([, part]) => part.outerHTML).join("");
    },
  });

  document.body.addEventListener("htmx:wsOpen", () => showConnection("live", "Live"));
  document.body.addEventListener("htmx:wsClose", (event) => {
    showConnection("away", "Reconnecting");
    // The extension reconnects only after abnormal ends; a server that restarts closes with 1001.
    const { code } = event.detail.event;
    if (code === 1000 || code === 1001) {
      setTimeout(() => event.detail.socketWrapper.reconnect(), 1000);
    } else if (code >= 4400) {
      showConnection("away", "Not live");
    }
  });
  document.body.addEventListener("htmx:wsBeforeMessage", (event) => {
    if (event.detail.message !== "refresh") return;
    event.preventDefault();
    refresh(event.detail.socketWrapper);
    fetchActions();
  });
  document.body.addEventListener("htmx:wsAfterMessage", (event) => {
    event.detail.socketWrapper.sendImmediately("shown");
    markMine();
    if (event.detail.message.includes("data-moved")) fetchActions();
  });

  const markMine = () => {
    const me = document.body.dataset.person;
    document.querySelectorAll("[data-owner]").forEach((row) => {
      row.classList.toggle("mine", row.dataset.owner === me);
    });
  };

  document.body.addEventListener("htmx:afterSettle", markMine);

  // Shortcuts: a key clicks the element with that data-key. "g d" means g, then d.
  let before = "";
  const typed = (target) =>
    target.closest("input:not([type=radio], [type=checkbox], [data-scrub]), textarea, select, [contenteditable]");
  // Keys that the browser uses to click, select and scroll. It keeps them when the focused element
  // handles them, and to scroll when the element of the shortcut is out of sight.
  const browsers = {
    " ": "button, summary, [type=radio]",
    ArrowLeft: "[type=radio]",
    ArrowRight: "[type=radio]",
    Home: "[tabindex]",
    End: "[tabindex]",
  };
  const isBrowsers = (event, element) => {
    if (!(event.key in browsers)) return false;
    const { top, bottom } = element.getBoundingClientRect();
    return bottom < 0 || top > innerHeight || event.target.closest(browsers[event.key]);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // No shortcuts for elements behind an open dialog.
    if (document.querySelector("dialog[open]")) return;
    if (typed(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "?") { help(); return; }
    const chord = before === "g" ? `g ${event.key}` : event.key;
    before = event.key;
    const element = document.querySelector(`[data-key="${CSS.escape(chord).replace("\\ ", " ")}"]`);
    if (!element || element.matches(":disabled") || isBrowsers(event, element)) return;
    event.preventDefault();
    // A held key repeats stepping only.
    if (event.repeat && !event.key.startsWith("Arrow") && !("step" in element.dataset)) return;
    before = "";
    if (element.matches("textarea, input, select")) element.focus();
    else element.click();
  });

  const KEY_NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", X: "Shift X" };
  const help = () => {
    const dialog = document.querySelector("#shortcuts");
    const list = dialog.querySelector("dl");
    list.replaceChildren();
    document.querySelectorAll("[data-key]:not(:disabled)").forEach((element) => {
      const key = document.createElement("dt");
      const name = document.createElement("dd");
      const textContent = KEY_NAMES[element.dataset.key] ?? element.dataset.key;
      key.append(Object.assign(document.createElement("kbd"), { textContent }));
      name.textContent = element.dataset.keyName || element.textContent.trim();
      list.append(key, name);
    });
    dialog.showModal();
  };
  document.querySelectorAll("[data-help]").forEach((button) => button.addEventListener("click", help));

  // A page that the browser brings back was sent already. Sending its forms again is a new wish, not
  // a second click, so they get new one-time values.
  window.addEventListener("pageshow", (event) => {
    const [visit] = performance.getEntriesByType("navigation");
    if (!event.persisted && visit?.type !== "back_forward") return;
    document.querySelectorAll("input[name=once]").forEach((field) => {
      field.value = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("");
    });
  });

  markMine();
})();
