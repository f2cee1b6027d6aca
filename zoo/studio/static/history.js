/**
 * The steps for undo and redo. The server keeps only codes and pictures by handle, so a step holds everything else.
 *
 * @typedef {object} Step
 * @property {?string} key consecutive steps with the same key are one step (a slider that is moved again)
 * @property {object} model as /api/setup describes it
 * @property {import("./mask.js").Mask} mask
 * @property {string} codes handle
 * @property {string} result data URI
 * @property {boolean} stale whether the result is that of an earlier mask
 * @property {number[]} selection ids of classes; the last is the one to paint with
 * @property {?string} opened handle of the opened picture
 * @property {?number[]} original height and width of the opened picture's file
 * @property {?string} picture the opened picture as a data URI
 * @property {string} before what the result is compared with, as a data URI
 * @property {object} source what was opened: {example}, {mask, picture} or {edit}
 * @property {import("./mask.js").Mask} sourceMask the mask as it was opened
 * @property {number[]} edited ids of the classes whose codes are not those of the opened picture
 * @property {boolean} keep whether the opened picture's pixels stay outside the edit
 * @property {{direction: object, selection: string, amounts: Object<string, number>}} slides
 */

const MOST = 200;

export class History {
  #past = [];
  #future = [];

  /** @returns {?Step} */
  get present() {
    return this.#past.at(-1) ?? null;
  }

  /** @returns {?Step} the step before the present one */
  get previous() {
    return this.#past.at(-2) ?? null;
  }

  get canUndo() {
    return this.#past.length > 1;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** @param {Step} step */
  push(step) {
    this.#past.push(step);
    if (this.#past.length > MOST) this.#past.shift();
    this.#future = [];
  }

  /** Replaces the present step. @param {Step} step */
  replace(step) {
    this.#past.pop();
    this.push(step);
  }

  undo() {
    if (this.canUndo) this.#future.push(this.#past.pop());
  }

  redo() {
    if (this.canRedo) this.#past.push(this.#future.pop());
  }
}
