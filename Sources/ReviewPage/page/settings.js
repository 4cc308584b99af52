/** How the reviewer likes to look at images; kept from image to image and from day to day. */

const storageName = "segscore.look";

const usual = {
  layer: "given",
  opacity: 0.45,
  contour: false,
  hatch: false,
  brightness: 0,
  contrast: 1,
  noise: false,
  controls: false,
};

function read() {
  try {
    return JSON.parse(localStorage.getItem(storageName)) ?? {};
  } catch {
    return {};
  }
}

export const look = { ...usual, ...read() };

/** Classes that are switched off, by number; for as long as the page is open. */
export const hiddenClasses = new Set();

/** Changes some of them. */
export function setLook(changes) {
  Object.assign(look, changes);
  localStorage.setItem(storageName, JSON.stringify(look));
}

const reviewerName = "segscore.reviewer";

/** Whose verdicts these are. */
export const reviewer = () => localStorage.getItem(reviewerName) || "anonymous";

export function setReviewer(name) {
  localStorage.setItem(reviewerName, name.trim());
}
