// Small helpers for the pages. What comes from data becomes text, never markup.

export const byId = (id) => document.getElementById(id);

/** An element. `properties` are attributes, or listeners where the name begins with "on"; children are nodes or text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const WHOLE = new Intl.NumberFormat();
const SHARE = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const whole = (value) => WHOLE.format(value);
export const share = (value) => SHARE.format(value);
/** A time of the API in the viewer's zone and words. */
export const moment = (text) => element("time", { datetime: text }, MOMENT.format(new Date(text)));
export const plural = (number, one, many = `${one}s`) => `${whole(number)} ${number === 1 ? one : many}`;

/** A link to a page of the desk, such as `link("bins", { id }, id)`. */
export function link(page, parameters, ...children) {
  return element("a", { href: `#${page}?${new URLSearchParams(parameters)}` }, ...children);
}

/** A verdict as a word with a sign, so that colour is never alone. */
export function verdictMark(verdict) {
  return element("span", { class: "verdict", "data-verdict": verdict }, verdict);
}

/** When a line is due, and that this has passed. */
export function dueText({ due_at: due, overdue }) {
  return due ? element("span", { class: overdue && "overdue" }, moment(due), overdue && " overdue") : "";
}

/** What a page shows instead of data: that there is none, or a problem. `text` may be a list with nodes. */
export function emptyState(title, text, ...more) {
  return element("div", { class: "empty" }, element("h3", {}, title), element("p", {}, ...[text].flat()), ...more);
}

/** A table that scrolls sideways, and shows each row as a card where the screen is narrow. */
export class Table {
  #columns;
  #numbers;
  #table = element("table");

  /** `numbers` names the columns that are aligned as numbers. */
  constructor(caption, columns, numbers = []) {
    this.#columns = columns;
    this.#numbers = numbers;
    const heads = columns.map((name) => element("th", { scope: "col", class: this.#kind(name) }, name));
    this.root = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      this.#table);
    this.#table.append(element("caption", {}, caption), element("thead", {}, element("tr", {}, heads)));
  }

  /** Add rows: for each column text, a node, or a list of them. */
  add(rows) {
    this.#table.append(element("tbody", {}, rows.map((cells) => element("tr", {}, cells.map((cell, index) => {
      const name = this.#columns[index];
      const content = cell !== "" && element("div", {}, ...[cell].flat());
      return element("td", { "data-label": name, class: this.#kind(name) }, content);
    })))));
  }

  /** Keep the columns as wide as they are, so that more rows don't make the browser measure all of them again. */
  keepWidths() {
    const heads = [...this.#table.querySelectorAll("th")];
    if (getComputedStyle(heads[0].parentElement).display !== "table-row") return; // cards on a narrow screen
    const all = this.#table.offsetWidth;
    const shares = heads.map((head) => head.offsetWidth / all);
    heads.forEach((head, index) => { head.style.width = `${100 * shares[index]}%`; });
    this.#table.classList.add("fixed");
  }

  #kind(name) {
    return this.#numbers.includes(name) && "number";
  }
}
