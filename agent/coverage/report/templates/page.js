"use strict";
const box = document.getElementById("needle");
if (box) {
  document.getElementById("filter").hidden = false;
  const files = Array.from(document.querySelectorAll("#gaps details"));
  const names = files.map((file) => file.dataset.names.toLowerCase());
  const said = document.getElementById("matches");
  box.addEventListener("input", () => {
    const needle = box.value.trim().toLowerCase();
    let shown = 0;
    files.forEach((file, n) => {
      file.hidden = !names[n].includes(needle);
      shown += file.hidden ? 0 : 1;
    });
    said.textContent = needle ? `${shown} of ${files.length} files` : "";
  });
}
const pathBox = document.getElementById("file-needle");
if (pathBox) {
  document.getElementById("file-filter").hidden = false;
  const entries = Array.from(document.querySelectorAll("#files li[data-path]"));
  const folders = Array.from(document.querySelectorAll("#files li > details")).reverse();
  const count = document.getElementById("file-matches");
  pathBox.addEventListener("input", () => {
    const needle = pathBox.value.trim().toLowerCase();
    let shown = 0;
    entries.forEach((entry) => {
      entry.hidden = !entry.dataset.path.toLowerCase().includes(needle);
      shown += entry.hidden ? 0 : 1;
    });
    // the innermost come first, so that a folder knows of those in it
    folders.forEach((folder) => {
      folder.parentElement.hidden = !folder.querySelector("li[data-path]:not([hidden])");
    });
    count.textContent = needle ? `${shown} of ${entries.length} files` : "";
  });
}
