const { execFileSync } = require("node:child_process");
const { join } = require("node:path");

/** What osls has no setting for. */
module.exports = class Plugin {
  constructor(serverless, _options, { log }) {
    const build = () => {
      // Set by the local stack and the tests, which have built already and run what they built meanwhile.
      if (process.env.APP_SYNC_BUILT) return;
      log.notice("Building the bundles");
      execFileSync(process.execPath, [join(__dirname, "esbuild.config.mjs")], { stdio: "inherit" });
    };
    this.hooks = {
      initialize() {
        // Where there is no VPC there must be no `vpc` at all: by its mere presence, also as false, osls lets the
        // function's role manage network interfaces.
        for (const definition of Object.values(serverless.service.functions)) {
          if (definition.vpc === false) delete definition.vpc;
        }
      },
      // Before they are packaged or run offline, so that a stale bundle cannot be deployed.
      "before:package:initialize": build,
      "before:offline:start:init": build,
    };
  }
};
