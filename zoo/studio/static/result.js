/** The result: compared with what was before, pasted into the original, downloaded. */

import * as api from "./api.js";
import { byId, saveFile } from "./dom.js";
import { encodeGrey, fromBase64 } from "./png.js";

export class ResultView {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    session.addEventListener("glance", () => this.#picture());
    byId("compare").addEventListener("input", () => this.#compare());
    byId("keep").addEventListener("change", ({ target }) => this.#keep(target.checked));
    const seen = ([{ isIntersecting }]) => (byId("mini").hidden = isIntersecting || !session.now);
    new IntersectionObserver(seen).observe(byId("result"));
    byId("again").addEventListener("click", () => session.refresh());
    api.traffic.addEventListener("change", () => this.#offer());
    byId("save-result").addEventListener("click", () => this.#saveResult());
    byId("save-mask").addEventListener("click", () => this.#saveMask());
    byId("save-edit").addEventListener("click", () => this.#saveEdit());
  }

  show() {
    const { before, opened, keep, stale } = this.session.now;
    this.#picture();
    if (byId("before").src !== before) byId("before").src = before;
    byId("keep-label").hidden = !opened;
    byId("keep").checked = keep;
    byId("result").classList.toggle("stale", stale);
    this.#offer();
    this.#compare();
  }

  /** A mask whose picture failed to come can be painted again. */
  #offer() {
    byId("again").hidden = !this.session.now?.stale || api.traffic.count > 0;
  }

  #picture() {
    const picture = this.session.glance ?? this.session.now.result;
    for (const id of ["result", "mini"]) if (byId(id).src !== picture) byId(id).src = picture;
  }

  #compare() {
    const share = byId("compare").valueAsNumber;
    const on = share > 0;
    for (const id of ["before", "before-tag", "after-tag"]) byId(id).hidden = !on;
    byId("pictures").style.setProperty("--compare", `${share}%`);
    byId("pictures").classList.toggle("comparing", on);
    byId("compare").ariaValueText = on ? `${share} % before, ${100 - share} % after` : "all after";
  }

  #keep(keep) {
    this.session.edit(null, async (base) => {
      const { result } = await api.render(await this.session.scene({ ...base, keep }));
      return { keep, result };
    });
  }

  #saveResult() {
    saveFile("result.png", new Blob([fromBase64(this.session.now.result)], { type: "image/png" }));
  }

  async #saveMask() {
    const { ids, width, height } = this.session.mask;
    saveFile("mask.png", new Blob([await encodeGrey(ids, width, height)], { type: "image/png" }));
  }

  async #saveEdit() {
    try {
      await this.session.idle();
      saveFile("edit.zip", await api.download(await this.session.scene(this.session.now)));
    } catch (error) {
      this.session.fail(error);
    }
  }
}
