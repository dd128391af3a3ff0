// Figures: drawn to the width that there is; pointed at with a mouse, a finger, or the arrow keys.

const MARKERS = [
  (r) => draw("circle", { r }),
  (r) => draw("path", { d: `M${-r} ${-r}H${r}V${r}H${-r}Z` }),
  (r) => draw("path", { d: `M0 ${-1.3 * r}L${1.2 * r} ${r}H${-1.2 * r}Z` }),
  (r) => draw("path", { d: `M0 ${-1.4 * r}L${1.4 * r} 0L0 ${1.4 * r}L${-1.4 * r} 0Z` }),
  (r) => draw("path", { d: `M0 ${1.3 * r}L${1.2 * r} ${-r}H${-1.2 * r}Z` }),
];
const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const COLOURS = 6;
const SHOWN_AT_FIRST = 8;
const BANDS = 4; // at once; with more lines they would only hide one another
const REACH = 40; // pixels from the pointer to what it points at
const MARGIN = { left: 56, right: 14, top: 12, bottom: 44 };

/** Colour, dash and marker of the series at a place: no two of the first 24 lines look the same. */
const look = (index, aside) => ({
  colour: aside ? "aside" : `s${index % COLOURS}`,
  dash: DASHES[aside ? 1 : (index + Math.floor(index / COLOURS)) % DASHES.length] || null,
  marker: MARKERS[index % MARKERS.length],
});

/** Round numbers that cover a range; `count` is about how many. */
function roundNumbers(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) found.push(Number((at * step).toPrecision(12)));
  return found;
}

function scale(low, high, from, to, log) {
  const bend = log ? Math.log : (value) => value;
  const span = bend(high) - bend(low) || 1;
  return (value) => from + ((bend(value) - bend(low)) / span) * (to - from);
}

/** A figure with its caption, its legend and its numbers as a table. */
function chart(spec) {
  const shown = spec.series.map((series, index) => index < SHOWN_AT_FIRST || Boolean(series.aside));
  const tip = make("div", { class: "tip", hidden: true });
  const said = make("div", { class: "hidden-text", "aria-live": "polite" });
  const holder = make("div", {});
  const keys = "Arrow keys go from point to point, up and down from line to line.";
  let plot = null;
  let width = 0;
  let place = null;

  function redraw() {
    if (!width) return;
    plot = plotted(spec, shown, width);
    place = null;
    tip.hidden = true;
    const { svg } = plot;
    const had = holder.contains(document.activeElement);
    fill(svg, {
      tabindex: "0", role: "application", "aria-roledescription": "figure", "aria-label": `${spec.title}. ${keys}`,
      pointermove: (event) => point(nearest(event)), pointerdown: (event) => point(nearest(event)), pointerleave: () => point(null),
      keydown: onKey, blur: () => point(null),
    }, []);
    holder.replaceChildren(svg);
    if (had) svg.focus();
  }

  function nearest(event) {
    const box = plot.svg.getBoundingClientRect();
    const ratio = width / box.width;
    const [x, y] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    const far = (target) => Math.hypot(target.x - x, target.y - y);
    const best = plot.targets.reduce((a, b) => (a === null || far(b) < far(a) ? b : a), null);
    return best && far(best) <= REACH ? best : null;
  }

  function point(target) {
    place = target;
    plot.ring.setAttribute("visibility", target ? "visible" : "hidden");
    tip.hidden = !target;
    if (!target) return;
    plot.ring.setAttribute("cx", target.x);
    plot.ring.setAttribute("cy", target.y);
    tip.textContent = target.text;
    const ratio = plot.svg.getBoundingClientRect().width / width;
    const left = Math.min(target.x * ratio + 10, holder.clientWidth - tip.offsetWidth);
    tip.style.left = `${Math.max(0, left)}px`;
    const above = target.y * ratio - tip.offsetHeight - 10;
    tip.style.top = `${holder.offsetTop + (above > 0 ? above : target.y * ratio + 14)}px`;
  }

  function onKey(event) {
    const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (event.key === "Escape" && place) { event.stopPropagation(); event.preventDefault(); point(null); }
    if (!(event.key in steps) || !plot.targets.length) return;
    event.preventDefault();
    point(place ? neighbour(plot.targets, place, ...steps[event.key]) : plot.targets[0]);
    said.textContent = place.text;
  }

  const legend = make("ul", { class: "legend" }, spec.series.map((series, index) => {
    const button = make("button", { type: "button", "aria-pressed": String(shown[index]), click: () => {
      shown[index] = !shown[index];
      button.setAttribute("aria-pressed", String(shown[index]));
      redraw();
    } }, swatch(series, index), series.name);
    return make("li", {}, button);
  }));
  const many = spec.series.filter((series) => series.line && !series.aside).length;
  const others = (many > BANDS ? ` Bands are drawn while ${BANDS} lines or fewer are shown.` : "") +
    (spec.series.length > SHOWN_AT_FIRST ? ` The first ${SHOWN_AT_FIRST} are shown; choose others in the legend.` : "");
  const figure = make("figure", {},
    make("figcaption", {}, make("strong", {}, spec.title), make("span", { class: "muted" }, spec.about, others)),
    holder, legend, said, tip, numbers(spec));
  new ResizeObserver(([entry]) => {
    const fits = Math.max(260, Math.min(720, Math.round(entry.contentRect.width)));
    if (entry.contentRect.width && fits !== width) { width = fits; redraw(); }
  }).observe(holder);
  return figure;
}

/** The point before or after in its line (across), or the nearest in place of the next line (down). */
function neighbour(targets, from, across, down) {
  if (across) {
    const own = targets.filter((target) => target.line === from.line);
    return own[Math.min(own.length - 1, Math.max(0, own.indexOf(from) + across))];
  }
  const lines = [...new Set(targets.map((target) => target.line))];
  const line = lines[(lines.indexOf(from.line) + down + lines.length) % lines.length];
  const there = targets.filter((target) => target.line === line);
  return there.reduce((a, b) => (Math.abs(b.x - from.x) < Math.abs(a.x - from.x) ? b : a));
}

function swatch(series, index) {
  const { colour, dash, marker } = look(index, series.aside);
  return draw("svg", { width: 28, height: 12, viewBox: "-14 -6 28 12", class: colour, "aria-hidden": "true" },
    series.line ? draw("path", { class: "joined", d: "M-14 0H14", "stroke-dasharray": dash }) : null,
    series.marked ? fill(marker(4), { class: "mark" }, []) : null);
}

/** Draw what is shown at a width; return the picture, what can be pointed at, and the ring around it. */
function plotted(spec, shown, width) {
  const height = Math.round(Math.max(220, Math.min(340, width * 0.62)));
  const visible = spec.series.map((series, index) => ({ series, index })).filter(({ index }) => shown[index]);
  const every = visible.flatMap(({ series }) => [...series.points, ...series.dots]);
  const xs = every.map(([x]) => x);
  const ys = every.flatMap(([, y, low, high]) => [y, low ?? y, high ?? y]).concat(spec.levels.map(([, y]) => y));
  const [left, right] = widened(xs, spec.x.log, visible.every(({ series }) => series.line) ? 0.03 : 0.08);
  const [bottom, top] = widened(ys, false, 0.06);
  const x = scale(left, right, MARGIN.left, width - MARGIN.right, spec.x.log);
  const y = scale(bottom, top, height - MARGIN.bottom, MARGIN.top, false);
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, draw("title", {}, spec.title), draw("desc", {}, spec.about));
  svg.append(axes(spec, { x, y, width, height, left, right, bottom, top }));
  svg.append(...levels(spec, y, width));
  const targets = [];
  for (const { series, index } of visible) svg.append(oneSeries(series, index, x, y, targets, visible.length <= BANDS));
  if (!every.length) svg.append(draw("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing is shown"));
  const ring = draw("circle", { class: "ring", r: 7, visibility: "hidden" });
  svg.append(ring);
  return { svg, targets, ring };
}

function widened(values, log, by) {
  if (!values.length) return [0, 1];
  let [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  if (log) { const factor = (high / low) ** by || 1; return low === high ? [low / 2, high * 2] : [low / factor, high * factor]; }
  if (low === high) [low, high] = [low - 1, high + 1];
  const room = (high - low) * by;
  return [low - room, high + room];
}

function axes(spec, { x, y, width, height, left, right, bottom, top }) {
  const group = draw("g", {});
  const base = height - MARGIN.bottom;
  for (const tick of roundNumbers(bottom, top, (height - MARGIN.top - MARGIN.bottom) / 40)) {
    group.append(draw("path", { class: "grid", d: `M${MARGIN.left} ${y(tick)}H${width - MARGIN.right}` }),
      draw("text", { x: MARGIN.left - 7, y: y(tick), "text-anchor": "end", "dominant-baseline": "central" }, numberText(tick)));
  }
  let end = -Infinity; // of the last label: those that would run into it are left out
  for (const tick of ticksOf(spec, left, right, width)) {
    group.append(draw("path", { class: "axis", d: `M${x(tick)} ${base}v5` }));
    const text = numberText(tick);
    if (x(tick) - text.length * 3.5 < end + 4) continue;
    group.append(draw("text", { x: x(tick), y: base + 18, "text-anchor": "middle" }, text));
    end = x(tick) + text.length * 3.5;
  }
  group.append(draw("path", { class: "axis", d: `M${MARGIN.left} ${MARGIN.top}V${base}H${width - MARGIN.right}` }),
    draw("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: height - 6, "text-anchor": "middle" }, spec.x.label + (spec.x.log ? " (log scale)" : "")),
    draw("text", { transform: `translate(13 ${(MARGIN.top + base) / 2}) rotate(-90)`, "text-anchor": "middle" }, spec.y.label));
  return group;
}

function ticksOf(spec, left, right, width) {
  if (spec.x.ticks.length) return spec.x.ticks;
  if (!spec.x.log) return roundNumbers(left, right, width / 80);
  const found = [];
  for (let power = Math.floor(Math.log10(left)); 10 ** power <= right; power++) found.push(...[1, 2, 5].map((factor) => factor * 10 ** power));
  return found.filter((tick) => tick >= left && tick <= right);
}

const numberText = (value) => (Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(6))));

/** Named horizontal lines, with their names at the right, kept apart. */
function levels(spec, y, width) {
  let above = Infinity;
  return [...spec.levels].sort((a, b) => a[1] - b[1]).flatMap(([name, value], index) => {
    above = Math.min(y(value) - 4, above - 13);
    return [
      draw("path", { class: "level", d: `M${MARGIN.left} ${y(value)}H${width - MARGIN.right}`, "stroke-dasharray": DASHES[1 + (index % 3)] }),
      draw("text", { class: "halo", x: width - MARGIN.right - 2, y: above, "text-anchor": "end" }, `${name} ${value.toFixed(1)}`),
    ];
  });
}

function oneSeries(series, index, x, y, targets, withBand) {
  const { colour, dash, marker } = look(index, series.aside);
  const group = draw("g", { class: colour });
  const banded = series.points.filter(([, , low]) => low !== null);
  if (series.line) {
    const path = (points, at) => points.map((point) => `${x(point[0]).toFixed(1)} ${y(point[at]).toFixed(1)}`).join("L");
    if (withBand && banded.length > 1) group.append(draw("path", { class: "band", d: `M${path(banded, 3)}L${path([...banded].reverse(), 2)}Z` }));
    if (series.points.length > 1) group.append(draw("path", { class: "joined", d: `M${path(series.points, 1)}`, "stroke-dasharray": dash }));
  } else {
    for (const [at, , low, high] of banded) group.append(draw("path", { class: "bar", d: `M${x(at)} ${y(low)}V${y(high)}` }));
  }
  const target = (point, line) => targets.push({ x: x(point[0]), y: y(point[1]), text: `${series.name} – ${point[4]}`, line });
  for (const dot of series.dots) {
    group.append(draw("circle", { class: "dot", r: 2.5, cx: x(dot[0]), cy: y(dot[1]) }));
    target(dot, `${index} dots`);
  }
  for (const point of series.points) {
    if (series.marked) group.append(fill(marker(4.5), { class: "mark", transform: `translate(${x(point[0])} ${y(point[1])})` }, []));
    if (!series.aside) target(point, index);
  }
  return group;
}

/** The numbers of a figure, for those who cannot see it; made when they are asked for. */
function numbers(spec) {
  const details = make("details", { toggle: () => {
    if (!details.open || details.children.length > 1) return;
    const line = (series, point) => make("tr", {}, make("th", { scope: "row" }, series.name),
      ...[point[0], point[1], point[2], point[3]].map((value) => make("td", { class: "number" }, value === null ? "" : String(Number(value.toPrecision(6))))));
    const heads = ["", spec.x.label, spec.y.label, "from", "to"].map((text) => make("th", { scope: "col" }, text));
    const rows = spec.series.flatMap((series) => [...series.points, ...series.dots].map((point) => line(series, point)));
    details.append(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Numbers of: ${spec.title}` },
      make("table", {}, make("caption", {}, make("span", {}, spec.title)), make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows))));
  } }, make("summary", {}, "The numbers of this figure"));
  return details;
}

/** A small curve of one trial. */
function sparkline(curve, name) {
  const [width, height] = [200, 56];
  const x = scale(curve.epochs[0], curve.epochs.at(-1), 3, width - 3, false);
  const [low, high] = [Math.min(...curve.values), Math.max(...curve.values)];
  const y = scale(low, high, height - 4, 4, false);
  const best = curve.values.indexOf(high);
  const text = `${name}: ${percent(curve.values[0])} in epoch ${curve.epochs[0]}, ${percent(curve.values.at(-1))} in epoch ` +
    `${curve.epochs.at(-1)}, the highest shown ${percent(high)} in epoch ${curve.epochs[best]}`;
  const path = curve.epochs.map((epoch, index) => `${x(epoch).toFixed(1)} ${y(curve.values[index]).toFixed(1)}`).join("L");
  return draw("svg", { class: "spark s0", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": text },
    draw("title", {}, text), draw("path", { class: "joined", d: `M${path}` }),
    draw("circle", { class: "mark", r: 3, cx: x(curve.epochs.at(-1)), cy: y(curve.values.at(-1)) }));
}
