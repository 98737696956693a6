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

// The phone number. The example is that of the chosen country, and what is typed is grouped as it is. Only where the
// caret is behind the last digit, and stays there: corrections, autofill and what an input method composes are left alone.
const phone = document.getElementById("phone");
if (phone) {
  const chosen = document.getElementById("region");
  const examples = document.querySelectorAll(".example");

  const follow = () => {
    for (const example of examples) example.textContent = chosen.selectedOptions[0].dataset.example;
  };
  if (chosen) {
    chosen.addEventListener("change", follow);
    addEventListener("pageshow", follow); // browsers may have chosen by themselves
  }

  phone.addEventListener("input", ({ inputType, isComposing }) => {
    const { value, selectionStart } = phone;
    if (isComposing || selectionStart < value.length || !["insertText", "insertFromPaste"].includes(inputType)) return;
    const others = chosen ? [...chosen.options].map((option) => option.dataset.example) : [];
    const grouped = group(value, [examples[0].textContent, ...others]);
    if (grouped !== value) phone.value = grouped;
  });
}

// "2015550" is "201-555-0" beside the example "+1 201-555-0123", and "+447400123" is "+44 7400 123" if that is a country.
function group(typed, examples) {
  const digits = typed.replace(/[ -]/g, "");
  if (!/^\+?[0-9]+$/.test(digits) || digits.startsWith("00")) return typed;
  const codeOf = (example) => example.split(" ", 1)[0];
  const isWhole = digits.startsWith("+");
  const example = isWhole ? examples.find((one) => digits.startsWith(codeOf(one))) : examples[0];
  if (!example) return typed;

  const code = codeOf(example);
  const prefix = isWhole ? "" : digits.match(code === "+1" ? /^1?/ : /^0?/)[0]; // of calls within the country
  const left = [...digits.slice(prefix.length)];
  let text = prefix === "1" && left.length ? "1-" : prefix;
  for (const sign of isWhole ? example : example.slice(code.length + 1)) {
    if (!left.length) break;
    text += /[ -]/.test(sign) ? sign : left.shift();
  }
  return text + left.join("");
}
