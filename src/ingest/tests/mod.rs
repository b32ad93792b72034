//! Ingest over a journal on disk: what SDKs get, and what digest will read.
