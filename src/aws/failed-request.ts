/** The request of which an error of AWS' SDK came. */
export interface FailedRequest {
  /** Such as `GetItemCommand`. */
  readonly command: string;
  /** `host:port`, as far as it was known. */
  readonly address: string | undefined;
}

const requests = new WeakMap<object, FailedRequest>();

/** What an error came of, when its client was given to `rememberRequests`. */
export function failedRequestOf(error: unknown): FailedRequest | undefined {
  return typeof error === "object" && error !== null ? requests.get(error) : undefined;
}

const WRITES: ReadonlySet<string> = new Set(["PutItemCommand", "UpdateItemCommand", "DeleteItemCommand"]);

/** Whether an error came of a request to write an item. */
export function isOfWrite(error: unknown): boolean {
  return WRITES.has(failedRequestOf(error)?.command ?? "");
}

/** Whether DynamoDB refuses to write what an item is to be: too large an item, say. Nothing is said of other items. */
export function isRefusedItem(error: unknown): boolean {
  return error instanceof Error && error.name === "ValidationException" && isOfWrite(error);
}

/** Any client of the SDK: each has types of its own for the same stack. */
export interface SdkClient {
  readonly middlewareStack: {
    add(middleware: never, options: { readonly step: "build"; readonly name: string }): void;
  };
}

type Next = (args: { readonly request?: unknown }) => Promise<unknown>;

/** The SDK's errors of the network do not say whom they could not reach. */
export function rememberRequests(client: SdkClient): void {
  const remember =
    (next: Next, { commandName = "" }: { readonly commandName?: string }): Next =>
    async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (typeof error === "object" && error !== null) {
          requests.set(error, { command: commandName, address: addressOf(args.request) });
        }
        throw error;
      }
    };
  // Around the retries, and after the endpoint was found.
  client.middlewareStack.add(remember as never, { step: "build", name: "rememberRequests" });
}

function addressOf(request: unknown): string | undefined {
  const { hostname, port, protocol } = (request ?? {}) as Partial<
    Record<"hostname" | "port" | "protocol", unknown>
  >;
  if (typeof hostname !== "string") return undefined;
  return `${hostname}:${typeof port === "number" ? port : protocol === "http:" ? 80 : 443}`;
}
