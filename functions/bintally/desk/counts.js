// Counts, intervals and probabilities as words and bars.

import { element, moment, share, whole } from "./dom.js";

/** The count of a line, such as "3", "6 or more", or a dash. */
export function countedText(line) {
  if (line.counted !== null) return whole(line.counted);
  return line.counted_at_least === null ? "–" : `${whole(line.counted_at_least)} or more`;
}

/** What the model said, such as "3, 61% sure; 2 to 4 (90%)". */
export function modelText(model) {
  if (model.count === null && model.at_least === null) return model.reason || model.status.toLowerCase();
  const count = model.count === null ? `${whole(model.at_least)} or more` : whole(model.count);
  const sure = model.confidence === null ? "" : `, ${share(model.confidence)} sure`;
  return `${count}${sure}${model.interval ? `; ${intervalText(model.interval)}` : ""}`;
}

function intervalText({ low, high, coverage }) {
  const numbers = high === null ? `${whole(low)} or more` : low === high ? whole(low) : `${whole(low)} to ${whole(high)}`;
  return `${numbers} (${share(coverage)})`;
}

/** What a person said about the photo: nodes. */
export function decidedText(decided) {
  return [decided.cannot_tell ? "can't tell" : whole(decided.count), " by ", decided.who, ", ", moment(decided.decided_at)];
}

/** A bar as long as a share from 0 to 1. */
export function bar(value) {
  const filled = element("span", {});
  filled.style.width = `${Math.round(100 * value)}%`; // by script: the Content-Security-Policy allows no style attribute
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}

/** The probability that a line is wrong, as a bar and a number. */
export function riskBar(risk) {
  return risk === null ? "–" : [bar(risk), share(risk)];
}

/** The probabilities of fewer, as expected, and more, as bars with words. */
export function oddsBars(line) {
  if (line.probability_fewer === null) return "–";
  const rows = { fewer: line.probability_fewer, "as expected": 1 - line.probability_fewer - line.probability_more, more: line.probability_more };
  return element("ul", { class: "odds" }, Object.entries(rows).map(([name, value]) =>
    element("li", {}, bar(Math.max(0, value)), `${share(Math.max(0, value))} ${name}`)));
}
