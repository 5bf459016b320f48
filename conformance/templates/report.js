const find = selector => [...document.querySelectorAll(selector)];
const buttons = find("[data-filter]"), rows = find(".finding"), texts = new Map();
const search = document.getElementById("search"), count = document.getElementById("count");
const capability = document.getElementById("capability"), lang = document.getElementById("lang");
let wanted = "";

function text(row) {
  if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
  return texts.get(row);
}
function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const fits = (!wanted || row.dataset.verdict === wanted)
      && (!capability.value || row.dataset.capability === capability.value)
      && words.every(word => text(row).includes(word));
    row.hidden = !fits;
    shown += fits;
  }
  count.textContent = shown + " / " + rows.length;
}
function choose(verdict) {
  wanted = verdict;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.filter === verdict));
  apply();
}
for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.filter));
search.addEventListener("input", apply);
capability.addEventListener("change", apply);

// a link to a finding shows it, whatever is filtered
function follow() {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!row || !row.classList.contains("finding")) return;
  if (row.hidden) { search.value = capability.value = ""; choose(""); }
  row.open = true;
  row.scrollIntoView();
  row.querySelector("summary").focus({ preventScroll: true });
}
addEventListener("hashchange", follow);

// "/" searches, "j" and "k" go to the next finding and back, Escape shows all again
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { search.value = capability.value = ""; choose(""); return; }
  if (["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
  if (event.key === "/") { event.preventDefault(); search.focus(); return; }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const visible = rows.filter(row => !row.hidden), here = visible.indexOf(document.activeElement.closest(".finding"));
  const next = visible[here < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, here + step))];
  if (next) next.querySelector("summary").focus();
});

function speak(code) {
  document.documentElement.dataset.lang = code;
  document.documentElement.lang = code === "zh" ? "zh-Hans" : "en";
  lang.textContent = code === "zh" ? "English" : "中文";
  lang.lang = code === "zh" ? "en" : "zh-Hans";
  texts.clear();
  for (const option of capability.options) option.textContent = option.dataset[code] || option.value;
}
lang.addEventListener("click", () => speak(document.documentElement.dataset.lang === "zh" ? "en" : "zh"));
speak(navigator.language.startsWith("zh") ? "zh" : "en");
apply();
follow();
