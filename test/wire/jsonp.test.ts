import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AWKWARD_TEXTS, AWKWARD_VALUES, AWKWARD_WORDS } from "../../src/testing/awkward.ts";
import { encodeCall, encodeExpression, encodeText, isCallback } from "../../src/wire/jsonp.ts";
import { CallbackPage } from "../testing/drivers/script-page.ts";

const page = new CallbackPage("take.$it");

/** What a page gets that runs the script. */
function called(json: string): unknown {
  return page.run(encodeCall("take.$it", encodeExpression(json)));
}

describe("isCallback", () => {
  it.each(["f", "_", "$", "a1", "jQuery123_456", "a.b.c.d.e", "$.fn", "x".repeat(64), "__proto__", "constructor"])(
    "takes %s",
    (text) => expect(isCallback(text)).toBe(true),
  );

  it.each([
    "",
    "1a",
    "a.",
    ".a",
    "a..b",
    "a.1",
    "a.b.c.d.e.f",
    "x".repeat(65),
    "a b",
    " a",
    "a\n",
    "a;",
    "a(",
    "alert(1)//",
    "a[0]",
    'a["b"]',
    "a-b",
    "a/**/",
    "</script>",
    "é",
    "ａ",
    "a\u2028",
    "a\u200d",
    "\\u0061",
    "%61",
    "a=1,b",
    "a\0",
    "a`x`",
  ])("refuses %j", (text) => expect(isCallback(text)).toBe(false));

  it("takes nothing that is more than a name to JavaScript", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."aZ_$1.(;") })), (text) => {
        expect(isCallback(text)).toBe(
          text.length <= 64 && /^[a-z_$][a-z0-9_$]*(\.[a-z_$][a-z0-9_$]*){0,4}$/i.test(text),
        );
      }),
    );
  });

  it("is quick about texts that are nearly names", () => {
    expect(isCallback(`${"a".repeat(1_000_000)}!`)).toBe(false);
    expect(isCallback(`${"a.".repeat(32)}!`)).toBe(false);
  });
});

describe("encodeCall", () => {
  it("calls the function, begins with a comment, and has its JSON as a literal", () => {
    expect(encodeCall("a.b", encodeExpression('{"cursor":"x:1","events":[]}'))).toBe(
      '/**/a.b({"cursor":"x:1","events":[]});\n',
    );
  });

  it("gives a page what JSON.parse would give it", () => {
    for (const value of [...AWKWARD_VALUES, ...AWKWARD_TEXTS, ...AWKWARD_WORDS]) {
      expect(called(JSON.stringify(value))).toEqual(value);
    }
  });

  it("does so for any JSON value, with any white space in it", () => {
    const key = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "</script>", "\u2028"));
    const { tree } = fc.letrec((tie) => ({
      leaf: fc.oneof(fc.string({ unit: "binary" }), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null)),
      tree: fc.oneof({ maxDepth: 4 }, tie("leaf"), fc.array(tie("tree")), fc.dictionary(key, tie("tree"))),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom("", "\t", "  "), (value, space) => {
        const json = JSON.stringify(value, undefined, space).replaceAll("\n", " ");
        expect(called(json)).toEqual(JSON.parse(json));
      }),
    );
  });
});

describe("encodeExpression", () => {
  it("has no character in it that ends a script, a comment or a line", () => {
    for (const text of [...AWKWARD_TEXTS, "</script>", "<!--<script>", "\u2028\u2029", "]]>"]) {
      const expression = encodeExpression(JSON.stringify({ [text]: [text] }));
      expect(expression).not.toMatch(/[<\u2028\u2029\r\n]/);
    }
    expect(encodeExpression('{"a<":"</script>\u2028\u2029"}')).toBe('{"a\\u003c":"\\u003c/script>\\u2028\\u2029"}');
  });

  it.each([
    ['{"__proto__":{"polluted":true}}', ["__proto__"]],
    ['{"\\u005f_proto__":1,"__pr\\u006Fto__":2}', ["__proto__"]],
    ['{"a":{"__proto__":1},"__proto__":1,"__proto__":2}', ["a", "__proto__"]],
    ['{"__proto__" :null}', ["__proto__"]],
  ])("keeps the key __proto__ a key like any other: %s", (json, keys) => {
    const value = called(json) as object;
    expect(Object.keys(value)).toEqual(keys);
    expect(Object.getPrototypeOf(Object.getPrototypeOf(value))).toBe(null);
    expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(json)));
  });

  it.each(["[", '{"a":'])("stands any depth of %s that JSON.parse does", (open) => {
    const depth = 50_000;
    const json = `${open.repeat(depth)}0${(open === "[" ? "]" : "}").repeat(depth)}`;
    let value = called(json);
    for (let level = 0; level < depth; level++) [value] = Object.values(value as object);
    expect(value).toBe(0);
  });

  it("leaves large flat values as they are", () => {
    const json = JSON.stringify({ text: "x".repeat(100_000), list: Array.from({ length: 10_000 }, (_, n) => n) });
    expect(encodeExpression(json)).toBe(json);
  });
});

describe("encodeText", () => {
  it("gives a page the text", () => {
    for (const text of AWKWARD_TEXTS) {
      expect(page.run(encodeCall("take.$it", encodeText(text)))).toBe(text);
    }
  });
});
