// Lights up the lines of the document that a field was read in, and leads from a line to its field. Without it the
// snippet beside the field and the link to its line say the same.
for (const form of document.querySelectorAll("[data-sheet]")) {
  const paper = document.querySelector("[data-paper]");
  const rows = [...form.querySelectorAll("[data-lines]")];
  const linesOf = (row) => {
    const [first, last] = row.dataset.lines.split("-").map(Number);
    const found = [];
    for (let at = first; at <= last; at += 1) {
      const line = document.getElementById(`line-${at}`);
      if (line) found.push(line);
    }
    return found;
  };
  const light = (row) => {
    for (const line of paper.querySelectorAll(".lit")) line.classList.remove("lit");
    if (!row) return;
    const lines = linesOf(row);
    for (const line of lines) line.classList.add("lit");
    if (!lines.length) return;
    // The paper alone scrolls, so that the field that has the focus stays where it is.
    const top = lines[0].offsetTop - paper.offsetTop;
    if (top < paper.scrollTop || top > paper.scrollTop + paper.clientHeight - 80) {
      paper.scrollTop = Math.max(0, top - paper.clientHeight / 3);
    }
  };
  const owner = new Map();
  for (const row of rows) {
    for (const line of linesOf(row)) {
      line.classList.add("known");
      if (!owner.has(line)) owner.set(line, row);
    }
  }
  form.addEventListener("focusin", (event) => light(event.target.closest("[data-lines]")));
  form.addEventListener("click", (event) => {
    const row = event.target.closest("[data-lines]");
    if (row) light(row);
  });
  paper.addEventListener("click", (event) => {
    const row = owner.get(event.target.closest(".paper-line"));
    if (!row) return;
    row.closest("details").open = true;
    light(row);
    row.querySelector("input:not([type=hidden]), select, textarea").focus();
  });
}
