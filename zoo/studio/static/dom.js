/** Helpers for the document. Styles are set through the CSSOM, since the content security policy forbids style attributes. */

/** @param {string} id @returns {any} the element, which the page has */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {object} properties of the element; `data` is its dataset, names with "-" are attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, { data = {}, ...properties } = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** @param {string} colour @returns {HTMLElement} a square of the colour of a class */
export function swatch(colour) {
  const made = element("span", { className: "swatch" });
  made.style.backgroundColor = colour;
  return made;
}

/** @param {string} name of a file @param {Blob} content */
export function saveFile(name, content) {
  const link = element("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  // later, since the browser may still be reading
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
