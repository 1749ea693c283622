// Signing in: authorization code with PKCE (RFC 7636), the flow for pages without a secret.
// The token stays in this tab (sessionStorage) and is gone when it is closed.

const TOKEN = "bintally.token";
const PENDING = "bintally.sign-in";

const home = () => new URL(".", location.href).href;
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

export const token = () => sessionStorage.getItem(TOKEN);
export const forget = () => sessionStorage.removeItem(TOKEN);

/** Go to the page where people type their name and password. */
export async function signIn(config) {
  const verifier = random();
  const state = random();
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const url = new URL(config.authorize_url, location.href);
  url.search = new URLSearchParams({
    response_type: "code", client_id: config.client_id, redirect_uri: home(), scope: config.scope, state,
    code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
  });
  location.assign(url);
}

/** After that page: take the code out of the address and exchange it. Returns what went wrong, or "". */
export async function finishSignIn(config) {
  const given = new URLSearchParams(location.search);
  if (!given.has("code") && !given.has("error")) return "";
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "{}");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", home());
  if (given.has("error")) return `The sign-in was refused: ${given.get("error_description") ?? given.get("error")}.`;
  if (!pending.state || given.get("state") !== pending.state) return "The sign-in was not started in this tab. Sign in again.";
  const body = new URLSearchParams({
    grant_type: "authorization_code", client_id: config.client_id, redirect_uri: home(),
    code: given.get("code"), code_verifier: pending.verifier,
  });
  const answer = await fetch(new URL(config.token_url, location.href), { method: "POST", body });
  if (!answer.ok) return "The sign-in has expired. Sign in again.";
  sessionStorage.setItem(TOKEN, (await answer.json()).access_token);
  return "";
}

export function signOut(config) {
  forget();
  const url = new URL(config.logout_url, location.href);
  url.search = new URLSearchParams({ client_id: config.client_id, logout_uri: home() });
  location.assign(url);
}
