// The waiting page, a little more alive. Without this file it says the same after a reload.
"use strict";

const POLL_MS = 3000;
const SOON = 150; // seconds before the end that people are warned (Login.gov)

const token = document.getElementById("token");
const check = token.form;
const delivery = document.getElementById("delivery");
const expiry = document.getElementById("expiry");
const wait = document.getElementById("wait");
const news = document.getElementById("news");
const resend = document.getElementById("resend");

const from = (seconds) => Date.now() + seconds * 1000;
const left = (moment) => Math.ceil((moment - Date.now()) / 1000);

function inWords(seconds) {
  const [count, unit] = seconds > 60 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

// Only news is written, so that a screen reader says it once.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Not `reload`: the page may be the answer to a POST. It names its verification: another tab may have begun another one.
function leave() {
  clearInterval(ticking);
  clearTimeout(polling);
  location.replace(expiry.dataset.page);
}

// -- Time. The server says how much is left, and says it again with each poll.

let ends = expiry && from(expiry.dataset.seconds);
let opens = wait && wait.dataset.seconds ? from(wait.dataset.seconds) : 0;
let ticking;

function tick() {
  const life = left(ends);
  if (life < 0) return leave();
  if (life <= SOON && !expiry.matches(".soon")) {
    expiry.classList.add("soon");
    say(news, expiry.textContent);
  }
  if (!resend || !opens) return;
  const seconds = left(opens);
  resend.disabled = seconds > 0;
  if (seconds > 0) return say(wait.firstElementChild, wait.dataset.wait.replace("{time}", inWords(seconds)));
  opens = 0;
  say(wait.firstElementChild, wait.dataset.now);
  say(news, wait.dataset.now);
}

// -- News of the message, and of what another tab did.

let polling;

async function poll() {
  clearTimeout(polling);
  if (document.hidden) return;
  polling = setTimeout(poll, POLL_MS);
  if ("sent" in check.dataset) return;
  const answer = await fetch(expiry.dataset.status, { cache: "no-store" }).catch(() => null);
  if (answer && (answer.status === 404 || answer.status === 409)) return leave();
  if (answer && answer.ok) {
    const now = await answer.json();
    if (now.status !== "pending") return leave();
    say(delivery.firstElementChild, now.message);
    delivery.dataset.delivery = now.delivery;
    ends = from(now.expires_in);
    if (now.next_send_in && wait && wait.dataset.wait) opens = from(now.next_send_in);
  }
}

if (expiry) {
  tick();
  ticking = setInterval(tick, 1000);
  polling = setTimeout(poll, POLL_MS);
  document.addEventListener("visibilitychange", poll);
}

// -- The code. Who pastes what cannot be one, like the whole message, means the code in it; each code has a digit.

const { characters, length } = token.dataset;
const code = new RegExp(`\\b(?=[A-F]*[0-9])[${characters}]{${length}}\\b`, "i");
const whole = new RegExp(`^[${characters}OIL\\p{Nd}]{${length}}$`, "iu"); // as the server reads it

token.addEventListener("paste", (event) => {
  const pasted = event.clipboardData.getData("text").normalize("NFKC").replace(/[\p{Cf}\p{M}]/gu, "");
  const found = !whole.test(pasted.replace(/[\s\p{Pd}]/gu, "")) && pasted.match(code);
  if (!found) return;
  event.preventDefault();
  token.value = found[0];
});

// The phone offers to read the message itself (WebOTP).
if ("OTPCredential" in window) {
  const reading = new AbortController();
  addEventListener("submit", () => reading.abort());
  navigator.credentials.get({ otp: { transport: ["sms"] }, signal: reading.signal }).then(
    (message) => {
      if (!message) return;
      token.value = message.code;
      check.requestSubmit();
    },
    () => {}, // no, or no such phone: people type
  );
}
