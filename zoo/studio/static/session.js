/** The picture that is being edited: its steps, and the edits that are running or waiting. */

import * as api from "./api.js";
import { History } from "./history.js";
import { decodeGrey, encodeGrey, fromBase64, toBase64 } from "./png.js";
import * as masks from "./mask.js";

const FEATHER = 3;

/** Results are shown while the pen is down only if a picture takes at most this time. */
const LIVE_MS = 250;

/**
 * @typedef {object} Edit that is running or waiting
 * @property {?string} key edits with the same key are one step: the newest replaces the earlier ones and starts from their base
 * @property {(base: ?import("./history.js").Step, signal: AbortSignal) => Promise<?object>} change returns the changed
 *   fields of the step, or null for no step. The signal aborts when the edit is undone.
 * @property {AbortController} controller of that signal
 * @property {?import("./mask.js").Mask} mask the new mask, which is shown at once
 * @property {boolean} opens whether the edit opens another picture
 */

/**
 * Dispatches "change" whenever something visible has changed, "opening" before another picture is opened, and "fail"
 * with a message in `detail`. Edits run one after another, each on the result of the one before; an edit that fails
 * changes nothing.
 */
export class Session extends EventTarget {
  history = new History();
  /** @type {?string} a picture that is shown in place of the result, as a preview */
  glance = null;
  /** @type {?string} the latest result of the present stroke */
  #live = null;
  /** @type {Edit[]} edits that are not undone; the first of them runs, or will when the running one has stopped */
  #edits = [];
  /** @type {?Edit} */
  #running = null;
  #renders = new api.Latest();
  #renderMs = Infinity;
  #done = Promise.resolve();

  /** @returns {?import("./history.js").Step} */
  get now() {
    return this.history.present;
  }

  /** The visible mask. */
  get mask() {
    return this.#edits.findLast(({ mask }) => mask)?.mask ?? this.now.mask;
  }

  get pending() {
    return this.#edits.length > 0;
  }

  /** Whether another picture is being opened; edits meanwhile would apply to that one, or be lost. */
  get opening() {
    return this.#edits.some(({ opens }) => opens);
  }

  /**
   * @param {?string} key @param {Edit["change"]} change
   * @param {{mask?: import("./mask.js").Mask, opens?: boolean}} more
   * @returns {Promise<void>} resolves when all edits are done
   */
  edit(key, change, { mask = null, opens = false } = {}) {
    if (opens) this.dispatchEvent(new Event("opening"));
    const last = this.#edits.at(-1);
    if (key !== null && last?.key === key && last !== this.#running) last.change = change;
    else this.#edits.push({ key, change, mask, opens, controller: new AbortController() });
    if (this.#running === null) this.#done = this.#work();
    if (opens) this.changed();
    return this.#done;
  }

  /** Resolves when all edits are done. */
  idle() {
    return this.#done;
  }

  async #work() {
    while (this.#edits.length) {
      const edit = (this.#running = this.#edits[0]);
      const wanted = () => this.#edits[0] === edit;
      const again = edit.key !== null && this.now?.key === edit.key && this.history.previous !== null;
      const base = again ? this.history.previous : this.now;
      try {
        const fields = await edit.change(base, edit.controller.signal);
        if (wanted() && fields !== null) this.#step(base, { ...fields, key: edit.key }, again);
      } catch (error) {
        if (wanted()) this.fail(error);
      }
      if (wanted()) this.#edits.shift();
      this.changed();
    }
    this.#running = null;
    this.changed();
    this.refresh();
  }

  #step(base, fields, again) {
    const step = { ...base, stale: false, selection: this.now?.selection ?? [], ...fields };
    if (again) this.history.replace(step);
    else this.history.push(step);
    this.glance = null;
  }

  /** Cancels the newest edit that is running or waiting, or else undoes the last step. */
  undo() {
    const newest = this.#drop();
    const belongs = (one) => newest && newest.key !== null && one?.key === newest.key;
    while (belongs(this.#edits.at(-1))) this.#drop();
    if (!newest || (!this.#edits.length && belongs(this.now))) this.history.undo();
    this.#restored();
  }

  /** Aborts the newest edit that is running or waiting. @returns {Edit | undefined} */
  #drop() {
    const edit = this.#edits.pop();
    edit?.controller.abort();
    return edit;
  }

  redo() {
    if (this.pending) return;
    this.history.redo();
    this.#restored();
  }

  #restored() {
    this.glance = null;
    this.changed();
    this.refresh();
  }

  /** Selects a class alone; with `more`, toggles it in the selection. @param {number} id @param {boolean} more */
  choose(id, more) {
    const { selection } = this.now;
    const others = selection.filter((one) => one !== id);
    this.select(!more ? [id] : others.length < selection.length ? others : [...others, id]);
  }

  /** @param {number[]} classes */
  select(classes) {
    this.now.selection = classes;
    this.changed();
  }

  /** Sets a new mask, whose result is drawn next. @param {import("./mask.js").Mask} mask */
  paint(mask) {
    const live = this.#live;
    this.#live = null;
    if (masks.same(mask, this.mask)) return this.look(null);
    this.edit(null, async (base) => ({ mask, stale: true, result: live ?? base.result }), { mask });
  }

  /** Draws the mask of the present stroke, if drawing is fast enough. @param {import("./mask.js").Mask} mask */
  async paintLive(mask) {
    const step = this.now;
    if (this.#renderMs > LIVE_MS || this.pending) return;
    this.#live ??= step.result;
    const seen = { ...mask, ids: mask.ids.slice() };
    await this.#renders.send(async () => {
      try {
        const { result } = await api.render(await this.scene({ ...step, mask: seen }));
        if (this.now !== step || this.pending || this.#live === null) return; // another step, or the stroke is over
        this.#live = result;
        this.look(result);
      } catch {
        // drawing the finished stroke reports the error
      }
    });
  }

  /** Shows a picture as a preview; null ends it. @param {?string} picture */
  look(picture) {
    if (picture === null) this.#live = null;
    if (this.glance === picture) return;
    this.glance = picture;
    this.dispatchEvent(new Event("glance"));
  }

  /** Draws the result of the present step, if it is stale. */
  refresh() {
    const step = this.now;
    if (!step?.stale || this.pending) return;
    this.#renders.send(async () => {
      if (step !== this.now || !step.stale) return;
      const start = performance.now();
      try {
        const { result } = await api.render(await this.scene(step));
        Object.assign(step, { result, stale: false });
        this.#renderMs = performance.now() - start;
      } catch (error) {
        this.fail(error);
      }
      if (step !== this.now) return;
      this.glance = null;
      this.changed();
    });
  }

  /**
   * @param {import("./history.js").Step} step
   * @param {?number[]} classes that will change, null for all; the opened picture is not pasted over them
   * @returns {Promise<api.Scene>}
   */
  async scene(step, classes = []) {
    const { ids, width, height } = step.mask;
    const paste = step.keep && step.opened;
    return {
      model: step.model.id,
      mask: toBase64(await encodeGrey(ids, width, height)),
      codes: step.codes,
      paste: paste ? { picture: step.opened, classes: touched(step, classes), feather: FEATHER } : null,
    };
  }

  /** @param {Error} error */
  fail(error) {
    this.dispatchEvent(new CustomEvent("fail", { detail: error.message }));
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** The classes whose codes differ from the opened picture's after `classes` (null: all) have changed. */
export function touched(step, classes) {
  if (classes === null) return step.model.classes.map(({ id }) => id);
  return [...new Set([...step.edited, ...classes])].sort((a, b) => a - b);
}

/** The first step of an opened picture. @param {object} answer of /api/open or /api/reload */
export async function opening(model, answer, source, slides) {
  const mask = await decodeGrey(fromBase64(answer.mask));
  const { codes, result, opened, original, picture } = answer;
  return {
    model, mask, codes, result, opened, original, picture, source, slides,
    before: picture ?? result, sourceMask: mask, selection: [], edited: [], keep: Boolean(answer.keep),
  };
}
