// The waiting page, a little more alive. Without this file it says the same after a reload.
"use strict";

const delivery = document.getElementById("delivery");
const wait = document.getElementById("wait");
const POLL_MS = 3000;

async function poll() {
  const answer = await fetch(delivery.dataset.status, { cache: "no-store" }).catch(() => null);
  if (answer && answer.status === 404) return location.reload();
  if (answer && answer.ok) {
    const now = await answer.json();
    if (now.status !== "pending") return location.reload();
    // Only news is written, so that a screen reader says it once.
    if (delivery.textContent !== now.message) delivery.textContent = now.message;
  }
  setTimeout(poll, POLL_MS);
}

function countDown() {
  const ends = Date.now() + wait.dataset.seconds * 1000;
  const timer = setInterval(() => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left > 0) {
      wait.textContent = `You can send it again in ${left} second${left === 1 ? "" : "s"}.`;
    } else {
      clearInterval(timer);
      wait.textContent = "You can send it again now.";
    }
  }, 1000);
}

if (delivery) setTimeout(poll, POLL_MS);
if (wait) countDown();
