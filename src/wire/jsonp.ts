/**
 * JSON as a script (PROTOCOL.md, "JSONP"), and what it takes for that. JSON is not simply JavaScript: in an object
 * literal `"__proto__": …` sets the prototype, twice it is a syntax error, and a thousand brackets inside each other
 * are too many for some parsers. One event like that would spoil every script that it is in, so it goes as a text for
 * `JSON.parse`.
 */

const CALLBACK = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*){0,4}$/;
const MAX_CALLBACK_LENGTH = 64;

/** Arrays and objects past which a value may be nested too deep to be a literal: V8 fails between 1,000 and 2,000. */
const MAX_BRACKETS = 100;

/** The key `__proto__`, or a letter of it written as an escape; elsewhere than in a key it does no harm. */
const PROTO = /__proto__|\\u00(?:5f|6f|7[024])/i;

/** What ends a script or a line of it: `<` in HTML, the others in JavaScript before 2019 (ECMA-262, 12.3). */
const UNSAFE = /[<\u2028\u2029]/g;

/** Whether a text names a function: up to five names with dots between, 64 characters in all. */
export function isCallback(text: string): boolean {
  return text.length <= MAX_CALLBACK_LENGTH && CALLBACK.test(text);
}

/**
 * A script that calls a function with a value.
 * @param callback for which {@link isCallback} holds
 * @param expression as {@link encodeExpression} makes it, or made of such
 */
export function encodeCall(callback: string, expression: string): string {
  // Begun with the callback, an answer could be made to look like a file of another type (CVE-2014-4671).
  return `/**/${callback}(${expression});\n`;
}

/** JSON as an expression whose value JSON.parse would give, within a script of its own or in HTML. */
export function encodeExpression(json: string): string {
  return isLiteral(json) ? escapeScript(json) : `JSON.parse(${encodeText(json)})`;
}

/** A text as an expression. */
export function encodeText(text: string): string {
  return escapeScript(JSON.stringify(text));
}

/** Whether JSON is also JavaScript with the same value. Of what is not sure it says no. */
export function isLiteral(json: string): boolean {
  return !PROTO.test(json) && hasFewBrackets(json);
}

/** JSON without what would end the script around it. It stands inside strings, if anywhere. */
export function escapeScript(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** However deep it is nested, it is no deeper than it has brackets, those in strings counted too. */
function hasFewBrackets(json: string): boolean {
  if (json.length <= MAX_BRACKETS) return true;
  let count = 0;
  for (let at = 0; at < json.length; at++) {
    // Setting bit 5 makes [ a {.
    if ((json.charCodeAt(at) | 32) === 123 && ++count > MAX_BRACKETS) return false;
  }
  return true;
}
