# soketi with the agent: the official image and one file. The context is the folder of the release, which holds agent.cjs:
#
#   docker build -f containers/soketi.Dockerfile -t soketi-app-sync-soketi .
#
# Tried by the tests: the syntax, and agent.cjs in a soketi 1.6.1 on Node 16, 18 and 20. Not tried: the build, since no image could be
# pulled where the tests ran.
ARG SOKETI_TAG=1.6-16-debian
FROM quay.io/soketi/soketi:${SOKETI_TAG}
COPY agent.cjs /opt/app-sync/agent.cjs
ENV NODE_OPTIONS="--require /opt/app-sync/agent.cjs"
