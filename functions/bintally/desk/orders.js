// An order file: what it says is shown first, then its good rows are imported.

import { call } from "./api.js";
import { element, link, moment, plural, Table, whole } from "./dom.js";

const BIGGEST = 1_000_000; // characters that the API takes

export function orderImport(desk) {
  const text = element("textarea", { id: "orders-text", spellcheck: "false", required: true, placeholder: "consignment_id,bin_id,expected,due_at" });
  const file = element("input", { type: "file", id: "orders-file", accept: ".csv,.json,text/csv,application/json" });
  const result = element("div", { class: "stack", "aria-live": "polite" });
  const form = element("form", { class: "stack" },
    element("label", { class: "field", for: "orders-file" }, "Choose a file (CSV or JSON)", file),
    element("label", { class: "field", for: "orders-text" }, "Or paste rows, with a heading", text),
    element("div", {}, element("button", { type: "submit" }, "Check the orders")));
  let name = "pasted.csv";
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    name = file.files[0].name;
    text.value = await file.files[0].text();
    form.requestSubmit();
  });
  text.addEventListener("input", () => { name = text.value.trimStart().startsWith("[") || text.value.trimStart().startsWith("{") ? "pasted.json" : "pasted.csv"; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    result.replaceChildren(...(await preview({ name, text: text.value }, desk, result)));
  });
  return element("section", { class: "stack", "aria-labelledby": "orders" }, element("h3", { id: "orders" }, "Orders"), form, result);
}

async function preview(file, desk, result) {
  if (file.text.length > BIGGEST) return [problemText("The file is larger than a million characters. Use `bintally orders import`.")];
  try {
    const found = await call("POST", "api/orders?preview=true", file);
    return [summary(found, "can be imported"), errors(found), lines(found), importButton(file, found, desk, result)];
  } catch (problem) {
    return [problemText(`The orders could not be read: ${problem.message}`)];
  }
}

const problemText = (text) => element("p", { role: "alert", class: "overdue" }, text);

function summary(found, what) {
  const refused = found.refused ? `, ${plural(found.refused, "row is", "rows are")} wrong` : "";
  return element("p", {}, `${plural(found.number, "line")} ${what}${refused}.`);
}

function errors(found) {
  if (!found.errors.length) return "";
  const table = new Table("Rows that can't be imported", ["Row", "Why"], ["Row"]);
  table.add(found.errors.map(({ row, message }) => [whole(row), message]));
  return table.root;
}

function lines(found) {
  if (!found.lines.length) return "";
  const more = found.number > found.lines.length ? `The first ${whole(found.lines.length)} lines` : "Lines";
  const table = new Table(more, ["Consignment", "Bin", "Expected", "Due"], ["Expected"]);
  table.add(found.lines.map((line) => [line.consignment_id, line.bin_id, whole(line.expected), line.due_at ? moment(line.due_at) : ""]));
  return table.root;
}

function importButton(file, found, desk, result) {
  if (!found.number) return "";
  const label = found.refused ? "Import the good rows" : "Import";
  const button = element("button", { type: "button", class: "primary" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const imported = await call("POST", "api/orders?preview=false", file);
      const consignments = [...new Set(imported.lines.map((line) => line.consignment_id))];
      result.replaceChildren(summary(imported, "imported; they are compared with the counts in a moment"),
        element("p", {}, ...consignments.slice(0, 20).flatMap((id) => [link("consignment", { id }, id), " "]),
          link("consignments", {}, "All consignments that wait")));
      desk.notice("");
    } catch (problem) {
      button.disabled = false;
      desk.notice(`The orders were not imported: ${problem.message}`);
    }
  });
  return element("div", {}, button);
}
