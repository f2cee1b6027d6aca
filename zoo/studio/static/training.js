/** The first start: shows the training of a toy model. */

import * as api from "./api.js";
import { byId } from "./dom.js";

const EVERY_MS = 1000;

/**
 * Resolves when there is a model; until then the page shows the progress of the training.
 *
 * @returns {Promise<object>} the setup of the server
 */
export async function trained() {
  for (;;) {
    const setup = await api.setup();
    byId("training").hidden = setup.training === null;
    if (setup.training === null) return setup;
    show(setup.training);
    if (setup.training.state === "failed") return new Promise(() => {}); // the message says what to do
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function show({ done, total, state, sentence, picture }) {
  byId("training-sentence").textContent = sentence;
  byId("training-sentence").classList.toggle("error", state === "failed");
  Object.assign(byId("training-progress"), { max: total || 1, value: done, hidden: state === "failed" });
  byId("training-picture").hidden = picture === null;
  if (picture !== null && byId("training-picture").src !== picture) byId("training-picture").src = picture;
}
