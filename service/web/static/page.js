// Small comforts for every page. Without this file the pages say and do the same.
"use strict";

const language = document.documentElement.lang;
const locale = navigator.languages.find((name) => name.split("-")[0] === language) || language;

// Moments come in UTC, and become those of the reader's own clock.
function localTime(at) {
  const isFar = Math.abs(at - Date.now()) > 43_200_000;
  return at.toLocaleString(locale, isFar ? { dateStyle: "medium", timeStyle: "short" } : { timeStyle: "short" });
}

for (const time of document.querySelectorAll("time")) time.textContent = localTime(new Date(time.dateTime));

const regions = new Intl.DisplayNames([locale], { type: "region" });
for (const region of document.querySelectorAll("[data-region]")) region.textContent = regions.of(region.dataset.region);

// A second click is not sent. The server would know it for a repetition anyway.
addEventListener("submit", (event) => {
  const form = event.target;
  if ("sent" in form.dataset) return event.preventDefault();
  form.dataset.sent = "";
  setTimeout(() => delete form.dataset.sent, 5000);
});
