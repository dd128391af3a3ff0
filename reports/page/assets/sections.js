// What the script adds to the page: the list of all trials, the choice of colours; and it makes the tables work.

const COLUMNS = [ // of the list of all trials: head, kind, what to sort by, what is shown where that is something else
  ["method", "text", (trial) => textOf("row", trial), (trial) => make("button", { type: "button", class: "cell", "aria-haspopup": "dialog", click: () => openTrial(trial) }, textOf("row", trial))],
  ["pair", "text", pairOf],
  ["phase", "text", phaseOf],
  ["seed", "number", (trial) => TRIALS.seed[trial], (trial) => String(TRIALS.seed[trial] ?? "")],
  ["state", "text", stateOf],
  ["score (%)", "number", (trial) => TRIALS.score[trial], (trial) => percent(TRIALS.score[trial])],
  ["training", "number", (trial) => TRIALS.seconds[trial], (trial) => durationText(TRIALS.seconds[trial])],
  ["setting", "text", (trial) => textOf("setting", trial), (trial) => make("span", { class: "clamped", title: textOf("setting", trial) }, textOf("setting", trial))],
  ["run", "text", (trial) => TRIALS.run[trial], (trial) => make("code", {}, (TRIALS.run[trial] ?? "").slice(0, 8))],
];

const openTrial = (trial) => openPanel(`${textOf("row", trial)}, ${pairOf(trial)}`, [], [trial], 0);

function allTrials() {
  const body = make("tbody");
  const caption = "The score is that after the last epoch, on test images, in a search on validation images.";
  const heads = COLUMNS.map(([head, kind]) => make("th", { scope: "col", class: kind }, make("span", {}, head)));
  const table = make("table", {}, make("caption", {}, make("span", {}, caption)), make("thead", {}, make("tr", {}, heads)), body);
  const shown = ([, , value, show = value], trial) => show(trial);
  const sorted = sortable({
    table, body, count: TRIALS.count, noun: ["trial"],
    value: (trial, column) => COLUMNS[column][2](trial),
    line: (trial) => make("tr", {}, COLUMNS.map((column, index) => (index
      ? make("td", { class: column[1] }, shown(column, trial)) : make("th", { scope: "row" }, shown(column, trial))))),
  });
  const wanted = { words: [], phase: "", state: "" };
  let texts = null; // of 10,000 trials: made when somebody looks for something
  const searchText = (trial) => ["row", "cell", "phase", "setting", "reason"].map((column) => textOf(column, trial))
    .concat(pairOf(trial), stateOf(trial), TRIALS.key[trial], TRIALS.run[trial] ?? "", `seed ${TRIALS.seed[trial]}`).join(" ").toLowerCase();
  const filter = () => {
    if (wanted.words.length) texts ??= Array.from({ length: TRIALS.count }, (_, trial) => searchText(trial));
    sorted.filter((trial) => (!wanted.phase || textOf("phase", trial) === wanted.phase) && (!wanted.state || textOf("state", trial) === wanted.state) &&
      (!wanted.words.length || hasAll(texts[trial], wanted.words)));
  };
  const choose = (text, name, values, told = (value) => value) =>
    chooser(text, [["", "all"], ...values.map((value) => [value, told(value)])], (value) => { wanted[name] = value; filter(); });
  document.getElementById("trials").append(
    make("div", { class: "controls" },
      searcher("Show trials with", (found) => { wanted.words = found; filter(); }),
      choose("Phase", "phase", TRIALS.phase.values), choose("State", "state", TRIALS.state.values, (state) => DATA.states[state] ?? state)),
    sorted.status, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All trials" }, table), sorted.pages,
    DATA.curvesNote ? make("p", { class: "note" }, DATA.curvesNote) : "");
}

function colours() {
  const schemes = ["system", "light", "dark"];
  let scheme = 0;
  const toggle = make("button", { type: "button", class: "tool", click: () => {
    scheme = (scheme + 1) % schemes.length;
    if (scheme) document.documentElement.dataset.scheme = schemes[scheme];
    else delete document.documentElement.dataset.scheme;
    toggle.textContent = `Colours: ${schemes[scheme]}`;
  } }, "Colours: system");
  document.querySelector("#top .first").append(toggle);
}

document.querySelectorAll("section.table").forEach(liven);
allTrials();
colours();
