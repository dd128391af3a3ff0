// The panel: what is behind a number, the runs of it, or two rows side by side.

function open(name, title, ...parts) {
  document.getElementById("panel-title").textContent = title;
  inside.replaceChildren(...parts);
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  panel.querySelector("button").focus();
  opened = name;
  write();
}

/** Runs under a title, some at first. */
function runs(title, trials) {
  if (!trials.length) return [];
  const part = filled("runs", { title: title && `${title}: ${plural(trials.length, "run")}` });
  const [cards, more] = [part.querySelector("div"), part.querySelector("button")];
  part.more = () => {
    const before = cards.children.length;
    cards.append(...trials.slice(before, before + RUNS).map(run));
    const left = trials.length - cards.children.length;
    more.hidden = !left;
    more.textContent = `Show ${Math.min(left, RUNS)} more of ${plural(left, "run")}`;
    return cards.children[before];
  };
  part.more();
  return [part];
}

/** The places that a text such as `0-4 7` names. */
const places = (text) => text.split(" ").flatMap((run) => {
  const [first, last = first] = run.split("-").map(Number);
  return Array.from({ length: last - first + 1 }, (_, step) => first + step);
});

/** Open what is behind a number: what is known of it, the trials in it, and those that are not. */
function openCell(section, row, column) {
  const { heads, lines } = tables.get(section);
  const line = lines.find((one) => one.dataset.row === row);
  const button = line?.cells[column]?.querySelector("button.cell");
  if (!button) return;
  const { trials, inside = 0, setting, lacking, remarks } = button.dataset;
  const [counted, others] = [places(trials).slice(0, inside), places(trials).slice(inside)];
  const [title, ...texts] = [...line.cells].map(textOf);
  const facts = column ? [["number", texts[column - 1]], ["setting", setting], ["not in the mean", lacking], ["compared", remarks]]
    : texts.map((text, place) => [textOf(heads[place + 1]), text]);
  const list = filled("facts", {});
  list.append(...facts.filter(([, value]) => value).map(([name, value]) => filled("fact", { name, value })));
  open(`${section.id}.${row}.${column}`, column ? `${title}, ${textOf(heads[column])}` : title, list,
    ...runs(others.length && counted.length ? "In the number" : "", counted), ...runs(counted.length ? "Not in the number" : "", others));
}

const openTrial = (trial) => open(`trials.${trial}`, `${of("row", trial)}, ${of("pair", trial)}`, ...runs("", [trial]));

/** Two numbers of a pair image by image; empty where nothing is known of it. */
function images(one, other) {
  const [a, b] = [one, other].map((cell) => DATA.paired?.at[places(cell.querySelector("button.cell")?.dataset.trials ?? "-1")[0]] ?? -1);
  const found = DATA.paired?.found[`${Math.min(a, b)}-${Math.max(a, b)}`];
  if (!found) return "";
  const [ours, theirs] = a < b ? found : [found[1], found[0]];
  return `${ours} against ${theirs}, p ${found[2]}`;
}

/** Open two rows side by side, by the columns that are shown. */
function openRows(section) {
  const { heads, lines } = tables.get(section);
  const [one, other] = ["one", "other"].map((name) => lines.find((line) => line.dataset.row === section.querySelector("form")[name].value));
  if (!one || !other) return;
  const part = filled("comparison", { one: textOf(one.cells[0]), other: textOf(other.cells[0]) });
  for (const [column, head] of heads.entries()) {
    const [ours, theirs] = [one.cells[column], other.cells[column]];
    const texts = { head: textOf(head), one: textOf(ours), other: textOf(theirs), difference: difference(ours, theirs), images: images(ours, theirs) };
    if (column && !head.hidden) part.tBodies[0].append(filled("compared", texts));
  }
  open(`${section.id}.rows`, "Two rows", part);
}

/** A trial as texts, by the slots that they are for. */
function told(trial) {
  const texts = Object.fromEntries(Object.keys(TRIALS).map((column) => [column, of(column, trial)]));
  const name = texts.phase === "search" ? `search ${texts.key.slice(0, 8)}` : `seed ${texts.seed}`;
  const score = texts.score === null ? "no score" : `${texts.measured} ${percent(texts.score)} %`;
  return { ...texts, score: percent(texts.score), title: `${name} · ${score} · ${texts.state}` };
}

/** Epochs and values of a trial's curve; null where there is none in this page. */
function curveOf(trial) {
  const { epochs: { at, values }, values: steps, scale } = DATA.curves;
  const epochs = values[at[trial]] ?? null;
  let sum = 0;
  return epochs && { epochs, values: steps[trial].map((step) => (sum += step) / scale) };
}

function run(trial) {
  const texts = told(trial);
  const curve = curveOf(trial);
  const repeatable = texts.run && (curve || of("score", trial) !== null);
  const again = repeatable ? "With --home DIR where the home is not ./kdsweep_home."
    : "It has no numbers to train it again for; the next run of the sweep goes on with it.";
  const repeat = repeatable ? `python run_sweep.py repeat ${texts.key}` : "";
  const card = filled("run", { ...texts, run: texts.run ?? "none yet", again, repeat });
  const link = card.querySelector("a");
  if (link && texts.run) link.href = `${DATA.mlflow}/#/experiments/${texts.experiment}/runs/${texts.run}`;
  else link?.remove();
  if (!of("changed", trial)) card.querySelector(".changed")?.remove();
  if (curve) draw(card.querySelector("svg"), curve, texts.measured);
  else card.querySelector("svg").remove();
  return card;
}

function draw(svg, { epochs, values }, measured) {
  const { width, height } = svg.viewBox.baseVal;
  const [low, high, start, end] = [Math.min(...values), Math.max(...values), epochs[0], epochs.at(-1)];
  const x = (epoch) => (3 + ((epoch - start) / (end - start || 1)) * (width - 6)).toFixed(1);
  const y = (value) => (height - 4 - ((value - low) / (high - low || 1)) * (height - 8)).toFixed(1);
  svg.querySelector("title").textContent = `${measured} (%): ${percent(values[0])} in epoch ${start}, ${percent(values.at(-1))} ` +
    `in epoch ${end}, the highest shown ${percent(high)} in epoch ${epochs[values.indexOf(high)]}`;
  svg.querySelector("path").setAttribute("d", `M${epochs.map((epoch, place) => `${x(epoch)} ${y(values[place])}`).join("L")}`);
  svg.querySelector("circle").setAttribute("cx", x(end));
  svg.querySelector("circle").setAttribute("cy", y(values.at(-1)));
}
