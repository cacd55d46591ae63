# The gateway as an image: Node.js, what it needs at run time, and a user without rights.
#
#   docker build -t switchboard .
#   docker run --init -p 127.0.0.1:8080:8080 -e SWITCHBOARD_TOKEN=… -v switchboard:/var/lib/switchboard switchboard
#
# Arguments replace "start": `docker run … switchboard check`. docs/running.md says the rest.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY adapters adapters
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
RUN mkdir --mode=0700 /var/lib/switchboard \
  && chown node:node /var/lib/switchboard \
  && ln -s /app/dist/src/cli.js /usr/local/bin/switchboard
COPY --from=build /app/package.json /app/package.json
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY config/container.yaml /etc/switchboard/switchboard.yaml
USER node
# The embedded store, and where relative paths of the configuration begin.
WORKDIR /var/lib/switchboard
VOLUME /var/lib/switchboard
EXPOSE 8080
# Alive, not ready: a gateway whose store is away waits for it, and starting it anew would not help.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without a shell in between, so that the signal reaches the gateway; it hands over what it has and ends.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/dist/src/cli.js", "--config", "/etc/switchboard/switchboard.yaml"]
CMD ["start"]
