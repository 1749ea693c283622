// The day at a glance: what waits, what was done, and how long the rest will take.

import { call, watch } from "./api.js";
import { bar } from "./counts.js";
import { element, link, moment, plural, share, Table, whole } from "./dom.js";

export function open(root, parameters, desk) {
  const figures = element("div", { class: "stack" });
  const audits = element("div", { class: "stack" });
  const checks = element("div", { class: "stack" });
  root.append(element("h2", {}, "Today"), figures, audits, checks);
  call("GET", "api/audits").then((found) => audits.append(element("h3", {}, "Audits"), element("p", {}, auditText(found))), () => {});
  call("GET", "api/checks").then((found) => checks.append(...drawnChecks(found)), () => {});
  return watch("api/today", (day) => figures.replaceChildren(...drawn(day)), (problem) => {
    if (problem.status === 401) return desk.askToSignIn("Your sign-in has ended.");
    figures.replaceChildren(element("p", { role: "alert" }, `${problem.message} It tries again every few seconds.`));
  });
}

function drawn(day) {
  return [
    element("p", { class: "lead" }, effortText(day)),
    tiles([
      ["To look at", whole(day.waiting.look), "order lines"],
      ["To act on", whole(day.waiting.act), "order lines that somebody has looked at, or that no photo can settle"],
      ["Photos to count", whole(day.photos.pending + day.photos.in_flight), `${whole(day.photos.in_flight)} being counted now`],
      ["Looks done", whole(day.looks.done), `${whole(day.looks.undone)} undone`],
      ["Seconds a look", day.looks.seconds_median === null ? "–" : whole(day.looks.seconds_median), "median"],
      ["Different from the order", whole(day.looks.differ_from_order), "of the looks that stand"],
      ["Can't tell", whole(day.looks.cannot_tell), "of the looks that stand"],
      ["People agree", day.agreement.pairs ? share(day.agreement.agree / day.agreement.pairs) : "–", `in ${plural(day.agreement.pairs, "photo")} that two people counted`],
    ]),
    progress(day),
    element("p", {}, liftText(day.looks)),
    people(day.looks.by_person),
  ];
}

function effortText({ effort, waiting }) {
  if (!effort.looks) return waiting.act ? `Nothing waits for a look. ${plural(waiting.act, "line waits", "lines wait")} for a supervisor.` : "Everything is settled.";
  const looks = `${plural(effort.looks, "look")} to go`;
  return effort.minutes === null ? `${looks}.` : `${looks}: about ${plural(Math.max(1, Math.round(effort.minutes)), "minute")} at today's speed.`;
}

function tiles(figures) {
  return element("dl", { class: "tiles" }, figures.map(([name, value, what]) =>
    element("div", {}, element("dt", {}, name), element("dd", { class: "big" }, value), element("dd", { class: "quiet" }, what))));
}

function progress({ looks, waiting }) {
  const standing = looks.done - looks.undone;
  const all = standing + waiting.look;
  if (!all) return "";
  return element("p", { class: "progress" }, bar(standing / all), `${share(standing / all)} of today's looks are done.`);
}

function liftText({ early_looks: looks, early_differences: found, differ_from_order: all }) {
  return all ? `The first ${plural(looks, "look")}, half of them all, found ${whole(found)} of ${plural(all, "difference")}.` : "";
}

/** What lines drawn at random say about those that nobody looks at. */
function auditText(found) {
  if (!found.audits) return `No audit of the last ${found.days} days is settled. Lines are drawn at random, and wait in the review like any other.`;
  const site = `${whole(found.wrong)} of ${plural(found.audits, "audited line")} of the last ${found.days} days ${found.wrong === 1 ? "was" : "were"} wrong: ${share(found.wrong_low)} to ${share(found.wrong_high)} of all lines.`;
  return found.matches ? `${site} Of lines settled without a person, at most ${share(found.leak_bound)} are wrong (95%, from ${plural(found.matches, "audit")}).` : site;
}

/** How people count photos that were counted already, and for supervisors where they differ. */
function drawnChecks(found) {
  const said = Object.entries({ known: "what two people agree on", other: "what one other person said", own: "what they said themselves" })
    .map(([basis, whose]) => [whose, found.by_basis[basis]])
    .filter(([, { answered }]) => answered)
    .map(([whose, { answered, same }]) => `${whole(same)} of ${whole(answered)} like ${whose}`);
  const text = said.length
    ? `Photos that were counted already, shown once more in the last ${found.days} days: ${said.join("; ")}.`
    : `No photo that was counted already was shown once more in the last ${found.days} days.`;
  return [element("h3", {}, "Checks"), element("p", {}, text), checkedPeople(found.by_person), differing(found.differing)].filter(Boolean);
}

function checkedPeople(found) {
  if (!found.length) return "";
  const table = new Table("Checks by person", ["Person", "Checks", "As before", "Can't tell"], ["Checks", "As before", "Can't tell"]);
  table.add(found.map((each) => [each.who, whole(each.answered + each.cannot_tell), whole(each.same), whole(each.cannot_tell)]));
  return table.root;
}

function differing(found) {
  if (!found.length) return "";
  const table = new Table("Counted differently the second time: the first count stays until somebody looks again", ["Bin", "Before", "Now", "Who", "When"], ["Before", "Now"]);
  table.add(found.map((each) => [link("bins", { id: each.bin_id }, each.bin_id), whole(each.known), whole(each.count), each.who, moment(each.at)]));
  return table.root;
}

function people(found) {
  if (!found.length) return "";
  const table = new Table("Who looked", ["Person", "Looks", "Seconds a look"], ["Looks", "Seconds a look"]);
  table.add(found.map((each) => [each.who, whole(each.done), each.seconds_median === null ? "–" : whole(each.seconds_median)]));
  return table.root;
}
