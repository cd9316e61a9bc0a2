// The page's own small part: the live line, countdowns, shortcuts. Everything else is htmx.
(() => {
  "use strict";

  // The browser focuses a page's first field with its first frame, which may be after its load:
  // keys that are typed before that would be taken for shortcuts.
  document.querySelector("[autofocus]")?.focus();

  const line = document.querySelector("[data-line]");
  const tell = (state, text) => {
    if (!line) return;
    line.dataset.state = state;
    line.textContent = text;
  };

  // A refresh fetches the live part of the page again; forms stand outside of it and stay.
  // The socket holds back what is new until the page says that it has shown what it fetched.
  const refresh = (socket) => {
    const told = (event) => {
      if (event && event.detail.requestConfig.triggeringEvent?.type !== "genga:refresh") return;
      document.body.removeEventListener("htmx:afterRequest", told);
      socket.sendImmediately("shown");
    };
    document.body.addEventListener("htmx:afterRequest", told);
    document.body.dispatchEvent(new CustomEvent("genga:refresh"));
    if (!document.querySelector("#live")) told();
  };

  // Buttons depend on the person, so they are never pushed: they are fetched when a state moved,
  // unless somebody is typing there.
  const moved = () => {
    const actions = document.querySelector("[data-actions]");
    const typing = actions && [...actions.querySelectorAll("textarea")].some((area) => area.value);
    if (actions && !typing) document.body.dispatchEvent(new CustomEvent("genga:moved"));
  };

  // A push is made once for all pages of its group; each page takes the parts it has a place for,
  // the inner ones first: an outer one replaces their places.
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

  document.body.addEventListener("htmx:wsOpen", () => tell("live", "Live"));
  document.body.addEventListener("htmx:wsClose", (event) => {
    tell("away", "Reconnecting");
    // The extension tries again after abnormal ends only; a server that is restarted says 1001.
    const { code } = event.detail.event;
    if (code === 1000 || code === 1001) {
      setTimeout(() => event.detail.socketWrapper.reconnect(), 1000);
    } else if (code >= 4400) {
      tell("away", "Not live");
    }
  });
  document.body.addEventListener("htmx:wsBeforeMessage", (event) => {
    if (event.detail.message !== "refresh") return;
    event.preventDefault();
    refresh(event.detail.socketWrapper);
    moved();
  });
  document.body.addEventListener("htmx:wsAfterMessage", (event) => {
    event.detail.socketWrapper.sendImmediately("shown");
    markMine();
    count();
    if (event.detail.message.includes("data-moved")) moved();
  });

  const markMine = () => {
    const me = document.body.dataset.person;
    document.querySelectorAll("[data-owner]").forEach((row) => {
      row.classList.toggle("mine", row.dataset.owner === me);
    });
  };

  // Times to come count down; one that has passed is told as such, never as "0 s".
  const words = (seconds) => {
    if (seconds < 1) return "any moment";
    if (seconds < 90) return `in ${Math.round(seconds)} s`;
    if (seconds < 5400) return `in ${Math.round(seconds / 60)} min`;
    return `in ${Math.round(seconds / 3600)} h`;
  };
  const count = () => {
    document.querySelectorAll("time[data-until]").forEach((element) => {
      element.textContent = words((Date.parse(element.dateTime) - Date.now()) / 1000);
    });
    document.querySelectorAll("time[data-local]").forEach((element) => {
      const moment = new Date(element.dateTime);
      element.textContent = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
      element.title = moment.toLocaleString();
    });
  };
  setInterval(count, 1000);
  document.body.addEventListener("htmx:afterSettle", () => { markMine(); count(); });

  // Shortcuts: an element with data-key is pressed by its key; "g d" is g, then d.
  let before = "";
  const typed = (target) =>
    target.closest("input:not([type=radio], [type=checkbox], [data-scrub]), textarea, select, [contenteditable]");
  // Keys by which the browser itself presses, chooses and scrolls. They go to what has the focus
  // where that answers to them, and scroll where the element that they would press is out of sight.
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
    // What stands behind an open dialog is not meant.
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
    // A key that is held down goes on stepping, and does nothing else twice.
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

  document.body.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  });

  markMine();
  count();
})();
