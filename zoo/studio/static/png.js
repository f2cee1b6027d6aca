/**
 * Reads and writes masks as 8-bit grey PNG files, with exact ids.
 *
 * Browsers read PNG through a canvas in RGBA, where colour management may change values, and an id that is off by one is
 * another class. So the chunks of a grey PNG are read and written here.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * @param {Uint8Array} ids class ids, row by row
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Uint8Array>} a PNG file
 */
export async function encodeGrey(ids, width, height) {
  const rows = new Uint8Array((width + 1) * height); // each row begins with its filter type, 0 for none
  for (let y = 0; y < height; y++) rows.set(ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, GREY, 0, 0, 0], 8);
  const packed = await through(new CompressionStream("deflate"), rows);
  return joined([SIGNATURE, chunk("IHDR", header), chunk("IDAT", packed), chunk("IEND", [])]);
}

/**
 * @param {Uint8Array} file a PNG file, 8-bit grey and not interlaced
 * @returns {Promise<{ids: Uint8Array, width: number, height: number}>}
 */
export async function decodeGrey(file) {
  const header = headerOf(file);
  if (!header) throw new Error("The mask is not a PNG file.");
  const { width, height } = header;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const data = [];
  for (let at = SIGNATURE.length; at < file.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === "IHDR" && (body[8] !== 8 || body[9] !== GREY || body[12] !== 0)) {
      throw new Error("The mask is not an 8-bit grey PNG.");
    }
    if (type === "IDAT") data.push(body);
    at += length + 12;
  }
  const rows = await through(new DecompressionStream("deflate"), joined(data));
  return { ids: unfiltered(rows, width, height), width, height };
}

/**
 * The header of a PNG, or null for another file.
 *
 * @param {Uint8Array} file the first 26 bytes are enough
 * @returns {?{width: number, height: number, colour: number}} colour: 0 grey, 2 RGB, 3 palette, ...
 */
export function headerOf(file) {
  if (file.length < 26 || SIGNATURE.some((byte, at) => file[at] !== byte)) return null;
  const view = new DataView(file.buffer, file.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20), colour: file[25] };
}

/** @param {Uint8Array} bytes @returns {string} */
export function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** @param {string} text base64, with or without "data:...," before it @returns {Uint8Array} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text.slice(text.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
}

/** Reverses the five filters of the PNG specification (section 9), for one byte per pixel. */
function unfiltered(rows, width, height) {
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width + 1)];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = x ? ids[at - 1] : 0;
      const up = y ? ids[at - width] : 0;
      const corner = x && y ? ids[at - width - 1] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      ids[at] = rows[y * (width + 1) + x + 1] + guess;
    }
  }
  return ids;
}

function paeth(left, up, corner) {
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function chunk(type, body) {
  const named = joined([Array.from(type, (letter) => letter.charCodeAt(0)), body]);
  let crc = 0xffffffff;
  for (const byte of named) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, body.length);
  ends.setUint32(4, ~crc >>> 0);
  return joined([new Uint8Array(ends.buffer, 0, 4), named, new Uint8Array(ends.buffer, 4, 4)]);
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}
