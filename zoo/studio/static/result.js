/** The result: comparison with before, kept original pixels, downloads. */

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
    new IntersectionObserver(seen, { rootMargin: "-120px 0px 0px" }).observe(byId("result")); // half of which the header covers
    byId("again").addEventListener("click", () => session.refresh());
    api.traffic.addEventListener("change", () => this.#offer());
    byId("save-result").addEventListener("click", () => this.#saveResult());
    byId("save-mask").addEventListener("click", () => this.#saveMask());
    byId("save-edit").addEventListener("click", () => this.#saveEdit());
  }

  show() {
    const { model, before, opened, original, keep, stale } = this.session.now;
    this.#picture();
    if (byId("before").src !== before) byId("before").src = before;
    byId("keep-label").hidden = !opened;
    byId("keep").checked = keep;
    const [height, width] = keep ? original : [model.height, model.width];
    byId("save-size").textContent = `PNG, ${width} × ${height}`;
    byId("result").classList.toggle("stale", stale);
    this.#offer();
    this.#compare();
  }

  /** If drawing the mask failed, a button draws it again. */
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
    this.session.edit(null, async (base, signal) => {
      const { result } = await api.render(await this.session.scene({ ...base, keep }), signal);
      return { keep, result };
    });
  }

  /** With kept pixels the download has the size of the opened file. */
  #saveResult() {
    this.#save("result.png", async (now) => {
      if (now.keep || now.stale) return api.result(await this.session.scene(now));
      return new Blob([fromBase64(now.result)], { type: "image/png" });
    });
  }

  async #saveMask() {
    const { ids, width, height } = this.session.mask;
    saveFile("mask.png", new Blob([await encodeGrey(ids, width, height)], { type: "image/png" }));
  }

  #saveEdit() {
    this.#save("edit.zip", async (now) => api.download(await this.session.scene(now)));
  }

  /** @param {string} name @param {(now: import("./history.js").Step) => Promise<Blob>} content */
  async #save(name, content) {
    try {
      await this.session.idle();
      saveFile(name, await content(this.session.now));
    } catch (error) {
      this.session.fail(error);
    }
  }
}
