// Says how many rows of a table are ticked. Without it the server counts after the post.
for (const form of document.querySelectorAll("[data-count]")) {
  const says = form.querySelector("[data-counted]");
  if (!says) continue; // nothing can be done with several rows at once, so there is nothing to tick
  const boxes = [...form.querySelectorAll("input[type=checkbox][name=p]")];
  const initial = says.textContent;
  const count = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    says.textContent = ticked ? says.dataset.counted.replace("{count}", ticked).replace("{of}", boxes.length) : initial;
  };
  form.addEventListener("change", count);
  count();
}
