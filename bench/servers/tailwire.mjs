// As a user embeds it, with its defaults. Compression is off unless the second argument is "compress".

import { createServer } from "node:http";
import { attach, createHub } from "../../dist/index.js";
import { listen } from "./control.mjs";

const server = createServer();
attach(server, createHub(), { compression: process.argv[3] === "compress" });
listen(server);
