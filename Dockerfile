# Vedette alone: the database is another container (docker-compose.yml) or any PostgreSQL that DATABASE_URL names.
#
#   docker build -t vedette .
#   docker run -p 8000:8000 -v vedette-data:/data -e DATABASE_URL=postgres://… -e VEDETTE_URL=https://errors.example.org vedette

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The macros read .sqlx: the build needs no database.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin vedette \
    && cp target/release/vedette /usr/local/bin/vedette

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin vedette \
    && install -d -o vedette -g vedette -m 0700 /data
COPY --from=build /usr/local/bin/vedette /usr/local/bin/vedette
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/vedette/
USER vedette
WORKDIR /data
# The journal: acknowledged events that are not in PostgreSQL yet. Keep it on a volume.
VOLUME /data
EXPOSE 8000
# The image has no curl; bash speaks TCP.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["vedette"]
CMD ["serve", "--listen", "0.0.0.0:8000", "--data-dir", "/data"]
