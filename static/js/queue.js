// The dashboard's queue: selecting waiting jobs and changing them, by pointer and keyboard.
// Pushed rows are the same for everybody. This script adds checkboxes and buttons to the rows that
// the user may change, and restores selection and focus after every push.
(() => {
  "use strict";

  const isMine = (row) => row.dataset.owner === document.body.dataset.person;
  const form = () => document.querySelector("#act");
  const rows = () => [...document.querySelectorAll("#waiting [data-job]")];
  const rowOf = (id) => rows().find((row) => row.dataset.job === id);

  let chosen = new Set();
  // The focus: the row's job, its index in case the job is gone, and the focused element in the row.
  let here = null;

  const mayChange = (row) => {
    const list = document.querySelector("#changeable");
    if (isMine(row) || "all" in list.dataset) return true;
    return list.dataset.jobs.split(" ").includes(row.dataset.job);
  };

  // Add controls to the rows that the user may change, after every push.
  const addControls = () => {
    const controls = document.querySelector("#row-controls").content;
    rows().filter(mayChange).forEach((row) => {
      if (row.querySelector("[data-pick]")) return;
      row.classList.add("changeable");
      row.tabIndex = -1;
      row.querySelector(".pick").append(controls.querySelector(".pick-box").cloneNode(true));
      const buttons = controls.querySelector(".row-buttons").cloneNode(true);
      buttons.querySelectorAll("button").forEach((button) => {
        button.disabled = form().ariaBusy === "true";
        button.ariaBusy = form().ariaBusy;
      });
      if ("held" in row.dataset) buttons.querySelector("[data-do=hold]").textContent = "Release";
      row.querySelector(".row-actions").append(buttons);
    });
    deselectMissing();
    show();
    addDeviceControls();
  };

  // A push may be rendered in the middle of a change, with a row that is neither waiting nor on hold.
  // The next one, which follows at once, is complete.
  const PATIENCE = 1000;
  const deselectMissing = () => {
    // When not all rows are shown, only the server knows whether the others still exist.
    if (document.querySelector("#waiting").dataset.hidden !== "0") return;
    const missing = [...chosen].filter((id) => !rowOf(id));
    if (!missing.length) return;
    setTimeout(() => {
      missing.filter((id) => !rowOf(id)).forEach((id) => chosen.delete(id));
      show();
    }, PATIENCE);
  };

  const show = () => {
    rows().forEach((row) => {
      const box = row.querySelector("[data-pick]");
      if (box) box.checked = chosen.has(row.dataset.job);
      row.classList.toggle("chosen", chosen.has(row.dataset.job));
    });
    const act = form();
    act.querySelector("[data-tools]").hidden = !rows().some(isMine);
    act.querySelector("[data-bar]").hidden = !chosen.size;
    act.querySelector("[data-count]").textContent = `${chosen.size} selected`;
    act.querySelector("[data-bar] [data-do=hold]").textContent = holding([...chosen]) ? "Hold" : "Release";
    document.body.classList.toggle("choosing", chosen.size > 0);
  };

  const choose = (id, on) => {
    if (on) chosen.add(id);
    else chosen.delete(id);
    show();
  };

  // True when at least one job is not on hold: "Hold" then holds all of them.
  const holding = (ids) => ids.some((id) => !("held" in (rowOf(id)?.dataset ?? {})));

  const fetchMine = async (address) => {
    const failed = (status) => document.dispatchEvent(new CustomEvent("genga:failed", { detail: { status } }));
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (answer.ok) return (await answer.json()).job_ids;
      failed(answer.status);
    } catch {
      failed(0);
    }
    return [];
  };

  const chooseAll = async (button) => {
    const own = rows().filter(isMine).map((row) => row.dataset.job);
    if (own.length && own.every((id) => chosen.has(id))) {
      chosen.clear();
    } else {
      own.forEach((id) => chosen.add(id));
      if (document.querySelector("#waiting").dataset.hidden !== "0") {
        (await fetchMine(button.dataset.mine)).forEach((id) => chosen.add(id));
      }
    }
    show();
  };

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const now = here ? all.findIndex((row) => row.dataset.job === here.job) : -1;
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by;
    const row = all[Math.min(Math.max(next, 0), all.length - 1)];
    row.tabIndex = -1;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };

  const SENTENCES = {
    not_your_job: "You may not change this job.",
    jobs_not_chosen: "Select jobs first: x in a row, Shift X for all of yours.",
  };

  const say = (code) => {
    const line = document.createElement("li");
    line.dataset.code = code;
    line.textContent = SENTENCES[code];
    document.querySelector("#said").replaceChildren(line);
  };

  const act = (name, ids) => {
    const able = ids.filter((id) => !rowOf(id) || mayChange(rowOf(id)));
    if (!able.length) {
      say(ids.length ? "not_your_job" : "jobs_not_chosen");
      return;
    }
    const action = name === "hold" && !holding(able) ? "release" : name;
    const values = [["action", action], ...able.map((id) => ["job", id])];
    const inputs = values.map(([key, value]) => Object.assign(document.createElement("input"), { type: "hidden", name: key, value }));
    form().querySelector("[data-chosen-jobs]").replaceChildren(...inputs);
    form().querySelector("details").open = false;
    if (action === "cancel") able.forEach((id) => chosen.delete(id));
    show();
    form().requestSubmit();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#act button, #waiting button");
    if (!button) return;
    const row = button.closest("[data-job]");
    if (button.dataset.step) step(Number(button.dataset.step));
    else if ("chooseAll" in button.dataset) chooseAll(button);
    else if ("chooseNone" in button.dataset) { chosen.clear(); show(); }
    else if ("choose" in button.dataset) {
      const at = here && rowOf(here.job);
      if (at && mayChange(at)) choose(here.job, !chosen.has(here.job));
    } else if (button.dataset.do) {
      const ids = chosen.size ? [...chosen] : here ? [here.job] : [];
      act(button.dataset.do, row ? [row.dataset.job] : ids);
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick]")) {
      choose(event.target.closest("[data-job]").dataset.job, event.target.checked);
    }
  });

  // A pushed row is a new element. The focus returns to the same element in it, or to the row that
  // took its place.
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("#waiting [data-job]");
    if (!row) {
      if (!event.target.closest("#act")) here = null;
      return;
    }
    const name = event.target.dataset.do ?? "";
    const inside = event.target.matches("[data-pick]") ? "[data-pick]" : event.target.matches("a") ? "a" : name && `[data-do=${name}]`;
    here = { job: row.dataset.job, place: rows().indexOf(row), inside };
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#waiting, #act")) here = null;
  });
  const returnFocus = () => {
    if (!here || document.activeElement !== document.body) return;
    const row = rowOf(here.job) ?? rows()[Math.min(here.place, rows().length - 1)];
    if (!row) return;
    const target = (here.inside && row.querySelector(here.inside)) || row;
    if (target === row) row.tabIndex = -1;
    target.focus({ preventScroll: true });
  };

  const addDeviceControls = () => {
    const template = document.querySelector("#device-controls");
    if (!template) return;
    document.querySelectorAll("[data-device]").forEach((device) => {
      const place = device.querySelector(".device-actions");
      if (place.childElementCount) return;
      place.append(template.content.cloneNode(true));
      place.querySelectorAll("button").forEach((button) => {
        const address = button.dataset.address ?? template.dataset.address;
        button.formAction = address.replace("/0/", `/${device.dataset.device}/`);
        // Offer every pause except the current one: "after this job" can still change to "at once".
        const offered = "calibrate" in button.dataset ? "uncalibrated" in device.dataset : button.value !== device.dataset.pause;
        if (!offered) button.remove();
      });
    });
  };

  const renew = () => { addControls(); returnFocus(); };
  document.body.addEventListener("htmx:wsAfterMessage", renew);
  document.body.addEventListener("htmx:afterSettle", renew);
  renew();
})();
