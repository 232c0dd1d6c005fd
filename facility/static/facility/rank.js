// Adds Alt+arrow and drag to the ranking form. Without it the number fields and the two buttons do the same by post.
for (const form of document.querySelectorAll("[data-rank]")) {
  const list = form.querySelector("ol");
  const says = form.querySelector("[data-rank-says]");
  const rows = () => [...list.children];
  const name = (row) => row.querySelector("h2").textContent;
  const bar = (button, off) => (off ? button.setAttribute("aria-disabled", "true") : button.removeAttribute("aria-disabled"));

  const renumber = (moved) => {
    const all = rows();
    all.forEach((row, index) => {
      row.querySelector("input").value = index + 1;
      const [up, down] = row.querySelectorAll(".moves button");
      bar(up, index === 0);
      bar(down, index === all.length - 1);
    });
    if (!moved) return;
    const words = { title: name(moved), at: all.indexOf(moved) + 1, of: all.length };
    says.textContent = says.dataset.rankSays.replace(/\{(\w+)\}/g, (_, key) => words[key]);
  };
  const move = (row, up) => {
    const neighbour = up ? row.previousElementSibling : row.nextElementSibling;
    if (neighbour) list.insertBefore(row, up ? neighbour : neighbour.nextSibling);
    renumber(row);
  };

  list.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const focused = document.activeElement;
    move(event.target.closest("li"), event.key === "ArrowUp");
    focused.focus();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest(".moves button");
    if (!button) return;
    event.preventDefault();
    move(button.closest("li"), button.name === "up");
    button.focus();
  });
  list.addEventListener("change", (event) => {
    const row = event.target.closest("li");
    const at = Math.min(Math.max(Number(event.target.value) || 1, 1), rows().length) - 1;
    list.removeChild(row);
    list.insertBefore(row, list.children[at] || null);
    renumber(row);
    event.target.focus();
  });
  for (const row of rows()) {
    const grip = row.querySelector(".grip");
    grip.hidden = false;
    grip.draggable = true;
    grip.addEventListener("dragstart", (event) => {
      row.classList.add("dragging");
      event.dataTransfer.setDragImage(row, 0, 0);
    });
    grip.addEventListener("dragend", () => {
      row.classList.remove("dragging");
      renumber(row);
    });
    row.addEventListener("dragover", (event) => {
      event.preventDefault();
      const moving = list.querySelector(".dragging");
      if (!moving || moving === row) return;
      const box = row.getBoundingClientRect();
      list.insertBefore(moving, event.clientY < box.top + box.height / 2 ? row : row.nextSibling);
    });
  }
}
