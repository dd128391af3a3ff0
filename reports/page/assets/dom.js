// Elements are made of tags, attributes and text, never of markup: no name in the data can become one.

const SVG = "http://www.w3.org/2000/svg";

/** Set attributes (functions listen, false and null leave out) and append children (text, elements, lists; null: none). */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const hiddenText = (text) => make("span", { class: "hidden-text" }, text);
const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A labelled control. */
const labelled = (text, control) => make("label", {}, text, control);

function chooser(text, options, onChange) {
  const select = make("select", { name: text, change: () => onChange(select.value) });
  select.append(...options.map(([value, shown]) => make("option", { value }, shown)));
  return labelled(text, select);
}

const searcher = (text, onInput) => {
  const input = make("input", { type: "search", name: text, spellcheck: "false", autocomplete: "off", input: () => onInput(words(input.value)) });
  return labelled(text, input);
};

const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const hasAll = (text, wanted) => wanted.every((word) => text.includes(word));
