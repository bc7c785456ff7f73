/**
 * `npm run bench:refresh`: brings 50,000 open connections of one app, each with a channel of its own, in line with a change,
 * and closes them when it is disabled; how long the event loop stands still at the longest. soketi's own classes for apps,
 * connections and channels; sockets in memory.
 */
import { performance } from "node:perf_hooks";
import { DEFAULT_CLOSE_CODES, DEFAULT_CLOSE_ON } from "../src/agent/close-causes.ts";
import { Closer } from "../src/agent/closer.ts";
import { LiveSockets } from "../src/agent/live-sockets.ts";
import { nextTurn } from "../src/async/next-turn.ts";
import { soketiConnections } from "../src/soketi/sockets.ts";
import type { SoketiAppObject } from "../src/soketi/server.ts";
import { figure, publish } from "./report.ts";
import { SoketiInMemory, type Stalls, stallsDuring } from "../test/support/soketi-in-memory.ts";
import { median } from "./statistics.ts";

const CONNECTIONS = 50_000;
const ROUNDS = 5;

const clock = () => performance.now();
const soketi = new SoketiInMemory({ own: true });
soketi.start();

async function connectAll(): Promise<void> {
  const app = soketi.app("acme");
  for (let i = 0; i < CONNECTIONS; i += 1) soketi.subscribe(await soketi.connect(app), `channel-${i}`);
  await nextTurn();
}

async function follow(app: SoketiAppObject): Promise<Stalls> {
  return stallsDuring(async () => {
    await new Promise<void>((resolve, reject) => {
      const done = (count: number) => {
        if (count === CONNECTIONS) resolve();
        else reject(new Error(`expected ${CONNECTIONS}, found ${count}`));
      };
      const live = new LiveSockets<SoketiAppObject>({
        connections: soketiConnections(soketi.server),
        clock,
        closer: new Closer({ clock, closesPerSecond: 1_000_000, onClosed: (_, closed) => done(closed) }),
        closeOn: DEFAULT_CLOSE_ON,
        closeCodes: DEFAULT_CLOSE_CODES,
        onReplaced: (_appId, _app, replaced) => done(replaced),
      });
      live.follow("acme", app);
    });
    // soketi sees to what was closed a little later.
    while (!app.enabled && soketi.openOf("acme") > 0) await nextTurn();
  });
}

const results = {
  refreshed: [] as Stalls[],
  closed: [] as Stalls[],
};
for (let round = -1; round < ROUNDS; round += 1) {
  await connectAll();
  const refreshed = await follow(soketi.app("acme"));
  const closed = await follow(soketi.app("acme", false));
  if (round < 0) continue;
  results.refreshed.push(refreshed);
  results.closed.push(closed);
}
publish({
  name: "refresh",
  about:
    `Milliseconds to update, and to close, ${CONNECTIONS.toLocaleString("en")} connections of one app, each with its own channel: soketi's classes, ` +
    "sockets in memory.",
  tables: [
    {
      columns: [
        "",
        "longest block of the event loop: median",
        "worst",
        "without garbage collection: median",
        "worst",
        "total",
        "runs",
      ],
      rows: Object.entries(results).map(([name, figures]) => {
        const all = figures.map(({ longest }) => longest);
        const own = figures.map(({ longestOwn }) => longestOwn);
        const total = median(figures.map((one) => one.total));
        return [
          name,
          ...[median(all), Math.max(...all), median(own), Math.max(...own), total].map(figure),
          figures.length,
        ];
      }),
    },
  ],
  data: results,
});
process.exit(0);
