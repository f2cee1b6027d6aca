/** The list of named classes, with search; classes that occur in the mask come first. */

import { byId, element, swatch } from "./dom.js";
import { shares } from "./mask.js";

/** Pixels above or left of a class that is scrolled into view. */
const MARGIN = 40;

export class Palette {
  /** Class id of the active option, for the arrow keys. */
  #active = null;
  #shown = "";
  /** The class that was selected last, here or elsewhere; it is scrolled into view once. */
  #chosen = null;

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    this.list = byId("classes");
    this.search = byId("search");
    this.search.addEventListener("input", () => this.show());
    this.search.addEventListener("keydown", (event) => this.#searchKey(event));
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("click", (event) => this.#click(event));
    this.list.addEventListener("focus", () => this.#activate(this.#active ?? this.session.now.selection.at(-1)));
  }

  show() {
    const { model, selection } = this.session.now;
    const found = shares(this.session.mask);
    const words = this.search.value.trim().toLowerCase();
    const classes = model.classes.filter(({ name }) => name.toLowerCase().includes(words));
    const groups = [
      ["In the mask", classes.filter(({ id }) => found.has(id))],
      ["Others", classes.filter(({ id }) => !found.has(id))],
    ].filter(([, members]) => members.length);
    // rebuilt only when other classes are listed, to keep scroll position and focus
    const ids = groups.map(([, members]) => members.map(({ id }) => id));
    const listed = JSON.stringify([model.id, groups.length ? ids : words]);
    if (listed !== this.#shown) this.list.replaceChildren(...(groups.length ? groups.map(group) : [nothing(words)]));
    this.#shown = listed;
    for (const option of this.#options()) {
      const id = Number(option.dataset.id);
      option.ariaSelected = String(selection.includes(id));
      option.lastChild.textContent = found.has(id) ? share(found.get(id)) : "";
    }
    if (!document.activeElement?.isSameNode(this.list)) this.#active = selection.at(-1) ?? null;
    this.#mark();
    if (this.#chosen !== selection.at(-1)) this.#reveal((this.#chosen = selection.at(-1)));
  }

  /** Scrolls the list without scrolling the page. */
  #reveal(id) {
    const option = byId(`class-${id}`);
    if (!option) return;
    const [own, list] = [option, this.list].map((one) => one.getBoundingClientRect());
    if (own.left < list.left || own.right > list.right) this.list.scrollLeft += own.left - list.left - MARGIN;
    if (own.top < list.top || own.bottom > list.bottom) this.list.scrollTop += own.top - list.top - MARGIN;
  }

  #options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  #select(id, more) {
    this.#active = id;
    this.session.choose(id, more);
  }

  #click(event) {
    const option = event.target.closest("[role=option]");
    if (option) this.#select(Number(option.dataset.id), event.shiftKey || event.ctrlKey || event.metaKey);
  }

  #searchKey(event) {
    const [first] = this.#options();
    if (event.key === "Enter" && first) this.#select(Number(first.dataset.id), false);
    else if (event.key === "ArrowDown" && first) this.list.focus();
    else if (event.key === "Escape") this.search.value = "";
    else return;
    event.preventDefault();
    this.show();
  }

  /** Arrow keys select; with Ctrl they only move the active option, and Space toggles it. */
  #key(event) {
    const options = this.#options();
    const at = options.findIndex(({ dataset }) => Number(dataset.id) === this.#active);
    const last = options.length - 1;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step ? at + step : { Home: 0, End: last }[event.key];
    if (!options.length) return;
    if (next !== undefined) {
      const id = Number(options[Math.min(last, Math.max(0, next))].dataset.id);
      if (event.ctrlKey || event.metaKey) this.#activate(id);
      else this.#select(id, event.shiftKey);
    } else if (event.key === " " && this.#active !== null) this.#select(this.#active, true);
    else return;
    event.preventDefault();
    this.#mark(true);
  }

  #activate(id) {
    const ids = this.#options().map(({ dataset }) => Number(dataset.id));
    this.#active = ids.includes(id) ? id : (ids[0] ?? null);
    this.#mark(true);
  }

  #mark(scroll = false) {
    for (const option of this.#options()) {
      const active = Number(option.dataset.id) === this.#active;
      option.classList.toggle("active", active);
      if (active && scroll) option.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    if (this.#active === null) this.list.removeAttribute("aria-activedescendant");
    else this.list.setAttribute("aria-activedescendant", `class-${this.#active}`);
  }
}

function group([title, members]) {
  const options = members.map(({ id, name, colour }) =>
    element("div", { role: "option", id: `class-${id}`, className: "option", data: { id } },
      swatch(colour), element("span", { className: "name" }, name), element("span", { className: "share" })));
  const head = element("div", { className: "group-title", "aria-hidden": "true" }, title);
  return element("div", { role: "group", className: "group", "aria-label": title }, head, ...options);
}

function nothing(words) {
  return element("p", { className: "hint" }, `No class is called “${words}”.`);
}

function share(value) {
  return value < 0.0005 ? "<0.1 %" : `${(value * 100).toFixed(value < 0.01 ? 1 : 0)} %`;
}
