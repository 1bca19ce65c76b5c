/**
 * What Redis runs: three scripts, each of which does its whole work or none of it. They share a head that finds where
 * the log stands, and a foot that writes it back. What differs between stores only is written into the text, so that
 * it is not sent each time.
 *
 *     KEYS  1 where the log stands, a hash   2 its events, a stream   3 an idempotency key (append, where there is one)
 *     ARGV  1 a new epoch, used where one begins   2, 3 the highest position that the caller knows: epoch, offset
 *
 * The stream has the event with offset n under the id n-0, with its time, the bytes of all before it, and itself as
 * the caller packed it. So what an offset is, when it was and how much lies between two are one look-up each.
 */

import type { Retention } from "../../core/log.ts";

export interface ScriptSettings {
  readonly retention: Retention;
  /** How long a log's position outlives its events, in milliseconds. */
  readonly restMs: number;
  /** How long the position of a log that never had an event is kept, in milliseconds. */
  readonly emptyMs: number;
  /** How long an idempotency key is remembered, in milliseconds. */
  readonly idempotencyMs: number;
  /** `SPUBLISH` in a Cluster. */
  readonly publish: "PUBLISH" | "SPUBLISH";
  /** Ends the name of the channel that notifications go to; see `nameKeys` in keys.ts. */
  readonly live: string;
  /** The time in milliseconds, as Lua; tests have another. */
  readonly now?: string;
}

export type ScriptName = "append" | "read" | "purge";

/** The scripts' text. */
export function writeScripts(settings: ScriptSettings): Readonly<Record<ScriptName, string>> {
  const head = constants(settings) + HEAD;
  return { append: head + APPEND, read: head + READ, purge: head + PURGE };
}

/** Redis' own clock: that of one machine for all nodes. */
const NOW = "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";
/** What Lua's numbers and Redis' integers both hold exactly, and no time or size reaches. */
const ENDLESS = 9e15;

function constants(settings: ScriptSettings): string {
  const { maxEvents, maxBytes, maxAgeMs } = settings.retention;
  return `#!lua
local MAX_EVENTS, MAX_BYTES, MAX_AGE = ${luaNumber(maxEvents)}, ${luaNumber(maxBytes)}, ${luaNumber(maxAgeMs)}
local REST, EMPTY, ONCE = ${luaNumber(maxAgeMs + settings.restMs)}, ${luaNumber(settings.emptyMs)}, ${luaNumber(settings.idempotencyMs)}
local PUBLISH, LIVE, ENDLESS = '${settings.publish}', '${settings.live}', ${luaNumber(ENDLESS)}
local now = ${settings.now ?? NOW}
`;
}

function luaNumber(value: number): string {
  return String(Math.ceil(Math.min(value, ENDLESS)));
}

const HEAD = `
local meta, log = KEYS[1], KEYS[2]
local found = redis.call('HMGET', meta, 'epoch', 'newest', 'time', 'bytes', 'first', 'firstTime', 'firstBytes')
local epoch, newest, time, bytes = found[1], tonumber(found[2]), tonumber(found[3]), tonumber(found[4])
-- The oldest event that is kept: its offset, its time, and the bytes of all before it.
local first, firstTime, firstBytes = tonumber(found[5]), tonumber(found[6]), tonumber(found[7])
local changed = false

if not epoch then
  -- A log without a position is no log: its events may have outlived it where Redis evicts keys.
  redis.call('DEL', log)
  epoch, newest, time, bytes, first, firstTime, firstBytes = ARGV[1], 0, 0, 0, 1, 0, 0
  changed = true
elseif epoch == ARGV[2] and newest < tonumber(ARGV[3]) then
  -- Redis has lost what the caller has seen (it failed over to a replica that was behind). Another event at an offset
  -- that was given out already would be taken for the old one: what is left goes on as a new epoch.
  epoch = ARGV[1]
  changed = true
end
if first <= newest and redis.call('EXISTS', log) == 0 then
  first, firstTime, firstBytes = newest + 1, time, bytes
  changed = true
end
now = math.max(now, time)

local function gone(offset, at, before)
  return offset <= newest - MAX_EVENTS or (bytes - before > MAX_BYTES and offset < newest) or now - at > MAX_AGE
end

local function look(offset)
  local fields = redis.call('XRANGE', log, offset, offset)[1][2]
  return tonumber(fields[2]), tonumber(fields[4])
end

-- Applies retention. Nearly always the second event is the first that stays; where more are gone, as after a silence,
-- it doubles its steps, then halves them.
local function trim()
  if first > newest or not gone(first, firstTime, firstBytes) then return end
  local low, high, step = first, newest + 1, 1
  local highTime, highBytes = time, bytes
  while high - low > 1 do
    local middle = step and low + step or math.floor((low + high) / 2)
    if middle >= high then
      step = nil
    else
      local at, before = look(middle)
      if gone(middle, at, before) then
        low, step = middle, step and step * 2
      else
        high, highTime, highBytes, step = middle, at, before, nil
      end
    end
  end
  first, firstTime, firstBytes = high, highTime, highBytes
  changed = true
  if first > newest then
    redis.call('DEL', log)
  else
    redis.call('XTRIM', log, 'MINID', '~', first) -- whole nodes of the stream: what is left before first is not read
  end
end

local function expire(key, ms)
  if ms < ENDLESS then redis.call('PEXPIRE', key, math.max(ms, 1)) else redis.call('PERSIST', key) end
end

local function life()
  return newest == 0 and EMPTY or REST
end

local function save()
  redis.call('HSET', meta, 'epoch', epoch, 'newest', newest, 'time', time, 'bytes', bytes,
    'first', first, 'firstTime', firstTime, 'firstBytes', firstBytes)
  expire(meta, life())
end
`;

/**
 *     ARGV  4 the event, packed
 *
 * Answers `epoch:offset`, with `=` before it where the idempotency key was known.
 */
const APPEND = `
local body, once = ARGV[4], KEYS[3]
local known = once and redis.call('GET', once)
if known then return redis.status_reply('=' .. known) end
local before = bytes
newest, time, bytes = newest + 1, now, bytes + #body
redis.call('XADD', log, newest .. '-0', 't', time, 'b', before, 'e', body)
if first == newest then firstTime, firstBytes = time, before end
trim()
save()
if first <= newest then expire(log, MAX_AGE) end
local position = string.format('%s:%d', epoch, newest)
if once then redis.call('SET', once, position, 'PX', ONCE) end
redis.call(PUBLISH, meta .. LIVE, string.format('%s:%d\\n', position, time) .. body)
return redis.status_reply(position)
`;

/**
 *     ARGV  4, 5 where to begin: after that offset of that epoch, or with no epoch, so many from the end
 *           6, 7 at most so many events, and bytes
 *
 * Answers the epoch, the newest offset, the offset before the oldest event kept, then time and event of each.
 */
const READ = `
trim()
if changed then
  save()
else
  -- What is read is not forgotten; and it is written only where half its time is over.
  local left = redis.call('PTTL', meta)
  if left >= 0 and left < life() / 2 then expire(meta, life()) end
end
local offset = first
if ARGV[4] == '' then
  offset = math.max(first, newest - tonumber(ARGV[5]) + 1)
elseif ARGV[4] == epoch then
  offset = math.max(first, tonumber(ARGV[5]) + 1)
end
local answer = { epoch, newest, first - 1 }
local count, room = tonumber(ARGV[6]), tonumber(ARGV[7])
while count > 0 and offset <= newest do
  -- As many as probably fit, so that large events are not fetched in vain.
  local average = (bytes - firstBytes) / (newest - first + 1)
  local page = math.min(count, 100, math.max(1, math.ceil(room / math.max(average, 1))))
  local entries = redis.call('XRANGE', log, offset, '+', 'COUNT', page)
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    local body = entry[2][6]
    room = room - #body
    if room < 0 and #answer > 3 then return answer end
    answer[#answer + 1] = tonumber(entry[2][2])
    answer[#answer + 1] = body
    count, offset = count - 1, offset + 1
  end
end
return answer
`;

/** Answers whether there was anything to drop. */
const PURGE = `
if newest == 0 then return 0 end
redis.call('DEL', log)
epoch, newest, bytes, first, firstTime, firstBytes = ARGV[1], 0, 0, 1, 0, 0
save()
return 1
`;
