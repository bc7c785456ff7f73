# The relay, and with it the command line: docs/relay.md. The context is the folder of the release, which holds the package:
#
#   docker build -f containers/relay.Dockerfile -t soketi-app-sync-relay .
#
# Tried by the tests: the syntax, that the package installs, and the health check on a relay. Not tried: the build.
FROM node:24-slim
COPY soketi-app-sync-*.tgz /tmp/package/
RUN npm install --global --no-audit --no-fund /tmp/package/*.tgz && npm cache clean --force && rm -r /tmp/package
USER node
# What is asked of it comes from outside of the container.
ENV APP_SYNC_RELAY_HOST=0.0.0.0
EXPOSE 9602
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9602/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["soketi-app-sync"]
CMD ["relay"]
