/** What the views of regions have in common: the job's classes, pictures and arrays, its decisions, and the list. */

import { ImageArrays } from "./arrays.js";
import { ClassNames } from "./classes.js";
import { decisionsOf } from "./decisions.js";
import { Pictures } from "./pictures.js";
import { leastThickness, RegionList, scopeOf } from "./regions.js";

export class RegionPage {
  /**
   * @param {object} job its document
   * @param {string[] | null} names of the images
   * @param {Record<string, string>} parameters of the address
   */
  constructor(job, names, parameters) {
    this.job = job;
    this.parameters = parameters;
    this.scope = scopeOf(job, parameters);
    this.classes = new ClassNames(job);
    this.pictures = new Pictures(job, names);
    this.arrays = new ImageArrays(job, this.pictures);
    this.decisions = decisionsOf(job.id);
    this.whenDecided = ({ detail }) => this.decided(detail);
    this.decisions.addEventListener("change", this.whenDecided);
  }

  /** A list of the regions that the address asks for, from its beginning. */
  newList() {
    const { given, suggested, image } = this.parameters;
    const filters = { given, suggested, image, min_thickness: leastThickness(this.job) };
    return new RegionList(this.job.id, this.scope, filters);
  }

  dispose() {
    this.decisions.removeEventListener("change", this.whenDecided);
  }
}
