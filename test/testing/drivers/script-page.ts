/** Pages that really run what the server sends them as scripts, and nothing else of it, in node:vm. */

import { type Context, createContext, runInContext } from "node:vm";

/** A page with a function that scripts call back. */
export class CallbackPage {
  readonly #context: Context;
  readonly #names: string;
  #calls: readonly (readonly unknown[])[] = [];

  /** @param callback a name, or several with dots between */
  constructor(callback: string) {
    const take = (...values: readonly unknown[]) => {
      this.#calls = [...this.#calls, values];
    };
    const [first = "", ...rest] = callback.split(".");
    this.#context = createContext({ [first]: rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), take) });
    this.#names = this.#globals();
  }

  /** Runs a script, which has to call back once, with one value, and to leave nothing else behind. */
  run(script: string): unknown {
    this.#calls = [];
    runInContext(script, this.#context);
    const [values = []] = this.#calls;
    if (this.#calls.length !== 1 || values.length !== 1) throw new Error(`not one call with one value: ${script}`);
    if (this.#globals() !== this.#names) throw new Error(`the script left something behind: ${script}`);
    return values[0];
  }

  #globals(): string {
    return String(runInContext("Object.getOwnPropertyNames(globalThis).join()", this.#context));
  }
}

/** What a script in a frame has posted. */
export interface Posted {
  readonly message: unknown;
  /** The origin that alone may get it. */
  readonly origin: string;
}

const HEAD = /^<!doctype html><meta charset="utf-8"><title>Tailwire<\/title>(?:<!-- +-->)?/;
/** No script has a `<` in it, so nothing in it can end it or begin a comment. */
const SCRIPT = /^<script nonce="([\w-]{22})">([^<]*)<\/script>/;
const END = "</script>";

/** Reads a page in a frame as it comes, by its grammar: a head, and then scripts, with nothing between them. */
export class FramePage {
  readonly #nonce: string;
  readonly #context: Context;
  #posted: Posted[] = [];
  #removed = 0;
  #held = "";
  #begun = false;

  /** @param nonce that the page's policy names */
  constructor(nonce: string) {
    this.#nonce = nonce;
    const script = {
      remove: () => {
        this.#removed += 1;
      },
    };
    const parent = {
      postMessage: (message: unknown, origin: string) =>
        void this.#posted.push({ message: structuredClone(message), origin }),
    };
    this.#context = createContext({ window: { parent }, document: { currentScript: script } });
  }

  /** Whether all that came was whole. */
  get whole(): boolean {
    return this.#begun && this.#held === "";
  }

  /** Takes the next part of the page; gives what the scripts that it completes have posted. */
  push(text: string): readonly Posted[] {
    this.#held += text;
    if (!this.#begun && this.#held.includes("<script")) {
      this.#held = this.#held.slice(match(HEAD, this.#held)[0].length);
      this.#begun = true;
    }
    for (let end = this.#endOfScript(); end > 0; end = this.#endOfScript()) {
      this.#runScript(this.#held.slice(0, end));
      this.#held = this.#held.slice(end);
    }
    const posted = this.#posted;
    this.#posted = [];
    return posted;
  }

  #endOfScript(): number {
    const at = this.#begun ? this.#held.indexOf(END) : -1;
    return at < 0 ? 0 : at + END.length;
  }

  #runScript(element: string): void {
    const [, nonce, text = ""] = match(SCRIPT, element);
    if (nonce !== this.#nonce) throw new Error(`the policy does not let this run: ${element}`);
    this.#removed = 0;
    runInContext(text, this.#context);
    if (this.#removed !== 1) throw new Error(`the script removed itself ${this.#removed} times: ${element}`);
  }
}

function match(pattern: RegExp, text: string): RegExpExecArray {
  const found = pattern.exec(text);
  if (found === null || found.index !== 0) throw new Error(`not as it should be: ${text.slice(0, 300)}`);
  return found;
}
