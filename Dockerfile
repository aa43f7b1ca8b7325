FROM node:24.21.0-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

# The image has no sandbox: without ZITADEL_URL the bridge refuses to start.
FROM node:24.21.0-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=7644 \
    DATA_DIR=/data

WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
COPY bin ./bin
COPY --from=build /build/dist ./dist
RUN ln -s /app/bin/scim-bridge.mjs /usr/local/bin/scim-bridge \
 && install -d -o node -g node -m 700 /data \
 && install -d /config

VOLUME /data
# bridge.yaml is looked for here, and relative paths begin here
WORKDIR /config
USER node
EXPOSE 7644

HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["scim-bridge", "healthcheck"]

CMD ["node", "--max-semi-space-size=16", "/app/bin/scim-bridge.mjs", "start"]
