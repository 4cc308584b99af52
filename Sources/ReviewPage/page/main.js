/** Starts the page, and shows the view that the address names. */

import { askJSON, currentKey, jobPath, onUnauthorized, setKey } from "./api.js";
import { resend, setBar, watchOutboxes } from "./bar.js";
import { askKey, showHelp } from "./dialogs.js";
import { fill, h } from "./elements.js";
import { JobPage } from "./job-page.js";
import { JobsPage } from "./jobs-page.js";
import { bindKeys, startKeys } from "./keys.js";
import { QueuePage } from "./queue-page.js";
import { currentRoute, forgetNotes } from "./router.js";
import { SheetPage } from "./sheet-page.js";

const views = { queue: QueuePage, sheet: SheetPage };

const main = document.getElementById("main");
let view = null;
let token = null;

async function show() {
  forgetNotes();
  const mine = {};
  token = mine;
  view?.dispose();
  view = null;
  bindKeys([{ keys: ["?"], show: "?", does: "this list", group: "Page", act: showHelp }]);
  const { path, parameters } = currentRoute();
  main.classList.toggle("full", path[2] === "queue");
  fill(main, h("p", { class: "loading" }, "Loading…"));
  if (path.length === 0 || (path.length === 1 && path[0] === "jobs")) {
    place(new JobsPage());
    return;
  }
  const View = path.length === 2 ? JobPage : path.length === 3 ? views[path[2]] : undefined;
  if (path[0] !== "jobs" || !View) {
    setBar([{ text: "No such page" }]);
    fill(
      main,
      h("div", { class: "page" }, h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "All jobs"))),
    );
    return;
  }
  try {
    const job = await askJSON(jobPath(path[1]));
    const names = job.links.names ? await askJSON(jobPath(path[1], "names")) : null;
    if (mine !== token) return;
    place(new (job.links.regions ? View : JobPage)(job, names, parameters));
  } catch (error) {
    if (mine !== token) return;
    setBar([{ text: "Job" }]);
    fill(
      main,
      h(
        "div",
        { class: "page" },
        h("h1", {}, "The job cannot be shown"),
        h("p", {}, error.message),
        h("p", {}, h("a", { href: "#/" }, "All jobs")),
      ),
    );
  }
}

function place(next) {
  view = next;
  fill(main, view.element);
  document.title = `segscore review${currentRoute().path[1] ? ` · ${currentRoute().path[1].slice(0, 8)}` : ""}`;
  if (!main.contains(document.activeElement)) (main.querySelector(".stage") ?? main).focus({ preventScroll: true });
}

let asking = false;

onUnauthorized(async ({ detail }, shown) => {
  // Many requests may be refused at once, some of them after a better key was given.
  if (asking || shown !== currentKey()) return;
  asking = true;
  setKey(null);
  const given = await askKey(shown ? "The server does not take that key." : detail ?? "The server wants a key.");
  asking = false;
  if (!given) return;
  const job = currentRoute().path[1];
  if (job) resend(job);
  // The view is made anew: what it had asked for was refused.
  show();
});

startKeys();
watchOutboxes();
addEventListener("hashchange", show);
show();
