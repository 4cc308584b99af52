/** The bar at the top: where one is, who one is, and what is not saved. */

import { hasKey, setKey } from "./api.js";
import { decisionsOf, everyOutbox } from "./decisions.js";
import { askReviewer, showHelp } from "./dialogs.js";
import { fill, h } from "./elements.js";
import { notice, withdraw } from "./notices.js";
import { reviewer, setReviewer } from "./settings.js";

/**
 * Fills the bar.
 * @param {{text: string | Node, address?: string}[]} crumbs the way to here
 * @param {...Node} extra what the view adds
 */
export function setBar(crumbs, ...extra) {
  const who = h("button", { type: "button", class: "plain", title: "Whose verdicts these are" });
  const showWho = () => fill(who, "Reviewer ", h("bdi", {}, reviewer()));
  who.addEventListener("click", async () => {
    const name = await askReviewer(reviewer());
    if (name !== null) setReviewer(name);
    showWho();
  });
  showWho();
  const forget = () => {
    setKey(null);
    location.reload();
  };
  fill(
    document.getElementById("bar"),
    h(
      "nav",
      { class: "crumbs", "aria-label": "Where you are" },
      h("a", { href: "#/", class: "brand" }, "segscore"),
      crumbs.map(({ text, address }) => [
        h("span", { class: "crumb-mark", "aria-hidden": "true" }, "/"),
        address ? h("a", { href: address }, text) : h("span", { "aria-current": "page" }, text),
      ]),
    ),
    h("div", { class: "bar-extra" }, extra),
    h(
      "div",
      { class: "bar-end" },
      h("span", { id: "saving", class: "saving" }),
      who,
      hasKey() && h("button", { type: "button", class: "plain", onclick: forget }, "Forget key"),
      h(
        "button",
        { type: "button", class: "plain", "aria-label": "Show all keys", onclick: showHelp },
        "Keys ",
        h("kbd", {}, "?"),
      ),
    ),
  );
  showSaving();
}

const outboxes = [];

/** Shows what is not saved, for as long as that is so. */
export function watchOutboxes() {
  everyOutbox.addEventListener("made", ({ detail }) => {
    outboxes.push(detail);
    detail.addEventListener("change", () => show(detail));
    show(detail);
  });
  addEventListener("beforeunload", (event) => {
    if (outboxes.some(({ unsent }) => unsent > 0)) event.preventDefault();
  });
  addEventListener("online", () => outboxes.forEach((outbox) => outbox.send()));
}

function showSaving() {
  const saving = document.getElementById("saving");
  const unsent = outboxes.reduce((sum, outbox) => sum + outbox.unsent, 0);
  if (saving && outboxes.length > 0) saving.textContent = unsent > 0 ? `${unsent} unsaved` : "All saved";
}

function show(outbox) {
  showSaving();
  const refused = outbox.refused.reduce((sum, letter) => sum + letter.steps.length, 0);
  if (refused > 0) {
    notice("refused", `${counted(refused)} not saved, and will not be: ${outbox.refused[0].refusal}`, [
      { label: "Try again", act: () => outbox.retry() },
      { label: "Drop them", act: () => outbox.dropRefused() },
    ]);
  } else {
    withdraw("refused");
  }
  if (outbox.failure) {
    const text = `${
      counted(outbox.unsent - refused)
    } not saved yet: ${outbox.failure} They are kept, and sent again by themselves.`;
    notice("unsent", text, [{ label: "Try now", act: () => outbox.retry() }]);
  } else {
    withdraw("unsent");
  }
}

const counted = (number) => (number === 1 ? "1 verdict is" : `${number} verdicts are`);

/** Sends what waits, after a key was given. */
export function resend(job) {
  decisionsOf(job).outbox.retry();
}
