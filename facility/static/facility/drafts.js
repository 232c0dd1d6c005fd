// Saves an application while somebody types. What the server does not have yet is kept in the browser's storage, under a
// key of its own for each open page, and sent when the line or the sign-in is back. Without it the button saves.
const STORE = "draft:";
const MOMENT = 1200, AGAIN = 5000, OLD = 14 * 24 * 3600 * 1000;

const stored = (prefix) => {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return []; // no storage here, as in some private windows
  }
};
const load = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
};
const keep = (key, bundle) => {
  try {
    if (bundle) localStorage.setItem(key, JSON.stringify(bundle));
    else localStorage.removeItem(key);
    return true;
  } catch {
    return false;
  }
};

// Whoever signs out leaves neither applications nor reviews behind in this browser.
for (const leaving of document.querySelectorAll("form[data-forget-drafts]")) {
  leaving.addEventListener("submit", () => [STORE, "review:"].flatMap(stored).forEach((key) => keep(key, null)));
}

const form = document.querySelector("form[data-draft]");
if (form) write(form);

function write(form) {
  const says = form.querySelector("[data-says]");
  const prefix = `${STORE}${form.dataset.person}:${form.dataset.draft}:`;
  const tab = form.dataset.tab, own = prefix + tab;
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const turnField = form.elements._turn;
  const items = [...form.querySelectorAll("[data-item]")].filter((item) => item.querySelector(`[name="base-${item.dataset.item}"]`));
  const byName = Object.fromEntries(items.map((item) => [item.dataset.item, item]));
  const base = (item) => item.querySelector(`[name="base-${item.dataset.item}"]`);
  const pending = {}; // name: {value, base}, not yet with the server
  const faulty = new Set(); // refused by the server until they are changed again
  let turn = 1, timer = 0, busy = false, isKept = true;

  // -- values of fields, as the server takes them

  const value = (item) => {
    const name = item.dataset.item;
    const total = item.querySelector(`[name="${name}-TOTAL_FORMS"]`);
    if (total) {
      const rows = [];
      for (let at = 0; at < Number(total.value); at++) {
        const start = `${name}-${at}-`, row = {};
        if (item.querySelector(`[name="${start}DELETE"]`)?.checked) continue;
        for (const one of item.querySelectorAll(`[name^="${start}"]`)) {
          const key = one.name.slice(start.length);
          if (key !== "DELETE") row[key] = one.value;
        }
        if (Object.values(row).some((text) => text.trim())) rows.push(row);
      }
      return rows;
    }
    const ranking = item.querySelector(".ranking");
    if (ranking) {
      return [...ranking.querySelectorAll("input")]
        .filter((one) => /^\d+$/.test(one.value.trim()))
        .sort((one, other) => one.value - other.value)
        .map((one) => one.name.slice(name.length + 1));
    }
    const controls = [...item.querySelectorAll(`[name="${name}"]`)];
    if (controls[0]?.type === "checkbox") return controls.filter((one) => one.checked).map((one) => one.value);
    if (controls[0]?.type === "radio") return controls.find((one) => one.checked)?.value ?? "";
    return controls[0]?.value ?? "";
  };
  const plain = (item) => {
    const one = item.querySelector(`textarea[name="${item.dataset.item}"], input[name="${item.dataset.item}"]`);
    return one && !["radio", "checkbox", "hidden"].includes(one.type) ? one : null;
  };

  // -- what is said

  const say = (text, url = "", label = "") => {
    says.textContent = text;
    if (!url) return;
    const link = document.createElement("a");
    link.href = url;
    link.textContent = label;
    says.append(" ", link);
  };
  const mark = (item, text, url = "", label = "") => {
    let note = item.querySelector(".save-note");
    if (!text) return note?.remove();
    if (!note) {
      note = document.createElement("p");
      note.className = "save-note field-error";
      note.setAttribute("role", "alert");
      item.prepend(note);
    }
    note.textContent = text;
    if (!url) return;
    const link = document.createElement("a");
    link.href = url;
    link.textContent = label;
    note.append(" ", link);
  };
  const counted = (area) => {
    const { limit, unit } = area.dataset;
    let note = area.parentElement.querySelector(".counter");
    if (!note) {
      note = document.createElement("p");
      note.className = "counter note";
      area.after(note);
    }
    const n = unit === "words" ? (area.value.trim().match(/\S+/g) ?? []).length : area.value.trim().length;
    note.textContent = says.dataset[unit].replace("{n}", n).replace("{limit}", limit);
    note.classList.toggle("over", n > Number(limit));
  };

  // -- keeping and sending

  const store = () => {
    turn += 1; // each state of what waits has a number of its own, so that none is taken for an echo of another
    turnField.value = turn;
    isKept = keep(own, Object.keys(pending).length ? { tab, turn, at: Date.now(), changes: pending } : null);
  };
  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  };
  const changed = (item, wait) => {
    const name = item.dataset.item;
    pending[name] = { value: value(item), base: base(item).value };
    faulty.delete(name);
    store();
    say(says.dataset.waiting);
    later(wait);
  };
  const post = (bundle) =>
    fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({
        tab: bundle.tab,
        turn: bundle.turn,
        changes: bundle.changes,
        known: Object.fromEntries(items.map((item) => [item.dataset.item, base(item).value])),
      }),
    });
  const signedOut = () => {
    const next = encodeURIComponent(location.pathname);
    say(says.dataset.signedOut, `${says.dataset.login}?next=${next}`, says.dataset.signIn);
  };
  const refused = (errors) => {
    for (const [path, sentences] of Object.entries(errors)) {
      const name = path.replace(/^changes\./, "");
      faulty.add(name);
      if (byName[name]) mark(byName[name], `${says.dataset.fault}: ${sentences.join(" ")}`);
    }
    say(says.dataset.fault);
  };

  async function flush() {
    if (busy) return later(MOMENT);
    const names = Object.keys(pending).filter((name) => !faulty.has(name));
    if (!names.length) return;
    busy = true;
    const sent = JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, pending[name]]))));
    try {
      const answer = await post({ tab, turn, changes: sent });
      if (answer.ok) taken(sent, await answer.json());
      else if (answer.status === 401) signedOut();
      else if (answer.status === 400) {
        refused((await answer.json()).errors ?? {});
        later(MOMENT);
      } else if (answer.status === 409) say((await answer.json()).said);
      else if (answer.status === 403) signedOut();
      else later(AGAIN);
    } catch {
      say(says.dataset.offline);
      later(AGAIN);
    }
    busy = false;
  }
  const taken = (sent, answer) => {
    for (const [name, change] of Object.entries(sent)) {
      if (name in answer.bases) base(byName[name]).value = answer.bases[name];
      if (JSON.stringify(pending[name].value) === JSON.stringify(change.value)) delete pending[name];
      else pending[name].base = base(byName[name]).value;
      mark(byName[name], "");
    }
    for (const name of answer.clashes) mark(byName[name], says.dataset.clash, location.pathname, says.dataset.compare);
    for (const [name, [text, mark_]] of Object.entries(answer.news)) {
      const control = byName[name] && plain(byName[name]);
      if (!control || name in pending || name in sent) continue;
      control.value = text ?? "";
      base(byName[name]).value = mark_;
    }
    for (const item of form.querySelectorAll("[data-item^=q_]")) item.hidden = !answer.asked.includes(item.dataset.item);
    store();
    if (Object.keys(pending).length) later(MOMENT);
    else say(answer.said);
  };

  // -- what was kept when a page went away

  async function restore() {
    let wrote = false;
    for (const key of stored(prefix)) {
      const bundle = load(key);
      if (!bundle?.changes || key === own) continue;
      try {
        const answer = await post(bundle);
        if (answer.ok) {
          const said = await answer.json();
          wrote ||= said.wrote.length + said.clashes.length > 0;
          keep(key, null);
        } else if (answer.status === 400) {
          // What no field can hold is put back for its writer to mend; the rest is sent by this page. What has no
          // field here now, as while only some are asked, stays where it is.
          const left = {};
          for (const [name, change] of Object.entries(bundle.changes)) {
            const control = byName[name] && plain(byName[name]);
            if (control) control.value = change.value;
            if (byName[name]) pending[name] = { value: change.value, base: change.base };
            else left[name] = change;
          }
          keep(key, Object.keys(left).length ? { ...bundle, changes: left } : null);
          store();
          later(0);
        } else if (answer.status === 401) return signedOut();
      } catch {
        return say(says.dataset.offline);
      }
    }
    if (!wrote) return;
    try {
      sessionStorage.setItem(`${STORE}restored`, "1");
    } catch {}
    location.reload();
  }
  for (const key of stored(STORE)) {
    if (!key.startsWith(prefix) && Date.now() - (load(key)?.at ?? 0) > OLD) keep(key, null);
  }
  try {
    if (sessionStorage.getItem(`${STORE}restored`)) say(says.dataset.restored);
    sessionStorage.removeItem(`${STORE}restored`);
  } catch {}

  form.addEventListener("input", (event) => {
    const item = event.target.closest("[data-item]");
    if (!item || !byName[item.dataset.item]) return;
    if (event.target.dataset.limit) counted(event.target);
    const isChoice = ["radio", "checkbox"].includes(event.target.type) || event.target.tagName === "SELECT";
    changed(item, isChoice ? 0 : MOMENT);
  });
  form.querySelectorAll("textarea[data-limit]").forEach(counted);
  addEventListener("online", () => later(0));
  addEventListener("focus", () => later(0));
  addEventListener("beforeunload", (event) => {
    if (Object.keys(pending).length && !isKept) event.preventDefault();
  });
  restore();
}
