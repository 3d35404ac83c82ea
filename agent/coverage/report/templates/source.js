"use strict";
const known = JSON.parse(document.getElementById("tests").textContent);
for (const button of document.querySelectorAll("button[data-group]")) {
  button.setAttribute("aria-expanded", "false");
}
document.querySelector("table.source").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-group]");
  if (!button) return;
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  const row = button.closest("tr");
  if (open) {
    row.nextElementSibling.remove();
    return;
  }
  const list = document.createElement("ul");
  for (const number of known.groups[button.dataset.group]) {
    const [name, outcome, seconds] = known.tests[number];
    const item = document.createElement("li");
    item.textContent = `${name}: ${outcome}, ${seconds.toFixed(2)} s`;
    list.append(item);
  }
  const cell = document.createElement("td");
  cell.colSpan = 3;
  cell.append(list);
  const added = document.createElement("tr");
  added.append(cell);
  row.after(added);
});
const gaps = Array.from(document.querySelectorAll("tr.missing, tr.partial"));
const button = document.getElementById("next-gap");
button.hidden = gaps.length === 0;
let at = -1;
const next = () => {
  if (!gaps.length) return;
  at = (at + 1) % gaps.length;
  location.hash = gaps[at].id;
};
button.addEventListener("click", next);
document.addEventListener("keydown", (event) => {
  if (event.key === "n" && !event.ctrlKey && !event.metaKey && !event.altKey) next();
});
