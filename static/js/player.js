// The player of clips, frame by frame, and the chart that shows and changes its frame.
// Frames count from 0 here and from 1 on the page.
(() => {
  "use strict";

  const SPEEDS = [0.25, 0.5, 1, 2];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  const timecode = (frame, fps) => {
    const rate = Math.max(1, Math.round(fps));
    const seconds = Math.floor(frame / rate);
    const parts = [Math.floor(seconds / 60), seconds % 60, frame % rate];
    return parts.map((part) => String(part).padStart(2, "0")).join(":");
  };

  class Player extends HTMLElement {
    // A swap inserts a copy and at once replaces it by the preserved player, which keeps playing.
    // The copy is gone by the next microtask and must not start.
    connectedCallback() {
      queueMicrotask(() => {
        if (this.isConnected && !this.video) this.#start();
      });
    }

    #start() {
      this.frames = Number(this.dataset.frames);
      this.fps = Number(this.dataset.fps);
      this.frame = this.wanted = 0;
      this.video = this.querySelector("video");
      this.video.controls = false;
      // Loop only while playing: Chromium, paused at the last frame, would jump to the first.
      this.loops = true;
      this.video.loop = false;
      this.scrubber = this.querySelector("[data-scrub]");
      this.addEventListener("click", (event) => this.#press(event.target));
      // A click does not move the focus, so that the space bar still plays and pauses.
      this.addEventListener("mousedown", (event) => {
        if (event.target.closest("button")) event.preventDefault();
      });
      this.scrubber.addEventListener("input", () => this.seek(this.scrubber.value - 1));
      this.#listen();
      this.querySelector("[data-act=fullscreen]").hidden =
        !document.fullscreenEnabled && !this.video.webkitEnterFullscreen;
      this.#showSpeed();
      this.#show(0);
      if (this.video.readyState) this.#go();
    }

    #listen() {
      const { video } = this;
      video.addEventListener("loadedmetadata", () => this.#go());
      video.addEventListener("play", () => {
        video.loop = this.loops;
        this.sought = null;
        this.#showPlaying();
      });
      video.addEventListener("pause", () => {
        video.loop = false;
        this.#showPlaying();
        this.seek(video.ended ? this.frames - 1 : this.frame);
      });
      video.addEventListener("seeked", () => {
        if (video.paused && this.wanted !== this.sought) this.#go();
      });
      // Listen on each source, because error events do not bubble.
      video.addEventListener("error", () => {
        const none = video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE || video.error;
        if (none) this.querySelector("[data-problem]").hidden = false;
      }, true);
      if (video.requestVideoFrameCallback) {
        const painted = (_, { mediaTime }) => {
          if (!video.paused && !video.seeking) this.#show(Math.round(mediaTime * this.fps));
          video.requestVideoFrameCallback(painted);
        };
        video.requestVideoFrameCallback(painted);
      } else {
        const look = () => {
          // A time that the browser has rounded down still belongs to its frame.
          const frame = Math.floor(video.currentTime * this.fps + 0.01);
          if (!video.paused && !video.seeking) this.#show(frame);
          if (!video.paused) requestAnimationFrame(look);
        };
        video.addEventListener("play", look);
      }
    }

    // Pause at a frame. During a seek only the newest requested frame is kept.
    seek(frame) {
      this.wanted = clamp(Math.round(frame), 0, this.frames - 1);
      this.video.pause();
      this.video.loop = false;
      this.#show(this.wanted);
      const { readyState, seeking } = this.video;
      if (readyState && !seeking && this.wanted !== this.sought) this.#go();
    }

    // Seek to the middle of the frame, so that rounding or a late start cannot miss it.
    #go() {
      this.sought = this.wanted;
      this.video.currentTime = (this.sought + 0.5) / this.fps;
    }

    step(by) {
      const next = this.frame + by;
      this.seek(this.loops ? (next + this.frames) % this.frames : next);
    }

    toggle() {
      const { video } = this;
      if (!video.paused) {
        video.pause();
        return;
      }
      if (!this.loops && this.frame === this.frames - 1) video.currentTime = 0;
      video.play().catch(() => this.#showPlaying());
    }

    #press(target) {
      if (target === this.video) this.toggle();
      const button = target.closest("[data-act]");
      if (!button) return;
      const acts = {
        play: () => this.toggle(),
        first: () => this.seek(0),
        back: () => this.step(-1),
        forward: () => this.step(1),
        last: () => this.seek(this.frames - 1),
        slower: () => this.#changeSpeed(-1),
        faster: () => this.#changeSpeed(1),
        loop: () => {
          this.loops = !this.loops;
          this.video.loop = this.loops && !this.video.paused;
          button.setAttribute("aria-pressed", this.loops);
        },
        fullscreen: () => this.#toggleFullscreen(),
      };
      acts[button.dataset.act]();
    }

    #changeSpeed(by) {
      const place = SPEEDS.indexOf(this.video.playbackRate) + by;
      this.video.playbackRate = SPEEDS[clamp(place, 0, SPEEDS.length - 1)];
      this.#showSpeed();
    }

    #toggleFullscreen() {
      if (document.fullscreenElement === this) document.exitFullscreen();
      else if (this.requestFullscreen) this.requestFullscreen();
      else this.video.webkitEnterFullscreen();
    }

    #showSpeed() {
      const speed = this.video.playbackRate;
      this.querySelector("[data-speed]").textContent = `${speed}×`;
      // Not disabled, because that would remove the focus.
      this.querySelector("[data-act=slower]").ariaDisabled = speed === SPEEDS[0];
      this.querySelector("[data-act=faster]").ariaDisabled = speed === SPEEDS.at(-1);
    }

    #showPlaying() {
      const playing = !this.video.paused;
      this.classList.toggle("playing", playing);
      this.querySelector("[data-act=play]").setAttribute("aria-label", playing ? "Pause" : "Play");
    }

    #show(frame) {
      this.frame = clamp(frame, 0, this.frames - 1);
      const number = this.frame + 1;
      const code = timecode(this.frame, this.fps);
      const share = this.frames > 1 ? this.frame / (this.frames - 1) : 0;
      this.querySelector("[data-frame]").textContent = number;
      this.querySelector("[data-timecode]").textContent = code;
      this.scrubber.value = number;
      this.scrubber.style.setProperty("--at", `${100 * share}%`);
      this.scrubber.setAttribute("aria-valuetext", `Frame ${number} of ${this.frames}, ${code}`);
      this.dispatchEvent(new CustomEvent("genga:frame", { bubbles: true }));
    }
  }

  class Chart extends HTMLElement {
    connectedCallback() {
      this.last = Number(this.dataset.frames) - 1;
      this.plot = this.querySelector("[data-plot]");
      this.onpointerdown = (event) => this.#point(event);
      this.onpointermove = (event) => { if (event.buttons) this.#point(event); };
      this.onclick = (event) => {
        const button = event.target.closest("[data-seek]");
        if (button) this.player?.seek(Number(button.dataset.seek));
      };
      this.follow = (event) => { if (event.target === this.player) this.#show(); };
      document.addEventListener("genga:frame", this.follow);
      this.#show();
    }

    disconnectedCallback() {
      document.removeEventListener("genga:frame", this.follow);
    }

    get player() {
      return document.getElementById(this.dataset.player);
    }

    #point(event) {
      const plot = event.target.closest("[data-plot]");
      if (!plot) return;
      const box = plot.querySelector("svg").getBoundingClientRect();
      this.player?.seek(((event.clientX - box.left) / box.width) * this.last);
    }

    #show() {
      const place = `${(100 * (this.player?.frame ?? 0)) / this.last}%`;
      const line = this.querySelector(".playhead");
      line.setAttribute("x1", place);
      line.setAttribute("x2", place);
    }
  }

  customElements.define("genga-player", Player);
  customElements.define("genga-chart", Chart);
})();
