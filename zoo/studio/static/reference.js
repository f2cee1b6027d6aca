/** Taking codes from a reference: another picture with its mask, or a row of the code bank. */

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { checkSize, onDrop, showFile, sorted } from "./files.js";
import { chosenClasses, chosenName } from "./layers.js";
import { touched } from "./session.js";

/** Class id of the codes of whole pictures in the bank. */
const WHOLE = -1;

export class ReferencePanel {
  /** @type {{picture?: File, mask?: File}} */
  #files = {};
  /** @type {?number} of the code bank; takes precedence over the files */
  #row = null;
  /** @type {?{key: string, from: object, part: object}} the last take, which the strength slider repeats */
  #last = null;
  #banked = "";

  /**
   * @param {import("./session.js").Session} session @param {object} setup of the server
   * @param {import("./part.js").PartPanel} part
   */
  constructor(session, setup, part) {
    this.session = session;
    this.setup = setup;
    this.part = part;
    for (const kind of ["picture", "mask"]) {
      byId(`reference-${kind}`).addEventListener("change", ({ target }) => this.#choose({ [kind]: target.files[0] }));
    }
    const zone = byId("reference-drop");
    onDrop(zone, (over) => zone.classList.toggle("over", over), (files) => this.#dropped(files));
    byId("take").addEventListener("click", () => this.#take());
    byId("strength").addEventListener("input", () => this.#strength());
    byId("bank-diverse").addEventListener("change", () => this.show());
  }

  show() {
    const { model } = this.session.now;
    byId("reference").hidden = !model.codes || !(model.encodes || model.bank);
    byId("reference-drop").hidden = !model.encodes;
    byId("take").textContent = `Take ${chosenName(this.session.now)}`;
    byId("bank").hidden = !model.bank;
    if (model.bank) this.#showBank(model, chosenClasses(this.session.now)?.at(-1) ?? WHOLE);
    byId("take").disabled = this.#from === null;
  }

  get #from() {
    if (this.#row !== null) return { row: this.#row };
    return this.#files.picture && this.#files.mask ? this.#files : null;
  }

  async #dropped(files) {
    try {
      const { mask, picture, edit } = await sorted(files);
      if (edit) throw new Error(`${edit.name} is an edit file, but a reference is a picture with its mask: use Open for it.`);
      // a single file fills the empty place
      if (picture) this.#choose({ mask, picture });
      else if (this.#files.mask && !this.#files.picture) this.#choose({ picture: mask });
      else this.#choose(/\.jpe?g$/i.test(mask.name) ? { picture: mask } : { mask });
    } catch (error) {
      this.session.fail(error);
    }
  }

  #choose(files) {
    for (const [kind, file] of Object.entries(files)) {
      if (!file) continue;
      showFile(byId(`reference-${kind}`), file, kind === "mask" ? this.session.now.model : null);
      this.#files = { ...this.#files, [kind]: file };
    }
    this.#row = null;
    this.#markRow();
    this.show();
  }

  #strength() {
    const strength = byId("strength").valueAsNumber;
    byId("strength-shown").textContent = `${Math.round(strength * 100)} %`;
    // only if the last step is still the take
    if (this.#last && this.session.now.key === this.#last.key) this.#send();
  }

  #take() {
    const part = { classes: chosenClasses(this.session.now), layers: this.part.layers };
    this.#last = { key: `take ${api.newSeed()}`, from: this.#from, part };
    this.#send();
  }

  #send() {
    const { key, from, part } = this.#last;
    const strength = byId("strength").valueAsNumber;
    this.session.edit(key, async (base, signal) => {
      if (from.mask) checkSize([from.mask, from.picture], this.setup.limits.megabytes);
      const painted = await api.take(await this.session.scene(base, part.classes), part, strength, from, signal);
      return { ...painted, edited: touched(base, part.classes) };
    });
  }

  // the code bank

  async #showBank(model, classId) {
    const known = classId === WHOLE ? model.whole || !model.by_class : model.bank.includes(classId);
    const diverse = byId("bank-diverse").checked;
    const asked = JSON.stringify([known ? classId : null, diverse]);
    const name = classId === WHOLE ? "whole pictures" : model.classes[classId].name;
    byId("bank-title").textContent = `Code bank: ${known ? name : `no ${name}`}`;
    if (asked === this.#banked) return;
    this.#banked = asked;
    this.#row = null; // of another class, as the rows that are shown until the answer arrives
    byId("bank-rows").inert = true;
    const rows = known ? await api.bank(classId, diverse).catch((error) => (this.session.fail(error), [])) : [];
    if (asked !== this.#banked) return;
    byId("bank-rows").replaceChildren(...rows.map((row) => this.#thumb(row)));
    byId("bank-rows").inert = false;
  }

  #thumb({ row, name, picture }) {
    const take = () => {
      this.#row = row;
      this.#markRow();
      this.#take();
      this.show();
    };
    const properties = { className: "thumb", onclick: take, title: name, data: { row }, "aria-label": `Take from ${name}` };
    return element("button", properties, element("img", { src: picture, alt: "" }));
  }

  #markRow() {
    for (const button of byId("bank-rows").children) {
      button.ariaPressed = String(Number(button.dataset.row) === this.#row);
    }
  }
}
