// What this machine lacks.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Servers are in folders that an ordinary user's path often leaves out. */
const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

/**
 * @param {...string} commands
 * @returns {string | undefined} why it is left out, if one of them is missing
 */
export function missingCommand(...commands) {
  const missing = commands.find((command) => commandPath(command) === undefined);
  return missing === undefined ? undefined : `there is no ${missing} on this machine`;
}

/** @param {string} command */
export function commandPath(command) {
  return folders.map((folder) => join(folder, command)).find((path) => missingFile(path, constants.X_OK) === undefined);
}

/**
 * @param {string} path
 * @param {number} [mode]
 * @returns {string | undefined} why it is left out, if the file is missing
 */
export function missingFile(path, mode = constants.R_OK) {
  try {
    accessSync(path, mode);
    return undefined;
  } catch {
    return `there is no ${path}`;
  }
}
