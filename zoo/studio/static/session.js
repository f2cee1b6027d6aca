/** The picture that is being edited: its steps, and the edits that are on their way. */

import * as api from "./api.js";
import { History } from "./history.js";
import { decodeGrey, encodeGrey, fromBase64, toBase64 } from "./png.js";
import * as masks from "./mask.js";

const FEATHER = 3;

/** Painting shows its result while the pen is down only where a picture takes no longer than this. */
const LIVE_MS = 250;

/**
 * @typedef {object} Edit that is on its way
 * @property {?string} key edits of one key are one step: the newest replaces those before, and starts where they did
 * @property {(base: ?import("./history.js").Step, signal: AbortSignal) => Promise<?object>} change what is new in the
 *   step; null for no step. The signal tells that the edit was taken back.
 * @property {AbortController} controller of that signal
 * @property {?import("./mask.js").Mask} mask what the edit paints, which is seen at once
 * @property {boolean} opens whether another picture takes the place of this one
 */

/**
 * Tells "change" whenever something that the page shows has changed, "opening" before another picture takes the place of
 * this one, and "fail" with a sentence in `detail`.
 * Edits run one after another, each on what the one before left; an edit that fails leaves everything as it was.
 */
export class Session extends EventTarget {
  history = new History();
  /** @type {?string} a picture that is shown in place of the result, while it is only looked at */
  glance = null;
  /** @type {?string} the newest picture of the stroke that the pen has not ended yet */
  #live = null;
  /** @type {Edit[]} those that are wanted; the first of them runs, or will once the one that runs has stopped */
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

  /** The mask that is seen. */
  get mask() {
    return this.#edits.findLast(({ mask }) => mask)?.mask ?? this.now.mask;
  }

  get pending() {
    return this.#edits.length > 0;
  }

  /** Whether another picture is on its way: what is done to this one meanwhile would come on that one, or get lost. */
  get opening() {
    return this.#edits.some(({ opens }) => opens);
  }

  /**
   * @param {?string} key @param {Edit["change"]} change
   * @param {{mask?: import("./mask.js").Mask, opens?: boolean}} more
   * @returns {Promise<void>} once all edits are done
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

  /** Resolves once all edits are done. */
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

  /** Takes back the newest edit that is on its way, or else the last step. */
  undo() {
    const newest = this.#drop();
    const belongs = (one) => newest && newest.key !== null && one?.key === newest.key;
    while (belongs(this.#edits.at(-1))) this.#drop();
    if (!newest || (!this.#edits.length && belongs(this.now))) this.history.undo();
    this.#restored();
  }

  /** Stops the newest edit that is on its way. @returns {Edit | undefined} */
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

  /** Selects one class, or adds it to the selection, or takes it away. @param {number} id @param {boolean} more */
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

  /** A new mask; its picture follows. @param {import("./mask.js").Mask} mask */
  paint(mask) {
    const live = this.#live;
    this.#live = null;
    if (masks.same(mask, this.mask)) return this.look(null);
    this.edit(null, async (base) => ({ mask, stale: true, result: live ?? base.result }), { mask });
  }

  /** Paints a mask that is not a step yet, if that goes quickly enough. @param {import("./mask.js").Mask} mask */
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
        // the finished stroke is painted anyway, and says what is wrong
      }
    });
  }

  /** Shows a picture without taking it; null ends that. @param {?string} picture */
  look(picture) {
    if (picture === null) this.#live = null;
    if (this.glance === picture) return;
    this.glance = picture;
    this.dispatchEvent(new Event("glance"));
  }

  /** Asks for the picture of a step that has none of its own yet. */
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
   * @param {?number[]} classes that are about to change, null for all; they are not covered by the opened picture
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

/** The classes whose codes differ from the opened picture's once `classes` (null: all) have changed as well. */
export function touched(step, classes) {
  if (classes === null) return step.model.classes.map(({ id }) => id);
  return [...new Set([...step.edited, ...classes])].sort((a, b) => a - b);
}

/** The step that an opened picture begins. @param {object} answer of /api/open or /api/reload */
export async function opening(model, answer, source, slides) {
  const mask = await decodeGrey(fromBase64(answer.mask));
  const { codes, result, opened, original, picture } = answer;
  return {
    model, mask, codes, result, opened, original, picture, source, slides,
    before: picture ?? result, sourceMask: mask, selection: [], edited: [], keep: Boolean(answer.keep),
  };
}
