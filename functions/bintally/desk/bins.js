// A bin and its history. The field at the top takes what somebody types or a barcode scanner sends, one after the other.

import { call } from "./api.js";
import { decidedText, modelText } from "./counts.js";
import { element, emptyState, link, moment, share, Table, verdictMark, whole } from "./dom.js";

export async function open(root, parameters, desk) {
  const id = parameters.get("id") ?? "";
  const field = searchField(id);
  root.append(element("h2", {}, "Bins"), field);
  const found = element("div", { class: "stack", "aria-live": "polite" });
  root.append(found);
  field.querySelector("input").select();
  if (id) await draw(found, id, desk);
  else found.append(emptyState("Which bin?", "Scan its label, or type its number and press Enter."));
}

function searchField(id) {
  const input = element("input", { id: "bin-id", name: "id", value: id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true, enterkeyhint: "search" });
  const submit = (event) => {
    event.preventDefault();
    if (input.value === id) input.select();
    else location.hash = `#bins?${new URLSearchParams({ id: input.value })}`;
  };
  return element("form", { class: "toolbar", role: "search", onsubmit: submit },
    element("label", { for: "bin-id" }, "Bin", input), element("button", { type: "submit", class: "primary" }, "Show"));
}

async function draw(root, id, desk) {
  let bin;
  try {
    bin = await call("GET", `api/bin?${new URLSearchParams({ id })}`);
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return root.append(emptyState("No such bin", `No photo and no order names ${id}. Scan again, or check the number.`));
  }
  root.append(
    element("div", { class: "bin" }, photo(bin), element("div", { class: "stack" }, element("h3", { class: "big" }, bin.bin_id), facts(bin, desk))),
    expected(bin) ?? "", element("h3", {}, "History"), timeline(bin.moments));
}

function photo(bin) {
  if (!bin.photo) return element("p", { class: "quiet" }, "No photo has arrived.");
  const image = element("img", { src: bin.photo.url, alt: `Photo of bin ${bin.bin_id}` });
  return element("a", { href: bin.photo.url, target: "_blank", rel: "noopener", title: "Open the photo" }, image);
}

function facts(bin, desk) {
  const rows = [];
  if (bin.captured_at) rows.push(["Photo of", moment(bin.captured_at)]);
  if (bin.decided) rows.push(["Counted by people", decidedText(bin.decided)]);
  if (bin.shown) rows.push(["Counted by the model", modelText(bin.shown.model)]);
  else if (bin.photo && desk.config.blind) rows.push(["Numbers", "Hidden until somebody has counted this photo, so that you can count it unbiased."]);
  return element("dl", {}, rows.map(([name, ...value]) => element("div", {}, element("dt", {}, name), element("dd", {}, ...value))));
}

function expected(bin) {
  if (!bin.shown?.expected.length) return null;
  const table = new Table("What orders expect", ["Consignment", "Expected", "Verdict", "Risk", "Due", "Why"], ["Expected"]);
  table.add(bin.shown.expected.map((line) => [
    link("consignment", { id: line.consignment_id }, line.consignment_id), whole(line.expected), verdictMark(line.verdict),
    line.risk === null ? "–" : share(line.risk), line.due_at ? moment(line.due_at) : "", line.reason,
  ]));
  return table.root;
}

/** What happened, the latest first. */
function timeline(moments) {
  return element("ol", { class: "timeline" }, moments.toReversed().map((each) =>
    element("li", { "data-kind": each.kind }, element("span", { class: "quiet" }, moment(each.at)), element("p", {}, each.words))));
}
