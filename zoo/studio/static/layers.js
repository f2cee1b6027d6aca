/** Names of the layers of codes, and the part of the codes that an edit changes. */

/** @param {object} model @returns {{index: ?number, name: string}[]} finest first; a single entry if there are no layers */
export function layersOf(model) {
  if (!model.layers) return [{ index: null, name: "all codes" }];
  const layers = Array.from({ length: model.layers }, (_, index) => ({ index, name: `layer ${index}` }));
  layers[0].name = "fine texture";
  if (model.layers > 1) layers[model.layers - 1].name = "coarse look";
  if (model.whole) layers.push({ index: model.layers, name: "whole picture" });
  return layers;
}

/** @returns {boolean} whether a layer holds the codes of the whole picture, which belong to no class */
export function isWhole({ layers, whole }, index) {
  return whole && index === layers;
}

/** @param {import("./history.js").Step} step @returns {?number[]} the classes that edits are limited to; null for all */
export function chosenClasses({ model, selection }) {
  return model.by_class && selection.length ? [...selection] : null;
}

/** @param {import("./history.js").Step} step @returns {string} for buttons: "Redraw hair" */
export function chosenName({ model, selection }) {
  const ids = chosenClasses({ model, selection });
  if (!ids) return "everything";
  return ids.length === 1 ? model.classes[ids[0]].name : `${ids.length} classes`;
}
