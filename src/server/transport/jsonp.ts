/** `jsonp`: the body of a poll as a script that calls a function of the page (PROTOCOL.md, "JSONP"). */

import { encodeCall, encodeExpression } from "../../wire/jsonp.ts";
import { SCRIPT_HEADERS } from "../respond.ts";
import type { Answer } from "./answer.ts";
import { answerPoll } from "./poll.ts";

export function serveJsonp(answer: Answer): Promise<void> {
  const { callback } = answer.plan;
  return answerPoll(answer, {
    key: `jsonp ${callback}`,
    headers: SCRIPT_HEADERS,
    tagged: false,
    message: encodeExpression,
    body: (text) => encodeCall(callback, text),
  });
}
