/** What the page remembers. Storage can be missing, full or forbidden; then the page works and forgets. */

/**
 * @param {"localStorage" | "sessionStorage"} storage
 * @param {string} key
 * @returns {string} empty where nothing is remembered
 */
export function recall(storage, key) {
  try {
    return window[storage].getItem(key) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {"localStorage" | "sessionStorage"} storage
 * @param {string} key
 * @param {string} value
 */
export function remember(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // Forgotten then.
  }
}
