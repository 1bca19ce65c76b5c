import { nodeServer } from "./contender.mjs";
import { missingCommand } from "./missing.mjs";
import { sse } from "./protocols.mjs";

/**
 * From the package's own pushpin.conf: paths and ports changed, and the limit of 2,500 messages a second lifted, beyond
 * which it throttles and then drops.
 * @param {string} dir
 * @param {number[]} ports of the application, and four of Pushpin's own
 */
const pushpinConf = (dir, [, , http, pull, sub, command]) => `[global]
include={libdir}/internal.conf
rundir=${dir}
ipc_prefix=

[proxy]
routesfile=routes
zurl_out_specs=ipc://{rundir}/zurl-in
zurl_out_stream_specs=ipc://{rundir}/zurl-in-stream
zurl_in_specs=ipc://{rundir}/zurl-out

[handler]
push_in_spec=tcp://127.0.0.1:${pull}
push_in_sub_specs=tcp://127.0.0.1:${sub}
push_in_http_addr=127.0.0.1
push_in_http_port=${http}
command_spec=tcp://127.0.0.1:${command}
message_rate=10000000
message_hwm=100000000
`;

/** As the package's zurl.conf; the application is on this machine, so nothing is denied. */
const zurlConf = (/** @type {string} */ dir) => `[General]
in_spec=ipc://${dir}/zurl-in
in_stream_spec=ipc://${dir}/zurl-in-stream
out_spec=ipc://${dir}/zurl-out
defpolicy=allow
max_open_requests=2000
buffer_size=200000
timeout=600
in_hwm=1000
out_hwm=1000
`;

/**
 * In `fanout` only: at an even pace it takes about 60 µs of CPU a delivery, over two cores, which is more than this
 * machine has for the loads of the others; its services then drop messages to each other, and it cuts subscribers.
 * @type {import("./contender.mjs").Contender}
 */
const pushpinSse = {
  name: "pushpin-sse",
  family: "pushpin",
  benchmarks: ["fanout"],
  missing: () => missingCommand("condure", "zurl", "pushpin-proxy", "pushpin-handler"),
  launch: (ports, dir) => {
    const [subscribers, application = 0, push, , , , ready = 0] = ports;
    const launch = nodeServer("pushpin.mjs", dir, ...[subscribers, push, ready].map(String))([application], dir);
    return {
      ...launch,
      files: {
        "pushpin.conf": pushpinConf(dir, ports),
        routes: `* 127.0.0.1:${application}\n`,
        "zurl.conf": zurlConf(dir),
      },
      listens: [ready],
      log: "handler.log",
    };
  },
  // Where more open at a time, its services drop messages to each other. One at a time, one subscriber of about 1,500 is
  // still cut as soon as it is held: "received message out of sequence, canceling", says the handler (Pushpin 1.36), for
  // one it took over from the proxy. Hence the attempts: about every other one is good.
  protocol: { ...sse((channel) => `/${channel}`, { ready: ": held\n\n" }), openingAtOnce: 1, attempts: 6 },
  publish: (channel) => ({ port: 1, path: `/${channel}` }),
};

export const pushpin = [pushpinSse];
