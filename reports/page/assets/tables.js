// A table that is sorted by its heads and filtered, a page at a time.

const ROWS = 100; // at once

/**
 * Make a table work.
 *
 * spec.table: with a head cell for each column, holding a span; spec.body: where its rows go; spec.count: how many there are
 * spec.value(row, column): to sort by, null last; spec.line(row): its element; spec.heading(row): the element that it stands under, while rows are unsorted
 * spec.noun: what a row is, in one and in many
 */
function sortable(spec) {
  const state = { column: null, falling: false, page: 0, keep: () => true };
  const heads = [...spec.table.tHead.rows[0].cells];
  const status = make("p", { class: "muted", role: "status" });
  const pages = make("div", { class: "pages" });
  const every = Array.from({ length: spec.count }, (_, row) => row);
  heads.forEach((th, index) => th.replaceChildren(make("button", { type: "button", class: "sort", click: () => sortBy(index) }, ...th.childNodes)));

  function sortBy(index) {
    const first = heads[index].classList.contains("number"); // numbers: the highest first
    if (state.column !== index) Object.assign(state, { column: index, falling: first });
    else if (state.falling === first) state.falling = !first;
    else state.column = null; // the third time: as the sweep has it
    state.page = 0;
    update();
  }

  function update() {
    const kept = every.filter(state.keep);
    if (state.column !== null) kept.sort(order((row) => spec.value(row, state.column), state.falling));
    const last = Math.max(0, Math.ceil(kept.length / ROWS) - 1);
    state.page = Math.min(state.page, last);
    const shown = kept.slice(state.page * ROWS, (state.page + 1) * ROWS);
    const over = (row) => (state.column === null && spec.heading ? spec.heading(row) : null);
    spec.body.replaceChildren(...shown.flatMap((row, place) => {
      const heading = over(row);
      return heading && (!place || over(shown[place - 1]) !== heading) ? [heading, spec.line(row)] : [spec.line(row)];
    }));
    heads.forEach((th, index) => {
      if (state.column === index) th.setAttribute("aria-sort", state.falling ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
    const all = kept.length === spec.count ? "" : ` of ${spec.count.toLocaleString("en")}`;
    status.textContent = kept.length ? `${plural(kept.length, ...spec.noun)}${all}` : `no ${spec.noun[0]}${all} fits`;
    turn(last);
  }

  function turn(last) {
    const go = (text, page, possible) =>
      make("button", { type: "button", disabled: !possible, click: () => { state.page = page; update(); pages.querySelector("button:enabled")?.focus(); } }, text);
    const { page } = state;
    pages.replaceChildren(...(last ? [
      go("First", 0, page > 0), go("Previous", page - 1, page > 0),
      make("span", { role: "status" }, `page ${page + 1} of ${last + 1}`),
      go("Next", page + 1, page < last), go("Last", last, page < last),
    ] : []));
  }

  update();
  return { status, pages, filter(keep) { Object.assign(state, { keep, page: 0 }); update(); } };
}

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

const HANDY = 8; // rows: more can be filtered

/** Make a table of the document work: sorted, filtered, a number opens the runs behind it. */
function liven(section) {
  const table = section.querySelector("table");
  const heads = [...table.tHead.rows[0].cells];
  const [pinned, body] = table.tBodies;
  const rows = [...body.rows].filter((row) => !row.classList.contains("heading"));
  const headings = new Map();
  let heading = null;
  for (const row of body.rows) {
    if (row.classList.contains("heading")) heading = row;
    else headings.set(row, heading);
  }
  const texts = rows.map((row) => `${row.textContent} ${headings.get(row)?.textContent ?? ""}`.toLowerCase());
  const names = rows.map((row) => `${row.cells[0].textContent} ${headings.get(row)?.textContent ?? ""}`.toLowerCase());
  const across = heads.filter((th) => th.classList.contains("pair"));
  const sorted = sortable({
    table, body, count: rows.length, noun: ["row"],
    line: (row) => rows[row], heading: (row) => headings.get(rows[row]),
    value: (row, column) => valueOf(rows[row].cells[column], heads[column]),
  });
  const controls = make("div", { class: "controls" });
  if (across.length || rows.length > HANDY) {
    const searched = across.length ? names : texts;
    controls.append(searcher(across.length ? "Show methods with" : "Show lines with", (wanted) => sorted.filter((row) => hasAll(searched[row], wanted))));
  }
  if (across.length > 1) {
    controls.append(searcher("Show pairs with", (wanted) => heads.forEach((th, column) => {
      const hidden = th.classList.contains("pair") && !hasAll(th.textContent.toLowerCase(), wanted);
      for (const row of [th.parentElement, ...pinned.rows, ...rows]) row.cells[column].hidden = hidden;
    })));
  }
  section.querySelector(".scroll").before(controls, sorted.status);
  section.querySelector(".scroll").after(sorted.pages);
  section.addEventListener("click", (event) => {
    const button = event.target.closest("button.cell");
    if (button) openCell(button, heads);
  });
}

/** What a cell is sorted by: its number, else its text; null for none. */
function valueOf(cell, head) {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  return head.classList.contains("number") || !cell.textContent ? null : cell.textContent;
}
