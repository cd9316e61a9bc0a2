// Cards of clips show the frame under the pointer. The strip of frames is fetched when first needed.
(() => {
  "use strict";

  const TILE_MILLISECONDS = 180;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const load = (strip) => {
    strip.loading ??= (async () => {
      const image = new Image();
      image.src = strip.dataset.strip;
      await image.decode();
      strip.style.backgroundImage = `url("${image.src}")`;
      strip.style.backgroundSize = `${strip.dataset.tiles * 100}% 100%`;
    })();
    return strip.loading;
  };

  const show = (strip, tile) => {
    const last = strip.dataset.tiles - 1;
    const share = Math.min(last, Math.max(0, tile)) / last;
    strip.style.backgroundPosition = `${share * 100}% 0`;
    strip.style.setProperty("--at", `${share * 100}%`);
    load(strip).then(() => strip.classList.toggle("shown", strip === shown), () => {});
  };

  // Only one strip is shown: that under the pointer or with the focus.
  let shown = null;
  let timer = 0;
  const leave = () => {
    clearInterval(timer);
    shown?.classList.remove("shown");
    shown = null;
  };
  const enter = (strip) => {
    clearInterval(timer);
    if (strip === shown) return;
    leave();
    shown = strip;
  };

  document.addEventListener("pointermove", (event) => {
    const strip = event.target.closest?.("[data-strip]");
    if (!strip) return;
    enter(strip);
    const box = strip.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    show(strip, Math.floor(share * strip.dataset.tiles));
  });
  document.addEventListener("pointerout", (event) => {
    if (event.target === shown) leave();
  });
  document.addEventListener("pointercancel", leave);

  // With keyboard focus the strip plays automatically, unless the user prefers reduced motion.
  document.addEventListener("focusin", (event) => {
    const strip = event.target.querySelector?.(":scope > .mat > [data-strip]");
    if (!strip || still.matches || !event.target.matches(":focus-visible")) return;
    enter(strip);
    let tile = 0;
    show(strip, tile);
    timer = setInterval(() => {
      tile = (tile + 1) % strip.dataset.tiles;
      show(strip, tile);
    }, TILE_MILLISECONDS);
  });
  document.addEventListener("focusout", leave);
})();
