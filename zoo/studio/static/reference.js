/** Taking codes from a reference: another picture with its mask, or a row of the code bank. */

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { checkSize, onDrop, showFile, sorted } from "./files.js";
import { chosenClasses, chosenName } from "./layers.js";
import { touched } from "./session.js";

export class ReferencePanel {
  /** @type {?({row: number} | {picture: File, mask: File})} */
  #from = null;
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
    byId("take").addEventListener("click", () => this.#take(null));
    byId("strength").addEventListener("input", () => this.#strength());
    byId("bank-diverse").addEventListener("change", () => this.show());
  }

  show() {
    const { model, selection } = this.session.now;
    byId("reference").hidden = !model.codes || !(model.encodes || this.setup.bank);
    byId("reference-drop").hidden = !model.encodes;
    byId("take").textContent = `Take ${chosenName(this.session.now)}`;
    byId("take").disabled = !this.#complete;
    byId("bank").hidden = !this.setup.bank;
    if (this.setup.bank) this.#showBank(model, selection.at(-1));
  }

  get #complete() {
    return Boolean(this.#from && ("row" in this.#from || (this.#from.picture && this.#from.mask)));
  }

  async #dropped(files) {
    try {
      const { mask, picture, edit } = await sorted(files);
      if (edit) throw new Error(`${edit.name} is an edit file: open it, a reference is a picture with its mask.`);
      // a file alone fills what is still missing
      if (picture) this.#choose({ mask, picture });
      else if (this.#from?.mask && !this.#from.picture) this.#choose({ picture: mask });
      else this.#choose(/\.jpe?g$/i.test(mask.name) ? { picture: mask } : { mask });
    } catch (error) {
      this.session.fail(error);
    }
  }

  #choose(files) {
    for (const [kind, file] of Object.entries(files)) {
      if (!file) continue;
      showFile(byId(`reference-${kind}`), file, kind === "mask" ? this.session.now.model : null);
      const others = this.#from && !("row" in this.#from) ? this.#from : {};
      this.#from = { ...others, [kind]: file };
    }
    this.#markRow();
    this.show();
  }

  #strength() {
    const strength = byId("strength").valueAsNumber;
    byId("strength-shown").textContent = `${Math.round(strength * 100)} %`;
    // once something was taken, the slider goes on with it
    if (this.session.now.key?.startsWith('["take"')) this.#take(this.session.now.key);
  }

  /** @param {?string} key of the step to do again, null for a new one */
  #take(key) {
    const from = this.#from;
    const part = { classes: chosenClasses(this.session.now), layers: this.part.layers };
    const strength = byId("strength").valueAsNumber;
    this.session.edit(key ?? JSON.stringify(["take", api.newSeed()]), async (base) => {
      if (from.mask) checkSize([from.mask, from.picture], this.setup.limits.megabytes);
      const painted = await api.take(await this.session.scene(base, part.classes), part, strength, from);
      return { ...painted, edited: touched(base, part.classes) };
    });
  }

  // the code bank

  async #showBank(model, classId) {
    const known = this.setup.bank.classes.includes(classId);
    const diverse = byId("bank-diverse").checked;
    const asked = JSON.stringify([known ? classId : null, diverse]);
    byId("bank-title").textContent = known ? `Code bank: ${model.classes[classId].name}` : "Code bank: select a class";
    if (asked === this.#banked) return;
    this.#banked = asked;
    try {
      const rows = known ? await api.bank(classId, diverse) : [];
      if (asked === this.#banked) byId("bank-rows").replaceChildren(...rows.map((row) => this.#row(row)));
    } catch (error) {
      this.session.fail(error);
    }
  }

  #row({ row, name, picture }) {
    const take = () => {
      this.#from = { row };
      this.#markRow();
      this.#take(null);
      this.show();
    };
    const image = element("img", { src: picture, alt: "" });
    return element("button", { className: "thumb", onclick: take, title: name, data: { row }, "aria-label": `Take from ${name}` }, image);
  }

  #markRow() {
    for (const button of byId("bank-rows").children) {
      button.ariaPressed = String(Number(button.dataset.row) === this.#from?.row);
    }
  }
}
