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
