// The panel with the runs behind a number.

const RUNS_AT_FIRST = 10;
const panel = document.getElementById("panel");
panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); }); // beside it

/** Open what is behind a number of a table. */
function openCell(button, heads) {
  const cell = button.closest("td, th");
  const row = cell.parentElement;
  const [name, column] = [row.cells[0].textContent, heads[cell.cellIndex]];
  const others = [...row.cells].slice(1).map((one, index) => [heads[index + 1].textContent, one.textContent]);
  const { trials, inside = "0", setting = "", lacking = "", remarks = "" } = button.dataset;
  openPanel(cell.cellIndex ? `${name}, ${column.textContent}` : name, [
    ...(cell.cellIndex ? [["number", button.textContent]] : others),
    ["setting", setting],
    ["not in the mean", lacking],
    ["compared", remarks.split("\n").filter(Boolean).map((text) => make("div", {}, text))],
  ], places(trials), Number(inside));
}

/** The places that a text such as `0-4 7` names. */
const places = (text) => text.split(" ").flatMap((run) => {
  const [first, last = first] = run.split("-").map(Number);
  return Array.from({ length: last - first + 1 }, (_, step) => first + step);
});

/** Open the panel: a title, what is known of the number (pairs of name and text), its trials, how many of them are in it. */
function openPanel(title, facts, trials, inside) {
  const close = make("button", { type: "button", class: "tool", click: () => panel.close() }, "Close");
  const [counted, others] = [trials.slice(0, inside), trials.slice(inside)];
  panel.replaceChildren(
    make("div", { class: "panel-head" }, make("h2", { id: "panel-title" }, title), close),
    list(facts),
    ...runs(others.length && counted.length ? "In the number" : "", counted),
    ...runs(counted.length ? "Not in the number" : "", others));
  panel.showModal();
  panel.scrollTop = 0;
  close.focus();
}

const list = (facts) => make("dl", {}, facts.filter(([, value]) => value !== "" && value !== null).map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

const nameOf = (trial) => (textOf("phase", trial) === "search" ? `search ${TRIALS.key[trial].slice(0, 8)}` : `seed ${TRIALS.seed[trial]}`);

function scoreLabel(trial) {
  const short = DATA.cells[textOf("cell", trial)]?.short ?? "accuracy";
  return `${textOf("phase", trial) === "search" ? "validation" : "test"} ${short} (%)`;
}

function runs(title, trials) {
  if (!trials.length) return [];
  const cards = make("div", {}, trials.slice(0, RUNS_AT_FIRST).map(card));
  const more = make("button", { type: "button", class: "tool", click: () => {
    const next = trials.slice(cards.children.length, cards.children.length + RUNS_AT_FIRST).map(card);
    cards.append(...next);
    next[0].querySelector("button")?.focus();
    name();
  } });
  const name = () => {
    const left = trials.length - cards.children.length;
    more.hidden = !left;
    more.textContent = `Show ${Math.min(left, RUNS_AT_FIRST)} more of ${plural(left, "run")}`;
  };
  name();
  return [title ? make("h3", {}, `${title}: ${plural(trials.length, "run")}`) : "", cards, more];
}

function card(trial) {
  const curve = curveOf(trial);
  const short = DATA.cells[textOf("cell", trial)]?.short ?? "accuracy";
  const score = TRIALS.score[trial] === null ? "no score" : `${short === "accuracy" ? "top-1" : short} ${percent(TRIALS.score[trial])} %`;
  const commit = textOf("commit", trial);
  return make("article", { class: "run" },
    make("h3", {}, `${nameOf(trial)} · ${score} · ${stateOf(trial)}`),
    curve ? sparkline(curve, scoreLabel(trial)) : null,
    list([
      ["run id", TRIALS.run[trial] ? make("code", {}, TRIALS.run[trial]) : "none yet"],
      ["seed", String(TRIALS.seed[trial] ?? "")],
      ["phase", phaseOf(trial)],
      ["status", TRIALS.run[trial] ? `${textOf("status", trial)} (state ${textOf("state", trial)})` : stateOf(trial)],
      ["reason", textOf("reason", trial)],
      ["setting", textOf("setting", trial)],
      ["recipe", folded(textOf("recipe", trial))],
      ["training", durationText(TRIALS.seconds[trial])],
      ["time at work", durationText(TRIALS.wall[trial])],
      ["attempts", textOf("attempts", trial)],
      ["commit", commit && [make("code", {}, commit), TRIALS.changed[trial] ? " with changes that are not in it" : ""]],
      ["versions", textOf("versions", trial)],
      ["device", textOf("device", trial)],
      ["threads", textOf("threads", trial)],
      ["stored logits", textOf("bank", trial)],
      ["trial key", make("code", {}, TRIALS.key[trial])],
    ]),
    repeatable(trial, curve) ? [command(`python run_sweep.py repeat ${TRIALS.key[trial]}`), make("p", { class: "muted" }, "With --home DIR where the home is not ./kdsweep_home.")]
      : make("p", { class: "muted" }, "It has no numbers to train it again for; the next run of the sweep goes on with it."));
}

const folded = (text) => (text ? make("details", {}, make("summary", {}, "all of it"), text) : "");
const repeatable = (trial, curve) => TRIALS.run[trial] && (curve || TRIALS.score[trial] !== null);

/** A command with a button that copies it. */
function command(text) {
  const code = make("code", {}, text);
  const said = make("span", { role: "status", class: "muted" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "copied";
    } catch { // not allowed here: it is marked, to be copied by hand
      getSelection().selectAllChildren(code);
      said.textContent = "marked; copy it";
    }
  };
  return make("div", { class: "command" }, code, make("button", { type: "button", class: "tool", click: copy, "aria-label": `Copy the command that trains this run again` }, "Copy"), said);
}

/** A small curve of one trial. */
function sparkline(curve, name) {
  const [width, height] = [200, 56];
  const [low, high] = [Math.min(...curve.values), Math.max(...curve.values)];
  const [start, end] = [curve.epochs[0], curve.epochs.at(-1)];
  const x = (epoch) => 3 + ((epoch - start) / (end - start || 1)) * (width - 6);
  const y = (value) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
  const best = curve.values.indexOf(high);
  const text = `${name}: ${percent(curve.values[0])} in epoch ${curve.epochs[0]}, ${percent(curve.values.at(-1))} in epoch ` +
    `${curve.epochs.at(-1)}, the highest shown ${percent(high)} in epoch ${curve.epochs[best]}`;
  const path = curve.epochs.map((epoch, index) => `${x(epoch).toFixed(1)} ${y(curve.values[index]).toFixed(1)}`).join("L");
  return draw("svg", { class: "spark s0", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": text },
    draw("title", {}, text), draw("path", { class: "joined", d: `M${path}` }),
    draw("circle", { class: "mark", r: 3, cx: x(curve.epochs.at(-1)), cy: y(curve.values.at(-1)) }));
}
