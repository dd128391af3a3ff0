// What stands on the page, from top to bottom.

/** A number of a table, which opens the runs behind it. */
function numberCell(score, name, cell) {
  const look = score.best ? "strong" : score.second ? "em" : "span";
  const number = score.mean === null ? null : [make(look, {}, score.text), score.rest, score.marks ? make("sup", {}, score.marks) : null];
  const content = number ?? make("span", { class: "why" }, `– ${score.missing ?? ""}`);
  const open = () => openPanel(`${name}, ${cell.pair}`, [
    [cell.measure, number ? `${score.text}${score.rest}` : "none"],
    ["setting", score.setting ?? ""],
    ["not in the mean", score.missing ?? ""],
    ["compared", (score.notes ?? []).map((note) => make("div", {}, note))],
  ], score.trials);
  return make("button", { type: "button", class: "cell", "aria-haspopup": "dialog", click: open }, content);
}

/** Lines against cells, with the columns that sum them up. */
function crossTable(cells, lines, behind, caption, isPinned) {
  const columns = cells.map((cell, column) => ({
    head: cell.kind ? [cell.head, make("small", {}, ` ${cell.kind}`)] : cell.head, number: true, wide: true,
    value: (row) => lines[row].scores[column].mean,
    show: (row) => numberCell(lines[row].scores[column], lines[row].name, cell),
  }));
  const sums = behind.map(({ head, texts }) => ({
    head, number: true, wide: true, value: (row) => leadingNumber(texts[row]), show: (row) => texts[row],
  }));
  const name = { head: "method", value: (row) => lines[row].name, show: (row) => lines[row].name };
  const heading = (row) => lines[row].group ?? "";
  const table = sortable({ caption, count: lines.length, columns: [name, ...columns, ...sums], pinned: isPinned, heading, noun: ["row"] });
  const texts = lines.map((line) => `${line.name} ${line.method ?? ""} ${line.group ?? ""}`.toLowerCase());
  const controls = make("div", { class: "controls" },
    searcher("Show methods with", (wanted) => table.filter((row) => hasAll(texts[row], wanted))));
  if (cells.length > 1) {
    controls.append(searcher("Show pairs with", (wanted) => {
      cells.forEach((cell, column) => table.show(column + 1, hasAll(`${cell.id} ${cell.head} ${cell.kind}`.toLowerCase(), wanted)));
      table.update();
    }));
  }
  return [controls, table.element];
}

/** The number that a text begins with; null for none. */
const leadingNumber = (text) => { const found = parseFloat(text.replace("−", "-")); return Number.isNaN(found) ? null : found; };

const notesOf = ({ caption, gaps }) => [
  ...caption.map((sentence) => make("p", { class: "note" }, sentence)),
  gaps.length ? make("p", { class: "note" }, `Not in the means: ${gaps.join("; ")}.`) : null,
];

function rowsAgainstCells(id, title, data) {
  const caption = `${DATA.name}: ${data.title}, mean on test images for each method and pair. Choose a number to see its runs.`;
  return section(id, title,
    ...crossTable(data.cells, data.lines, data.columns, caption, (row) => data.lines[row].kind !== "method"), ...notesOf(data));
}

function differences() {
  if (!DATA.differences.length) return null;
  const caption = `Difference from ${DATA.baseline} in points, seed by seed: mean ± sample standard deviation (number of seeds).`;
  return section("differences", `Difference from ${DATA.baseline}`, ...crossTable(DATA.cells, DATA.differences, [], caption));
}

/** A further table of texts. */
function sheet({ name, title, notes, heads, lines, texts }) {
  const columns = heads.map((head, index) => {
    const number = !texts.includes(index);
    const text = (row) => lines[row][index];
    return { head, number, long: !number, value: (row) => (number ? leadingNumber(text(row)) : text(row)), show: text };
  });
  const table = sortable({ caption: title, count: lines.length, columns, noun: ["line"], rows: 25 });
  const filter = lines.length > 8 ? make("div", { class: "controls" },
    searcher("Show lines with", (wanted) => table.filter((row) => hasAll(lines[row].join(" ").toLowerCase(), wanted)))) : null;
  return section(`sheet-${name}`, title, filter, table.element, ...notes.map((note) => make("p", { class: "note" }, note)));
}

/** Mean curve of each line of a cell over the epochs that all its counted trials have. */
function trainingChart(column) {
  const series = DATA.lines.flatMap((line) => {
    const curves = line.scores[column].trials.filter((trial) => TRIALS.counts[trial]).map(curveOf).filter(Boolean);
    if (line.kind === "teacher" || !curves.length) return [];
    const byEpoch = new Map();
    for (const { epochs, values } of curves) epochs.forEach((epoch, index) => byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), values[index]]));
    const points = [...byEpoch].filter(([, values]) => values.length === curves.length).sort(([a], [b]) => a - b).map(([epoch, values]) => {
      const { mean, spread } = meanAndSpread(values);
      const text = `epoch ${epoch}: ${percent(mean)}${spread === null ? "" : ` ± ${percent(spread)}`} (${values.length})`;
      return [epoch, mean, spread === null ? null : mean - spread, spread === null ? null : mean + spread, text];
    });
    return points.length ? [{ name: line.name, points, dots: [], line: true, marked: false }] : [];
  });
  if (!series.length) return null;
  const { short, pair } = DATA.cells[column];
  return {
    kind: "training", cell: column, title: `Test ${short} by epoch, ${pair}`, series, levels: [],
    about: "Mean over the seeds that are in the table, with a band of ± one sample standard deviation. The number of the table is that of the last epoch.",
    x: { label: "epoch", log: false, ticks: [] }, y: { label: `test ${short} (%)` },
  };
}

function figures() {
  const columns = DATA.cells.map((_, column) => column);
  const of = (column) => [...DATA.figures.filter((figure) => figure.cell === column), trainingChart(column)].filter(Boolean);
  const drawable = columns.filter((column) => DATA.figures.some((figure) => figure.cell === column) ||
    DATA.lines.some((line) => line.kind !== "teacher" && line.scores[column].trials.some((trial) => TRIALS.counts[trial] && DATA.curves.epochs.at[trial] >= 0)));
  if (!drawable.length) return null;
  const all = make("div", { class: "figures" });
  const show = (column) => all.replaceChildren(...of(column).map(chart));
  show(drawable[0]);
  const choose = chooser("Pair", drawable.map((column) => [String(column), DATA.cells[column].pair]), (value) => show(Number(value)));
  return section("figures", "Figures", drawable.length > 1 ? make("div", { class: "controls" }, choose) : null,
    DATA.curvesNote ? make("p", { class: "note" }, DATA.curvesNote) : null, all);
}

function searches() {
  if (!DATA.search) return null;
  const { heads, lines, trials, ranks } = DATA.search;
  const confirmed = (row) => (trial) => textOf("phase", trial) === "confirm" && TRIALS.rank[trial] === ranks[row] && textOf("state", trial) === "COMPLETE";
  const open = (row) => openPanel(`Search: ${lines[row][0][0]}`, heads.map((name, index) => [name, lines[row][index][0]]), trials[row], confirmed(row));
  const columns = heads.map((name, index) => ({
    head: name,
    number: ["rank", "validation", "test"].includes(name),
    long: !["rank", "validation", "test"].includes(name),
    value: (row) => lines[row][index][1] ?? (["validation", "test"].includes(name) ? null : lines[row][index][0]),
    show: (row) => (index ? lines[row][index][0]
      : make("button", { type: "button", class: "cell", "aria-haspopup": "dialog", click: () => open(row) }, lines[row][0][0])),
  }));
  const table = sortable({ caption: "What each search tuned, spent and chose: validation accuracy beside accuracy on test images.", count: lines.length, columns, noun: ["line"] });
  const texts = lines.map((line) => line.map(([text]) => text).join(" ").toLowerCase());
  const controls = lines.length > 3 ? make("div", { class: "controls" }, searcher("Show lines with", (wanted) => table.filter((row) => hasAll(texts[row], wanted)))) : null;
  return section("searches", "Searches", controls, table.element);
}

function allTrials() {
  const openOne = (trial) => openPanel(`${textOf("row", trial)}, ${pairOf(trial)}`, [], [trial]);
  const text = (column) => (trial) => textOf(column, trial);
  const columns = [
    { head: "method", value: text("row"), show: (trial) => make("button", { type: "button", class: "cell", "aria-haspopup": "dialog", click: () => openOne(trial) }, textOf("row", trial)) },
    { head: "pair", value: pairOf, show: pairOf },
    { head: "phase", value: phaseOf, show: phaseOf },
    { head: "seed", number: true, value: (trial) => TRIALS.seed[trial], show: (trial) => String(TRIALS.seed[trial] ?? "") },
    { head: "state", value: stateOf, show: stateOf },
    { head: "score (%)", number: true, value: (trial) => TRIALS.score[trial], show: (trial) => percent(TRIALS.score[trial]) },
    { head: "training", number: true, value: (trial) => TRIALS.seconds[trial], show: (trial) => durationText(TRIALS.seconds[trial]) },
    { head: "setting", long: true, value: text("setting"), show: (trial) => make("span", { class: "clamped", title: textOf("setting", trial) }, textOf("setting", trial)) },
    { head: "run", value: (trial) => TRIALS.run[trial], show: (trial) => make("code", {}, (TRIALS.run[trial] ?? "").slice(0, 8)) },
  ];
  const table = sortable({ caption: "All trials: the score is that after the last epoch, on test images, in a search on validation images.", count: TRIALS.count, columns, noun: ["trial"] });
  const wanted = { words: [], phase: "", state: "" };
  let texts = null; // of 10,000 trials: made when somebody looks for something
  const searchText = (trial) => ["row", "cell", "phase", "setting", "reason"].map((column) => textOf(column, trial))
    .concat(pairOf(trial), stateOf(trial), TRIALS.key[trial], TRIALS.run[trial] ?? "", `seed ${TRIALS.seed[trial]}`).join(" ").toLowerCase();
  const filter = () => {
    if (wanted.words.length) texts ??= Array.from({ length: TRIALS.count }, (_, trial) => searchText(trial));
    table.filter((trial) => (!wanted.phase || textOf("phase", trial) === wanted.phase) && (!wanted.state || textOf("state", trial) === wanted.state) &&
      (!wanted.words.length || hasAll(texts[trial], wanted.words)));
  };
  const choose = (text, name, values, shown = (value) => value) =>
    chooser(text, [["", "all"], ...values.map((value) => [value, shown(value)])], (value) => { wanted[name] = value; filter(); });
  return section("trials", "All trials",
    make("div", { class: "controls" },
      searcher("Show trials with", (found) => { wanted.words = found; filter(); }),
      choose("Phase", "phase", TRIALS.phase.values), choose("State", "state", TRIALS.state.values, (state) => STATES[state] ?? state)),
    table.element);
}

const section = (id, title, ...content) => make("section", { id, "aria-labelledby": `${id}-title` }, make("h2", { id: `${id}-title` }, title), ...content);

function top(sections) {
  const schemes = ["system", "light", "dark"];
  let scheme = 0;
  const toggle = make("button", { type: "button", class: "tool", click: () => {
    scheme = (scheme + 1) % schemes.length;
    if (scheme) document.documentElement.dataset.scheme = schemes[scheme];
    else delete document.documentElement.dataset.scheme;
    toggle.textContent = `Colours: ${schemes[scheme]}`;
  } }, "Colours: system");
  const total = DATA.states.reduce((sum, [, count]) => sum + count, 0);
  const states = DATA.states.map(([state, count]) => `${count.toLocaleString("en")} ${STATES[state] ?? state.toLowerCase()}`).join(", ");
  const links = sections.map((one) => make("a", { href: `#${one.id}` }, one.querySelector("h2").textContent));
  document.getElementById("top").append(
    make("div", { class: "first" }, make("h1", {}, DATA.name), toggle),
    make("p", { class: "muted" }, `${plural(total, "trial")}: ${states || "none"}.`),
    make("nav", { "aria-label": "Parts of this report" }, links));
}

const parts = [
  rowsAgainstCells("head-to-head", "Head to head", DATA), differences(), figures(), searches(),
  ...DATA.tables.map((data, index) => rowsAgainstCells(`table-${index}`, data.title, data)), ...DATA.sheets.map(sheet), allTrials(),
].filter(Boolean);
document.getElementById("main").append(...parts);
top(parts);
