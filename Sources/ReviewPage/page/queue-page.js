/** One region after the other, each decided with one key. */

import { addressOf, go, noteParameters } from "./router.js";
import { setBar } from "./bar.js";
import { ControlDraws } from "./controls.js";
import { chooseClass, showHelp, writeNote } from "./dialogs.js";
import { isPlanar, isSequence } from "./dimensions.js";
import { areInDispute, disputesOf } from "./disputes.js";
import { count, fill, h, measure, plain } from "./elements.js";
import { folderButton } from "./folder-button.js";
import { bindKeys } from "./keys.js";
import { LookPanel } from "./look-panel.js";
import { say } from "./notices.js";
import { RegionPage } from "./region-page.js";
import { everything } from "./regions.js";
import { look, reviewer, setLook } from "./settings.js";
import { Stage } from "./stage.js";
import { VerdictPanel } from "./verdict-panel.js";

/** @typedef {import("./regions.js").Region} Region */

/** Masks of so many regions ahead are fetched before they are needed. */
const ahead = 3;

export class QueuePage extends RegionPage {
  /**
   * @param {object} job its document
   * @param {string[] | null} names of the images
   * @param {Record<string, string>} parameters of the address
   */
  constructor(job, names, parameters) {
    super(job, names, parameters);
    this.controls = new ControlDraws(job, this.arrays);
    this.drafts = new Map();
    /** What reviewers say of the regions that they dispute. @type {Map<string, import("./disputes.js").Statement[]>} */
    this.disputes = new Map();
    this.index = 0;
    /** @type {Region | null} */
    this.region = null;
    this.isReady = false;
    this.build();
    this.open(parameters.region);
  }

  build() {
    const acts = {
      wrong: () => this.decide("wrong", this.region?.suggested),
      other: () => this.decideOther(),
      fine: () => this.decide("fine"),
      unsure: () => this.decide("unsure"),
      note: () => this.note(),
      undo: () => this.undo(),
      previous: () => this.step(-1),
      next: () => this.step(1),
    };
    this.progress = h("progress", { max: 1, value: 0, "aria-label": "Decided regions" });
    this.progressText = h("span", { class: "progress-text" });
    const address = addressOf(["jobs", this.job.id]);
    setBar([{ text: `Job ${this.job.id.slice(0, 8)}`, address }, { text: "Queue" }], this.progress, this.progressText);

    this.stage = new Stage((byHand) => {
      if (!byHand) return;
      this.stage.fitting = null;
      this.noteAddress();
    });
    this.stage.element.addEventListener("pointermove", (event) => this.read(this.stage.viewport.pointOf(event)));
    this.stage.element.addEventListener("pointerleave", () => this.read(null));
    this.readout = h("p", { class: "readout" });
    this.panel = new VerdictPanel(this.classes, acts);
    this.lookPanel = new LookPanel(this.stage.painter, this.classes, {
      named: () => this.showRegion(),
      changed: () => this.noteAddress(),
    });
    if (["given", "suggested", "scores"].includes(this.parameters.layer)) {
      this.lookPanel.chooseLayer(this.parameters.layer);
    }
    this.filters = h("section", { class: "filters", "aria-label": "Which regions" });
    const zoom = (label, text, act) =>
      h("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
    const viewport = this.stage.viewport;
    this.element = h(
      "div",
      { class: "queue" },
      h("h1", { class: "hidden-text" }, "Queue of regions"),
      h(
        "div",
        { class: "stage-column" },
        this.stage.element,
        h(
          "div",
          { class: "stage-foot" },
          this.readout,
          h(
            "div",
            { class: "zooms", role: "group", "aria-label": "View" },
            zoom("Zoom out", "−", () => viewport.zoom(1 / 1.4)),
            zoom("Zoom in", "+", () => viewport.zoom(1.4)),
            zoom("The region", "Region", () => this.fitRegion()),
            zoom("The whole image", "Image", () => this.fitImage()),
          ),
        ),
      ),
      h(
        "aside",
        { class: "side", "aria-label": "Region, verdict and layers" },
        this.panel.element,
        this.lookPanel.element,
        this.filters,
      ),
    );
    // A click on a button must not take the space bar and Enter away from the image. Keyboards, whose clicks have no
    // detail, stay where they are.
    this.element.addEventListener("click", (event) => {
      if (event.detail > 0 && event.target.closest("button")) this.stage.element.focus({ preventScroll: true });
    });
    bindKeys([...this.verdictKeys(acts), ...this.lookPanel.keys(), ...this.viewKeys()]);
    this.read(null);
  }

  verdictKeys(acts) {
    const group = "Verdict";
    return [
      { keys: ["w", "Enter"], show: "W Enter", does: "wrong: the suggestion is right", group, act: acts.wrong },
      { keys: ["e"], show: "E", does: "wrong: another class is right", group, act: acts.other },
      { keys: ["a"], show: "A", does: "fine: the label is right", group, act: acts.fine },
      { keys: ["u"], show: "U", does: "unsure", group, act: acts.unsure },
      { keys: ["n"], show: "N", does: "write a note", group, act: acts.note },
      { keys: ["z"], show: "Z", does: "undo, as often as you like", group, act: acts.undo },
      { keys: ["j", "ArrowRight", "ArrowDown"], show: "J → ↓", does: "next, without a verdict", group, act: acts.next },
      { keys: ["k", "ArrowLeft", "ArrowUp"], show: "K ← ↑", does: "back", group, act: acts.previous },
      { keys: ["d"], show: "D", does: "at the end: go on with all disagreements", group, act: () => this.goOn() },
      { keys: ["?"], show: "?", does: "this list", group, act: showHelp },
    ];
  }

  viewKeys() {
    const group = "View";
    const { viewport } = this.stage;
    const far = 80;
    return [
      {
        keys: ["+", "="],
        show: "+",
        does: "zoom in; the wheel and two fingers do too",
        group,
        act: () => viewport.zoom(1.4),
      },
      { keys: ["-"], show: "−", does: "zoom out", group, act: () => viewport.zoom(1 / 1.4) },
      { keys: ["0"], show: "0", does: "the region", group, act: () => this.fitRegion() },
      { keys: ["i"], show: "I", does: "the whole image", group, act: () => this.fitImage() },
      {
        keys: ["shift+ArrowLeft"],
        show: "Shift ←",
        does: "move left; dragging does too",
        group,
        act: () => viewport.pan(-far, 0),
      },
      { keys: ["shift+ArrowRight"], show: "Shift →", does: "move right", group, act: () => viewport.pan(far, 0) },
      { keys: ["shift+ArrowUp"], show: "Shift ↑", does: "move up", group, act: () => viewport.pan(0, -far) },
      { keys: ["shift+ArrowDown"], show: "Shift ↓", does: "move down", group, act: () => viewport.pan(0, far) },
    ];
  }

  /** Lists the regions that the address asks for, and shows the one that it names, else the first that is undecided. */
  async open(id) {
    const list = this.newList();
    this.list = list;
    this.stage.say("Loading…");
    try {
      const [disputes] = await Promise.all([disputesOf(this.job.id, this.scope), list.at(0), list.countDecided()]);
      if (list !== this.list) return;
      this.disputes = disputes;
      await list.putFirst([...disputes.keys()].filter((region) => this.isContradicted(region)));
      for (const region of list.items) {
        const statements = disputes.get(region.id);
        if (statements) region.own = decisionOf(statements.find((statement) => statement.reviewer === reviewer()));
      }
      this.change = 0;
      let place = list.items.findIndex((region) => this.isOpen(region));
      if (id) {
        place = await list.include(id).catch((error) => {
          say(error.message);
          return place;
        });
      }
      if (list !== this.list) return;
      this.showFilters();
      await this.goTo(place < 0 ? Infinity : place, Boolean(id));
    } catch (error) {
      this.stage.say(error.message);
    }
  }

  /** Whether others dispute a region and another reviewer than this one has the last word on it. */
  isContradicted(region) {
    const last = this.disputes.get(region)?.at(-1);
    return last !== undefined && last.reviewer !== reviewer();
  }

  /** Whether a region is still to be judged: nobody has, or others dispute it and this tab has not decided. */
  isOpen(region) {
    if (this.decisions.of(region) === null) return true;
    return !region.isControl && this.isContradicted(region.id) && !this.decisions.hasSettled(region);
  }

  /** This reviewer's word on a region, who else has the last one, and where that is in dispute who said what. */
  wordsOn(region) {
    const own = this.decisions.ownOf(region);
    const by = this.decisions.hasSettled(region) || region.reviewer === reviewer() ? null : region.reviewer;
    const known = region.isControl ? [] : this.disputes.get(region.id) ?? [];
    const statements = known.filter((statement) => statement.reviewer !== reviewer());
    if (own && statements.length > 0) {
      const label = own.verdict === "wrong" ? own.label ?? region.suggested : null;
      statements.push({ ...own, label, reviewer: reviewer() });
    }
    return { own, by, statements, isDisputed: areInDispute(statements) };
  }

  async showFilters() {
    const { given, suggested, image } = this.parameters;
    const without = (...names) => {
      const kept = { ...this.parameters, region: "", at: "" };
      for (const name of names) delete kept[name];
      return addressOf(["jobs", this.job.id, "queue"], kept);
    };
    const noise = h("input", { type: "checkbox" });
    noise.checked = look.noise;
    noise.addEventListener("change", () => {
      setLook({ noise: noise.checked });
      this.open();
    });
    const noiseCount = h("span", { class: "hint" });
    const controls = h("input", { type: "checkbox" });
    controls.checked = look.controls;
    controls.addEventListener("change", () => setLook({ controls: controls.checked }));
    const hasPair = given !== undefined && suggested !== undefined;
    const sheet = addressOf(["jobs", this.job.id, "sheet"], {
      given,
      suggested,
      image,
      of: this.parameters.of,
      threshold: this.parameters.threshold,
    });
    const kinds = { label_issues: "Label issues", issues: `Scores below ${this.scope.threshold}` };
    fill(
      this.filters,
      h("h2", {}, "Which regions"),
      h("p", { class: "filter" }, kinds[this.scope.of] ?? "All disagreements"),
      h(
        "p",
        { class: "filter" },
        hasPair ? this.classes.pair(Number(given), Number(suggested)) : "All pairs of classes",
        hasPair && h("a", { href: without("given", "suggested") }, "all pairs"),
      ),
      image !== undefined &&
        h("p", { class: "filter" }, `Image ${plain(image)} alone`, h("a", { href: without("image") }, "all images")),
      !isSequence(this.job) &&
        h(
          "label",
          { class: "check" },
          noise,
          h("span", {}, "Border noise, nowhere wider than two pixels ", noiseCount),
        ),
      this.job.links.label_issues &&
        h(
          "label",
          { class: "check" },
          controls,
          h("span", {}, "Mix in controls, unmarked: every 20th from what the list leaves out"),
        ),
      h("p", {}, h("a", { href: sheet }, "Contact sheet of these")),
      isPlanar(this.job) && folderButton(this.pictures, this.job, () => this.reloadPictures()),
    );
    if (isSequence(this.job)) return;
    // How many that are is told by the difference of two lists, of which one is known.
    const { list } = this;
    const other = (await list.ask({ limit: 1, min_thickness: look.noise ? 2 : null })).total;
    const shown = list.undecidedTotal + list.decidedTotal;
    noiseCount.textContent = `(${count(Math.abs(other - shown))} regions)`;
  }

  /** Goes to a place in the list; behind the last there is an end. */
  async goTo(index, isFirst = false) {
    const { list } = this;
    this.token = {};
    const { token } = this;
    let region;
    try {
      region = index === Infinity ? null : await list.at(index);
    } catch (error) {
      this.stage.say(error.message);
      return;
    }
    if (token !== this.token || list !== this.list) return;
    this.index = region ? index : list.boundary || list.items.length;
    await this.present(region, isFirst);
    if (!region) return;
    for (let next = index + 1; next <= index + ahead; next++) {
      const following = await list.at(next).catch(() => null);
      if (token !== this.token || !following) return;
      if (following.image === region?.image) this.arrays.mask(following).catch(() => {});
      else {
        this.arrays.prefetch(following);
        return;
      }
    }
  }

  /** Shows a region, or that there is none. */
  async present(region, isFirst) {
    const { token } = this;
    this.mayGoOn = false;
    const earlier = this.region;
    this.region = region;
    this.isReady = false;
    this.stage.isBusy = true;
    this.showRegion();
    this.showProgress();
    if (!region) {
      this.stage.painter.clear();
      this.picture = null;
      await this.presentEnd();
      return;
    }
    const { painter, viewport } = this.stage;
    try {
      const sameImage = earlier && this.picture && earlier.image === region.image &&
        String(earlier.slice) === String(region.slice);
      if (!sameImage) {
        // Nobody must judge one region by another's image.
        painter.clear();
        this.picture = null;
        this.stage.say("Loading…");
      }
      const [given, mask] = await Promise.all([this.arrays.given(region), this.arrays.mask(region)]);
      if (token !== this.token) return;
      if (!sameImage) {
        viewport.image = { width: given.width, height: given.height };
        painter.showImage({ ...viewport.image, layers: { given: this.arrays.drawable(given.values) } });
        this.picture = { given, width: given.width, height: given.height };
      }
      painter.setRegion({ box: region.bbox, mask });
      const at = isFirst ? this.addressedView() : null;
      if (at) viewport.set(at, true);
      else this.fitRegion();
      if (!sameImage) this.picture.loading = this.loadLayers(region);
      await this.picture.loading;
      if (token !== this.token) return;
      this.stage.say("");
      this.isReady = true;
      this.stage.isBusy = false;
      this.noteAddress();
    } catch (error) {
      if (token !== this.token) return;
      this.stage.say(error.message);
    }
  }

  /** Says that the list is at its end, and offers all disagreements where it was of fewer regions. */
  async presentEnd() {
    const { token, list, stage } = this;
    const words = list.items.length === 0
      ? "There are no such regions."
      : "All of these are decided. Back or K goes through them again.";
    stage.say(words);
    stage.isBusy = false;
    if (this.scope.of === "disagreements") return;
    const left = await list.ask({ ...everything, decided: false, limit: 1 }).then(({ total }) => total, () => null);
    // What cannot be counted is not offered; the page of the job has the way there too.
    if (token !== this.token || left === null) return;
    if (left === 0) {
      stage.say(`${words} Among all disagreements none is left either.`);
      return;
    }
    const text = `${words} The model disagrees with the labels in ${count(left)} regions in all, of which some hold ` +
      "what is decided already.";
    const label = ["Go on with all disagreements ", h("kbd", { "aria-hidden": "true" }, "D")];
    stage.say(text, h("button", { type: "button", class: "primary", onclick: () => this.goOn() }, label));
    this.mayGoOn = true;
  }

  /** Goes on with all disagreements, once the end of the list has offered them. */
  goOn() {
    if (!this.mayGoOn) {
      say("All disagreements are offered at the end of this list.");
      return;
    }
    go(["jobs", this.job.id, "queue"], { ...this.parameters, ...everything, region: "", at: "" });
  }

  /** Fetches the layers of another image; the region may be judged as soon as picture and suggestion are there. */
  async loadLayers(region) {
    const { painter } = this.stage;
    const { picture } = this;
    const load = async (name, promise, prepare = ({ values }) => values) => {
      const loaded = await promise;
      if (!loaded || this.picture !== picture) return;
      picture[name] = loaded;
      painter.setLayer(name, prepare(loaded));
    };
    const later = (promise) => promise.catch((error) => say(error.message));
    later(load("scores", this.arrays.scores(region)));
    later(load("issues", this.arrays.issues(region)));
    await Promise.all([
      load("suggested", this.arrays.suggested(region)),
      later(load("picture", this.arrays.picture(region, picture), (bitmap) => bitmap)),
    ]);
  }

  async reloadPictures() {
    this.arrays.forgetPictures();
    const { picture, region } = this;
    if (!picture) return;
    const bitmap = await this.arrays.picture(region, picture).catch((error) => say(error.message));
    if (bitmap && this.picture === picture) this.stage.painter.setLayer("picture", bitmap);
  }

  /** What the address says of the view: column and row in the middle, and the scale. */
  addressedView() {
    const numbers = (this.parameters.at ?? "").split(",").map(Number);
    if (numbers.length !== 3 || !numbers.every(Number.isFinite)) return null;
    return { x: numbers[0], y: numbers[1], scale: numbers[2] };
  }

  fitRegion() {
    const box = this.region?.bbox;
    if (box) this.stage.fit(() => this.stage.viewport.fitRegion(box));
    this.noteAddress();
  }

  fitImage() {
    this.stage.fit(() => this.stage.viewport.fitImage());
    this.noteAddress();
  }

  /** Has the address name what is shown. */
  noteAddress() {
    if (!this.region || !this.stage) return;
    const { x, y, scale } = this.stage.viewport.view;
    const at = this.stage.fitting ? "" : [x.toFixed(1), y.toFixed(1), scale.toFixed(3)].join(",");
    const layer = look.layer === "given" ? "" : look.layer;
    const { of, threshold } = this.region.isControl ? this.scope : this.region;
    noteParameters({
      ...this.parameters,
      of,
      threshold,
      region: this.region.isControl ? "" : this.region.id,
      at,
      layer,
    });
  }

  showRegion() {
    const { region } = this;
    const note = region ? this.drafts.get(region.id) ?? null : null;
    const place = `${count(this.index + 1)} of ${count(this.total)}`;
    const more = { note, canUndo: this.decisions.canUndo, place, ...(region ? this.wordsOn(region) : {}) };
    this.panel.show(region, region && this.decisions.of(region), more);
    if (region) this.lookPanel.mark(region.given, region.suggested);
  }

  get total() {
    return (this.list?.undecidedTotal ?? 0) + (this.list?.decidedTotal ?? 0);
  }

  showProgress() {
    const decided = (this.list?.decidedTotal ?? 0) + (this.change ?? 0);
    this.progress.max = Math.max(1, this.total);
    this.progress.value = decided;
    this.progressText.textContent = `${count(decided)} of ${count(this.total)} decided`;
  }

  decided({ regions, delta }) {
    this.list?.noteDecision();
    const inList = regions.some(({ of, threshold }) => of === this.scope.of && threshold === this.scope.threshold);
    if (inList) this.change += delta;
    this.showProgress();
  }

  decide(verdict, label = null) {
    const { region } = this;
    if (!region) return;
    if (!this.isReady) {
      say("Still loading.");
      return;
    }
    const note = this.drafts.get(region.id) ?? this.decisions.of(region)?.note ?? null;
    this.decisions.decide([region], { verdict, label: verdict === "wrong" ? label : null, note });
    if (region.isControl) this.controls.decided(region, verdict);
    say(verdict === "wrong" ? `Wrong, rather ${this.classes.labelOf(label)}.` : `${verdict}.`);
    this.drafts.delete(region.id);
    this.advance();
  }

  /** Goes on behind what is decided already; every twentieth verdict may bring a control. */
  async advance() {
    this.sinceControl = (this.sinceControl ?? 0) + 1;
    if (look.controls && this.sinceControl >= 20 && this.job.links.label_issues) {
      this.sinceControl = 0;
      const control = await this.controls.draw().catch(() => null);
      if (control) {
        await this.presentControl(control);
        return;
      }
    }
    this.isBetween = false;
    const { list } = this;
    // What was decided before is never gone through: of a large data set that would be all of it.
    for (let place = this.index + 1; list.boundary === null || place < list.boundary; place++) {
      const region = await list.at(place).catch(() => null);
      if (list !== this.list || !region) break;
      if (this.isOpen(region)) {
        await this.goTo(place);
        return;
      }
    }
    const skipped = list.items.findIndex((region) => this.isOpen(region));
    if (skipped >= 0) say("Back to what was skipped.");
    await this.goTo(skipped >= 0 ? skipped : Infinity);
  }

  /** Shows a control between the region that was decided and the next one of the list. */
  async presentControl(control) {
    this.token = {};
    this.isBetween = true;
    await this.present(control, false);
  }

  /** Goes one region on or back; after a control the list goes on where it was. */
  async step(direction) {
    const place = this.isBetween && direction < 0 ? this.index : this.index + direction;
    this.isBetween = false;
    if (place >= 0) await this.goTo(place);
  }

  async decideOther() {
    const { region } = this;
    if (!region) return;
    const label = await chooseClass(this.classes, "Which class is right?");
    if (label !== null && region === this.region) this.decide("wrong", label);
  }

  async note() {
    const { region } = this;
    if (!region) return;
    const decision = this.decisions.of(region);
    const text = await writeNote(this.drafts.get(region.id) ?? decision?.note);
    if (text === null) return;
    if (decision) this.decisions.decide([region], { ...decision, note: text || null });
    else this.drafts.set(region.id, text);
    this.showRegion();
  }

  /** Takes the last verdict back and shows what it was about. */
  async undo() {
    const steps = this.decisions.undo();
    if (!steps) {
      say("Nothing is left to undo.");
      return;
    }
    say("Undone.");
    this.controls.undone(steps);
    const [{ region, of, threshold }] = steps;
    if (of === this.scope.of && threshold === this.scope.threshold) {
      this.isBetween = false;
      await this.goTo(await this.list.include(region).catch(() => this.index));
      return;
    }
    const control = await this.controls.region(region).catch(() => null);
    if (control) await this.presentControl(control);
    else this.showRegion();
  }

  /** Says what is under the pointer. */
  read(point) {
    const { picture } = this;
    const [x, y] = point && picture ? this.stage.viewport.imagePoint(...point).map(Math.floor) : [-1, -1];
    if (!picture || x < 0 || y < 0 || x >= picture.width || y >= picture.height) {
      fill(this.readout, h("span", { class: "hint" }, "Point at a pixel to read its classes and its score."));
      return;
    }
    const at = y * picture.width + x;
    const given = picture.given.values[at];
    const suggested = picture.suggested?.values[at];
    fill(
      this.readout,
      h("span", { class: "place" }, `${x}, ${y}`),
      h("span", {}, "given ", this.arrays.takesPart(given) ? this.classes.chip(given) : `${given}, takes no part`),
      suggested !== undefined && h("span", {}, "suggested ", this.classes.chip(suggested)),
      picture.scores && h("span", {}, `score ${measure(picture.scores.values[at])}`),
    );
  }

  dispose() {
    this.token = null;
    this.picture = null;
    super.dispose();
    this.lookPanel.dispose();
    this.stage.dispose();
  }
}

/** What a reviewer decided, apart from what it was about. */
function decisionOf(statement) {
  return statement ? { verdict: statement.verdict, label: statement.label, note: statement.note } : null;
}
