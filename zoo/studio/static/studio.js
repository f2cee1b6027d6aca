/** Assembles the page. */

import * as api from "./api.js";
import { byId } from "./dom.js";
import { Opening } from "./opening.js";
import { Palette } from "./palette.js";
import { PartPanel } from "./part.js";
import { Previews } from "./previews.js";
import { ReferencePanel } from "./reference.js";
import { ResultView } from "./result.js";
import { Session } from "./session.js";
import { SlidesPanel } from "./slides.js";
import { MaskEditor } from "./tools.js";
import { trained } from "./training.js";

const TOAST_MS = 12_000;

let toastEnds = 0;

/** @param {string} sentence shown for TOAST_MS, or until it is closed */
function toast(sentence) {
  const place = byId("toast");
  clearTimeout(toastEnds);
  place.firstElementChild.textContent = sentence;
  place.classList.toggle("shown", Boolean(sentence));
  place.lastElementChild.hidden = !sentence;
  if (sentence) toastEnds = setTimeout(() => toast(""), TOAST_MS);
}

function assemble(setup) {
  const session = new Session();
  session.addEventListener("fail", ({ detail }) => toast(detail));
  const part = new PartPanel(session);
  const opening = new Opening(session, setup);
  const views = [
    part,
    opening,
    new MaskEditor(session),
    new ResultView(session),
    new Palette(session),
    new Previews(session, setup, part),
    new ReferencePanel(session, setup, part),
    new SlidesPanel(session),
  ];
  const busy = () => {
    byId("studio").ariaBusy = String(api.traffic.count > 0 || session.pending);
    byId("undo").disabled = !session.history.canUndo && !(session.now && session.pending);
    byId("redo").disabled = !session.history.canRedo || session.pending;
  };
  api.traffic.addEventListener("change", busy);
  session.addEventListener("change", () => {
    busy();
    if (session.now) {
      byId("studio").classList.add("ready");
      byId("downloads").hidden = false;
      for (const view of views) view.show();
    }
    lock(session.now !== null && session.opening);
  });
  steps(session);
  window.addEventListener("beforeunload", (event) => session.history.canUndo && event.preventDefault());
  for (const id of ["studio", "method", "actions"]) byId(id).hidden = false;
  opening.begin();
}

let focused = null;

/** Locks the page while another picture is opened. @param {boolean} on */
function lock(on) {
  const studio = byId("studio");
  if (studio.inert === on) return;
  if (on) focused = studio.contains(document.activeElement) ? document.activeElement : null;
  studio.inert = on;
  byId("locked").textContent = on ? "Opening a picture: editing is locked until then. Undo cancels it." : "";
  if (!on) focused?.focus({ preventScroll: true });
}

function steps(session) {
  byId("undo").addEventListener("click", () => session.undo());
  byId("redo").addEventListener("click", () => session.redo());
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.altKey) return;
    if (event.target.matches("input[type=search]") || !session.now) return; // search fields have their own undo
    event.preventDefault();
    if (event.shiftKey) session.redo();
    else session.undo();
  });
}

function menu() {
  const downloads = byId("downloads");
  downloads.addEventListener("click", (event) => event.target.closest("button") && (downloads.open = false));
  document.addEventListener("click", (event) => downloads.contains(event.target) || (downloads.open = false));
  downloads.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    downloads.open = false;
    downloads.querySelector("summary").focus();
  });
}

api.traffic.addEventListener("change", () => {
  document.body.toggleAttribute("data-busy", api.traffic.count > 0);
});
byId("toast").lastElementChild.addEventListener("click", () => toast(""));
menu();
trained().then(assemble, (error) => toast(error.message));
