import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  paginateScan,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";

export type RawItem = Record<string, AttributeValue>;

/** Attributes by name; undefined for one that is not there, or that is to go. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Thrown when an item is not as its writer thought. Nothing was written. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/** Raw items of an apps table, for tools. Reads are consistent; every write has a condition. */
export interface AppItems {
  get(appId: string): Promise<RawItem | undefined>;
  /** Ids of the apps with a key, by the index, which may lag. */
  idsByKey(key: string): Promise<string[]>;
  /** @throws ConflictError when there is such an app. */
  create(item: RawItem): Promise<void>;
  /** @throws ConflictError unless the item is there, and each attribute of `expected` still as given. */
  change(appId: string, attributes: Attributes, expected: Attributes): Promise<void>;
  /** @throws ConflictError as `change`. */
  delete(appId: string, expected: Attributes): Promise<void>;
  /** The whole table, page by page. */
  pages(): AsyncIterable<RawItem[]>;
  /** How many items there are, about: AWS counts every six hours. */
  estimate(): Promise<number>;
}

export function createAppItems(client: DynamoDBClient, table: string): AppItems {
  const keyOf = (appId: string) => ({ TableName: table, Key: { AppId: { S: appId } } });
  return {
    async get(appId) {
      return (await client.send(new GetItemCommand({ ...keyOf(appId), ConsistentRead: true }))).Item;
    },

    async idsByKey(key) {
      const ids: string[] = [];
      const query = {
        TableName: table,
        IndexName: "AppKeyIndex",
        KeyConditionExpression: "AppKey = :key",
        ExpressionAttributeValues: { ":key": { S: key } },
      };
      for await (const { Items = [] } of paginateQuery({ client }, query)) {
        ids.push(...Items.flatMap(({ AppId }) => (AppId?.S === undefined ? [] : [AppId.S])));
      }
      return ids;
    },

    async create(item) {
      const put = { TableName: table, Item: item, ConditionExpression: "attribute_not_exists(AppId)" };
      await orConflict(
        client.send(new PutItemCommand(put)),
        `expected no app ${item.AppId?.S ?? ""} yet, found one: choose another id, or update it`,
      );
    },

    async change(appId, attributes, expected) {
      const words = new Words();
      const sets: string[] = [];
      const removes: string[] = [];
      for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined) removes.push(words.name(name));
        else sets.push(`${words.name(name)} = ${words.value(value)}`);
      }
      const UpdateExpression = [
        sets.length > 0 ? `SET ${sets.join(", ")}` : "",
        removes.length > 0 ? `REMOVE ${removes.join(", ")}` : "",
      ].join(" ");
      const update = { ...keyOf(appId), UpdateExpression, ...words.condition(expected) };
      await orConflict(client.send(new UpdateItemCommand(update)), changedMeanwhile(appId));
    },

    async delete(appId, expected) {
      const request = { ...keyOf(appId), ...new Words().condition(expected) };
      await orConflict(client.send(new DeleteItemCommand(request)), changedMeanwhile(appId));
    },

    async *pages() {
      for await (const { Items = [] } of paginateScan(
        { client },
        { TableName: table, ConsistentRead: true },
      )) {
        yield Items;
      }
    },

    async estimate() {
      return (await client.send(new DescribeTableCommand({ TableName: table }))).Table?.ItemCount ?? 0;
    },
  };
}

const changedMeanwhile = (appId: string) =>
  `expected app ${appId} as it was read, found that somebody has changed or deleted it since: look at it again`;

async function orConflict(answer: Promise<unknown>, message: string): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) throw new ConflictError(message);
    throw error;
  }
}

/** Placeholders of one expression: attribute names may be reserved words. */
class Words {
  readonly #names: Record<string, string> = {};
  readonly #values: Record<string, AttributeValue> = {};

  name(name: string): string {
    const known = Object.entries(this.#names).find(([, text]) => text === name);
    const word = known?.[0] ?? `#n${Object.keys(this.#names).length}`;
    this.#names[word] = name;
    return word;
  }

  value(value: AttributeValue): string {
    const word = `:v${Object.keys(this.#values).length}`;
    this.#values[word] = value;
    return word;
  }

  /** The item is there, and each attribute as given. */
  condition(expected: Attributes) {
    const terms = Object.entries(expected).map(([name, value]) =>
      value === undefined
        ? `attribute_not_exists(${this.name(name)})`
        : `${this.name(name)} = ${this.value(value)}`,
    );
    return {
      ConditionExpression: [`attribute_exists(${this.name("AppId")})`, ...terms].join(" AND "),
      ExpressionAttributeNames: this.#names,
      ...(Object.keys(this.#values).length > 0 ? { ExpressionAttributeValues: this.#values } : {}),
    };
  }
}
