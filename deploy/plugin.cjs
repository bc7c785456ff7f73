const { execFileSync } = require("node:child_process");
const { existsSync } = require("node:fs");
const { join } = require("node:path");

/** What osls has no setting for. */
module.exports = class Plugin {
  constructor(serverless, _options, { log }) {
    const build = () => {
      // Set by the local stack and the tests, which have built already and run what they built meanwhile.
      if (process.env.APP_SYNC_BUILT) return;
      log.notice("Building the bundles");
      execFileSync(process.execPath, [join(__dirname, "..", "esbuild.config.mjs")], { stdio: "inherit" });
    };
    const pollFast = () => {
      // The emulator's poller takes this from the event alone, where the schema of osls does not let it stand; from
      // `custom` it does not. Its own default, 500, is waited out twice for each record.
      for (const { events } of Object.values(serverless.service.functions)) {
        for (const { stream } of events) if (stream) stream.readInterval = 20;
      }
    };
    const findNamed = () => {
      // To find the one file that a function names, osls lists all that is in this folder, node_modules too, for each of them.
      const packaging = serverless.pluginManager.plugins.find((one) => "resolveFilePathsFromPatterns" in one);
      if (!packaging) return;
      const search = packaging.resolveFilePathsFromPatterns;
      packaging.resolveFilePathsFromPatterns = async (patterns, ...others) => {
        const named = patterns.include.filter((pattern) => pattern !== "!**");
        const isThere = (file) => existsSync(join(serverless.serviceDir, file));
        return named.every(isThere) ? named : search.call(packaging, patterns, ...others);
      };
    };
    const offline = () => {
      build();
      pollFast();
    };
    // The others (remove, info, logs, offline) do without the parameters of a deployment.
    const needsParameters = ["package", "deploy", "deploy function"];
    this.hooks = {
      initialize() {
        findNamed();
        const { mistakes } = serverless.service.custom;
        if (needsParameters.includes(serverless.processedInput.commands.join(" ")) && mistakes.length > 0) {
          throw new serverless.classes.Error(
            `The parameters are wrong, nothing was made:\n${mistakes.map((line) => `  - ${line}`).join("\n")}`,
          );
        }
        // Where there is no VPC there must be no `vpc` at all: its mere presence, also as false, counts for osls.
        for (const definition of Object.values(serverless.service.functions)) {
          if (definition.vpc === false) delete definition.vpc;
        }
      },
      // Before they are packaged or run offline, so that a stale bundle cannot be deployed.
      "before:package:initialize": build,
      // `serverless offline` has the first of these, `serverless offline start` the second.
      "before:offline:start": offline,
      "before:offline:start:init": offline,
    };
  }
};
