/** Files that are dropped or chosen: tell mask and picture apart, check their size, show them. */

import { drawMask, pixelColours } from "./canvas.js";
import { element } from "./dom.js";
import { decodeGrey, headerOf } from "./png.js";

const MASK_NAME = /mask|label|seg|annot/i;
const [GREY, PALETTE] = [0, 3];
/** Masks with more pixels are not shown in colours, which would block the page. */
const SHOWN = 4_000_000;

/**
 * Tells dropped files apart. Throws an Error if it is not clear what they are.
 *
 * @param {File[]} files
 * @returns {Promise<{edit: File} | {mask: File, picture: ?File}>}
 */
export async function sorted(files) {
  const edit = files.find(({ name }) => name.toLowerCase().endsWith(".zip"));
  if (edit && files.length === 1) return { edit };
  if (!files.length) throw new Error("No file was dropped: drop a picture and its mask, or an edit file.");
  if (files.length > 2 || edit) {
    throw new Error(`${files.length} files were dropped: drop a mask, a picture with its mask, or one edit file.`);
  }
  if (files.length === 1) return { mask: files[0], picture: null };
  for (const looksLikeMask of [({ name }) => MASK_NAME.test(name), isIndexed, ({ name }) => /\.png$/i.test(name)]) {
    const found = await Promise.all(files.map(looksLikeMask));
    if (found[0] !== found[1]) return { mask: files[found[0] ? 0 : 1], picture: files[found[0] ? 1 : 0] };
  }
  throw new Error(
    "It is not clear which of the two files is the mask: put “mask” into its name, or choose the files one by one.");
}

async function header(file) {
  return headerOf(new Uint8Array(await file.slice(0, 26).arrayBuffer()));
}

/** Whether a file is a PNG of grey levels or with a palette, as masks are. */
async function isIndexed(file) {
  return [GREY, PALETTE].includes((await header(file))?.colour);
}

/**
 * Throws an Error for files that are too large for the server, before they are sent.
 *
 * @param {?File[]} files @param {number} megabytes
 */
export function checkSize(files, megabytes) {
  const sent = files.filter(Boolean);
  const total = sent.reduce((sum, { size }) => sum + size, 0);
  if (total <= megabytes * 2 ** 20) return;
  const names = sent.map(({ name }) => name).join(" and ");
  throw new Error(
    `${names}: ${(total / 2 ** 20).toFixed(1)} MB are more than the limit of ${megabytes} MB: choose smaller files, or ` +
    "start the studio with a larger --max-megabytes.");
}

/**
 * Shows a file beside the button with which it was chosen.
 *
 * @param {HTMLInputElement} input @param {?File} file @param {?object} model for a mask: its colours
 */
export async function showFile(input, file, model = null) {
  if (!file) return;
  const label = input.parentElement;
  label.querySelector("span").textContent = file.name;
  const coloured = model && (await maskPicture(file, model));
  const shown = coloured ?? element("img", { alt: "", src: URL.createObjectURL(file) });
  const old = label.querySelector("img, canvas");
  if (old?.src) URL.revokeObjectURL(old.src);
  old?.remove();
  label.append(shown);
}

/** A mask of class ids in the colours of the classes (ids alone are nearly black); null for other masks. */
async function maskPicture(file, { classes }) {
  const { width = 0, height = 0 } = (await header(file)) ?? {};
  if (width * height > SHOWN) return null;
  try {
    const canvas = element("canvas");
    drawMask(canvas, await decodeGrey(new Uint8Array(await file.arrayBuffer())), pixelColours(classes));
    return canvas;
  } catch {
    return null; // if the file is damaged, the server reports it
  }
}

/**
 * Handles files that are dropped on an element.
 *
 * @param {EventTarget} target @param {(over: boolean) => void} mark @param {(files: File[]) => void} take
 */
export function onDrop(target, mark, take) {
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let inside = 0; // elements in the target that the pointer has entered and not left
  const listen = (type, act) =>
    target.addEventListener(type, (event) => {
      if (!carries(event) || event.defaultPrevented) return;
      event.preventDefault();
      act(event);
    });
  listen("dragenter", () => mark(++inside > 0));
  listen("dragover", () => {});
  listen("dragleave", () => mark(--inside > 0));
  listen("drop", (event) => {
    inside = 0;
    mark(false);
    take([...event.dataTransfer.files]);
  });
}
