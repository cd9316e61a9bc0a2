// A form's buttons are locked while its request is under way, so that no click counts twice.
(() => {
  "use strict";

  // A page whose loading was stopped by hand gets no answer; its buttons work again after this time.
  const LONGEST = 30_000;
  const BUTTONS = "button:not([type=reset]), input[type=submit]";

  // For each form that waits, the element that had the focus.
  const waiting = new Map();
  const isHtmx = (form) => form.matches("[hx-post], [data-hx-post]");

  const lock = (form) => {
    if (waiting.has(form)) return;
    waiting.set(form, document.activeElement);
    const buttons = [...form.elements].filter((one) => one.matches(BUTTONS) && !one.disabled);
    form.ariaBusy = "true";
    for (const button of buttons) {
      button.disabled = true;
      button.ariaBusy = "true";
      // Firefox would restore a locked button with the page.
      button.autocomplete = "off";
    }
    if (!isHtmx(form)) setTimeout(() => unlock(form), LONGEST);
  };

  const unlock = (form) => {
    const focused = waiting.get(form);
    if (!waiting.delete(form)) return;
    form.ariaBusy = null;
    for (const button of [...form.elements].filter((one) => one.ariaBusy)) {
      button.disabled = false;
      button.ariaBusy = null;
    }
    // A button loses the focus when it is locked.
    if (document.activeElement === document.body && focused?.form === form) focused.focus();
  };

  // Before all other listeners: a second press is nothing.
  document.addEventListener("submit", (event) => {
    if (!waiting.has(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  // Locked after the form was read, because the pressed button is a part of what is sent.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || isHtmx(form) || event.defaultPrevented) return;
    waiting.set(form, null);
    setTimeout(() => {
      waiting.delete(form);
      lock(form);
    });
  });

  document.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (target.matches("form[hx-post]")) lock(target);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => unlock(detail.elt));

  // The answer to a form brings another page. Parts of this one are not asked for any more, and a
  // late answer to one must not load the page a second time.
  const isLeaving = () => [...waiting.keys()].some((form) => !isHtmx(form));
  ["htmx:beforeRequest", "htmx:beforeOnLoad"].forEach((name) => document.addEventListener(name, (event) => {
    if (isLeaving()) event.preventDefault();
  }));

  // The page comes back out of the browser's memory as it was left.
  addEventListener("pageshow", () => [...waiting.keys()].forEach(unlock));
})();
