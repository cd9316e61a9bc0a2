// Points in time in the person's zone, and countdowns. Both go by the server's clock, because that of
// the viewer may be wrong. The texts are those of `studio/presentation/moments.py`.
(() => {
  "use strict";

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY_MS = 86_400_000;

  // The server's time, as milliseconds on the page's steady clock. A page carries the time at which
  // it was rendered, which is when its first byte arrived.
  const [navigation] = performance.getEntriesByType("navigation");
  const rendered = Date.parse(document.querySelector("[data-server-time]").dataset.serverTime);
  let offset = rendered - (navigation?.responseStart ?? performance.now());
  const now = () => performance.now() + offset;

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.cookie = `genga_zone=${zone}; path=/; max-age=31536000; samesite=lax`;

  const two = (number) => String(number).padStart(2, "0");
  const dayOf = (moment, withYear) => {
    const day = `${moment.getDate()} ${MONTHS[moment.getMonth()]}`;
    return withYear ? `${day} ${moment.getFullYear()}` : day;
  };
  const show = (element) => {
    const moment = new Date(element.dateTime);
    const today = new Date(now());
    const minutes = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
    const clock = `${minutes}:${two(moment.getSeconds())}`;
    const isToday = dayOf(moment, true) === dayOf(today, true);
    const day = dayOf(moment, moment.getFullYear() !== today.getFullYear());
    element.textContent = isToday ? clock : `${day}, ${minutes}`;
    element.title = `${dayOf(moment, true)}, ${clock} ${zone}`;
  };

  const coming = (seconds) => {
    if (seconds < 1) return "any moment";
    if (seconds < 90) return `in ${Math.round(seconds)} s`;
    if (seconds < 5400) return `in ${Math.round(seconds / 60)} min`;
    return `in ${Math.round(seconds / 3600)} h`;
  };
  const count = () => {
    document.querySelectorAll("time[data-until]").forEach((element) => {
      element.textContent = coming((Date.parse(element.dateTime) - now()) / 1000);
    });
  };
  const showAll = () => {
    document.querySelectorAll("time[data-moment]").forEach(show);
    count();
  };

  // Pages and pushes say when they were sent. The steady clock may have stood still while a laptop
  // slept, and a page may come out of the browser's cache.
  const hear = (text) => {
    const [, sent] = text.match(/data-server-time="([^"]+)"/) ?? [];
    if (sent) offset = Date.parse(sent) - performance.now();
  };
  document.addEventListener("htmx:wsBeforeMessage", ({ detail }) => hear(detail.message));
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => hear(detail.xhr.responseText));
  document.addEventListener("htmx:wsAfterMessage", showAll);
  document.addEventListener("htmx:afterSettle", showAll);
  setInterval(count, 1000);
  // At midnight today's times become dates.
  setTimeout(() => { showAll(); setInterval(showAll, DAY_MS); }, new Date(now()).setHours(24, 0, 0, 0) - now());
  showAll();
})();
