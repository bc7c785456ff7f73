import type { AppCache } from "../agent/app-cache.ts";
import type { PreviousSecretUses } from "../agent/previous-secret-uses.ts";
import { previousSecretOf } from "./app-objects.ts";
import type { GuardedServer } from "./guards/soketi-parts.ts";
import { whenMade } from "./guards/when-made.ts";
import type { SoketiAppObject } from "./server.ts";
import { signedChannels } from "./signed-channels.ts";
import { wrap } from "./wrap.ts";

export interface PreviousSecretsOptions {
  readonly server: GuardedServer;
  /** Also where soketi looks apps up by itself: what it caches has no previous secret. */
  readonly cache: Pick<AppCache<SoketiAppObject>, "findById" | "inspect">;
  readonly uses: PreviousSecretUses;
  /** This soketi checks signatures where nothing can be put around it: there the previous secret is refused. */
  readonly onNoHook: (missing: string) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Whether what a client or publisher has sent is signed with this app's secret. */
type IsSigned = (app: SoketiAppObject) => Promise<boolean>;

/**
 * Has soketi take an app's previous secret beside the present one while a rotation overlaps: for requests of its HTTP API,
 * for private, encrypted and presence channels, and for sign-ins. (soketi 1.4.0 to 1.6.1: `signatureIsValid` of
 * dist/http-handler.js and dist/channels/private-channel-manager.js, `signinTokenIsValid` of dist/ws-handler.js.)
 *
 * Invariants. What soketi takes by itself is taken, unless the agent knows for sure that the app has another secret now.
 * Past the overlap's end the previous secret is refused, whenever the app was read.
 */
export function takePreviousSecrets(options: PreviousSecretsOptions): void {
  const { server, onNoHook } = options;
  const check = new SignatureCheck(options);
  whenMade(server, "httpHandler", (handler) => {
    if (typeof handler.signatureIsValid !== "function") onNoHook("httpHandler.signatureIsValid");
    wrap(handler, "signatureIsValid", (isValid) => (response) => {
      const { app } = response;
      if (!app) return isValid(response);
      return check.isValid(app, (one) => isValid(one === app ? response : withApp(response, one)));
    });
  });
  whenMade(server, "wsHandler", (handler) => {
    for (const [name, channels] of signedChannels(handler)) {
      if (typeof channels?.signatureIsValid !== "function") onNoHook(`${name}.signatureIsValid`);
      if (!channels) continue;
      wrap(
        channels,
        "signatureIsValid",
        (isValid) => (app, socketId, message, signature) =>
          check.isValid(app, (one) => isValid(one, socketId, message, signature)),
      );
    }
    if (typeof handler.signinTokenIsValid !== "function") onNoHook("wsHandler.signinTokenIsValid");
    wrap(handler, "signinTokenIsValid", (isValid) => (socket, userData, signature) => {
      const { app } = socket;
      if (!app) return isValid(socket, userData, signature);
      return check.isValid(app, (one) =>
        isValid(one === app ? socket : withApp(socket, one), userData, signature),
      );
    });
  });
}

/** The same response or socket, seen with another app: soketi reads only what it hangs on them itself. */
function withApp<T extends object>(owner: T, app: SoketiAppObject): T {
  return Object.create(owner, { app: { value: app } }) as T;
}

class SignatureCheck {
  readonly #options: PreviousSecretsOptions;

  constructor(options: PreviousSecretsOptions) {
    this.#options = options;
  }

  /**
   * @param app as soketi has it: a connection's follows a moment after a message, and soketi's own cache may be older.
   * Throws and rejects as soketi's own check does, and with nothing else: nobody catches it.
   */
  isValid(app: SoketiAppObject, isSigned: IsSigned): Promise<boolean> {
    const held = this.#options.cache.inspect(app.id);
    const known = held?.proven === true && held.app ? held.app : app;
    return isSigned(withSecret(app, known.secret)).then(
      (isValid) => isValid || this.#isOtherwiseValid(app, known, isSigned),
    );
  }

  async #isOtherwiseValid(
    app: SoketiAppObject,
    known: SoketiAppObject,
    isSigned: IsSigned,
  ): Promise<boolean> {
    try {
      const { cache, uses } = this.#options;
      // From the cache, unless it is in doubt: signatures that are wrong cost no reads.
      const present = (await cache.findById(app.id)) ?? known;
      if (present.secret !== known.secret && (await isSigned(withSecret(app, present.secret)))) return true;
      const previous = previousSecretOf(present);
      if (!previous || !(await isSigned(withSecret(app, previous.secret)))) return false;
      return uses.count(app.id, previous.until);
    } catch (error) {
      this.#options.onFailed(error);
      return false;
    }
  }
}

/** The same app, signing with another secret. */
function withSecret(app: SoketiAppObject, secret: string): SoketiAppObject {
  if (secret === app.secret) return app;
  return Object.create(app, { secret: { value: secret } }) as SoketiAppObject;
}
