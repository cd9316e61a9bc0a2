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

  // The rows of the admin site's inlines, such as `memberships-1`, with their ids; a new one has an
  // empty id. Numbers are not enough: others add and remove rows meanwhile.
  const rowOf = (name) => name.match(/^(.+-\d+)-[^-]+$/)?.[1];
  const inlineOf = (row) => row.slice(0, row.lastIndexOf("-"));
  const idsOf = (form) => Object.fromEntries([...form.querySelectorAll("input[type=hidden][name$='-id']")]
    .filter(({ name }) => rowOf(name)).map(({ name, value }) => [rowOf(name), value]));

  // Where the rows of a draft are now: a stored one by its id, new ones in their order. A new row
  // that is missing is added.
  const placesOf = (form, rows) => {
    const places = {};
    for (const [row, id] of Object.entries(rows)) {
      const find = () => Object.entries(idsOf(form)).find(([place, present]) => (
        inlineOf(place) === inlineOf(row) && present === id && !Object.values(places).includes(place)
      ))?.[0];
      places[row] = find();
      if (places[row] || id) continue;
      document.querySelector(`#${inlineOf(row)}-group .add-row a`)?.click();
      places[row] = find();
    }
    return places;
  };
  // What is kept by the names of fields, by their names of now. What has no place is left out.
  const placed = (kept, places) => Object.fromEntries(Object.entries(kept).flatMap(([name, value]) => {
    const row = rowOf(name);
    if (!(row in places)) return [[name, value]];
    return places[row] ? [[places[row] + name.slice(row.length), value]] : [];
  }));

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

  const blank = (form) => ({ values: {}, files: [], stamps: stampsOf(form), rows: idsOf(form) });
  // New rows are kept as a whole, because they get other numbers when one of them is removed.
  const keepRows = (form, draft) => {
    const isNew = (name) => draft.rows[rowOf(name)] === "";
    Object.keys(draft.values).filter(isNew).forEach((name) => { delete draft.values[name]; });
    draft.rows = idsOf(form);
    for (const { name } of [...form.elements].filter((part) => part.matches(KEPT) && isNew(part.name))) {
      draft.values[name] = valuesOf(form, name);
    }
  };
  const remember = (event) => {
    const form = event.target.form;
    if (!form?.matches(FORMS)) return;
    const key = store.key(form);
    const draft = store.read(key) ?? blank(form);
    const { name, type } = event.target;
    if (type === "file") draft.files = [...new Set([...draft.files, name])];
    else if (event.target.matches(KEPT)) draft.values[name] = valuesOf(form, name);
    else return;
    keepRows(form, draft);
    store.write(key, draft);
  };
  document.addEventListener("input", remember);
  document.addEventListener("change", remember);
  // Told by the admin site before it numbers the other rows anew.
  document.addEventListener("formset:removed", () => setTimeout(() => {
    for (const form of document.querySelectorAll(FORMS)) {
      const draft = store.read(store.key(form));
      if (!draft) continue;
      keepRows(form, draft);
      store.write(store.key(form), draft);
    }
  }));

  const say = (form, codes, undo) => {
    const line = document.createElement("p");
    line.className = "restored small quiet";
    line.setAttribute("role", "status");
    line.dataset.code = codes.join(" ");
    line.textContent = codes.map((code) => document.querySelector(`[data-sentence="${code}"]`).content.textContent).join(" ");
    const discard = Object.assign(document.createElement("button"), { type: "button", className: "button small", textContent: "Discard it" });
    discard.addEventListener("click", () => {
      sessionStorage.removeItem(store.key(form));
      form.reset();
      undo();
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
      const [stamps, rows] = [stampsOf(form), idsOf(form)];
      const places = placesOf(form, draft.rows ?? {});
      const values = placed(draft.values, places);
      // A page that has just refused the form has shown the conflicts, and has a new stamp.
      if (!form.querySelector(".errornote")) setStamps(form, placed(draft.stamps ?? {}, places));
      store.write(store.key(form), { ...draft, values, stamps: stampsOf(form), rows: idsOf(form) });
      const back = Object.entries(values).filter(([name, typed]) => setValues(form, name, typed)).length > 0;
      const isWhole = Object.keys(values).length === Object.keys(draft.values).length;
      const restoredHow = isWhole ? back && "draft_restored" : "draft_restored_partly";
      const codes = [restoredHow, draft.files.length > 0 && "draft_without_files"].filter(Boolean);
      const added = Object.keys(idsOf(form)).filter((row) => !(row in rows)).map((row) => document.getElementById(row));
      const undo = () => {
        setStamps(form, stamps);
        added.filter((row) => row.isConnected).forEach((row) => row.querySelector(".inline-deletelink").click());
      };
      if (codes.length) say(form, codes, undo);
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
    store.write(key, { ...blank(form), ...store.read(key), sent });
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
  // The admin site's own scripts make the links that add rows when the page is ready.
  if (window.django?.jQuery) window.django.jQuery(restore);
  else restore();
  document.addEventListener("htmx:load", restore);
})();
