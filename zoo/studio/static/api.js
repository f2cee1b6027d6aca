/**
 * Requests to the studio's server, one function each. A failure is an Error with a message for the user. A signal, if
 * given, aborts the request.
 */

/** Dispatches "change" when the number of running requests changes. */
export const traffic = Object.assign(new EventTarget(), { count: 0 });

/**
 * @typedef {{picture: string, classes: number[], feather: number}} Paste
 * @typedef {{model: string, mask: string, codes: string, paste: ?Paste}} Scene
 * @typedef {{codes: string, result: string}} Painted handle of the codes, and the picture as a data URI
 */

/** @returns {Promise<object>} models, examples, limits, and the progress of the training */
export const setup = () => answered("GET", "/api/setup");

/** @param {{model: string, seed: number, example?: string, mask?: Blob, picture?: Blob}} fields */
export const open = (fields, signal) => answered("POST", "/api/open", form(fields), signal);

/** @param {Blob} file an edit file @returns as {@link open}, with the model */
export const reload = (file, signal) => answered("POST", "/api/reload", form({ file }), signal);

/** @param {Scene} scene @returns {Promise<{result: string}>} */
export const render = (scene, signal) => answered("POST", "/api/render", json({ scene }), signal);

/** @param {Scene} scene @param {number} seed @returns {Promise<Painted[]>} */
export const samples = async (scene, seed) => (await answered("POST", "/api/samples", json({ scene, seed }))).previews;

/** @param {Scene} scene @param {{classes: ?number[], layers: ?number[]}} part @param {number} seed */
export const redraw = async (scene, part, seed) =>
  (await answered("POST", "/api/redraw", json({ scene, ...part, seed }))).previews;

/**
 * @param {Scene} scene @param {{classes: ?number[], layers: ?number[]}} part @param {number} strength 0..1
 * @param {{row: number} | {picture: Blob, mask: Blob}} from
 * @returns {Promise<Painted>}
 */
export const take = (scene, part, strength, from, signal) =>
  answered("POST", "/api/take", form({ scene, classes: part.classes, layers: part.layers, strength, ...from }), signal);

/**
 * @param {Scene} scene @param {{classes: ?number[], layers: ?number[]}} part @param {object} direction
 * @param {number} amount in standard deviations
 * @returns {Promise<Painted>}
 */
export const move = (scene, part, direction, amount, signal) =>
  answered("POST", "/api/move", json({ scene, ...part, direction, amount }), signal);

/** @param {Scene} scene @param {number} seed */
export const compare = async (scene, seed) => (await answered("POST", "/api/compare", json({ scene, seed }))).results;

/** @param {number} classId @param {boolean} diverse rows that differ most, instead of the largest */
export const bank = async (classId, diverse) =>
  (await answered("GET", `/api/bank?class=${classId}&limit=12${diverse ? "&diverse=1" : ""}`)).rows;

/** @param {Scene} scene @returns {Promise<Blob>} the file that reproduces it */
export const download = async (scene) => (await sent("POST", "/api/download", json({ scene }))).blob();

/** @param {Scene} scene @returns {Promise<Blob>} the result at the size of the opened picture's file */
export const result = async (scene) => (await sent("POST", "/api/result", json({ scene }))).blob();

/** @returns {number} a seed that was hardly used before */
export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

/**
 * One job at a time; of those that come meanwhile only the latest is done. So a slider that moves faster than the
 * server paints never builds a queue.
 */
export class Latest {
  #running = false;
  #next = null;

  /** @param {() => Promise<void>} job which reports its own errors */
  async send(job) {
    this.#next = job;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#next) {
        const now = this.#next;
        this.#next = null;
        await now();
      }
    } finally {
      this.#running = false;
    }
  }
}

async function answered(method, path, body, signal) {
  const response = await sent(method, path, body, signal);
  return response.json();
}

async function sent(method, path, body = {}, signal = null) {
  count(1);
  try {
    const response = await fetch(path, { method, signal, ...body });
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    throw new Error(error ?? `The studio answered with status ${response.status} without a reason: see its terminal.`);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // fetch throws a TypeError if there is no answer
    throw new Error("The studio does not answer: check in its terminal that it runs, then try again.");
  } finally {
    count(-1);
  }
}

function count(step) {
  traffic.count += step;
  traffic.dispatchEvent(new Event("change"));
}

function json(value) {
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

/** Files and text are sent as they are, all other values as JSON; null and undefined are left out. */
function form(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    if (value instanceof Blob) body.append(name, value, value.name ?? `${name}.png`);
    else body.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return { body };
}
