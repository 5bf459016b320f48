"use strict";
// The ticket is the fragment of the address. It is kept in this entry of the history alone, out of sight, so that the
// page can be loaded again.
const TROUBLES = { link_expired: "expired", link_proof_invalid: "unknown" };
const MADE = ["clientDataJSON", "attestationObject"], USED = ["clientDataJSON", "authenticatorData", "signature"];
const at = (id) => document.getElementById(id);
let busy = false;

function takeTicket() {
  const fragment = location.hash.slice(1);
  if (fragment) history.replaceState({ ticket: fragment }, "", location.pathname);
  return history.state && history.state.ticket;
}

// By hand and not by toJSON: not every browser has it, nor has what some password managers give in its place.
function bytes(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
}

function base64url(buffer) {
  const text = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join("");
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function wire(credential, names) {
  const response = {};
  for (const name of names) response[name] = base64url(credential.response[name]);
  return { id: base64url(credential.rawId), type: credential.type, response };
}

function show(id) {
  for (const one of ["wait", "ask", "done"]) at(one).hidden = one !== id;
}

function trouble(id) {
  for (const one of at("troubles").children) one.hidden = one.id !== id;
}

function stop(id) {
  show("");
  trouble(id);
}

// What the gateway answers; an Error with the name of the trouble when it is a problem.
async function ask(path, body) {
  let answer, said;
  try {
    const headers = { "Content-Type": "application/json" };
    answer = await fetch("/vgcp/v1/passkeys/" + path, { method: "POST", headers, body: JSON.stringify(body) });
    said = await answer.json();
  } catch {
    throw new Error("busy");
  }
  if (answer.ok) return said;
  throw new Error(TROUBLES[said.code] || (answer.status === 422 ? "no_ticket" : "busy"));
}

async function use(options) {
  const request = { ...options.request, challenge: bytes(options.request.challenge) };
  return wire(await navigator.credentials.get({ publicKey: request }), USED);
}

async function make(options) {
  const user = { ...options.creation.user, id: bytes(options.creation.user.id) };
  const creation = { ...options.creation, challenge: bytes(options.creation.challenge), user };
  return wire(await navigator.credentials.create({ publicKey: creation }), MADE);
}

// Errors of Web Authentication say little on purpose: that she has none here and that she has thought better of it
// are one.
function reason(error, ceremony) {
  if (error.name === "SecurityError") return "address";
  if (ceremony === make && ["NotSupportedError", "ConstraintError"].includes(error.name)) return "cannot_make";
  return "nothing";
}

async function prove(ticket, options, ceremony, button) {
  if (busy) return;
  busy = true;
  trouble("");
  button.setAttribute("aria-disabled", "true");
  try {
    let credential;
    try {
      credential = await ceremony(options);
    } catch (error) {
      throw new Error(reason(error, ceremony));
    }
    done(await ask("finish", { ticket, credential }));
  } catch (error) {
    if (error.message === "expired") stop("expired");
    else trouble(error.message);
  }
  button.removeAttribute("aria-disabled");
  busy = false;
}

function done(answer) {
  history.replaceState(null, "", location.pathname);
  at("code").textContent = answer.code;
  name(answer.channel);
  show("done");
  at("yours").focus();
}

function name(channel) {
  for (const one of document.querySelectorAll("[data-channel]")) one.textContent = channel;
}

async function copy() {
  const note = at("copied");
  note.textContent = "";
  try {
    await navigator.clipboard.writeText(at("code").textContent);
    note.textContent = at("copy").dataset.done;
  } catch {
    getSelection().selectAllChildren(at("code"));
  }
}

async function start() {
  const ticket = takeTicket();
  if (!ticket) return stop("no_ticket");
  if (/^[\d.]+$|^\[/.test(location.hostname) || !isSecureContext) return stop("address");
  if (!window.PublicKeyCredential || !navigator.credentials) return stop("no_passkeys");
  let options;
  try {
    options = await ask("begin", { ticket });
  } catch (error) {
    return stop(error.message);
  }
  name(options.channel);
  at("use").addEventListener("click", () => prove(ticket, options, use, at("use")));
  at("make").addEventListener("click", () => prove(ticket, options, make, at("make")));
  at("copy").addEventListener("click", copy);
  show("ask");
}

// Another ticket in the same window is no new page of its own.
addEventListener("hashchange", () => location.reload());
start();
