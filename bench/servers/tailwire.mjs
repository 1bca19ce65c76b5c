import { createServer } from "node:http";
import { attach, createHub } from "../../dist/index.js";
import { listen } from "./control.mjs";

const server = createServer();
attach(server, createHub());
listen(server);
