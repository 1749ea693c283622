// A consignment: its verdict and its lines, the worst first. Supervisors accept differences here, or ask for another count.

import { call } from "./api.js";
import { askMenu } from "./asking.js";
import { countedText, decidedText, oddsBars } from "./counts.js";
import { dueText, element, emptyState, link, moment, plural, Table, verdictMark, whole } from "./dom.js";
import { thumbnail } from "./photos.js";

const COLUMNS = ["Photo", "Bin", "Verdict", "Expected", "Counted", "Odds", "Due", "Why", "What to do"];
const REASONS = { recounted: "Counted again by hand", damaged: "Damaged items", moved: "Items are elsewhere", substitute: "Substitute agreed", other: "Another reason" };

export async function open(root, parameters, desk) {
  const id = parameters.get("id") ?? "";
  let found;
  try {
    found = await call("GET", `api/consignment?${new URLSearchParams({ id })}`);
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return root.append(emptyState("No such consignment", ["No order file names ", element("bdi", {}, id)], link("consignments", {}, "Consignments that wait")));
  }
  const tally = Object.entries(found.tally).map(([verdict, number]) => `${whole(number)} ${verdict}`).join(", ");
  root.append(
    element("h2", {}, `Consignment ${found.consignment_id}`),
    element("p", {}, verdictMark(found.verdict), element("span", { class: "quiet" }, ` ${plural(found.lines.length, "line")}: ${tally}`)));
  const table = new Table("The worst first.", COLUMNS, ["Expected"]);
  table.add(found.lines.map((line) => cells(line, desk)));
  root.append(table.root);
}

function cells(line, desk) {
  return [
    line.image_id ? thumbnail(line.image_id, line.bin_id, line.photo?.url) : element("span", { class: "quiet" }, "none yet"),
    link("bins", { id: line.bin_id }, line.bin_id), verdictMark(line.verdict), whole(line.expected), counted(line),
    oddsBars(line), dueText(line), line.reason, toDo(line, desk),
  ];
}

/** The count, and who counted. */
function counted(line) {
  if (line.decided) return element("p", {}, ...decidedText(line.decided));
  const number = countedText(line);
  return number === "–" ? number : [number, element("span", { class: "quiet" }, " by the model")];
}

function toDo(line, desk) {
  if (line.accepted) return acceptedText(line.accepted);
  const choices = line.waits_for ? [acceptance(line, desk), askMenu(line, desk)].filter(Boolean) : [];
  return choices.length ? choices : "";
}

/** The way for a supervisor to accept the difference, where somebody has looked and there is one. */
function acceptance(line, desk) {
  if (!desk.me.roles.includes("supervisor") || line.waits_for !== "act" || line.verdict === "MISSING") return "";
  const reason = element("select", { "aria-label": `Reason to accept ${line.bin_id}`, required: true },
    element("option", { value: "" }, "Reason…"), Object.entries(REASONS).map(([code, text]) => element("option", { value: code }, text)));
  const form = element("form", { class: "accept" }, reason, element("button", { type: "submit" }, "Accept"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const body = { consignment_id: line.consignment_id, bin_id: line.bin_id, reason_code: reason.value };
      const { accepted } = await call("POST", "api/accept", body);
      form.parentElement.replaceChildren(element("span", { role: "status" }, ...(accepted ? acceptedText(accepted) : ["Accepted."])));
      desk.notice("");
    } catch (problem) {
      desk.notice(`\u2068${line.bin_id}\u2069 was not accepted: ${problem.message}`);
    }
  });
  return form;
}

function acceptedText({ by, at, reason_code: code }) {
  return ["Accepted: ", REASONS[code] ?? code, ", ", by, ", ", moment(at)];
}
