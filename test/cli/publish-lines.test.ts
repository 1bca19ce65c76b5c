import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Batch } from "../../src/cli/line-queue.ts";
import { publishLines } from "../../src/cli/publish-lines.ts";

/** A server whose answers are given by hand. */
class Requests {
  readonly batches: Batch[] = [];
  readonly #answers: ((error?: Error) => void)[] = [];
  #arrived = () => {};

  readonly publish = (batch: Batch): Promise<void> =>
    new Promise((resolve, reject) => {
      this.batches.push(batch);
      this.#answers.push((error) => (error === undefined ? resolve() : reject(error)));
      this.#arrived();
    });

  async arrive(count: number): Promise<void> {
    while (this.batches.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  answer(index: number, error?: Error): void {
    this.#answers[index]?.(error);
  }

  get bodies(): readonly string[] {
    return this.batches.map(({ body }) => body);
  }
}

describe("lines of a stream", () => {
  it("go out at once, and together where a request is under way", async () => {
    const [source, requests] = [new PassThrough(), new Requests()];
    const done = publishLines(source, { json: false, publish: requests.publish });
    source.write("one\n");
    await requests.arrive(1);
    source.write("two\nth");
    source.write('ree "3"\n\nlast');
    source.end();
    await new Promise((resolve) => source.once("close", resolve));
    expect(requests.bodies).toEqual(['"one"\n']);
    requests.answer(0);
    await requests.arrive(2);
    requests.answer(1);
    await done;
    expect(requests.bodies).toEqual(['"one"\n', '"two"\n"three \\"3\\""\n""\n"last"\n']);
    expect(requests.batches.map(({ firstLine, lines }) => [firstLine, lines])).toEqual([
      [1, 1],
      [2, 4],
    ]);
    expect(requests.batches[0]?.idempotencyKey).not.toBe(requests.batches[1]?.idempotencyKey);
  });

  it("are not read on while much waits", async () => {
    let read = 0;
    const line = Buffer.from(`${"x".repeat(99_999)}\n`);
    const source = new Readable({
      highWaterMark: 1,
      read() {
        read += 1;
        this.push(read <= 100 ? line : null);
      },
    });
    const requests = new Requests();
    const done = publishLines(source, { json: false, publish: requests.publish });
    await requests.arrive(1);
    for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate);
    expect(read).toBeLessThan(20);
    for (let index = 0; index < requests.batches.length; index += 1) {
      requests.answer(index);
      const more = requests.arrive(index + 2);
      await Promise.race([more, done]);
    }
    await done;
    expect(requests.batches.reduce((sum, { lines }) => sum + lines, 0)).toBe(100);
  });

  it("end with the failure of a request, also while the input is silent", async () => {
    const [source, requests] = [new PassThrough(), new Requests()];
    const done = publishLines(source, { json: false, publish: requests.publish });
    source.write("one\n");
    await requests.arrive(1);
    requests.answer(0, new Error("refused"));
    await expect(done).rejects.toThrow("refused");
    expect(source.destroyed).toBe(true);
  });

  it("end where the source is destroyed, with all published that was read", async () => {
    const [source, requests] = [new PassThrough(), new Requests()];
    const done = publishLines(source, { json: false, publish: requests.publish });
    source.write("one\n");
    await requests.arrive(1);
    source.destroy();
    requests.answer(0);
    await done;
    expect(requests.bodies).toEqual(['"one"\n']);
  });

  it("of JSON go as they are, blank ones to be passed over, up to one that is not JSON", async () => {
    const requests = new Requests();
    const source = Readable.from([Buffer.from('{"a": 1}\r\n \n12345678901234567890\n{bad\n5\n')]);
    const done = publishLines(source, { json: true, publish: requests.publish });
    const failed = expect(done).rejects.toThrow(/^line 4 of the input is not JSON/);
    await requests.arrive(1);
    requests.answer(0);
    await failed;
    expect(requests.bodies).toEqual(['{"a": 1}\n \n12345678901234567890\n']);
  });

  it("publish nothing where there are none", async () => {
    const requests = new Requests();
    await publishLines(Readable.from([]), { json: false, publish: requests.publish });
    expect(requests.batches).toEqual([]);
  });
});
