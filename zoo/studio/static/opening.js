/** Opening examples, uploads, edit files and empty masks, and the same picture with another method. */

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { checkSize, onDrop, showFile, sorted } from "./files.js";
import { encodeGrey } from "./png.js";
import { resized, same } from "./mask.js";
import { opening } from "./session.js";

export class Opening {
  /** @param {import("./session.js").Session} session @param {object} setup of the server */
  constructor(session, setup) {
    this.session = session;
    this.setup = setup;
    this.dialog = byId("opening");
    this.#models();
    this.#gallery();
    this.#controls();
    onDrop(document, (over) => (byId("drop-hint").hidden = !over), (files) => this.#dropped(files));
  }

  /** Opens the first example, or the dialog if there is none. */
  begin() {
    const [first] = this.setup.examples;
    if (first) this.open(this.setup.models[0], { example: first.id });
    else this.ask();
  }

  /** Shows the dialog. */
  ask() {
    byId("opening-error").hidden = true; // an earlier error
    if (!this.dialog.open) this.dialog.showModal();
  }

  /**
   * @param {object} model @param {{example: string} | {mask: Blob, picture: ?Blob}} source
   * @returns {Promise<void>} resolves when it is open or has failed
   */
  open(model, source) {
    return this.#step((base, signal) => this.#opened(model, source, signal));
  }

  /** @param {File} file an edit file */
  reload(file) {
    return this.#step(async (base, signal) => {
      checkSize([file], this.setup.limits.edit_megabytes);
      const answer = await api.reload(file, signal);
      return this.#begun(this.#model(answer.model), answer, { edit: file });
    });
  }

  async #opened(model, source, signal) {
    checkSize([source.mask, source.picture], this.setup.limits.megabytes);
    return this.#begun(model, await api.open({ model: model.id, seed: api.newSeed(), ...source }, signal), source);
  }

  #begun(model, answer, source) {
    const slides = { direction: { kind: "random", seed: api.newSeed() }, selection: "null", amounts: {} };
    return opening(model, answer, source, slides);
  }

  /**
   * Opening is a step like any other, so undo brings back what was open before. Opening another picture aborts one that
   * is still loading, which then neither closes the dialog nor shows an error in it.
   */
  #step(ask) {
    byId("opening-error").hidden = true;
    if (this.session.opening) this.session.undo();
    const change = async (base, signal) => {
      try {
        const step = await ask(base, signal);
        if (!signal.aborted) this.dialog.close();
        return step;
      } catch (error) {
        if (signal.aborted || !this.dialog.open) throw error;
        this.#wrong(error.message); // in the dialog, which covers the messages of the page
        return null;
      }
    };
    return this.session.edit(null, change, { opens: true });
  }

  #wrong(sentence) {
    byId("opening-error").textContent = sentence;
    byId("opening-error").hidden = false;
    byId("opening-error").scrollIntoView({ block: "nearest" });
  }

  #model(id) {
    return this.setup.models.find((model) => model.id === id);
  }

  get #chosen() {
    return this.#model(byId("model").value);
  }

  #gallery() {
    byId("gallery-part").hidden = !this.setup.examples.length;
    const button = ({ id, name, picture }) => {
      const onclick = () => this.open(this.#chosen, { example: id });
      const properties = { className: "thumb", title: name, onclick, "aria-label": `Open the example ${name}` };
      return element("button", properties, element("img", { src: picture, alt: "" }));
    };
    byId("gallery").replaceChildren(...this.setup.examples.map(button));
  }

  #controls() {
    byId("open").addEventListener("click", () => this.ask());
    byId("opening-close").addEventListener("click", () => this.dialog.close());
    byId("own-open").addEventListener("click", () => this.#own());
    byId("blank").addEventListener("click", () => this.#blank());
    for (const [id, coloured] of [["own-picture", false], ["own-mask", true]]) {
      byId(id).addEventListener("change", ({ target }) => {
        byId("opening-error").hidden = true;
        showFile(target, target.files[0], coloured ? this.#chosen : null);
      });
    }
    byId("edit-file").addEventListener("change", ({ target }) => {
      if (target.files[0]) this.reload(target.files[0]);
      target.value = ""; // so that the same file can be chosen again
    });
  }

  #own() {
    const [mask, picture] = ["own-mask", "own-picture"].map((id) => byId(id).files[0]);
    if (mask) return this.open(this.#chosen, { mask, picture });
    this.#wrong("Choose a mask, too: it holds the classes of the picture.");
  }

  async #blank() {
    const { width, height } = this.#chosen;
    this.open(this.#chosen, { mask: await maskFile({ ids: new Uint8Array(width * height), width, height }) });
  }

  async #dropped(files) {
    try {
      const found = await sorted(files);
      await (found.edit ? this.reload(found.edit) : this.open(this.#chosen, found));
    } catch (error) {
      this.session.fail(error);
    }
  }

  // the same picture with another method

  #models() {
    const options = this.setup.models.map(({ id, title }) => element("option", { value: id }, title));
    byId("model").replaceChildren(...options);
    byId("model").addEventListener("change", () => this.session.now && this.#switch(this.#chosen));
  }

  show() {
    const { model } = this.session.now;
    if (!this.session.opening) byId("model").value = model.id;
    byId("toy").hidden = !model.toy;
  }

  /** Opens the picture with another method; the painted mask and the selection are kept. */
  #switch(model) {
    return this.#step(async ({ source, sourceMask, mask, selection, model: { classes } }, signal) => {
      const opened = await this.#opened(model, source.edit ? { mask: await maskFile(mask) } : source, signal);
      const step = { ...opened, selection: selection.filter((id) => classes[id].name === model.classes[id]?.name) };
      if (source.edit || same(mask, sourceMask)) return step;
      return { ...step, mask: resized(mask, model.width, model.height), stale: true };
    });
  }
}

async function maskFile({ ids, width, height }) {
  return new File([await encodeGrey(ids, width, height)], "mask.png", { type: "image/png" });
}
