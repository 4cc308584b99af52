/** What the extents of a job's images mean for the page: images of two dimensions, volumes, and sequences. */

/** The extents of each image, `[H, W]` of pictures; null where the images are of several sizes. */
export function extentsOf({ shape }) {
  if (shape?.height) return [shape.height, shape.width];
  return shape?.space ?? null;
}

/** Whether there are slices to look at, one after another. */
export const isVolume = (job) => (job.shape?.space?.length ?? 2) > 2;

/** Whether an image is one row of elements. */
export const isSequence = (job) => job.shape?.space?.length === 1;

/** Whether the images are pictures of two dimensions, as pictures and annotation tools are. */
export const isPlanar = (job) => !isVolume(job) && !isSequence(job);

/** What the page cannot do with a job's images, in words; null where it can do all. */
export function limitsOf(job) {
  if (isPlanar(job)) return null;
  const [what, how] = isVolume(job)
    ? ["volumes", "The page shows their slices along the last two axes one at a time, and each region lies in a slice."]
    : ["sequences", "The page draws them as one row of pixels, and each region is a stretch of it."];
  return `The images of this job are ${what}. ${how} Verdicts, the matrix and the mended labels as npz work as for ` +
    "images; there are no pictures beneath the masks, no PNG and no exports, which take two dimensions.";
}
