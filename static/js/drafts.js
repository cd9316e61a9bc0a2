// What a person types in a form is kept in this tab until the form was taken: through the end of the
// session, a lost connection and every error. It comes back to the same person only.
(() => {
  "use strict";

  const FORMS = "form[data-draft], #content-main form[id$=_form]";
  const KEPT = "input:not([type=hidden], [type=password], [type=file], [type=submit], [type=button]), select, textarea";
  // What a form of the admin site was opened with. It comes back with the text, so that what others
  // have saved since is still seen as a conflict (`studio/admin/editing.py`).
  const STAMPS = "input[type=hidden][name$=opened_with]";
  const PREFIX = "genga.draft";
  const person = document.querySelector("[data-person]")?.dataset.person;
  if (!person) return;

  const store = {
    key: (form) => {
      const { pathname, search } = new URL(form.action, location.href);
      return `${PREFIX} ${person} ${pathname}${search}`;
    },
    read: (key) => JSON.parse(sessionStorage.getItem(key) ?? "null"),
    write: (key, draft) => {
      // A full or forbidden storage must not break the form.
      try { sessionStorage.setItem(key, JSON.stringify(draft)); } catch { /* kept only on the page */ }
    },
    keys: () => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX)),
  };

  const partsOf = (form, name) => [...form.elements].filter((one) => one.name === name && one.matches(KEPT));
  const isTicked = (part) => part.matches("[type=checkbox], [type=radio]");
  const valuesOf = (form, name) => partsOf(form, name).flatMap((part) => {
    if (isTicked(part)) return part.checked ? [part.value] : [];
    return part.matches("select") ? [...part.selectedOptions].map((one) => one.value) : [part.value];
  });

  const stampsOf = (form) => Object.fromEntries([...form.querySelectorAll(STAMPS)].map(({ name, value }) => [name, value]));
  const setStamps = (form, stamps) => form.querySelectorAll(STAMPS).forEach((part) => { part.value = stamps[part.name] ?? part.value; });

  // Set a field; true when that changed something.
  const setValues = (form, name, values) => {
    if (JSON.stringify(valuesOf(form, name)) === JSON.stringify(values)) return false;
    for (const part of partsOf(form, name)) {
      if (isTicked(part)) part.checked = values.includes(part.value);
      else if (part.matches("select")) [...part.options].forEach((one) => { one.selected = values.includes(one.value); });
      else [part.value] = values;
      const fold = part.closest("details");
      if (fold) fold.open = true;
    }
    return partsOf(form, name).length > 0;
  };

  const remember = (event) => {
    const form = event.target.form;
    if (!form?.matches(FORMS)) return;
    const key = store.key(form);
    const draft = store.read(key) ?? { values: {}, files: [], stamps: stampsOf(form) };
    const { name, type } = event.target;
    if (type === "file") draft.files = [...new Set([...draft.files, name])];
    else if (event.target.matches(KEPT)) draft.values[name] = valuesOf(form, name);
    else return;
    store.write(key, draft);
  };
  document.addEventListener("input", remember);
  document.addEventListener("change", remember);

  const say = (form, codes, stamps) => {
    const line = document.createElement("p");
    line.className = "restored small quiet";
    line.setAttribute("role", "status");
    line.dataset.code = codes.join(" ");
    line.textContent = codes.map((code) => document.querySelector(`[data-sentence="${code}"]`).content.textContent).join(" ");
    const discard = Object.assign(document.createElement("button"), { type: "button", className: "button small", textContent: "Discard it" });
    discard.addEventListener("click", () => {
      sessionStorage.removeItem(store.key(form));
      form.reset();
      setStamps(form, stamps);
      line.remove();
      const first = form.querySelector("textarea, input:not([type=hidden])");
      first.focus();
      first.dispatchEvent(new Event("change", { bubbles: true }));
      sessionStorage.removeItem(store.key(form));
    });
    line.append(" ", discard);
    form.prepend(line);
  };

  const restored = new WeakSet();
  const restore = () => {
    for (const form of document.querySelectorAll(FORMS)) {
      if (restored.has(form)) continue;
      restored.add(form);
      const draft = store.read(store.key(form));
      if (!draft) continue;
      const stamps = stampsOf(form);
      // A page that has just refused the form has shown the conflicts, and has a new stamp.
      if (form.querySelector(".errornote")) store.write(store.key(form), { ...draft, stamps });
      else setStamps(form, draft.stamps ?? {});
      const back = Object.entries(draft.values).filter(([name, values]) => setValues(form, name, values));
      const codes = [...(back.length ? ["draft_restored"] : []), ...(draft.files.length ? ["draft_without_files"] : [])];
      if (codes.length) say(form, codes, stamps);
    }
  };

  // The server names a form that was taken by a cookie with the draft's id.
  const newId = () => [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // htmx reads forms too, for estimates; only what is sent has an id.
  let sending = null;
  document.addEventListener("submit", ({ target }) => {
    sending = target.matches(FORMS) ? target : null;
    setTimeout(() => { sending = null; });
  });
  document.addEventListener("formdata", (event) => {
    const form = event.target;
    if (form !== sending) return;
    const key = store.key(form);
    const sent = newId();
    store.write(key, { values: {}, files: [], stamps: stampsOf(form), ...store.read(key), sent });
    event.formData.set("draft", sent);
  });
  const dropTaken = () => {
    for (const key of store.keys()) {
      const cookie = `genga_taken_${store.read(key).sent}`;
      if (!document.cookie.split("; ").includes(`${cookie}=1`)) continue;
      sessionStorage.removeItem(key);
      document.cookie = `${cookie}=; path=/; max-age=0; samesite=lax`;
    }
  };

  // Who logs out leaves nothing behind.
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-logout], #logout-form")) store.keys().forEach((key) => sessionStorage.removeItem(key));
  });

  dropTaken();
  restore();
  document.addEventListener("htmx:load", restore);
})();
