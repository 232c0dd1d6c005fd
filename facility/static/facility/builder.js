// The page on which questions are written. Without script a button shows the settings of another kind.
for (const form of document.querySelectorAll("[data-builder]")) {
  for (const button of form.querySelectorAll("[data-follows]")) {
    button.hidden = true;
    form.elements[button.dataset.follows].addEventListener("change", () => form.requestSubmit(button));
  }
  // What is written is kept by the server only when it is saved; leaving otherwise asks first.
  let unsaved = form.elements.undo.value !== "" || form.dataset.builder === "changed";
  form.addEventListener("input", () => (unsaved = true));
  form.addEventListener("submit", () => (unsaved = false));
  window.addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
}
