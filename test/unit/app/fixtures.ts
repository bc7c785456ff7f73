import { createRequire } from "node:module";
import type { App } from "../../../src/app/app.ts";
import type { SoketiApp } from "../../../src/app/soketi-shape.ts";

/** The content of a B, as each source spells it. */
export const ENCODINGS: readonly {
  readonly name: string;
  readonly encode: (text: string | Buffer) => unknown;
}[] = [
  { name: "base64 of a Lambda event", encode: (text) => Buffer.from(text as string).toString("base64") },
  { name: "Uint8Array of an SDK", encode: (text) => new Uint8Array(Buffer.from(text as string)) },
  { name: "Buffer", encode: (text) => Buffer.from(text as string) },
  {
    name: "numbered object of an emulator",
    encode: (text) => JSON.parse(JSON.stringify(new Uint8Array(Buffer.from(text as string)))) as unknown,
  },
  {
    name: "JSON of a Buffer",
    encode: (text) => JSON.parse(JSON.stringify(Buffer.from(text as string))) as unknown,
  },
];

export const IDENTITY = { AppId: { S: "id-1" }, AppKey: { S: "key-1" }, AppSecret: { S: "secret-1" } };

export const DEFAULTS: App = {
  id: "id-1",
  key: "key-1",
  secret: "secret-1",
  previousSecret: undefined,
  enabled: true,
  enableClientMessages: false,
  enableUserAuthentication: false,
  limits: {
    maxConnections: -1,
    maxBackendEventsPerSecond: -1,
    maxClientEventsPerSecond: -1,
    maxReadRequestsPerSecond: -1,
  },
  webhooks: [],
};

/** An app with everything set. */
export const FULL: App = {
  ...DEFAULTS,
  previousSecret: { secret: "secret-0", until: 1_800_000_000 },
  enabled: false,
  enableClientMessages: true,
  enableUserAuthentication: true,
  limits: {
    maxConnections: 1,
    maxBackendEventsPerSecond: 2,
    maxClientEventsPerSecond: 3,
    maxReadRequestsPerSecond: 4,
    maxPresenceMembersPerChannel: 5,
    maxPresenceMemberSizeInKb: 6.5,
    maxChannelNameLength: 7,
    maxEventChannelsAtOnce: 8,
    maxEventNameLength: 9,
    maxEventPayloadInKb: 0.5,
    maxEventBatchSize: 11,
  },
  webhooks: [
    {
      url: "https://user:password@example.com:8443/path?token=query",
      eventTypes: ["client_event", "member_added"],
      headers: { Authorization: "Bearer header" },
      filter: { channelNameStartsWith: "a-", channelNameEndsWith: "-z" },
    },
    {
      lambdaFunction: "notify",
      eventTypes: ["cache_miss"],
      lambda: {
        async: true,
        region: "eu-west-1",
        clientOptions: { credentials: { secretAccessKey: "option" } },
      },
    },
  ],
};

/** Defaults of soketi's server options, with numbers that no test uses otherwise. */
export const SERVER_LIMITS = {
  maxPresenceMembersPerChannel: 101,
  maxPresenceMemberSizeInKb: 2,
  maxChannelNameLength: 201,
  maxEventChannelsAtOnce: 102,
  maxEventNameLength: 202,
  maxEventPayloadInKb: 103,
  maxEventBatchSize: 13,
};

const server = {
  options: {
    debug: false,
    presence: {
      maxMembersPerChannel: SERVER_LIMITS.maxPresenceMembersPerChannel,
      maxMemberSizeInKb: SERVER_LIMITS.maxPresenceMemberSizeInKb,
    },
    channelLimits: { maxNameLength: SERVER_LIMITS.maxChannelNameLength },
    eventLimits: {
      maxChannelsAtOnce: SERVER_LIMITS.maxEventChannelsAtOnce,
      maxNameLength: SERVER_LIMITS.maxEventNameLength,
      maxPayloadInKb: SERVER_LIMITS.maxEventPayloadInKb,
      maxBatchSize: SERVER_LIMITS.maxEventBatchSize,
    },
    appManager: { dynamodb: { region: "us-east-1", endpoint: "http://127.0.0.1:9", table: "apps" } },
  },
};

/** The fields of soketi's App that the tests look at. */
export type RealApp = SoketiApp &
  Readonly<Record<"hasClientEventWebhooks" | "hasCacheMissedWebhooks", boolean>>;

const load = createRequire(import.meta.url);
const { App: SoketiClass } = load("@soketi/soketi/dist/app.js") as {
  App: new (object: unknown, server: unknown) => RealApp;
};
const { DynamoDbAppManager } = load("@soketi/soketi/dist/app-managers/dynamodb-app-manager.js") as {
  DynamoDbAppManager: new (server: unknown) => { unmarshallItem(item: unknown): unknown };
};

const driver = new DynamoDbAppManager(server);

/** soketi's own class, from node_modules. */
export function realApp(object: unknown): RealApp {
  return new SoketiClass(object, server);
}

/** The object that soketi's driver makes of an item for its App. */
export function unmarshallBySoketi(item: unknown): Record<string, unknown> {
  return driver.unmarshallItem(item) as Record<string, unknown>;
}

/** The way soketi itself takes from an item to an app, without us. */
export function realAppFromItem(item: unknown): RealApp {
  return realApp(unmarshallBySoketi(item));
}
