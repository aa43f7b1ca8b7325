# Without ZITADEL_URL the container refuses to start: NODE_ENV=production runs no sandbox.
FROM node:24.21.0-slim

ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=7644 \
    DATA_DIR=/data

WORKDIR /app
COPY package.json package-lock.json ./
# The devDependency `node` stays out: the image has its own.
RUN npm ci --omit=dev && npm cache clean --force
COPY src ./src

RUN install -d -o node -g node -m 700 /data
VOLUME /data
USER node
EXPOSE 7644

HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "require(process.env.TLS_CERT?'https':'http').get({host:'127.0.0.1',port:process.env.PORT,path:'/healthz',rejectUnauthorized:false},r=>process.exit(r.statusCode===200?0:1)).on('error',()=>process.exit(1))"]

CMD ["node", "--max-semi-space-size=16", "src/main.ts"]
