// The consignments with lines that wait for people, by due day and then by risk.

import { call } from "./api.js";
import { riskBar } from "./counts.js";
import { dueText, element, emptyState, link, plural, Table, verdictMark, whole } from "./dom.js";

const COLUMNS = ["Highest risk", "Consignment", "Worst verdict", "To look at", "To act on", "First due"];

export async function open(root) {
  const { consignments, complete } = await call("GET", "api/consignments");
  root.append(element("h2", {}, "Consignments"));
  if (!consignments.length) return root.append(emptyState("No consignment waits", "Every line is settled, or its photo has not been counted yet."));
  const lines = consignments.reduce((sum, { look, act }) => sum + look + act, 0);
  const of = complete ? "" : ` More wait: these have the first ${plural(lines, "line")}.`;
  const table = new Table(`By due day, then by risk.${of}`, COLUMNS, ["To look at", "To act on"]);
  table.add(consignments.map((each) => [
    riskBar(each.risk), link("consignment", { id: each.consignment_id }, each.consignment_id), verdictMark(each.verdict),
    whole(each.look), whole(each.act), dueText(each),
  ]));
  root.append(table.root);
}
