// The demo's phone rings by itself. Without this file, /demo shows the same after a reload.
"use strict";
{
  const LOOK_MS = 1000;
  const FRESH_MS = 3000;

  const phone = document.getElementById("demo-phone");
  const list = phone.querySelector("ol");
  const blank = phone.querySelector("template").content.querySelector("li");
  const news = phone.querySelector("[role=status]");
  const known = new Set();
  let isFirst = true;

  function card({ to, text, sent_at }) {
    const made = blank.cloneNode(true);
    const at = new Date(sent_at * 1000);
    made.querySelector("time").textContent = localTime(at);
    made.querySelector(".text").textContent = text;
    made.querySelector("button b").textContent = text.split(/\s/, 1)[0];
    made.querySelector("bdi").textContent = to;
    made.classList.toggle("new", Date.now() - at < FRESH_MS);
    return made;
  }

  function show(messages) {
    if (isFirst) list.replaceChildren();
    for (const message of messages.reverse()) {
      const key = JSON.stringify(message);
      if (known.has(key)) continue;
      known.add(key);
      list.prepend(card(message));
      if (!isFirst) news.textContent = message.text;
    }
    isFirst = false;
  }

  // Without HTTPS there is no clipboard to write to, but there is this.
  function copy(text) {
    const answer = (event) => {
      event.preventDefault();
      event.clipboardData.setData("text/plain", text);
    };
    document.addEventListener("copy", answer, { once: true });
    document.execCommand("copy");
  }

  async function look() {
    if (!document.hidden && phone.offsetWidth) {
      phone.querySelector(".clock").textContent = localTime(new Date());
      const answer = await fetch(phone.dataset.messages).catch(() => null);
      if (answer && answer.ok) show(await answer.json());
    }
    setTimeout(look, LOOK_MS);
  }

  phone.addEventListener("click", async ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const code = button.querySelector("b").textContent;
    try {
      await navigator.clipboard.writeText(code);
    } catch {
      copy(code);
    }
    news.textContent = button.dataset.done;
    button.classList.add("done");
  });

  look();
}
