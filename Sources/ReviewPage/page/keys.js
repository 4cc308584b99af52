/** Keys of the view that is shown, in one table that also is the help. */

/**
 * @typedef {object} Binding
 * @property {string[]} keys as `KeyboardEvent.key` has them, letters in lower case; `shift+` stands ahead
 * @property {string} show what the help calls them
 * @property {string} does what they do
 * @property {string} group
 * @property {(event: KeyboardEvent) => void} act
 * @property {(event: KeyboardEvent) => void} [release]
 */

let bindings = [];

/** Takes the keys of another view. @param {Binding[]} table */
export function bindKeys(table) {
  bindings = table;
}

/** @returns {Binding[]} */
export const boundKeys = () => bindings;

const named = (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.shiftKey && key.startsWith("Arrow") ? `shift+${key}` : key;
};

/** Whether an element wants a key for itself. */
function isWanted(target, key) {
  if (!(target instanceof Element)) return false;
  if (target.closest("input[type=text], input[type=password], input[type=search], input:not([type]), textarea")) {
    return true;
  }
  if (target.closest("dialog")) return true;
  if (target.closest("input[type=range], select")) return key.includes("Arrow") || key === "Home" || key === "End";
  if (target.closest("button, a, summary, input, label")) return key === "Enter" || key === " ";
  return false;
}

function find(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const key = named(event);
  if (isWanted(event.target, key)) return null;
  return bindings.find(({ keys }) => keys.includes(key)) ?? null;
}

/** Listens, once for the life of the page. */
export function startKeys() {
  addEventListener("keydown", (event) => {
    const binding = find(event);
    if (!binding) return;
    event.preventDefault();
    binding.act(event);
  });
  addEventListener("keyup", (event) => {
    const binding = find(event);
    binding?.release?.(event);
  });
}
