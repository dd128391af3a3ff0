// What stands on the page, from top to bottom.

/** A number of a table, which opens the runs behind it. */
function numberCell(score, name, column) {
  const number = score.mean === null ? null : [score.best ? make("strong", {}, score.text) : score.text, score.marks ? make("sup", {}, score.marks) : null, score.rest];
  const content = number ?? make("span", { class: "why" }, `– ${score.missing ?? ""}`);
  const open = () => openPanel(`${name}, ${DATA.cells[column].pair}`, [
    [DATA.cells[column].measure, number ? `${score.text}${score.rest}` : "none"],
    ["setting", score.setting ?? ""],
    ["not in the mean", score.missing ?? ""],
    ...(score.notes ?? []).map((note) => ["note", note]),
  ], score.trials);
  return make("button", { type: "button", class: "cell", "aria-haspopup": "dialog", click: open }, content);
}

/** Lines against cells; those of the sweep's own kind below the teacher and the student alone. */
function crossTable(lines, caption, isPinned) {
  const columns = DATA.cells.map((cell, column) => ({
    head: cell.head, number: true, wide: true,
    value: (row) => lines[row].scores[column].mean,
    show: (row) => numberCell(lines[row].scores[column], lines[row].name, column),
  }));
  const name = { head: "method", value: (row) => lines[row].name, show: (row) => lines[row].name };
  const table = sortable({ caption, count: lines.length, columns: [name, ...columns], pinned: isPinned, noun: ["row"] });
  const texts = lines.map((line) => `${line.name} ${line.method ?? ""}`.toLowerCase());
  const controls = make("div", { class: "controls" },
    searcher("Show methods with", (wanted) => table.filter((row) => hasAll(texts[row], wanted))));
  if (DATA.cells.length > 1) {
    controls.append(searcher("Show pairs with", (wanted) => {
      DATA.cells.forEach((cell, column) => table.show(column + 1, hasAll(`${cell.id} ${cell.head}`.toLowerCase(), wanted)));
      table.update();
    }));
  }
  return [controls, table.element];
}

function headToHead() {
  const caption = `${DATA.name}: mean on test images for each method and pair. Choose a number to see its runs.`;
  return section("head-to-head", "Head to head",
    ...crossTable(DATA.lines, caption, (row) => DATA.lines[row].kind !== "method"),
    ...DATA.caption.map((sentence) => make("p", { class: "note" }, sentence)),
    DATA.gaps.length ? make("p", { class: "note" }, `Not in the means: ${DATA.gaps.join("; ")}.`) : null);
}

function differences() {
  if (!DATA.differences.length) return null;
  const caption = `Difference from ${DATA.baseline} in points, seed by seed: mean ± sample standard deviation (number of seeds).`;
  return section("differences", `Difference from ${DATA.baseline}`, ...crossTable(DATA.differences, caption));
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
  const { heads, lines, trials } = DATA.search;
  const open = (row) => openPanel(`Search: ${lines[row][0][0]}`, heads.map((name, index) => [name, lines[row][index][0]]), trials[row]);
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

const parts = [headToHead(), differences(), figures(), searches(), allTrials()].filter(Boolean);
document.getElementById("main").append(...parts);
top(parts);
