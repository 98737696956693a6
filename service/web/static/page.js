// Small comforts for every page. Without this file the pages say and do the same.
"use strict";

const language = document.documentElement.lang;
const spoken = navigator.languages.find((name) => name.split("-")[0] === language) || language;
const locale = new Intl.Locale(spoken, { numberingSystem: "latn", calendar: "gregory" }); // as in the message and on the keyboard

// Moments come in UTC, and become those of the reader's own clock.
function localTime(at) {
  const isFar = Math.abs(at - Date.now()) > 43_200_000;
  return at.toLocaleString(locale, isFar ? { dateStyle: "medium", timeStyle: "short" } : { timeStyle: "short" });
}

for (const time of document.querySelectorAll("time")) time.textContent = localTime(new Date(time.dateTime));

const regions = new Intl.DisplayNames([locale], { type: "region" });
for (const region of document.querySelectorAll("[data-region]")) {
  const { region: code, calling } = region.dataset;
  region.textContent = regions.of(code) + (calling ? ` \u2066${calling}\u2069` : ""); // or Arabic would put its + last
}

// A second click is not sent. The server would know it for a repetition anyway.
addEventListener("submit", (event) => {
  const form = event.target;
  if ("sent" in form.dataset) return event.preventDefault();
  form.dataset.sent = "";
  setTimeout(() => delete form.dataset.sent, 5000);
});
