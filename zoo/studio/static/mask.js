/**
 * Editing masks: functions over a Uint8Array of class ids, row by row. Only dab and stroke change their argument.
 *
 * @typedef {{ids: Uint8Array, width: number, height: number}} Mask
 * @typedef {Uint8Array} Region 1 inside and 0 outside, as long as the mask
 */

/**
 * The connected region (4 neighbours) of one class around a pixel.
 *
 * @param {Mask} mask @param {number} x @param {number} y @returns {Region}
 */
export function regionAt({ ids, width, height }, x, y) {
  const region = new Uint8Array(ids.length);
  const start = y * width + x;
  const open = [start];
  region[start] = 1;
  while (open.length) {
    const at = open.pop();
    const column = at % width;
    const row = (at - column) / width;
    const visit = (next) => {
      if (region[next] || ids[next] !== ids[start]) return;
      region[next] = 1;
      open.push(next);
    };
    if (column > 0) visit(at - 1);
    if (column < width - 1) visit(at + 1);
    if (row > 0) visit(at - width);
    if (row < height - 1) visit(at + width);
  }
  return region;
}

/** @param {Mask} mask @param {number[]} classes @returns {Region} all pixels of these classes */
export function regionOf({ ids }, classes) {
  const wanted = new Set(classes);
  return ids.map((id) => (wanted.has(id) ? 1 : 0));
}

/** @param {Mask} mask @param {Region} region @param {number} classId @returns {Mask} */
export function painted(mask, region, classId) {
  return { ...mask, ids: mask.ids.map((id, at) => (region[at] ? classId : id)) };
}

/**
 * Deletes a region: its pixels take the class of the nearest pixel outside. The whole mask as a region stays.
 *
 * @param {Mask} mask @param {Region} region @returns {Mask}
 */
export function deleted(mask, region) {
  const { width, height } = mask;
  const nearest = nearestInColumn(region, width, height);
  const ids = mask.ids.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!region[y * width + x]) continue;
      let best = Infinity;
      for (let column = 0; column < width; column++) {
        const row = nearest[y * width + column];
        const distance = row < 0 ? Infinity : (column - x) ** 2 + (row - y) ** 2;
        if (distance < best) {
          best = distance;
          ids[y * width + x] = mask.ids[row * width + column];
        }
      }
    }
  }
  return { ...mask, ids };
}

/** For every pixel, the row of the nearest pixel outside the region in the same column, or -1. */
function nearestInColumn(region, width, height) {
  const rows = new Int32Array(region.length).fill(-1);
  for (let x = 0; x < width; x++) {
    for (let y = 0, last = -1; y < height; y++) {
      if (!region[y * width + x]) last = y;
      rows[y * width + x] = last;
    }
    for (let y = height - 1, last = -1; y >= 0; y--) {
      const at = y * width + x;
      if (!region[at]) last = y;
      if (last >= 0 && (rows[at] < 0 || last - y < y - rows[at])) rows[at] = last;
    }
  }
  return rows;
}

/**
 * Paints a region `dx` to the right and `dy` down, cut off at the border. To move a region, delete it and place it.
 *
 * @param {Mask} mask @param {Region} region @param {number} classId @param {number} dx @param {number} dy
 * @returns {Mask}
 */
export function placed(mask, region, classId, dx, dy) {
  const { width, height } = mask;
  const ids = mask.ids.slice();
  for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
    for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++) {
      if (region[y * width + x]) ids[(y + dy) * width + x + dx] = classId;
    }
  }
  return { ...mask, ids };
}

/**
 * Paints a disc into a mask, in place and without anti-aliasing, which would give ids of other classes.
 *
 * @param {Mask} mask @param {number} x @param {number} y centre @param {number} size diameter in pixels
 * @param {number} classId
 */
export function dab({ ids, width, height }, x, y, size, classId) {
  const radius = size / 2;
  const shift = size % 2 ? 0 : 0.5; // the centre of a disc of even size lies between pixels
  for (let row = Math.max(0, Math.ceil(y - radius)); row < height && row <= y + radius; row++) {
    for (let column = Math.max(0, Math.ceil(x - radius)); column < width && column <= x + radius; column++) {
      if (Math.hypot(column - x + shift, row - y + shift) < radius) ids[row * width + column] = classId;
    }
  }
}

/**
 * Paints discs along the line from one point to another, in place, so that a fast stroke has no gaps.
 *
 * @param {Mask} mask @param {{x: number, y: number}} from @param {{x: number, y: number}} to
 * @param {number} size @param {number} classId
 */
export function stroke(mask, from, to, size, classId) {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  for (let step = 0; step <= steps; step++) {
    const share = step / steps;
    const [x, y] = [from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share];
    dab(mask, Math.round(x), Math.round(y), size, classId);
  }
}

/**
 * The outline of a region as lines between pixels, without the border of the picture.
 *
 * @param {Region} region @param {number} width @param {number} height
 * @returns {number[][]} [x1, y1, x2, y2] in pixels of the mask
 */
export function outline(region, width, height) {
  const lines = [];
  const along = (length, differs, line) => {
    for (let at = 0, from = -1; at <= length; at++) {
      const edge = at < length && differs(at);
      if (edge && from < 0) from = at;
      if (!edge && from >= 0) {
        lines.push(line(from, at));
        from = -1;
      }
    }
  };
  const differ = (at, before) => region[at] !== region[before];
  for (let y = 1; y < height; y++) {
    along(width, (x) => differ(y * width + x, (y - 1) * width + x), (a, b) => [a, y, b, y]);
  }
  for (let x = 1; x < width; x++) {
    along(height, (y) => differ(y * width + x, y * width + x - 1), (a, b) => [x, a, x, b]);
  }
  return lines;
}

/** @param {Mask} mask @returns {Map<number, number>} the share (0..1) of every class that occurs */
export function shares({ ids }) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => a - b).map(([id, count]) => [id, count / ids.length]));
}

/** @param {Mask} mask @param {number} width @param {number} height @returns {Mask} by nearest neighbour */
export function resized(mask, width, height) {
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height);
    for (let x = 0; x < width; x++) {
      ids[y * width + x] = mask.ids[row * mask.width + Math.floor(((x + 0.5) * mask.width) / width)];
    }
  }
  return { ids, width, height };
}

/** @param {Mask} a @param {Mask} b @returns {boolean} */
export function same(a, b) {
  return a.width === b.width && a.height === b.height && a.ids.every((id, at) => id === b.ids[at]);
}
