/**
 * The source text of one member of a JSON object. JSON.parse gives a member's value, and a value cannot hold
 * all that was written: 12345678901234567890 and 1.0 come back as other numbers, or written otherwise.
 */

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Finds the value of a member of the outermost object; where the name comes twice the last one counts, as for
 * JSON.parse. Looks at each character once.
 * @param json a text that JSON.parse has read as an object; this is not a validator
 * @returns the value as it is written there; undefined without such a member
 */
export function memberSource(json: string, name: string): string | undefined {
  const quoted = JSON.stringify(name);
  let source: string | undefined;
  let at = skip(json, json.indexOf("{") + 1);
  while (json.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(json, at);
    const valueStart = skip(json, keyEnd);
    const valueEnd = endOfValue(json, valueStart);
    if (isKey(json.slice(at, keyEnd), quoted)) source = json.slice(valueStart, valueEnd);
    at = skip(json, valueEnd);
  }
  return source;
}

function isKey(key: string, quoted: string): boolean {
  return key === quoted || (key.includes("\\") && JSON.stringify(JSON.parse(key)) === quoted);
}

/** Passes over white space, colons and commas: between the parts of a valid object they say nothing. */
function skip(json: string, start: number): number {
  let at = start;
  for (let code = json.charCodeAt(at); code <= 32 || code === 58 || code === 44; ) code = json.charCodeAt(++at);
  return at;
}

function endOfValue(json: string, start: number): number {
  const first = json[start];
  if (first === '"') return endOfString(json, start);
  return first === "{" || first === "[" ? endOfNested(json, start) : endOfLiteral(json, start);
}

/** A number, true, false or null ends before white space, a comma or a brace. */
function endOfLiteral(json: string, start: number): number {
  let at = start;
  for (let code = json.charCodeAt(at); code > 32 && code !== 44 && code !== 125; ) code = json.charCodeAt(++at);
  return at;
}

function endOfNested(json: string, start: number): number {
  let at = start;
  let depth = 0;
  do {
    // Setting bit 5 makes [ a {, and ] a }.
    const code = json.charCodeAt(at) | 32;
    if (code === 123) depth++;
    else if (code === 125) depth--;
    at = json.charCodeAt(at) === QUOTE ? endOfString(json, at) : at + 1;
  } while (depth > 0);
  return at;
}

/** The place after the quote that ends the string which begins here. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end + 1;
}

/** RFC 8259, 7: after an odd number of backslashes. */
function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
