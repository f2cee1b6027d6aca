/** The picture that is being edited: its steps, and the edits that are on their way. */

import * as api from "./api.js";
import { History } from "./history.js";
import { decodeGrey, encodeGrey, fromBase64, toBase64 } from "./png.js";
import * as masks from "./mask.js";

const FEATHER = 3;

/** Painting shows its result while the pen is down only where a picture takes no longer than this. */
const LIVE_MS = 250;

/**
 * Tells "change" whenever something that the page shows has changed, and "fail" with a sentence in `detail`.
 * Edits run one after another, each on what the one before left; an edit that fails leaves everything as it was.
 */
export class Session extends EventTarget {
  history = new History();
  /** @type {?import("./mask.js").Mask} painted, but not yet a step */
  draft = null;
  /** @type {?string} a picture that is shown in place of the result, while it is only looked at */
  glance = null;
  /** @type {?string} the picture of the stroke that the pen has not ended yet */
  #live = null;
  #waiting = [];
  #working = false;
  #round = 0;
  #renders = new api.Latest();
  #renderMs = Infinity;
  #done = Promise.resolve();

  /** @returns {?import("./history.js").Step} */
  get now() {
    return this.history.present;
  }

  /** The mask that is seen. */
  get mask() {
    return this.draft ?? this.now.mask;
  }

  get pending() {
    return this.#working;
  }

  /**
   * @param {?string} key edits of one key are one step: the newest replaces those before, and starts where they did
   * @param {(base: ?import("./history.js").Step) => Promise<?object>} change what is new in the step; null for no step
   */
  edit(key, change) {
    const last = this.#waiting.at(-1);
    if (key !== null && last?.key === key) last.change = change;
    else this.#waiting.push({ key, change });
    if (!this.#working) this.#done = this.#work();
    return this.#done;
  }

  /** Resolves once all edits are done. */
  idle() {
    return this.#done;
  }

  async #work() {
    this.#working = true;
    while (this.#waiting.length) {
      const { key, change } = this.#waiting.shift();
      const again = key !== null && this.now?.key === key && this.history.previous !== null;
      const round = this.#round;
      try {
        const base = again ? this.history.previous : this.now;
        const fields = await change(base);
        if (round !== this.#round || fields === null) continue; // undone before it was there, or nothing new
        const step = { ...base, stale: false, selection: this.now?.selection ?? [], ...fields, key };
        if (again) this.history.replace(step);
        else this.history.push(step);
        this.glance = null;
        if (step.mask === this.draft) this.draft = null;
      } catch (error) {
        this.fail(error);
      }
      this.changed();
    }
    this.#working = false;
    this.draft = null;
    this.changed();
    this.refresh();
  }

  /** Takes back the edit that is on its way, or else the last step. */
  undo() {
    if (this.#working) this.#drop();
    else this.history.undo();
    this.#restored();
  }

  redo() {
    if (this.#working) return;
    this.history.redo();
    this.#restored();
  }

  #drop() {
    this.#round++;
    this.#waiting = [];
    this.draft = null;
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
    this.draft = mask;
    const { sourceMask } = this.now;
    this.edit(null, async (base) => {
      if (base.sourceMask !== sourceMask) return null; // painted while another picture was on its way
      return { mask, stale: true, result: live ?? base.result };
    });
  }

  /** Paints a mask that is not a step yet, if that goes quickly enough. @param {import("./mask.js").Mask} mask */
  async paintLive(mask) {
    const step = this.now;
    if (this.#renderMs > LIVE_MS || this.#working) return;
    const seen = { ...mask, ids: mask.ids.slice() };
    await this.#renders.send(async () => {
      try {
        const { result } = await api.render(await this.scene({ ...step, mask: seen }));
        if (this.now !== step || this.#working) return;
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
    if (!step?.stale || this.#working) return;
    this.#renders.send(async () => {
      if (step !== this.now) return;
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
  const { codes, result, opened, picture } = answer;
  return {
    model, mask, codes, result, opened, picture, source, slides,
    before: picture ?? result, sourceMask: mask, selection: [], edited: [], keep: Boolean(answer.keep),
  };
}
