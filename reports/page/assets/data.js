// What the report knows. A column of texts is kept as its different values and, for each trial, the place of its own.

const DATA = JSON.parse(document.getElementById("data").textContent);
const TRIALS = DATA.trials;

/** The text of a trial in a column; empty for none. */
function textOf(column, trial) {
  const place = TRIALS[column].at[trial];
  return place < 0 ? "" : TRIALS[column].values[place];
}

/** The pair of a trial as it stands over its column; of a teacher, data set and network. */
const pairOf = (trial) => DATA.cells[textOf("cell", trial)]?.pair ?? textOf("cell", trial);

/** Epochs and values of a trial's curve; null where there is none in this page. */
function curveOf(trial) {
  const place = DATA.curves.epochs.at[trial];
  if (place < 0) return null;
  let sum = 0;
  const values = DATA.curves.values[trial].map((step) => (sum += step) / DATA.curves.scale);
  return { epochs: DATA.curves.epochs.values[place], values };
}

const stateOf = (trial) => DATA.states[textOf("state", trial)] ?? textOf("state", trial).toLowerCase();

const percent = (value) => (value === null ? "–" : value.toFixed(Math.max(DATA.digits, 2)));

function durationText(seconds) {
  if (seconds === null) return "";
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Phase and rank, such as `confirm 1`. */
function phaseOf(trial) {
  const rank = TRIALS.rank[trial];
  return textOf("phase", trial) + (rank === null ? "" : ` ${rank}`);
}
