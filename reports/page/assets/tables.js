// A table that is sorted by its heads and filtered, a page at a time.

const ROWS = 100; // at once

/**
 * Make a table.
 *
 * spec.caption, spec.count: how many rows there are
 * spec.columns: of {head, value(row): to sort by, null last; show(row): text or element; number, long, wide: how it looks}; the first is the head of each row
 * spec.pinned(row): whether a row stays on top, unsorted; spec.heading(row): what rows stand under while they are unsorted
 * spec.noun: what a row is, in one and in many; spec.rows: how many are shown at once
 */
function sortable(spec) {
  const state = { column: null, falling: false, page: 0, keep: () => true, hidden: new Set() };
  const pinned = make("tbody", { class: "pinned" });
  const body = make("tbody");
  const heads = spec.columns.map((column, index) => head(column, () => sortBy(index)));
  const status = make("p", { class: "muted", role: "status" });
  const pages = make("div", { class: "pages" });
  const table = make("table", {}, make("caption", {}, make("span", {}, spec.caption)), make("thead", {}, make("tr", {}, heads)), pinned, body);
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": spec.caption }, table);
  const most = spec.rows ?? ROWS;
  const every = Array.from({ length: spec.count }, (_, row) => row);

  function sortBy(index) {
    const first = Boolean(spec.columns[index].number); // numbers: the highest first
    if (state.column !== index) Object.assign(state, { column: index, falling: first });
    else if (state.falling === first) state.falling = !first;
    else state.column = null; // the third time: as the sweep has it
    state.page = 0;
    update();
  }

  function update() {
    const kept = every.filter((row) => state.keep(row));
    const top = spec.pinned ? kept.filter(spec.pinned) : [];
    const rest = spec.pinned ? kept.filter((row) => !spec.pinned(row)) : kept;
    if (state.column !== null) rest.sort(order(spec.columns[state.column], state.falling));
    const last = Math.max(0, Math.ceil(rest.length / most) - 1);
    state.page = Math.min(state.page, last);
    pinned.replaceChildren(...top.map(line));
    body.replaceChildren(...rest.slice(state.page * most, (state.page + 1) * most).flatMap(headed));
    heads.forEach((th, index) => {
      th.hidden = state.hidden.has(index);
      if (state.column === index) th.setAttribute("aria-sort", state.falling ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
    const all = kept.length === spec.count ? "" : ` of ${spec.count.toLocaleString("en")}`;
    status.textContent = kept.length ? `${plural(kept.length, ...spec.noun)}${all}` : `no ${spec.noun[0]}${all} fits`;
    turn(last);
  }

  /** A row, with its heading before it where it is the first under that. */
  function headed(row, place, rows) {
    const heading = state.column === null && spec.heading ? spec.heading(row) : "";
    const isNew = heading && (!place || spec.heading(rows[place - 1]) !== heading);
    const over = isNew ? make("tr", { class: "heading" }, make("th", { scope: "rowgroup", colspan: spec.columns.length }, heading)) : null;
    return [over, line(row)].filter(Boolean);
  }

  function line(row) {
    const cells = spec.columns.map((column, index) => {
      const look = { class: column.number ? "number" : column.long ? "long" : null, hidden: state.hidden.has(index) };
      return index ? make("td", look, column.show(row)) : make("th", { ...look, scope: "row" }, column.show(row));
    });
    return make("tr", {}, cells);
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
  return {
    element: make("div", {}, status, scroll, pages),
    filter(keep) { Object.assign(state, { keep, page: 0 }); update(); },
    show(column, shown) { shown ? state.hidden.delete(column) : state.hidden.add(column); },
    update,
  };
}

function head(column, onClick) {
  const button = make("button", { type: "button", class: "sort", click: onClick }, column.head);
  return make("th", { scope: "col", class: `${column.number ? "number" : ""} ${column.wide ? "wide" : ""}`.trim() || null }, button);
}

/** Compare two rows by a column; those without a value come last either way. */
function order(column, falling) {
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return (a, b) => {
    const [one, other] = [column.value(a), column.value(b)];
    if (one === null || other === null) return (one === null) - (other === null);
    const rising = typeof one === "number" && typeof other === "number" ? one - other : compare(one, other);
    return falling ? -rising : rising;
  };
}
