// Keys for the review, and a copy of what is typed until the server has it. Without it the radios and buttons do the same.
const KEPT = 14 * 24 * 3600 * 1000; // what nobody came back to for two weeks goes
for (const form of document.querySelectorAll("[data-review]")) {
  const marks = [...form.querySelectorAll("fieldset.mark")];
  const says = form.querySelector("[data-says]");
  const help = form.querySelector("[data-keys]");
  const key = `review:${form.dataset.draft}`;
  const version = form.elements._version.value;
  const names = [...form.elements].filter((one) => /^(scores-\d+-(value|comment)|comment)$/.test(one.name));
  let at = 0;
  help.hidden = false;

  const typed = () =>
    Object.fromEntries(
      names.filter((one) => one.type !== "radio" || one.checked).map((one) => [one.name, one.value]),
    );
  const sent = JSON.stringify(typed());
  const keep = () => {
    const now = JSON.stringify(typed());
    try {
      if (now === sent) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify({ version, at: Date.now(), typed: JSON.parse(now) }));
    } catch {
      // no room, or storage is off: then only the server keeps drafts
    }
  };
  const forget = () => {
    for (const one of Object.keys(localStorage).filter((name) => name.startsWith("review:"))) {
      if (Date.now() - JSON.parse(localStorage.getItem(one)).at > KEPT) localStorage.removeItem(one);
    }
  };
  const restore = () => {
    const kept = JSON.parse(localStorage.getItem(key) || "null");
    if (!kept) return;
    // Another version: it was sent, or saved elsewhere since; what the server has is newer.
    if (kept.version !== version) return localStorage.removeItem(key);
    for (const one of names) {
      if (!(one.name in kept.typed)) continue;
      if (one.type === "radio") one.checked = one.value === kept.typed[one.name];
      else one.value = kept.typed[one.name];
    }
    if (JSON.stringify(typed()) !== sent) says.textContent = form.dataset.unsaved;
  };
  try {
    forget();
    restore();
  } catch {
    localStorage.removeItem(key);
  }
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("focusin", (event) => {
    const found = marks.indexOf(event.target.closest("fieldset.mark"));
    if (found >= 0) at = found;
  });

  const go = (to) => {
    at = Math.min(Math.max(to, 0), marks.length - 1);
    const radios = [...marks[at].querySelectorAll("input[type=radio]")];
    (radios.find((one) => one.checked) || radios[0]).focus();
  };
  const score = (digit) => {
    const wanted = digit === 0 ? 10 : digit;
    const radio = [...marks[at].querySelectorAll("input[type=radio]")].find((one) => Number(one.value) === wanted);
    if (!radio) return;
    radio.checked = true;
    radio.focus();
    keep();
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const field = event.target;
    if (field.matches("textarea, select, input:not([type=radio]), [contenteditable]")) return;
    const acts = {
      n: () => form.dataset.next && location.assign(form.dataset.next),
      p: () => form.dataset.previous && location.assign(form.dataset.previous),
      j: () => go(at + 1),
      k: () => go(at - 1),
      s: () => form.querySelector("button[name=stay]").click(),
    };
    const act = /^[0-9]$/.test(event.key) ? () => score(Number(event.key)) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
