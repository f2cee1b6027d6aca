/** The gestures of the tools, from pen down to pen up, by pointer or keyboard. */

import * as masks from "./mask.js";

/** @typedef {{x: number, y: number}} Pixel */

export class Pen {
  /**
   * A stroke is {base, mask, last, classId}; a region that is being moved is {base, mask, from, region, shown, hole, classId}.
   * base: the mask at pen down.
   */
  #gesture = null;

  /**
   * @param {import("./session.js").Session} session
   * @param {() => {tool: string, size: number}} settings returns the current tool and brush size
   */
  constructor(session, settings) {
    this.session = session;
    this.settings = settings;
  }

  /** The visible mask, including the present gesture. */
  get mask() {
    return this.#gesture?.mask ?? this.session.mask;
  }

  /** Whether the mask at pen down has been undone since. */
  get outdated() {
    return this.#gesture !== null && this.#gesture.base !== this.session.mask;
  }

  /** @returns {?import("./mask.js").Region} the present position of the region that is being moved */
  get carried() {
    return this.#gesture?.shown ?? null;
  }

  /**
   * @param {Pixel} at
   * @param {{more: boolean, pick: boolean}} how more: add to the selection; pick: select with any tool
   */
  down(at, { more, pick }) {
    const { tool } = this.settings();
    const { session } = this;
    if (tool === "select" || pick) return this.select(at, more);
    const classId = session.now.selection.at(-1);
    if (classId === undefined && (tool === "brush" || tool === "fill")) {
      return session.fail(new Error("Choose the class to paint with first: in the list, or with the select tool."));
    }
    if (tool === "brush") return this.#begin(at, classId);
    const region = masks.regionAt(session.mask, at.x, at.y);
    if (tool !== "fill" && !region.includes(0)) {
      return session.fail(new Error("The region is the whole mask, so no other class is left to replace it: fill it instead."));
    }
    if (tool === "fill") session.paint(masks.painted(session.mask, region, classId));
    if (tool === "delete") session.paint(masks.deleted(session.mask, region));
    if (tool === "move") this.#carry(at, region);
  }

  /** @param {Pixel} at @returns {boolean} whether a gesture is running */
  drag(at) {
    const gesture = this.#gesture;
    if (!gesture) return false;
    if (gesture.region) this.#move(gesture, at);
    else masks.stroke(gesture.mask, gesture.last, at, this.settings().size, gesture.classId);
    gesture.last = at;
    this.session.paintLive(gesture.mask);
    return true;
  }

  up() {
    if (!this.#gesture) return;
    const { mask } = this.#gesture;
    this.#gesture = null;
    this.session.paint(mask);
  }

  /** @returns {boolean} whether a gesture was cancelled */
  cancel() {
    if (!this.#gesture) return false;
    this.#gesture = null;
    this.session.look(null);
    return true;
  }

  /** @param {Pixel} at @param {boolean} more toggle the class instead of selecting it alone */
  select(at, more) {
    const { mask } = this.session;
    this.session.choose(mask.ids[at.y * mask.width + at.x], more);
  }

  #begin(at, classId) {
    const { mask } = this.session;
    this.#gesture = { base: mask, mask: { ...mask, ids: mask.ids.slice() }, last: at, classId };
    this.drag(at);
  }

  #carry(from, region) {
    const { mask } = this.session;
    const classId = mask.ids[from.y * mask.width + from.x];
    this.#gesture = { base: mask, mask, from, region, shown: region, classId, hole: masks.deleted(mask, region) };
  }

  #move(gesture, at) {
    const { hole, region, classId, from } = gesture;
    const [dx, dy] = [at.x - from.x, at.y - from.y];
    const nothing = { ...hole, ids: new Uint8Array(region.length) };
    gesture.mask = masks.placed(hole, region, classId, dx, dy);
    gesture.shown = masks.placed(nothing, region, 1, dx, dy).ids;
  }
}
