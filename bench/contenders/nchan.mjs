import { commandPath, missingCommand, missingFile } from "./missing.mjs";
import { longPoll, sse, websocket } from "./protocols.mjs";

/** Where Debian's libnginx-mod-nchan puts it. */
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/**
 * One worker, as every contender has one process that works; logs off; memory for a buffer of 1,000 messages a channel
 * (its default is 10), as long as Tailwire's. A new subscriber begins with the next message and not, as is nchan's
 * default, with the oldest in the buffer; one that resumes says where.
 * @param {number | undefined} port
 */
const configuration = (port) => `daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
load_module ${MODULE};
events {
  worker_connections 16384;
  multi_accept on;
}
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  scgi_temp_path temp;
  uwsgi_temp_path temp;
  nchan_shared_memory_size 512M;
  nchan_message_buffer_length 1000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /subscribe {
      nchan_subscriber websocket eventsource longpoll;
      nchan_channel_id $arg_channel;
      nchan_subscriber_first_message newest;
    }
    location = /publish {
      nchan_publisher http;
      nchan_channel_id $arg_channel;
    }
  }
}
`;

const path = (/** @type {string} */ channel) => `/subscribe?channel=${channel}`;

/** @type {Omit<import("./contender.mjs").Contender, "name" | "benchmarks" | "protocol">} */
const server = {
  family: "nchan",
  missing: () => missingCommand("nginx") ?? missingFile(MODULE),
  launch: ([port], dir) => ({
    command: commandPath("nginx") ?? "nginx",
    args: ["-p", dir, "-c", `${dir}/nginx.conf`, "-e", `${dir}/error.log`],
    files: { "nginx.conf": configuration(port) },
  }),
  publish: (channel) => ({ path: `/publish?channel=${channel}` }),
};

/** @type {import("./contender.mjs").Contender[]} */
export const nchan = [
  {
    ...server,
    name: "nchan-sse",
    benchmarks: ["fanout", "pace", "latency", "idle", "resume"],
    protocol: sse(path, { ready: ": hi\n\n" }),
    resume: {
      position,
      request: (channel, id) => sse(path, { headers: [`Last-Event-ID: ${id}`] }).request(channel),
    },
  },
  {
    ...server,
    name: "nchan-websocket",
    benchmarks: ["fanout", "pace", "latency", "idle"],
    protocol: websocket(path),
  },
  { ...server, name: "nchan-long-poll", benchmarks: ["poll"], protocol: longPoll("nchan") },
];

/**
 * The id of the last message, as its publisher location tells.
 * @param {number} port
 * @param {string} channel
 */
async function position(port, channel) {
  const url = `http://127.0.0.1:${port}/publish?channel=${channel}`;
  const answer = await fetch(url, { headers: { Accept: "text/json" } });
  return /** @type {{last_message_id: string}} */ (await answer.json()).last_message_id;
}
