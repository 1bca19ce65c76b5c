/** `long-poll` and `poll`, over node:http at first, and over the socket itself where the client asks the same again. */

import type { Answer } from "./answer.ts";
import { answerPoll, JSON_FORM } from "./poll.ts";
import { servePollsOfSocket } from "./poll-socket.ts";

export function servePoll(answer: Answer): Promise<void> {
  servePollsOfSocket(answer, JSON_FORM);
  return answerPoll(answer, JSON_FORM);
}
