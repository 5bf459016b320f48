// Comfort only: every page works without this file.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      document.getElementById("said").textContent = button.dataset.done;
      button.textContent = button.dataset.done;
    } catch {
      // No clipboard allowed: select it, so that the keyboard can copy.
      getSelection().selectAllChildren(source);
    }
  });
}

// One press is enough. The server would not mind a second.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});

// An order that is being confirmed: look until it has moved on.
const watched = document.querySelector("[data-watch]");
if (watched) {
  const look = async (pause) => {
    try {
      const answer = await fetch(watched.dataset.watch, { cache: "no-store" });
      if (answer.ok && (await answer.json()).state !== watched.dataset.state) return location.reload();
    } catch {
      // The shop is away for a moment; look again.
    }
    setTimeout(look, pause, Math.min(pause * 1.5, 15000));
  };
  setTimeout(look, 1000, 1500);
}

// After the goods were opened, take keyboard and screen reader to them.
const goods = document.getElementById("goods");
if (goods) goods.focus();
