/** The pictures under the masks: the server's, or of a folder that the reviewer opens and that stays on the machine. */

import { ask, jobPath } from "./api.js";

/** Files that the reviewer opened, by job, as long as the page is open. */
const folders = new Map();

/** The last part of a path without its ending. */
const stemOf = (path) => path.replace(/^.*\//, "").replace(/\.[^.]*$/, "");

export class Pictures {
  /**
   * @param {object} job its document
   * @param {string[] | null} names of the images
   */
  constructor(job, names) {
    this.job = job;
    this.names = names;
  }

  get areServed() {
    return Boolean(this.job.links.images);
  }

  get areThere() {
    return this.areServed || folders.has(this.job.id);
  }

  /**
   * Takes a folder's pictures, matched by their names without endings, or in the order of sorted names if the job's
   * images have no names.
   * @param {FileList} files
   * @returns {number} how many of the job's images have a picture now
   */
  open(files) {
    const pictures = [...files].filter((file) => file.type.startsWith("image/"));
    pictures.sort((a, b) => (a.webkitRelativePath < b.webkitRelativePath ? -1 : 1));
    const byImage = new Map();
    if (this.names) {
      const byStem = new Map(pictures.map((file) => [stemOf(file.name), file]));
      this.names.forEach((name, image) => {
        const file = byStem.get(name.replace(/^.*\//, "")) ?? byStem.get(stemOf(name));
        if (file) byImage.set(image, file);
      });
    } else {
      pictures.slice(0, this.job.shape.images).forEach((file, image) => byImage.set(image, file));
    }
    folders.set(this.job.id, byImage);
    return byImage.size;
  }

  /**
   * The picture of an image, null if it has none.
   * @param {number} image
   * @param {{width: number, height: number}} [size] of its mask, if that is known
   * @returns {Promise<ImageBitmap | null>}
   */
  async bitmap(image, size) {
    let blob = folders.get(this.job.id)?.get(image);
    if (!blob) {
      if (!this.areServed) return null;
      blob = await (await ask(jobPath(this.job.id, "images", image), { accept: "image/*" })).blob();
    }
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const bitmap = await createImageBitmap(blob, options);
    // Cameras say how a picture is to be turned, and many programs that make masks take no notice: the mask decides.
    const lies = ({ width, height }) => width > height;
    if (size && bitmap.width !== bitmap.height && size.width !== size.height && lies(bitmap) !== lies(size)) {
      return createImageBitmap(blob, { ...options, imageOrientation: "none" });
    }
    return bitmap;
  }
}
