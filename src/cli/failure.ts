/** What ends the command with one line on standard error, and no stack. */

/** 1: what was asked for failed. 2: it was asked for wrongly. */
export type ExitCode = 1 | 2;

export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;

  constructor(message: string, more: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.exitCode = more.exitCode ?? 1;
  }
}
