import type { AppsTable, Item } from "../../../local/apps-table.ts";
import type { Random } from "../../simulation/random.ts";
import { item } from "../../support/fleet.ts";

/** An app, as a client or a backend of it knows it. What it knows may be of yesterday. */
export interface Tenant {
  readonly id: string;
  readonly key: string;
  /** Nobody but the app's own clients and backends has it. */
  readonly secret: string;
}

const APPS = 8;

/** The apps whose clients are hostile, and which are changed, deleted, re-keyed and rotated meanwhile. */
export class Tenants {
  readonly #table: AppsTable;
  readonly #random: Random;
  /** Where their webhooks go. */
  readonly #url: string;
  readonly #current = new Map<string, Tenant>();
  #version = 0;

  constructor(table: AppsTable, random: Random, url: string) {
    this.#table = table;
    this.#random = random;
    this.#url = url;
  }

  async create(): Promise<void> {
    for (let i = 0; i < APPS; i += 1) {
      const id = `tenant-${i}`;
      const { AppKey, AppSecret } = item(id);
      this.#current.set(id, { id, key: AppKey?.S ?? "", secret: AppSecret?.S ?? "" });
      await this.#table.put(this.#itemOf(id));
    }
  }

  pick(random: Random): Tenant {
    return random.pick([...this.#current.values()]);
  }

  /** One write. */
  async change(): Promise<void> {
    const tenant = this.pick(this.#random);
    const { id } = tenant;
    this.#version += 1;
    switch (this.#random.integer(0, 6)) {
      case 0:
        return this.#table.delete(id);
      case 1:
        this.#current.set(id, { ...tenant, key: `${id}-key-${this.#version}` });
        return this.#table.put(this.#itemOf(id));
      case 2:
        this.#current.set(id, { ...tenant, secret: `${id}-secret-${this.#version}` });
        return this.#table.put(this.#itemOf(id));
      case 3:
        return this.#table.put({ ...this.#itemOf(id), Enabled: { BOOL: false } });
      case 4:
        return this.#table.put({ ...this.#itemOf(id), EnableUserAuthentication: { BOOL: true } });
      default:
        return this.#table.put(this.#itemOf(id));
    }
  }

  #itemOf(id: string): Item {
    const { key, secret } = this.#current.get(id) ?? { key: "", secret: "" };
    const limit = () => ({ N: String(this.#random.pick([-1, 1, 5, 50])) });
    const types = ["client_event", "channel_vacated", "channel_occupied", "member_added", "member_removed", "cache_miss"]; // prettier-ignore
    return {
      AppId: { S: id },
      AppKey: { S: key },
      AppSecret: { S: secret },
      EnableClientMessages: { BOOL: true },
      MaxConnections: { N: String(this.#random.pick([-1, 5, 500])) },
      MaxBackendEventsPerSecond: limit(),
      MaxClientEventsPerSecond: limit(),
      MaxReadRequestsPerSecond: limit(),
      Webhooks: { S: JSON.stringify([{ url: this.#url, event_types: types }]) },
    };
  }
}
