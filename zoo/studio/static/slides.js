/** Sliders that move codes along a direction, one for each layer. */

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { chosenClasses, chosenName, isWhole, layersOf } from "./layers.js";
import { touched } from "./session.js";

const MOST = 4;
const STEP = 0.1;

/**
 * Positions of the sliders are part of the step, so that undo restores them. For another selection they are 0, except
 * that of the whole picture, which does not depend on the selection.
 *
 * @typedef {{direction: object, selection: string, amounts: Object<string, number>}} Slides
 */
export class SlidesPanel {
  #sliders = new Map();

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    this.select = byId("direction");
    this.select.addEventListener("change", () => this.#choose(this.select.value));
    byId("dice").addEventListener("click", () => this.#choose("random"));
    byId("slides-reset").addEventListener("click", () => this.#reset());
  }

  show() {
    const { model } = this.session.now;
    byId("slides").hidden = !model.codes;
    if (this.model !== model) this.#setModel(model);
    const name = chosenName(this.session.now);
    byId("slides-title").textContent = `Slide ${name} along a direction`;
    byId("slides-whole").textContent = `This one moves the whole picture, not ${name} alone.`;
    byId("slides-whole").hidden = !model.whole || chosenClasses(this.session.now) === null;
    if (this.session.pending) return; // the sliders are ahead of the present step
    const { direction, amounts } = this.#slides();
    this.select.value = direction.kind === "random" ? "random" : direction.component;
    for (const [key, { input, output }] of this.#sliders) {
      input.value = amounts[key] ?? 0;
      output.textContent = signed(input.valueAsNumber);
    }
    byId("slides-reset").disabled = !Object.values(amounts).some(Boolean);
  }

  #setModel(model) {
    this.model = model;
    const principal = Array.from({ length: model.components }, (_, index) => index + 1);
    this.select.replaceChildren(
      element("option", { value: "random" }, "A random direction"),
      ...principal.map((number) => element("option", { value: number }, `Principal direction ${number}`)),
    );
    this.#sliders = new Map(layersOf(model).map((layer) => [String(layer.index), this.#slider(layer)]));
    byId("sliders").replaceChildren(...[...this.#sliders.values()].map(({ row }) => row));
  }

  #slider({ index, name }) {
    const input = element("input", { type: "range", min: -MOST, max: MOST, step: STEP, value: 0, "aria-label": name });
    if (isWhole(this.model, index)) input.setAttribute("aria-describedby", "slides-whole");
    const output = element("output", {}, "0");
    input.addEventListener("input", () => {
      output.textContent = signed(input.valueAsNumber);
      this.#slide(index, input.valueAsNumber);
    });
    const row = element("label", { className: "slider" }, element("span", {}, name), input, output);
    return { row, input, output };
  }

  /** @returns {Slides} for the present selection */
  #slides() {
    const { now } = this.session;
    const { direction } = now.slides;
    const selection = JSON.stringify(chosenClasses(now));
    return { direction, selection, amounts: amountsOf(now, direction, selection) };
  }

  #slide(index, value) {
    const { direction, selection } = this.#slides();
    const part = this.#part(index);
    this.session.edit(JSON.stringify(["slide", index, direction, part.classes]), async (base, signal) => {
      const amounts = amountsOf(base, direction, selection);
      const amount = value - (amounts[index] ?? 0);
      const painted = await api.move(await this.session.scene(base, part.classes), part, direction, amount, signal);
      const slides = { direction, selection, amounts: { ...amounts, [index]: value } };
      return { ...painted, slides, edited: touched(base, part.classes) };
    });
  }

  #part(index) {
    const classes = isWhole(this.model, index) ? null : chosenClasses(this.session.now);
    return { classes, layers: index === null ? null : [index] };
  }

  /** Sets all sliders to 0, as one step. */
  #reset() {
    const { direction, selection, amounts } = this.#slides();
    const parts = Object.keys(amounts).map((key) => this.#part(key === "null" ? null : Number(key)));
    this.session.edit(null, async (base, signal) => {
      let step = base;
      for (const [at, amount] of Object.values(amounts).entries()) {
        const part = parts[at];
        const scene = await this.session.scene(step, part.classes);
        const painted = await api.move(scene, part, direction, -amount, signal);
        step = { ...step, ...painted };
      }
      return { codes: step.codes, result: step.result, slides: { direction, selection, amounts: {} } };
    });
  }

  #choose(value) {
    const { now } = this.session;
    const drawn = { kind: "random", seed: api.newSeed() };
    const direction = value === "random" ? drawn : { kind: "principal", component: Number(value) };
    // codes that were moved stay as they are, and the sliders start at 0 again
    now.slides = { ...this.#slides(), direction, amounts: {} };
    now.key = null;
    this.show();
  }
}

function amountsOf({ slides, model }, direction, selection) {
  if (JSON.stringify(slides.direction) !== JSON.stringify(direction)) return {};
  if (slides.selection === selection) return slides.amounts;
  return Object.fromEntries(Object.entries(slides.amounts).filter(([index]) => isWhole(model, Number(index))));
}

function signed(value) {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}`;
}
