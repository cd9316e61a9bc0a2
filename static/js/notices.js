// Notifications and a tone when the person's own renders end and takes are judged. Both are off until
// switched on in the person's menu, and remembered by the browser.
(() => {
  "use strict";

  const box = document.querySelector("#notices");
  const notify = document.querySelector("[data-notify]");
  const sound = document.querySelector("[data-sound]");
  if (!notify) return;

  // Of several tabs one tells: that in front, else the first to claim a notice.
  const PATIENCE = 500;
  const CLAIMS = 20;
  const memory = {
    read: (name) => { try { return localStorage.getItem(`genga.${name}`); } catch { return null; } },
    write: (name, value) => { try { localStorage.setItem(`genga.${name}`, value); } catch { /* for this page only */ } },
  };
  const isOn = (button) => button.ariaChecked === "true";
  const isBehind = () => document.hidden || !document.hasFocus();

  const obstacle = () => {
    if (!isSecureContext) return "notifications_need_https";
    if (!("Notification" in window)) return "notifications_missing";
    return Notification.permission === "denied" ? "notifications_blocked" : "";
  };
  const explain = (code) => {
    const why = document.querySelector("#told-why");
    why.dataset.code = code;
    why.textContent = code && document.querySelector(`[data-sentence="${code}"]`).content.textContent;
  };
  const set = (button, name, on) => {
    button.ariaChecked = String(on);
    memory.write(name, on ? "on" : "off");
  };

  notify.addEventListener("click", async () => {
    const wanted = !isOn(notify);
    if (wanted && !obstacle()) await Notification.requestPermission();
    explain(obstacle());
    set(notify, "notify", wanted && !obstacle() && Notification.permission === "granted");
  });
  sound.addEventListener("click", () => {
    set(sound, "sound", !isOn(sound));
    if (isOn(sound)) play();
  });

  // Two short notes. Browsers allow a sound only after somebody has used the page.
  let speaker = null;
  const play = () => {
    speaker ??= new AudioContext();
    speaker.resume();
    [[660, 0], [880, 0.16]].forEach(([frequency, after]) => {
      const begin = speaker.currentTime + after;
      const note = new OscillatorNode(speaker, { frequency });
      const loudness = new GainNode(speaker, { gain: 0 });
      loudness.gain.linearRampToValueAtTime(0.15, begin + 0.02);
      loudness.gain.linearRampToValueAtTime(0, begin + 0.3);
      note.connect(loudness).connect(speaker.destination);
      note.start(begin);
      note.stop(begin + 0.32);
    });
  };

  const show = (notice) => {
    try {
      const shown = new Notification("Genga", { body: notice.text, tag: notice.key });
      shown.onclick = () => { focus(); location.href = notice.address; };
    } catch {
      // Browsers of phones have the name, but let only service workers show notifications.
      set(notify, "notify", false);
      explain("notifications_missing");
    }
  };

  const claim = (key) => {
    const claimed = JSON.parse(memory.read("told") ?? "[]");
    if (claimed.includes(key)) return false;
    memory.write("told", JSON.stringify([...claimed, key].slice(-CLAIMS)));
    return true;
  };
  const tell = (notice) => {
    if (!claim(notice.key)) return;
    if (isOn(sound)) play();
    if (isOn(notify) && isBehind()) show(notice);
  };
  document.addEventListener("htmx:wsAfterMessage", () => {
    for (const line of box.querySelectorAll("[data-notice]")) {
      const notice = { key: line.dataset.notice, address: line.dataset.address, text: line.textContent };
      setTimeout(tell, isBehind() ? PATIENCE : 0, notice);
    }
    box.replaceChildren();
  });

  notify.ariaChecked = String(memory.read("notify") === "on" && !obstacle() && Notification.permission === "granted");
  sound.ariaChecked = String(memory.read("sound") === "on");
})();
