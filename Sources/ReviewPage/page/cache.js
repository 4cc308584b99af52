/** Keeps what was fetched last, up to a number of bytes. */

export class Cache {
  /** @param {number} limit bytes */
  constructor(limit) {
    this.limit = limit;
    this.entries = new Map();
  }

  /**
   * What is kept under a key, else what `fetch` gets. A fetch that fails is forgotten, so that it can be tried again.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} fetch
   * @param {(value: T) => number} bytesOf
   * @returns {Promise<T>}
   */
  get(key, fetch, bytesOf) {
    let entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
    } else {
      entry = { bytes: 0, promise: fetch() };
      entry.promise.then(
        (value) => {
          entry.bytes = bytesOf(value);
          this.shrink();
        },
        () => this.entries.delete(key),
      );
    }
    // A map keeps the order in which keys were set: the first is the one that was longest not asked for.
    this.entries.set(key, entry);
    return entry.promise;
  }

  shrink() {
    let bytes = [...this.entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [key, entry] of this.entries) {
      if (bytes <= this.limit || this.entries.size <= 1) return;
      bytes -= entry.bytes;
      this.entries.delete(key);
    }
  }
}
