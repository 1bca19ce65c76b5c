/** `tailwire/testing`: what one needs to test a store, a transport, or a program that uses Tailwire. */

export type { Ending } from "./hostile/carry.ts";
export {
  type BlackHoleOptions,
  blackHole,
  type CutAfterMsOptions,
  type CutOptions,
  cutAfterBytes,
  cutAfterMs,
} from "./hostile/cut.ts";
export { type DelayOptions, delay } from "./hostile/delay.ts";
export { gzipBuffering } from "./hostile/gzip.ts";
export { type HoldOptions, holdOneBehind, holdToEnd } from "./hostile/hold.ts";
export {
  type HostileNetwork,
  type HostileProxy,
  inSeries,
  type NetworkOptions,
  type ProxiedRequest,
  type ProxyCounts,
  type StartOptions,
} from "./hostile/network.ts";
export { HOSTILE_NETWORKS } from "./hostile/networks.ts";
export {
  badGateway,
  type NeverAnswerOptions,
  neverAnswer,
  type StripUpgradeOptions,
  stripUpgrade,
} from "./hostile/refusal.ts";
export { type ResetOptions, resetInEvent } from "./hostile/reset.ts";
export type {
  HostileClient,
  HostileListener,
  HostileReport,
  HostileServer,
  HostileSubject,
} from "./hostile/subject.ts";
export { hostileNetworkSuite } from "./hostile/suite.ts";
export { transparent } from "./hostile/transparent.ts";
export { ManualClock, type ManualClockOptions } from "./manual-clock.ts";
export { MemoryConnection, type MemoryConnectionOptions } from "./memory-connection.ts";
export type { MakeStore, StoreAbility, StoreSettings, StoreUnderTest } from "./store/subject.ts";
export { storeSuite } from "./store/suite.ts";
export type { SuiteCase } from "./suite-case.ts";
export {
  CARRIES_ALL,
  type Carried,
  type ConnectOptions,
  type DriverConnection,
  type DriverEvent,
  type DriverMessage,
  type StartServer,
  type TransportDriver,
  TransportRefusal,
  type TransportServer,
  type TransportSettings,
} from "./transport/driver.ts";
export { transportSuite } from "./transport/suite.ts";
