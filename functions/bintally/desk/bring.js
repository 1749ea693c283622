// Bring in: photos go from the browser straight to the intake bucket, a few at a time, and each is followed until it is
// counted. What fails stays in the list with its reason, and can be sent again.

import { call } from "./api.js";
import { chosenFiles, droppedFiles } from "./files.js";
import { element, link, plural, Table, whole } from "./dom.js";
import { orderImport } from "./orders.js";

const AT_ONCE = 4;
const SIGNED = 20; // addresses asked for in one request
const LOOK = 2000; // milliseconds
const ADDRESS = 120_000; // milliseconds for which an address is used; it lasts longer
const BIGGEST = 20 * 1024 * 1024; // bytes that the model reads of one photo
const PHOTO = /\.(jpe?g|png)$/i;
const ENDED = { COUNTED: "counted", REJECTED: "can't be counted", FAILED: "not counted", SUPERSEDED: "replaced by a newer photo" };

export function open(root, parameters, desk) {
  const list = new Uploads(desk);
  const bin = element("input", { id: "one-bin", autocomplete: "off", spellcheck: "false" });
  const take = (files) => list.add(files, bin.value.trim());
  root.append(
    element("h2", {}, "Bring in"),
    element("section", { class: "stack", "aria-labelledby": "photos" },
      element("h3", { id: "photos" }, "Photos"),
      element("p", { class: "quiet" }, "The folder of a photo names its bin, such as P-17-C/photo.jpg; without a folder, its file name does."),
      element("label", { class: "field", for: "one-bin" }, "All of one bin (leave empty to take the names)", bin),
      dropZone(take), list.root));
  if (desk.me.roles.includes("supervisor")) root.append(orderImport(desk));
  return () => list.end();
}

function dropZone(take) {
  const zone = element("div", { class: "drop" },
    element("p", {}, "Drop photos or folders here, or"),
    element("div", { class: "toolbar" },
      picker("Choose photos", { multiple: true, accept: "image/jpeg,image/png" }, take),
      picker("Choose a folder", { webkitdirectory: true }, take)));
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(await droppedFiles(event.dataTransfer));
  });
  return zone;
}

function picker(label, attributes, take) {
  const input = element("input", { type: "file", hidden: true, ...attributes });
  input.addEventListener("change", () => {
    take(chosenFiles(input.files));
    input.value = ""; // so that the same files can be chosen again
  });
  return [input, element("button", { type: "button", onclick: () => input.click() }, label)];
}

/** Photos on their way. A photo is `{key, file, state, reason, version_id, bin_id, looks, address}`. */
class Uploads {
  #desk;
  #photos = [];
  #running = 0;
  #timer = 0;
  #summary = element("p", { role: "status" });
  #retry = element("button", { type: "button", hidden: true, onclick: () => this.#again() }, "Send the failed ones again");
  #table = new Table("Photos", ["File", "Bin", "State"]);

  constructor(desk) {
    this.#desk = desk;
    this.#table.root.hidden = true;
    this.root = element("div", { class: "stack" }, this.#summary, this.#retry, this.#table.root);
  }

  add(files, binId) {
    const added = files.map(({ path, file }) => ({ key: binId ? `${binId}/${path.split("/").at(-1)}` : path, file, state: "waiting", reason: "", looks: 0 }));
    for (const photo of added) {
      photo.cells = [element("span", {}), element("span", {})];
      if (!photo.file) fail(photo, "can't be read from this device", false);
      else if (!PHOTO.test(photo.key)) fail(photo, "not a photo (JPEG or PNG)", false);
      else if (!photo.file.size || photo.file.size > BIGGEST) fail(photo, photo.file.size ? "larger than 20 MiB" : "empty", false);
    }
    this.#photos.push(...added);
    this.#table.add(added.map((photo) => [photo.key, ...photo.cells]));
    this.#table.root.hidden = !this.#photos.length;
    added.forEach(draw);
    this.#work();
  }

  end() {
    clearTimeout(this.#timer);
    const unsent = this.#photos.filter((photo) => ["waiting", "sending", "failed"].includes(photo.state)).length;
    if (unsent) this.#desk.notice(`${plural(unsent, "photo was", "photos were")} not sent before this page was left. Choose the folder again: what is there already does no harm.`);
    this.#photos = [];
  }

  #again() {
    for (const photo of this.#photos) if (photo.state === "failed" && photo.passing) set(photo, "waiting");
    this.#work();
  }

  #work() {
    this.#draw();
    while (this.#running < AT_ONCE) {
      const photo = this.#photos.find((each) => each.state === "waiting");
      if (!photo) break;
      set(photo, "sending");
      this.#running += 1;
      this.#send(photo).catch((problem) => fail(photo, problem.message)).finally(() => {
        this.#running -= 1;
        this.#work();
      });
    }
    if (!this.#timer && this.#photos.some((photo) => photo.state === "sent")) this.#timer = setTimeout(() => this.#look(), LOOK);
  }

  async #send(photo) {
    const { url, headers, method } = await this.#address(photo);
    const answer = await fetch(url, { method, headers, body: photo.file });
    if (!answer.ok) throw new Error(`the intake bucket answered ${answer.status}`);
    photo.version_id = answer.headers.get("x-amz-version-id");
    if (!photo.version_id) throw new Error("the intake bucket did not say which version it is");
    set(photo, "sent");
  }

  /** Where to put the photo. Addresses are asked for several photos at a time, and last a few minutes. */
  async #address(photo) {
    if (!(photo.address?.until > Date.now())) {
      const others = this.#photos.filter((each) => each.state === "waiting").slice(0, SIGNED - 1);
      await sign([photo, ...others]).catch((problem) => {
        if (problem.status !== 422) throw problem;
        return sign([photo]); // the desk refuses all of them because of one name, which may be another photo's
      });
    }
    const { address } = photo;
    photo.address = null; // a retry asks for another one
    return address;
  }

  async #look() {
    const waiting = this.#photos.filter((photo) => photo.state === "sent");
    const sent = waiting.sort((one, other) => one.looks - other.looks).slice(0, 100); // each has its turn
    for (const photo of sent) photo.looks += 1;
    try {
      const { photos } = await call("POST", "api/photos", { photos: sent.map(({ key, version_id }) => ({ key, version_id })) });
      photos.forEach((found, index) => note(sent[index], found));
      this.#desk.notice("");
    } catch (problem) {
      if (problem.status === 401) return this.#desk.askToSignIn("Your sign-in has ended. The photos that were sent are being counted.");
      this.#desk.notice(`How far the photos are can't be seen: ${problem.message}`);
    }
    this.#timer = 0;
    this.#work();
  }

  #draw() {
    const number = (state) => this.#photos.filter((photo) => photo.state === state).length;
    const [done, failed] = [number("done"), number("failed")];
    const open = this.#photos.length - done - failed;
    const text = [`${whole(done)} of ${plural(this.#photos.length, "photo")} done`, open && `${whole(open)} on the way`, failed && `${whole(failed)} failed`];
    this.#summary.textContent = this.#photos.length ? `${text.filter(Boolean).join(", ")}.` : "";
    this.#retry.hidden = !this.#photos.some((photo) => photo.state === "failed" && photo.passing);
  }
}

/** Get an address for each of these photos. */
async function sign(photos) {
  const { uploads } = await call("POST", "api/uploads", { files: photos.map(({ key, file }) => ({ key, size: file.size })) });
  const until = Date.now() + ADDRESS;
  photos.forEach((photo, index) => { photo.address = { ...uploads[index], until }; });
}

/** Take over what the ledger says. */
function note(photo, found) {
  photo.bin_id = found.bin_id;
  if (!(found.status in ENDED)) return draw(photo);
  photo.reason = [ENDED[found.status], found.reason].filter(Boolean).join(": ");
  set(photo, "done");
}

function set(photo, state) {
  photo.state = state;
  draw(photo);
}

function fail(photo, reason, passing = true) {
  photo.reason = reason;
  photo.passing = passing;
  set(photo, "failed");
}

const WORDS = { waiting: "waits", sending: "is being sent", sent: "being counted" };

function draw(photo) {
  const [bin, state] = photo.cells;
  bin.replaceChildren(photo.bin_id ? link("bins", { id: photo.bin_id }, photo.bin_id) : "");
  state.textContent = WORDS[photo.state] ?? (photo.state === "failed" ? `not sent: ${photo.reason}` : photo.reason);
  state.className = photo.state === "failed" ? "overdue" : "";
}
