/** The arrays and pictures of a job's images, each fetched once while it is kept. */

import { askArray, jobPath } from "./api.js";
import { Cache } from "./cache.js";
import { isPlanar } from "./dimensions.js";
import { pictureOf } from "./npy.js";

/** @typedef {import("./regions.js").Region} Region */

const keptBytes = 384 << 20;

export class ImageArrays {
  /**
   * @param {object} job its document
   * @param {import("./pictures.js").Pictures} pictures
   */
  constructor(job, pictures) {
    this.job = job;
    this.pictures = pictures;
    this.cache = new Cache(keptBytes);
    const ignored = [job.parameters.ignore_label ?? []].flat();
    /** Classes whose given pixels take no part. */
    this.ignored = new Set(ignored);
  }

  async array(name, region, query = {}) {
    const array = await this.cache.get(
      JSON.stringify([name, region.image, query]),
      () => askArray(jobPath(this.job.id, name), { image: region.image, ...query }),
      ({ values }) => values.byteLength,
    );
    return pictureOf(array, region.slice);
  }

  /** The given classes of a region's image. */
  given = (region) => this.array("labels", region);

  /** The most probable classes. */
  suggested = (region) => this.array("predicted", region);

  /** The pixels' own scores. */
  scores = (region) => this.array("pixel_scores", region);

  /** What is hatched: the issues that regions are made of, and where these are all disagreements the label issues. */
  async issues(region) {
    if (region.of === "issues") return this.array("issues", region, { threshold: region.threshold });
    return this.job.links.label_issues ? this.array("label_issues", region) : null;
  }

  /** The image's picture, null without one. Volumes and sequences have none. */
  async picture(region, size) {
    if (!isPlanar(this.job) || !this.pictures.areThere) return null;
    return this.cache.get(
      `picture ${region.image} ${this.pictures.areServed}`,
      () => this.pictures.bitmap(region.image, size),
      (bitmap) => (bitmap ? bitmap.width * bitmap.height * 4 : 0),
    );
  }

  /**
   * The pixels of a region, within its box.
   * @param {Region} region
   * @returns {Promise<Uint8Array>} `(height, width)` of the box, 0 and 1
   */
  async mask(region) {
    const array = await this.cache.get(
      JSON.stringify(["mask", region.of, region.threshold, region.id]),
      () => askArray(jobPath(this.job.id, "regions", region.id), { of: region.of, threshold: region.threshold }),
      ({ values }) => values.byteLength,
    );
    return array.values;
  }

  /** Forgets the pictures, since a folder was opened. */
  forgetPictures() {
    for (const key of [...this.cache.entries.keys()]) if (key.startsWith("picture")) this.cache.entries.delete(key);
  }

  /** Fetches ahead of need; a failure is nobody's concern until the thing is needed. */
  prefetch(region) {
    for (const wanted of [this.mask, this.given, this.suggested, this.picture]) {
      wanted.call(this, region).catch(() => {});
    }
  }

  /** Whether a given class takes part. */
  takesPart(value) {
    return value < this.job.shape.classes && !this.ignored.has(value);
  }

  /** The given classes with those that take no part beyond all classes, for drawing. */
  drawable(values) {
    const among = [...this.ignored].filter((label) => label >= 0 && label < this.job.shape.classes);
    if (among.length === 0) return values;
    const none = values instanceof Uint8Array ? 255 : 65535;
    // With 256 classes of uint8 there is no number left for "none"; the array becomes wider.
    const wide = none < this.job.shape.classes ? Uint16Array.from(values) : values.slice();
    for (let i = 0; i < wide.length; i++) {
      if (among.includes(wide[i])) {
        wide[i] = wide instanceof Uint8Array ? 255 : 65535;
      }
    }
    return wide;
  }
}
