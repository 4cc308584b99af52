/** The server's endpoints: the key of the tab, problems in words, arrays. Nothing else on the page fetches. */

import { parseNpy } from "./npy.js";

const keyName = "segscore.key";

/** An answer that is no success, or none at all. */
class ProblemError extends Error {
  /**
   * @param {number} status the HTTP status, 0 where no answer came
   * @param {{title?: string, detail?: string, expected?: string, actual?: string}} problem
   */
  constructor(status, problem) {
    const parts = [problem.detail ?? problem.title ?? `The server answered ${status}.`];
    if (problem.expected) parts.push(`Expected: ${problem.expected}.`);
    if (problem.actual) parts.push(`It was: ${problem.actual}.`);
    super(parts.join(" "));
    this.status = status;
  }

  /** Whether the same request may succeed later: no connection, a full queue, a failing server, a missing key. */
  get mayPass() {
    return [0, 401, 408, 425, 429].includes(this.status) || this.status >= 500;
  }
}

/** Whether the tab has a key. */
export const hasKey = () => currentKey() !== null;

/** The key of the tab, null without one. */
export const currentKey = () => sessionStorage.getItem(keyName);

/** Keeps a key for this tab alone; null forgets it. */
export function setKey(key) {
  if (key === null) sessionStorage.removeItem(keyName);
  else sessionStorage.setItem(keyName, key);
}

let whenUnauthorized = () => {};

/** Names what is called when the server asks for a key: with the problem, and the key that was shown, if any. */
export function onUnauthorized(handler) {
  whenUnauthorized = handler;
}

/**
 * Asks, and throws a `ProblemError` for all that is no success.
 * @param {string} path
 * @param {{method?: string, accept?: string, body?: object, query?: object, signal?: AbortSignal}} [options] `query`
 *   leaves out what is null or empty
 * @returns {Promise<Response>}
 */
export async function ask(path, { method = "GET", accept = "application/json", body, query = {}, signal } = {}) {
  const headers = { Accept: `${accept}, application/problem+json;q=0.5` };
  const key = currentKey();
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(withQuery(path, query), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError(0, { detail: "The server cannot be reached." });
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) whenUnauthorized(problem ?? {}, key);
  throw new ProblemError(response.status, problem ?? {});
}

/** A path with the parameters that have a value. */
export function withQuery(path, query) {
  const present = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return present.length === 0 ? path : `${path}?${new URLSearchParams(present)}`;
}

export const askJSON = async (path, query, signal) => (await ask(path, { query, signal })).json();

/** An array as `NumberArray`. */
export async function askArray(path, query, signal) {
  return parseNpy(await (await ask(path, { accept: "application/x-npy", query, signal })).arrayBuffer());
}

/** The path of a job, or of something that belongs to it. */
export function jobPath(job, ...parts) {
  return ["/jobs", job, ...parts].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join("/");
}

/** Saves what a path answers as a file, with the key that a mere link could not show. */
export async function download(path, { accept, query, filename }) {
  const response = await ask(path, { accept, query });
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = filename;
  link.click();
  // The browser reads the address after this task; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
