import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memberSource } from "../../src/wire/json-member.ts";

describe("memberSource", () => {
  it.each([
    ['{"data":12345678901234567890}', "12345678901234567890"],
    ['{"data":1.0}', "1.0"],
    ['{"data":-1E+2,"op":1}', "-1E+2"],
    ['{"data":null }', "null"],
    ['{"data":true\t,"x":1}', "true"],
    ['{"data":{"b":1, "a" : [2]} }', '{"b":1, "a" : [2]}'],
    ['{"data":[]}', "[]"],
    ['{"data":{}}', "{}"],
    ['{"data":"a\\"b"}', '"a\\"b"'],
    ['{"data":["}","]","\\\\","\\"]"],"x":1}', '["}","]","\\\\","\\"]"]'],
  ])("takes the value of %s as it is written", (json, source) => {
    expect(memberSource(json, "data")).toBe(source);
  });

  it("passes over white space, and leaves it out at the ends", () => {
    expect(memberSource(' \r\n{ \t"x" : 0 ,\n"data"\t:\r { } \n} ', "data")).toBe("{ }");
  });

  it("takes the last of several, as JSON.parse does", () => {
    expect(memberSource('{"data":1,"x":2,"data":3}', "data")).toBe("3");
  });

  it("knows a name that is written with escapes", () => {
    expect(memberSource('{"data":1,"d\\u0061ta":2}', "data")).toBe("2");
    expect(memberSource('{"d\\\\u0061ta":2,"data\\n":3}', "data")).toBeUndefined();
  });

  it("takes no notice of nested members and of names in strings", () => {
    expect(memberSource('{"x":{"data":1},"y":[{"data":2}],"z":"\\"data\\":3","data":4}', "data")).toBe("4");
    expect(memberSource('{"data":5,"x":{"data":1},"y":"data"}', "data")).toBe("5");
    expect(memberSource('{"x":{"data":1},"y":"data"}', "data")).toBeUndefined();
    expect(memberSource("{}", "data")).toBeUndefined();
  });

  it("finds exactly the text that was put in, among any other members", () => {
    const space = fc.constantFrom("", "", " ", "\t", "\r", "\n ");
    const number = fc.constantFrom("0", "-0", "1.0", "1e999", "12345678901234567890", "0.10e-07");
    const text = fc.string({ unit: "binary" }).map((value) => JSON.stringify(value));
    const escaped = fc.constantFrom('"\\u0022"', '"\\\\"', '"\\\\\\""', '"{[,:}]"', '"data"', '"\\/"');
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.oneof(number, text, escaped, fc.constantFrom("true", "false", "null")),
        fc
          .tuple(space, fc.array(tie("value"), { maxLength: 3 }))
          .map(([s, items]) => `[${s}${items.join(`${s},${s}`)}${s}]`),
        fc
          .tuple(space, fc.array(fc.tuple(fc.oneof(text, escaped), tie("value")), { maxLength: 3 }))
          .map(([s, members]) => `{${s}${members.map(([key, item]) => `${key}${s}:${s}${item}`).join(`,${s}`)}${s}}`),
      ),
    }));
    const key = fc.oneof(fc.constantFrom('"data"', '"d\\u0061ta"', '"op"', '"dat"', '"\\"data"'), text);
    const member = fc.tuple(key, value, space);
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), space, (members, s) => {
        const json = `${s}{${s}${members.map(([name, item, s]) => `${name}${s}:${s}${item}${s}`).join(`,${s}`)}}${s}`;
        const parsed = JSON.parse(json) as Record<string, unknown>;
        const expected = members.findLast(([name]) => JSON.parse(name) === "data")?.[1];
        const source = memberSource(json, "data");
        expect(source).toBe(expected);
        expect(source === undefined ? undefined : JSON.parse(source)).toEqual(parsed.data);
      }),
      { numRuns: 300 },
    );
  });
});
