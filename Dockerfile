# watchTower on a machine of one's own: docs/self-hosting.md. The build needs no secret, and no layer holds one.

# The Node that package.json pins, on Debian 12: workerd needs glibc 2.35 or newer.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
ENV NODE_ENV=production LOG_FORMAT=json HOST=0.0.0.0 PORT=8787 STATE_DIR=/state
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json tsconfig.json wrangler.toml ./
COPY migrations migrations
COPY public public
COPY scripts scripts
COPY src src
# workerd does not start without the certificates of authorities, and this image has none: those of Node.
RUN mkdir -p /etc/ssl/certs && node -p 'require("node:tls").rootCertificates.join("\n")' > /etc/ssl/certs/ca-certificates.crt
# A new volume takes its owner from here.
RUN install -d -o node -g node -m 0700 /state
VOLUME /state
USER node
EXPOSE 8787
# It waits 5 seconds for an answer itself.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["node", "scripts/health.ts"]
# Node itself, not npm: it is process 1, and a stop reaches it.
CMD ["node", "scripts/start.ts"]
