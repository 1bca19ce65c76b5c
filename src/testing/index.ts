/** `tailwire/testing`: what one needs to test a store, a transport, or a program that uses Tailwire. */

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
