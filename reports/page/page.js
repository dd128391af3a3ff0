// The page is whole without this script, which sorts, filters, opens and copies. What it shows is made of templates of
// the page and of texts, never of markup: no name can become one. What a reader chose stands in forms, and their values
// in the address, so that a link shows what its sender saw.

const DATA = JSON.parse(document.getElementById("data").textContent);
const TRIALS = DATA.trials;
const ROWS = 100; // of a table at once
const RUNS = 10; // of a number at first
const PRINTED = 900; // pixels of a screen that a page of paper is wide
const panel = document.getElementById("panel");
const inside = document.getElementById("inside");
const tables = new Map(); // what is known of a table, by its section
let at = ""; // where in the page the address points
let opened = ""; // what the panel shows, as the address has it

// --- texts ------------------------------------------------------------------------------------------------------------

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const hasAll = (text, wanted) => wanted.every((word) => text.includes(word));
const percent = (value) => (value === null ? "–" : value.toFixed(Math.max(DATA.digits, 2)));

/** What a trial has in a column: a number or null, or a text, of which each stands once in the data. */
function of(column, trial) {
  const kept = TRIALS[column];
  return kept.length !== undefined ? kept[trial] : kept.values[kept.at[trial]] ?? "";
}

/** A copy of a template with texts in its slots; a fact without one goes. */
function filled(template, texts) {
  const copy = document.getElementById(template).content.firstElementChild.cloneNode(true);
  for (const slot of [copy, ...copy.querySelectorAll("[data-slot]")].filter((one) => one.dataset.slot)) {
    slot.textContent = texts[slot.dataset.slot] ?? "";
    if (!slot.textContent) slot.closest(".fact")?.remove();
  }
  return copy;
}

// --- tables -----------------------------------------------------------------------------------------------------------

/** Compare two rows by a value; those without one come last either way. */
function order(value, falling) {
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return (a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return (one === null) - (other === null);
    const rising = typeof one === "number" && typeof other === "number" ? one - other : compare(one, other);
    return falling ? -rising : rising;
  };
}

const whole = new Map(); // what a cell holds, while it shows a difference
const textOf = (cell) => (whole.get(cell) ?? [...cell.childNodes]).map((node) => node.textContent).join("").trim();

/** What one number has over another, as both are shown; empty where there is none of either. */
function difference(cell, base) {
  const [{ v: one, d: digits }, { v: other }] = [cell.dataset, base.dataset];
  if (digits === undefined || base.dataset.d === undefined) return "";
  const text = (one - other).toFixed(digits);
  return Number(text) > 0 ? `+${text}` : Number(text) ? text : text.replace("-", "");
}

/** What is to be known of a table of the document: its lines, what they are sorted and found by. */
function known(section) {
  const table = section.querySelector("table");
  const heads = [...table.tHead.rows[0].cells];
  const [pinned, body] = table.tBodies;
  const headings = new Map();
  const below = new Map(); // what says more of a row and goes where it goes
  let [heading, before] = [null, null];
  for (const row of body.rows) {
    if (row.matches(".heading")) heading = row;
    else if (row.matches(".below")) below.set(before, [...(below.get(before) ?? []), row]);
    else headings.set(before = row, heading);
  }
  const rows = [...headings.keys()];
  const across = heads.some((head) => head.matches(".pair"));
  const texts = rows.map((row) => `${textOf(across ? row.cells[0] : row)} ${headings.get(row)?.textContent ?? ""}`.toLowerCase());
  return {
    heads, body, count: rows.length, noun: "row", lines: [...pinned.rows, ...rows, ...[...below.values()].flat()],
    line: (row) => rows[row], below: (row) => below.get(rows[row]) ?? [], heading: (row) => headings.get(rows[row]),
    keeps: ({ find }, wanted = words(find?.value ?? "")) => (row) => hasAll(texts[row], wanted),
    value(row, column) {
      const cell = rows[row].cells[column];
      if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
      return heads[column].matches(".number") ? null : textOf(cell) || null;
    },
  };
}

/** The same of the list of all trials, whose lines are made when they are shown. */
function knownTrials(section) {
  const table = section.querySelector("table");
  const heads = [...table.tHead.rows[0].cells];
  let texts = null; // of 10,000 trials: made when somebody looks for something
  const searched = ["row", "entry", "pair", "phase", "state", "setting", "reason", "key", "run"];
  const found = (trial) => [...searched.map((column) => of(column, trial)), `seed ${of("seed", trial)}`].join(" ").toLowerCase();
  return {
    heads, body: table.tBodies[0], count: TRIALS.key.length, noun: "trial",
    line(trial) {
      const line = filled("trial", { ...told(trial), run: (of("run", trial) ?? "").slice(0, 8) });
      line.querySelector("button").dataset.trial = trial;
      line.querySelector(".clamped").title = of("setting", trial);
      return line;
    },
    keeps({ find, phase, state }) {
      const wanted = words(find.value);
      if (wanted.length) texts ??= Array.from({ length: TRIALS.key.length }, (_, trial) => found(trial));
      const is = (control, trial) => !control.value || of(control.name, trial) === control.value;
      return (trial) => is(phase, trial) && is(state, trial) && (!wanted.length || hasAll(texts[trial], wanted));
    },
    value: (trial, column) => of(heads[column].dataset.by, trial),
  };
}

/** Show a table as its form says. */
function update(section) {
  const { elements } = section.querySelector("form");
  const { heads, body, count, noun, lines, line, below, heading, keeps, value } = tables.get(section);
  const [, column, way] = /^(\d+)([ad])$/.exec(elements.sort.value) ?? [];
  const sorted = heads[column] !== undefined;
  const kept = Array.from({ length: count }, (_, row) => row).filter(keeps(elements));
  if (sorted) kept.sort(order((row) => value(row, column), way === "d"));
  const last = Math.max(0, Math.ceil(kept.length / ROWS) - 1);
  const page = Math.min(Number(elements.page.value) || 0, last);
  const over = (row) => (sorted ? null : heading?.(row)); // rows that are sorted stand under no heading
  const shown = kept.slice(page * ROWS, (page + 1) * ROWS);
  body.replaceChildren(...new Set(shown.flatMap((row) => [over(row), line(row), ...(below?.(row) ?? [])].filter(Boolean))));
  heads.forEach((head, place) => {
    if (sorted && place === Number(column)) head.setAttribute("aria-sort", way === "d" ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  const all = kept.length === count ? "" : ` of ${count.toLocaleString("en")}`;
  const base = lines?.find((one) => one.dataset.row === elements.base?.value);
  section.querySelector(".count").textContent = (kept.length ? plural(kept.length, noun) + all : `no ${noun}${all} fits`) +
    (base ? `; numbers are differences from ${textOf(base.cells[0])}, whose own stand as they are` : "");
  if (lines) shape(section, base);
  const pages = section.querySelector(".pages");
  pages.hidden = !last;
  pages.querySelector("span").textContent = `page ${page + 1} of ${last + 1}`;
  [0, page - 1, page + 1, last].forEach((target, place) => {
    Object.assign(pages.querySelectorAll("button")[place], { value: target, disabled: place < 2 ? page === 0 : page === last });
  });
}

/** Hide the columns that are not wanted, and show numbers as differences from a row. */
function shape(section, base) {
  const { heads, lines } = tables.get(section);
  const hidden = new Set([...section.querySelectorAll("[name=hide]:checked")].map((box) => Number(box.value)));
  const wanted = words(section.querySelector("[name=pairs]")?.value ?? "");
  heads.forEach((head, column) => {
    const gone = hidden.has(column) || (head.matches(".pair") && !hasAll(head.textContent.toLowerCase(), wanted));
    for (const cells of [heads, ...lines.map((line) => line.cells)]) cells[column].hidden = gone;
  });
  for (const line of lines) {
    line.classList.toggle("base", line === base);
    for (const [column, cell] of [...line.cells].entries()) {
      const differs = base && line !== base && !line.matches(".below") && heads[column].matches(".pair") && cell.dataset.d !== undefined;
      show(cell, differs ? difference(cell, base.cells[column]) || "–" : null);
    }
  }
}

/** Show a difference in a cell, marked as its number is; null: its number. */
function show(cell, text) {
  const holder = cell.querySelector("button") ?? cell;
  if (whole.has(cell)) holder.replaceChildren(...whole.get(cell));
  whole.delete(cell);
  if (text === null) return;
  whole.set(cell, [...holder.childNodes]);
  const marked = holder.querySelector("strong, em")?.cloneNode();
  marked?.append(text);
  holder.replaceChildren(marked ?? text);
}

// --- the address ------------------------------------------------------------------------------------------------------

let writing = 0;

/** Bring the address up to date, soon: browsers refuse it many times a second. */
function write() {
  writing ||= setTimeout(written, 100);
}

function written() {
  writing = 0;
  const chosen = [...tables.keys()].flatMap((section) => [...new FormData(section.querySelector("form"))]
    .map(([name, value]) => [`${section.id}.${name}`, value]));
  const text = String(new URLSearchParams([...chosen, ["open", opened]].filter(([, value]) => value)));
  history.replaceState(null, "", text || at ? `#${at}${text && `?${text}`}` : location.pathname + location.search);
}

/** Show what the address says; one that only names a place in the page changes nothing else. */
function read() {
  const [place, text] = location.hash.slice(1).split(/\?(.*)/s);
  at = place;
  if (text === undefined) return write();
  const chosen = new URLSearchParams(text);
  opened = "";
  for (const section of tables.keys()) {
    for (const control of section.querySelector("form").elements) {
      const values = chosen.getAll(`${section.id}.${control.name}`);
      if (control.type === "checkbox") control.checked = values.includes(control.value);
      else if (control.name) control.value = values[0] ?? "";
      if (control.selectedIndex === -1) control.selectedIndex = 0;
      if (values.length && control.closest("details")) control.closest("details").open = true;
    }
    update(section);
  }
  document.getElementById(at)?.scrollIntoView();
  const [, name, row, column] = /^(.*?)\.(\w+)(?:\.(\d+))?$/.exec(chosen.get("open") ?? "") ?? [];
  const section = document.getElementById(name);
  if (name === "trials" && TRIALS.key[row]) openTrial(Number(row));
  else if (tables.has(section)) row === "rows" ? openRows(section) : openCell(section, row, Number(column));
  if (!opened) panel.close();
  write();
}

// --- what a reader does -----------------------------------------------------------------------------------------------

const DO = {
  sort(button, section) {
    const { sort, page } = section.querySelector("form").elements;
    const head = button.closest("th");
    const ways = head.matches(".number") ? ["d", "a"] : ["a", "d"]; // numbers: the highest first
    const turns = ["", ...ways.map((way) => `${head.cellIndex}${way}`)];
    sort.value = turns[(turns.indexOf(sort.value) + 1) % turns.length]; // the third time: as the sweep has it
    page.value = "";
    update(section);
  },
  page(button, section) {
    section.querySelector("form").elements.page.value = button.value === "0" ? "" : button.value;
    update(section);
    if (button.disabled) section.querySelector(".pages button:enabled").focus();
  },
  open: (button, section) => openCell(section, button.closest("tr").dataset.row, button.closest("td, th").cellIndex),
  trial: (button) => openTrial(Number(button.dataset.trial)),
  compare: (_, section) => openRows(section),
  close: () => panel.close(),
  more: (button) => button.closest("section").more()?.querySelector("button")?.focus(),
  async copy(button, section) {
    const code = button.parentElement.querySelector("code");
    const text = code ? code.textContent : DATA.copies[section.id][button.dataset.kind];
    const said = button.parentElement.querySelector("[role=status]");
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = code ? "copied" : `${button.dataset.kind} copied`;
    } catch { // not allowed here: it is marked, to be copied by hand
      if (!code) open("", `${section.querySelector("h2").textContent}: ${button.dataset.kind}`, filled("text", { text }));
      getSelection().selectAllChildren(code ?? inside.querySelector("pre"));
      said.textContent = "marked; copy it";
    }
  },
  scheme(button) {
    const schemes = ["system", "light", "dark"];
    const root = document.documentElement;
    root.dataset.scheme = schemes[(schemes.indexOf(root.dataset.scheme ?? "system") + 1) % schemes.length];
    button.textContent = `Colours: ${root.dataset.scheme}`;
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (event.target === panel) panel.close(); // beside it
  if (!button) return;
  DO[button.dataset.do](button, button.closest("section"));
  write();
});
document.addEventListener("input", ({ target }) => {
  const section = target.closest("section");
  if (!tables.has(section)) return;
  target.form.elements.page.value = "";
  update(section);
  write();
});
document.addEventListener("submit", (event) => event.preventDefault());
panel.addEventListener("close", () => { opened = ""; write(); });
addEventListener("hashchange", read);

/** Put a table that is wider than paper into parts, each with the first column. */
function split(section) {
  const table = section.querySelector("table");
  if (table.offsetWidth <= PRINTED) return;
  const widths = tables.get(section).heads.map((head) => head.offsetWidth); // 0: hidden
  const parts = [[]];
  let used = widths[0];
  widths.forEach((width, column) => {
    if (!column || !width) return;
    if (parts.at(-1).length && used + width > PRINTED) [used] = [widths[0], parts.push([])];
    parts.at(-1).push(column);
    used += width;
  });
  table.classList.add("whole");
  table.after(...parts.map((part) => {
    const copy = table.cloneNode(true);
    copy.classList.replace("whole", "part");
    for (const row of copy.querySelectorAll("tr:not(.heading)")) {
      [...row.cells].forEach((cell, column) => { cell.hidden = column && !part.includes(column); });
    }
    return copy;
  }));
}
addEventListener("beforeprint", () => [...tables.keys()].forEach(split));
addEventListener("afterprint", () => {
  document.querySelectorAll("table.part").forEach((one) => one.remove());
  document.querySelectorAll("table.whole").forEach((one) => one.classList.remove("whole"));
});

document.documentElement.classList.add("scripted");
for (const section of document.querySelectorAll("section.table")) tables.set(section, known(section));
tables.set(document.getElementById("trials"), knownTrials(document.getElementById("trials")));
for (const section of tables.keys()) update(section);
read();
