/** Addresses behind the `#`: a path of words, and parameters. */

/**
 * @typedef {object} Route
 * @property {string[]} path `["jobs", id, "queue"]`
 * @property {Record<string, string>} parameters
 */

/** @returns {Route} */
export function currentRoute() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decode),
    parameters: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a route; parameters without a value are left out. */
export function addressOf(path, parameters = {}) {
  const present = Object.entries(parameters).filter(([, value]) =>
    value !== null && value !== undefined && value !== ""
  );
  const query = present.length === 0 ? "" : `?${new URLSearchParams(present)}`;
  return `#/${path.map(encodeURIComponent).join("/")}${query}`;
}

/** Goes to a route, as a link does. */
export function go(path, parameters) {
  location.hash = addressOf(path, parameters);
}

let waiting = null;

/**
 * Changes the parameters of the address without a step in the history and without a `hashchange`: `region` follows the
 * reviewer. Browsers allow about two hundred changes in half a minute, so changes are gathered.
 */
export function noteParameters(parameters) {
  const { path } = currentRoute();
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (currentRoute().path.join("/") === path.join("/")) history.replaceState(null, "", addressOf(path, parameters));
  }, 120);
}

/** Forgets a change of parameters that has not been made yet. */
export function forgetNotes() {
  clearTimeout(waiting);
}
