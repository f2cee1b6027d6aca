/** The first start: a small model is trained while the user looks on. */

import * as api from "./api.js";
import { byId } from "./dom.js";

const EVERY_MS = 1000;

/**
 * Resolves once there is a model to work with; until then the page shows how far it is.
 *
 * @returns {Promise<object>} the setup of the server
 */
export async function trained() {
  for (;;) {
    const setup = await api.setup();
    byId("training").hidden = setup.training === null;
    if (setup.training === null) return setup;
    show(setup.training);
    if (setup.training.state === "failed") return new Promise(() => {}); // the sentence says what to do
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
