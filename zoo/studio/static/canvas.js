/** Draws the mask in the colours of its classes, and marks over it (outlines, brush, cursor). */

import { outline } from "./mask.js";

/** @param {{id: number, colour: string}[]} classes @returns {Uint32Array} a pixel of ImageData for every class id */
export function pixelColours(classes) {
  const colours = new Uint32Array(256);
  const bytes = new Uint8Array(colours.buffer);
  for (const { id, colour } of classes) {
    const value = parseInt(colour.slice(1), 16);
    bytes.set([value >> 16, (value >> 8) & 255, value & 255, 255], id * 4);
  }
  return colours;
}

/**
 * Draws one canvas pixel for each pixel of the mask; the page enlarges the canvas without smoothing.
 *
 * @param {HTMLCanvasElement} canvas @param {import("./mask.js").Mask} mask @param {Uint32Array} colours
 */
export function drawMask(canvas, { ids, width, height }, colours) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let at = 0; at < ids.length; at++) pixels[at] = colours[ids[at]];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Marks over a picture, at the resolution of the screen; coordinates are pixels of the mask. */
export class Marks {
  #context;

  /** @param {HTMLCanvasElement} canvas over the picture, of the same size */
  constructor(canvas) {
    this.canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  /** Clears the canvas and sets its size to that on the screen. @param {number} width of the mask */
  begin(width) {
    const { canvas } = this;
    const sharpness = window.devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * sharpness);
    canvas.height = Math.round(canvas.clientHeight * sharpness);
    this.scale = canvas.width / width;
    this.#context.lineCap = "square";
  }

  /** @param {Uint8Array} region @param {number} width @param {number} height @param {boolean} dashed */
  outline(region, width, height, dashed = false) {
    const path = new Path2D();
    for (const [x1, y1, x2, y2] of outline(region, width, height)) {
      path.moveTo(x1 * this.scale, y1 * this.scale);
      path.lineTo(x2 * this.scale, y2 * this.scale);
    }
    this.#line(path, dashed);
  }

  /** @param {{x: number, y: number}} pixel @param {number} size diameter of the brush */
  ring({ x, y }, size) {
    const path = new Path2D();
    const shift = size % 2 ? 0.5 : 0;
    path.arc((x + shift) * this.scale, (y + shift) * this.scale, (size / 2) * this.scale, 0, 2 * Math.PI);
    this.#line(path);
  }

  /** @param {{x: number, y: number}} pixel */
  cursor({ x, y }) {
    const path = new Path2D();
    const [left, top, side] = [x * this.scale, y * this.scale, this.scale];
    const arm = Math.max(side, 8 * window.devicePixelRatio);
    path.rect(left, top, side, side);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      const [cx, cy] = [left + side / 2 + (dx * side) / 2, top + side / 2 + (dy * side) / 2];
      path.moveTo(cx, cy);
      path.lineTo(cx + dx * arm, cy + dy * arm);
    }
    this.#line(path);
  }

  /** A white line on a wider black one, which is visible on every colour. */
  #line(path, dashed = false) {
    const context = this.#context;
    const unit = window.devicePixelRatio;
    context.setLineDash([]);
    context.strokeStyle = "rgb(0 0 0 / 0.75)";
    context.lineWidth = 3.5 * unit;
    context.stroke(path);
    context.setLineDash(dashed ? [4 * unit, 4 * unit] : []);
    context.strokeStyle = "white";
    context.lineWidth = 1.5 * unit;
    context.stroke(path);
  }
}
