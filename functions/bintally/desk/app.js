// The desk: who is signed in, the review with its answers that are not stored yet, and the other pages.

import { call } from "./api.js";
import { byId } from "./dom.js";
import { Outbox } from "./outbox.js";
import { Pages } from "./pages.js";
import { Review } from "./review.js";
import { finishSignIn, forget, signIn, signOut, token } from "./session.js";

/** Show a state instead of a photo, with a button if `action` is given. */
function show(title, text, label = "", action = null) {
  byId("review").hidden = true;
  byId("state").hidden = false;
  byId("state-title").textContent = title;
  byId("state-text").textContent = text;
  const button = byId("state-action");
  button.hidden = !action;
  button.textContent = label;
  button.onclick = action;
  if (action) button.focus();
}

function notice(text) {
  byId("notice").hidden = !text;
  byId("notice").textContent = text;
}

function askToSignIn(config, text) {
  forget();
  byId("view").hidden = true;
  byId("counting").hidden = false;
  show("Sign in to count", text, "Sign in", () => signIn(config));
}

async function open(config) {
  const me = await call("GET", "api/me");
  byId("name").textContent = me.role && me.role !== me.name ? `${me.name}, ${me.role}` : me.name;
  byId("user").hidden = false;
  byId("sign-out").onclick = () => signOut(config);
  if (!me.roles.length) {
    return show("You can't use the desk yet", "Your user is in none of its groups. Ask who runs this stack.");
  }
  new Pages({ me, config, notice, askToSignIn: (text) => askToSignIn(config, text) }).start();
  if (me.roles.some((role) => role !== "viewer")) await openReview(me, config);
}

async function openReview(me, config) {
  let review = null;
  const outbox = new Outbox(me.name, {
    onStored: (answer, reply) => review.stored(answer, reply),
    onRefused: (answer, problem) => {
      review.refused(answer);
      notice(`Bin ${answer.body.bin_id} was not saved: ${problem.message}`);
    },
    onChange: (waiting, problem) => {
      if (problem?.status === 401) return askToSignIn(config, "Your sign-in has ended. Your answers are kept and are saved then.");
      if (problem) notice(`${waiting} ${waiting === 1 ? "answer is" : "answers are"} kept here until the desk can be reached.`);
      else if (byId("notice").textContent.includes("kept here")) notice("");
    },
  });
  review = new Review(outbox, show);
  outbox.send();
  await review.start();
}

async function start() {
  let config = null;
  try {
    config = await call("GET", "api/config");
    const problem = await finishSignIn(config);
    if (problem || !token()) return askToSignIn(config, problem || "Photos that the model is unsure of wait for you.");
    await open(config);
  } catch (problem) {
    if (problem.status === 401) return askToSignIn(config, "Your sign-in has ended.");
    show("The desk can't be opened", problem.message, "Try again", () => location.reload());
  }
}

start();
