import { suiteBehind } from "./transport-suite.ts";

suiteBehind("nginx");
