/** The row of samples to choose from, and all methods side by side on the same mask. */

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { chosenClasses, chosenName } from "./layers.js";
import { touched } from "./session.js";

export class Previews {
  #lane = new api.Latest();
  /** Mask, mode and classes of the present samples. */
  #for = null;
  /** The opened mask of the present samples; another opened picture gets new samples. */
  #source = null;

  /**
   * @param {import("./session.js").Session} session @param {object} setup of the server
   * @param {import("./part.js").PartPanel} part
   */
  constructor(session, setup, part) {
    this.session = session;
    this.setup = setup;
    this.part = part;
    byId("samples").addEventListener("click", () => this.samples());
    byId("redraw").addEventListener("click", () => {
      this.redraw();
      byId("previews").scrollIntoView({ block: "nearest" }); // far from the button in a narrow window
    });
    byId("side-by-side").addEventListener("click", () => this.#sideBySide());
    byId("side-by-side").hidden = setup.models.length < 2;
    this.#empty();
  }

  show() {
    const { model, codes, sourceMask } = this.session.now;
    byId("samples").hidden = !model.codes;
    byId("previews").hidden = !model.codes;
    byId("previews-title").hidden = !model.codes;
    if (this.#source !== sourceMask) this.#begin(sourceMask);
    for (const button of byId("previews").children) button.ariaPressed = String(button.dataset.codes === codes);
  }

  /** Draws all codes. */
  samples() {
    this.#ask("Samples", null, (scene) => api.samples(scene, api.newSeed()));
  }

  /** Draws the codes of the selected classes. */
  redraw() {
    const part = { classes: chosenClasses(this.session.now), layers: this.part.layers };
    const title = `Samples of ${chosenName(this.session.now)}`;
    this.#ask(title, part.classes, (scene) => api.redraw(scene, part, api.newSeed()));
  }

  #ask(title, classes, request) {
    const { sourceMask } = this.session.now;
    const busy = (on) => (byId("previews").ariaBusy = String(on));
    busy(true);
    this.#lane.send(async () => {
      busy(true);
      try {
        await this.session.idle();
        const step = this.session.now;
        if (step.sourceMask !== sourceMask) return; // another picture was opened
        const previews = await request(await this.session.scene(step, classes));
        if (this.#source !== sourceMask) return;
        this.#for = { mask: step.mask, keep: step.keep, classes };
        byId("previews-title").textContent = title;
        byId("previews").replaceChildren(...previews.map((preview, at) => this.#preview(preview, at)));
        this.show();
      } catch (error) {
        this.session.fail(error);
      } finally {
        busy(false);
      }
    });
  }

  #preview({ codes, result }, at) {
    const button = element("button", { className: "preview", data: { codes }, "aria-label": `Use sample ${at + 1}` },
      element("img", { src: result, alt: "" }));
    const look = (picture) => !this.session.pending && this.session.look(picture);
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && look(result));
    button.addEventListener("pointerleave", () => look(null));
    button.addEventListener("focus", () => button.matches(":focus-visible") && look(result));
    button.addEventListener("blur", () => look(null));
    button.addEventListener("click", () => this.#use({ codes, result }));
    return button;
  }

  #use({ codes, result }) {
    const { mask, keep, classes } = this.#for;
    this.session.edit(null, async (base) => ({
      codes, result,
      // drawn for another mask: the result must be drawn again
      stale: base.mask !== mask || base.keep !== keep,
      slides: { ...base.slides, amounts: {} },
      edited: touched(base, classes),
    }));
  }

  #begin(source) {
    this.#source = source;
    this.#empty();
    if (this.session.now.model.codes) this.samples();
  }

  #empty() {
    this.#for = null;
    const places = Array.from({ length: this.setup.previews }, () => element("span", { className: "place" }));
    byId("previews").replaceChildren(...places);
    byId("previews-title").textContent = "Samples";
    byId("methods").hidden = true;
  }

  #sideBySide() {
    this.#lane.send(async () => {
      await this.session.idle();
      try {
        const results = await api.compare(await this.session.scene(this.session.now), api.newSeed());
        byId("methods").lastElementChild.replaceChildren(...results.map(method));
        byId("methods").hidden = false;
        await Promise.all([...byId("methods").querySelectorAll("img")].map((image) => image.decode())); // for their height
        byId("methods").scrollIntoView({ block: "nearest" });
      } catch (error) {
        this.session.fail(error);
      }
    });
  }
}

function method({ title, result, note }) {
  const picture = result ? element("img", { src: result, alt: title }) : element("span", { className: "place" });
  const words = note ? [title, element("small", {}, note)] : [title];
  return element("figure", { className: "compared" }, picture, element("figcaption", {}, ...words));
}
