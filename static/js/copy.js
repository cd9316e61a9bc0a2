// Copying. Browsers give pages the clipboard only over https or on the own machine; elsewhere the old
// command still works, and where it does not, the text is selected for the person to copy.
(() => {
  "use strict";

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  const copy = async (element) => {
    try {
      await navigator.clipboard.writeText(element.textContent.trim());
      return true;
    } catch {
      select(element);
      return document.execCommand("copy");
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const code = (await copy(document.querySelector(button.dataset.copy))) ? "copied" : "not_copied";
    const said = document.querySelector(button.dataset.says);
    said.dataset.code = code;
    said.textContent = document.querySelector(`[data-sentence="${code}"]`).content.textContent;
  });
})();
