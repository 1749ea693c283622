// Answers that are not stored yet. They survive a closed tab and go out again, each under its own id, until the desk
// has them or refuses them for good. Sent twice, an answer is stored once.

import { call } from "./api.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

export class Outbox {
  #key;
  #answers;
  #wait = FIRST_WAIT;
  #sending = false;
  #onStored;
  #onRefused;
  #onChange;

  /** `user` owns the answers. `onStored(answer, reply)`, `onRefused(answer, problem)`, `onChange(waiting, problem)`. */
  constructor(user, { onStored, onRefused, onChange }) {
    this.#key = `bintally.answers.${user}`;
    this.#answers = JSON.parse(localStorage.getItem(this.#key) ?? "[]");
    this.#onStored = onStored;
    this.#onRefused = onRefused;
    this.#onChange = onChange;
    addEventListener("online", () => this.send());
  }

  /** `answer` has an `id`, the `path` of the API it goes to, its `body`, and the `etag` of its bin. */
  add(answer) {
    this.#answers.push(answer);
    this.#save();
    this.send();
  }

  /** Take back an answer that was not sent. Returns whether there was one. */
  remove(id) {
    const kept = this.#answers.filter((answer) => answer.id !== id);
    const removed = kept.length < this.#answers.length && !(this.#sending && this.#answers[0].id === id);
    if (removed) {
      this.#answers = kept;
      this.#save();
    }
    return removed;
  }

  async send() {
    if (this.#sending) return;
    this.#sending = true;
    let problem = null;
    while (this.#answers.length && !problem) problem = await this.#sendFirst();
    this.#sending = false;
    this.#onChange(this.#answers.length, problem);
    if (problem && problem.status !== 401) {
      setTimeout(() => this.send(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
    }
  }

  async #sendFirst() {
    const [answer] = this.#answers;
    try {
      const reply = await call("POST", answer.path, answer.body, { "If-Match": answer.etag });
      this.#onStored(answer, reply);
    } catch (problem) {
      if (problem.isPassing || problem.status === 401) return problem;
      this.#onRefused(answer, problem);
    }
    this.#answers.shift();
    this.#wait = FIRST_WAIT;
    this.#save();
    return null;
  }

  #save() {
    localStorage.setItem(this.#key, JSON.stringify(this.#answers));
  }
}
