// A bin and its history. The field at the top takes what somebody types or a barcode scanner sends, one after the other.

import { call } from "./api.js";
import { askMenu } from "./asking.js";
import { decidedText, modelText } from "./counts.js";
import { dueText, element, emptyState, link, moment, share, Table, verdictMark, whole } from "./dom.js";
import { thumbnail } from "./photos.js";

const KINDS = { photo: "Photo", result: "Counted by the model", decision: "Person", undo: "Undone", order: "Order", verdict: "Verdict" };
const HIDDEN = "Hidden until somebody has counted this photo, so that you can count it unbiased.";

export async function open(root, parameters, desk) {
  const id = parameters.get("id") ?? "";
  const field = searchField(id);
  const found = element("div", { class: "stack", "aria-live": "polite" });
  root.append(element("h2", {}, "Bins"), field, found);
  const input = field.querySelector("input");
  input.select();
  const type = (event) => typeInto(input, event);
  document.addEventListener("keydown", type);
  if (id) found.append(...(await shown(id, desk)));
  else found.append(emptyState("Which bin?", "Scan its label, or type its number and press Enter."));
  return () => document.removeEventListener("keydown", type);
}

function searchField(id) {
  const input = element("input", { id: "bin-id", name: "id", value: id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true, enterkeyhint: "search" });
  const submit = (event) => {
    event.preventDefault();
    const hash = `#bins?${new URLSearchParams({ id: input.value })}`;
    if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange")); // the same bin again, as it is now
    else location.hash = hash;
  };
  return element("form", { class: "toolbar", role: "search", onsubmit: submit },
    element("label", { for: "bin-id" }, "Bin", input), element("button", { type: "submit", class: "primary" }, "Show"));
}

/** What a scanner sends reaches the field wherever the focus is, and replaces what is in it. */
function typeInto(input, event) {
  const isText = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isText || event.target.closest("input, select, textarea")) return;
  document.querySelector("dialog.large")?.close(); // an enlarged photo
  input.select();
}

/** The bin, or in words why it can't be shown. The field stays in any case. */
async function shown(id, desk) {
  try {
    return drawn(await call("GET", `api/bin?${new URLSearchParams({ id })}`), desk);
  } catch (problem) {
    if (problem.status === 401) throw problem;
    if (problem.status === 404) return [emptyState("No such bin", ["No photo and no order names it. Scan again, or check the number: ", element("bdi", {}, id)])];
    if (problem.status === 422) return [emptyState("Not the number of a bin", "A number has 1 to 1,024 bytes and no control characters. Scan again.")];
    return [emptyState("This bin can't be shown", `${problem.message} Scan again.`)];
  }
}

function drawn(bin, desk) {
  const isBlind = !bin.shown && bin.photo && desk.config.blind;
  return [
    element("div", { class: "bin" }, photo(bin),
      element("div", { class: "stack" }, element("h3", { class: "big" }, bin.bin_id), facts(bin, isBlind), askMenu(bin, desk))),
    expected(bin), element("h3", {}, "History"), isBlind && element("p", { class: "quiet" }, "Without counts, orders and verdicts until somebody has counted this photo."),
    timeline(bin),
  ].filter(Boolean);
}

function photo(bin) {
  if (!bin.photo) return element("p", { class: "quiet" }, "No photo has arrived.");
  return thumbnail(bin.image_id, bin.bin_id, bin.photo.url);
}

function facts(bin, isBlind) {
  const rows = [];
  if (bin.captured_at) rows.push(["Photo of", moment(bin.captured_at)]);
  if (bin.decided) rows.push(["Counted by people", ...decidedText(bin.decided)]);
  if (bin.shown) rows.push(["Counted by the model", modelText(bin.shown.model)]);
  else if (isBlind) rows.push(["Numbers", HIDDEN]);
  return element("dl", {}, rows.map(([name, ...value]) => element("div", {}, element("dt", {}, name), element("dd", {}, ...value))));
}

function expected(bin) {
  if (!bin.shown?.expected.length) return null;
  const table = new Table("What orders expect", ["Consignment", "Expected", "Verdict", "Risk", "Due", "Why"], ["Expected"]);
  table.add(bin.shown.expected.map((line) => [
    link("consignment", { id: line.consignment_id }, line.consignment_id), whole(line.expected), verdictMark(line.verdict),
    line.risk === null ? "–" : share(line.risk), dueText(line), line.reason,
  ]));
  return table.root;
}

/** What happened, the latest first. */
function timeline(bin) {
  return element("ol", { class: "timeline" }, bin.moments.toReversed().map((each) =>
    element("li", { "data-kind": each.kind },
      element("span", { class: "quiet" }, element("strong", {}, KINDS[each.kind] ?? each.kind), ", ", moment(each.at)),
      element("p", {}, each.words), each.kind === "photo" && thumbnail(each.subject, bin.bin_id))));
}
