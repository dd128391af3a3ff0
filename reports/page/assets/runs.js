// The panel with the runs behind a number.

const RUNS_AT_FIRST = 10;
const CURVES_TOGETHER = 12;
const panel = document.getElementById("panel");
panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); }); // beside it

/** Open the panel: a title, what is known of the number (pairs of name and text), its trials, and which are in it. */
function openPanel(title, facts, trials, isIn = (trial) => TRIALS.counts[trial]) {
  const close = make("button", { type: "button", class: "tool", click: () => panel.close() }, "Close");
  const counted = trials.filter(isIn);
  const others = trials.filter((trial) => !isIn(trial));
  panel.replaceChildren(
    make("div", { class: "panel-head" }, make("h2", { id: "panel-title" }, title), close),
    list(facts),
    together(counted.length ? counted : others) ?? "",
    ...runs(others.length && counted.length ? "In the number" : "", counted),
    ...runs(counted.length ? "Not in the number" : "", others),
    trials.length ? "" : make("p", {}, "No trial of this sweep stands behind it."));
  panel.showModal();
  panel.scrollTop = 0;
  close.focus();
}

const list = (facts) => make("dl", {}, facts.filter(([, value]) => value !== "" && value !== null).map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

/** The curves of trials in one figure. */
function together(trials) {
  const drawn = trials.filter((trial) => curveOf(trial)).slice(0, CURVES_TOGETHER);
  if (drawn.length < 2) return null;
  const label = scoreLabel(drawn[0]);
  return chart({
    title: "Curves of these runs", about: drawn.length < trials.length ? `Of ${drawn.length} of ${trials.length} runs.` : "",
    x: { label: "epoch", log: false, ticks: [] }, y: { label }, levels: [],
    series: drawn.map((trial) => {
      const { epochs, values } = curveOf(trial);
      const points = epochs.map((epoch, index) => [epoch, values[index], null, null, `epoch ${epoch}: ${percent(values[index])}`]);
      return { name: nameOf(trial), points, dots: [], line: true, marked: false };
    }),
  });
}

const nameOf = (trial) => (textOf("phase", trial) === "search" ? `search ${TRIALS.key[trial].slice(0, 8)}` : `seed ${TRIALS.seed[trial]}`);

function scoreLabel(trial) {
  const short = CELL_BY_ID.get(textOf("cell", trial))?.short ?? "accuracy";
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
  const short = CELL_BY_ID.get(textOf("cell", trial))?.short ?? "accuracy";
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
