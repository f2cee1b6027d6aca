/** The mask on the page with its tools, by pointer and by a cursor for the arrow keys. */

import { drawMask, Marks, pixelColours } from "./canvas.js";
import { byId } from "./dom.js";
import { regionAt, regionOf } from "./mask.js";
import { Pen } from "./pen.js";

const KEYS = { v: "select", b: "brush", f: "fill", d: "delete", m: "move" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 8;

export class MaskEditor {
  /** @type {?import("./pen.js").Pixel} under the pointer */
  #hover = null;
  /** @type {?import("./pen.js").Pixel} of the keyboard */
  #cursor = null;
  #marks = new Marks(byId("mask-marks"));
  #resultMarks = new Marks(byId("result-marks"));
  #colours = null;

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    this.canvas = byId("mask");
    this.size = byId("brush-size");
    this.pen = new Pen(session, () => ({ tool: this.tool, size: this.size.valueAsNumber }));
    this.#pointer();
    this.#keyboard();
    byId("tools").addEventListener("change", () => this.#toolChanged());
    this.size.addEventListener("input", () => this.#sized());
    byId("see-through").addEventListener("change", ({ target }) => this.#seeThrough(target.checked));
    session.addEventListener("opening", () => this.pen.up()); // a stroke ends on the picture on which it began
    new ResizeObserver(() => this.#drawMarks()).observe(this.canvas);
  }

  get tool() {
    return byId("tools").querySelector("input:checked").value;
  }

  /** Draws the present step. */
  show() {
    const { model, picture, result } = this.session.now;
    if (this.model !== model) this.#setModel(model);
    if (byId("under").src !== (picture ?? result)) byId("under").src = picture ?? result;
    if (this.pen.outdated) this.pen.cancel();
    this.#draw();
  }

  #setModel(model) {
    this.model = model;
    this.#colours = pixelColours(model.classes);
    this.#cursor = null;
    this.pen.cancel();
    this.size.max = Math.round(Math.min(model.width, model.height) / 3);
    byId("studio").style.setProperty("--ratio", model.width / model.height);
    byId("pictures").classList.toggle("wide", model.width >= 1.6 * model.height);
    this.#sized();
  }

  #draw() {
    drawMask(this.canvas, this.pen.mask, this.#colours);
    this.#drawMarks();
  }

  #drawMarks() {
    if (!this.model) return;
    const { width, height } = this.model;
    const { selection } = this.session.now;
    const { mask, carried } = this.pen;
    const chosen = regionOf(mask, selection);
    for (const marks of [this.#marks, this.#resultMarks]) {
      marks.begin(width);
      if (selection.length) marks.outline(chosen, width, height);
    }
    const at = this.#hover ?? this.#cursor;
    const selected = at && this.tool === "select" && selection.includes(mask.ids[at.y * width + at.x]);
    if (carried) this.#marks.outline(carried, width, height, true);
    else if (at && this.tool === "brush") this.#marks.ring(at, this.size.valueAsNumber);
    else if (at && !selected) this.#marks.outline(regionAt(mask, at.x, at.y), width, height, true);
    if (this.#cursor) this.#marks.cursor(this.#cursor);
  }

  // the pointer

  #pointer() {
    const { canvas, pen } = this;
    const how = (event) => ({ more: event.shiftKey || event.ctrlKey || event.metaKey, pick: event.altKey });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.#cursor = null;
      pen.down(this.#pixel(event, canvas), how(event));
      this.#draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      const path = event.getCoalescedEvents?.() ?? [];
      const dragged = [...path, event].map((each) => pen.drag(this.#pixel(each, canvas)));
      this.#hover = this.#pixel(event, canvas);
      this.#point(this.#hover, false);
      if (dragged.includes(true)) this.#draw();
      else this.#drawMarks();
    });
    canvas.addEventListener("pointerup", () => this.#lift());
    canvas.addEventListener("pointercancel", () => this.#cancel());
    canvas.addEventListener("pointerleave", () => {
      this.#hover = null;
      this.#drawMarks();
    });
    const result = byId("result-marks");
    result.addEventListener("click", (event) => pen.select(this.#pixel(event, result), how(event).more));
    result.addEventListener("pointermove", (event) => this.#point(this.#pixel(event, result), false));
  }

  #pixel({ clientX, clientY }, canvas) {
    const box = canvas.getBoundingClientRect();
    const { width, height } = this.model;
    return this.#within({
      x: Math.floor(((clientX - box.left) / box.width) * width),
      y: Math.floor(((clientY - box.top) / box.height) * height),
    });
  }

  #within({ x, y }) {
    const { width, height } = this.model;
    return { x: Math.min(width - 1, Math.max(0, x)), y: Math.min(height - 1, Math.max(0, y)) };
  }

  // the keyboard

  #keyboard() {
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("keyup", ({ key }) => {
      // one press picks a region up and the next puts it down; a stroke ends when the key is released
      if ((key === " " || key === "Enter") && !this.pen.carried) this.#lift();
    });
    this.canvas.addEventListener("focus", () => this.#focus());
    this.canvas.addEventListener("blur", () => this.#blur());
    byId("tools").addEventListener("keydown", (event) => this.#shortcut(event));
  }

  #key(event) {
    if (this.#shortcut(event)) return;
    this.#cursor ??= this.#hover ?? this.#middle;
    if (ARROWS[event.key]) this.#arrow(ARROWS[event.key], event.shiftKey ? FAR : 1);
    else if (event.key === "Escape") this.#cancel();
    else if (event.key === " " || event.key === "Enter") !event.repeat && this.#press(event);
    else return;
    event.preventDefault();
  }

  get #middle() {
    return { x: this.model.width >> 1, y: this.model.height >> 1 };
  }

  #arrow([dx, dy], steps) {
    this.#hover = null;
    this.#cursor = this.#within({ x: this.#cursor.x + dx * steps, y: this.#cursor.y + dy * steps });
    this.pen.drag(this.#cursor);
    this.#point(this.#cursor, true);
    this.#draw();
  }

  #press(event) {
    if (this.pen.carried) return this.#lift();
    this.pen.down(this.#cursor, { more: event.shiftKey, pick: false });
    this.#draw();
  }

  #shortcut(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const tool = KEYS[event.key.toLowerCase()];
    const step = { "[": -1, "]": 1 }[event.key];
    if (tool) {
      byId("tools").querySelector(`[value=${tool}]`).checked = true;
      this.#toolChanged();
    } else if (step) {
      this.size.valueAsNumber += step;
      this.#sized();
    }
    return Boolean(tool || step);
  }

  #focus() {
    // a click sets the focus, too, but needs no cursor
    if (!this.model || !this.canvas.matches(":focus-visible")) return;
    this.#cursor ??= this.#middle;
    this.#point(this.#cursor, true);
    this.#drawMarks();
  }

  #blur() {
    this.#cancel();
    this.#cursor = null;
    this.#drawMarks();
  }

  #lift() {
    this.pen.up();
    this.#draw();
  }

  #cancel() {
    if (this.pen.cancel()) this.#draw();
  }

  /** Names the class under the pointer or cursor; `aloud` announces it to screen readers. */
  #point({ x, y }, aloud) {
    const { ids, width } = this.pen.mask;
    byId("pointed").ariaLive = aloud ? "polite" : "off";
    byId("pointed").textContent = `${this.model.classes[ids[y * width + x]].name} · ${x}, ${y}`;
  }

  #toolChanged() {
    this.canvas.dataset.tool = this.tool;
    byId("brush").hidden = this.tool !== "brush";
    this.#cancel();
    this.#drawMarks();
  }

  #sized() {
    byId("brush-shown").textContent = `${this.size.value} px`;
    this.#drawMarks();
  }

  #seeThrough(on) {
    byId("under").hidden = !on;
    this.canvas.classList.toggle("thin", on);
  }
}
