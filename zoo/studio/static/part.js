/** The panel of the selected classes, and of the layers that edits are limited to. */

import { byId, element, swatch } from "./dom.js";
import { chosenClasses, chosenName, isWhole, layersOf } from "./layers.js";
import { shares } from "./mask.js";

export class PartPanel {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  show() {
    const { model, selection } = this.session.now;
    if (this.model !== model) this.#setModel(model);
    byId("selected").replaceChildren(...selection.map((id) => this.#chip(model.classes[id])));
    byId("part-hint").textContent = this.#hint(model, selection);
    for (const box of this.#boxes) {
      box.disabled = isWhole(model, Number(box.value)) && chosenClasses(this.session.now) !== null;
    }
    byId("redraw").textContent = `Redraw ${chosenName(this.session.now)}`;
  }

  /** @returns {?number[]} the chosen layers, or null for all */
  get layers() {
    const boxes = this.#boxes.filter(({ disabled }) => !disabled);
    const chosen = boxes.filter(({ checked }) => checked);
    return chosen.length === boxes.length ? null : chosen.map(({ value }) => Number(value));
  }

  get #boxes() {
    return [...byId("layers").querySelectorAll("input")];
  }

  #setModel(model) {
    this.model = model;
    byId("redraw").hidden = !model.codes;
    byId("layers-details").hidden = !model.layers;
    const boxes = layersOf(model).map(({ index, name }) => {
      const box = element("input", { type: "checkbox", checked: true, value: index });
      return element("label", { className: "check" }, box, ` ${name}`);
    });
    byId("layers").replaceChildren(byId("layers").firstElementChild, ...boxes);
  }

  #chip({ id, name, colour }) {
    const properties = { className: "chip", onclick: () => this.session.choose(id, true) };
    const cross = element("span", { "aria-hidden": "true" }, "×");
    return element("button", { ...properties, "aria-label": `Unselect ${name}` }, swatch(colour), name, cross);
  }

  #hint(model, selection) {
    if (!model.codes) return "This method gives one picture for each mask, so only the mask can be edited.";
    if (!model.by_class) return "This method has codes of the whole picture only, not of single classes.";
    if (!selection.length) return "Click a region to edit its class alone.";
    const found = shares(this.session.mask);
    const missing = selection.filter((id) => !found.has(id)).map((id) => model.classes[id].name);
    return missing.length ? `Not in the mask yet: ${missing.join(", ")}. Paint with the brush or fill a region.` : "";
  }
}
