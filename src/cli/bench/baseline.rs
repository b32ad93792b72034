//! # The baseline: raw `COPY`
//! What PostgreSQL takes on this machine, now, when nothing is asked of it but to keep rows: as many as were sent, each about as large as
//! what an event took, into a table without indexes. Machines differ and have bad days; the ratio to this differs less.

use std::time::Instant;

use anyhow::Context as _;
use sqlx::PgConnection;

use super::dice::Dice;
use super::numbers::Spread;

/// Bytes of a row beside its payload: header, line pointer, the other columns.
const ROW_FRAME: u64 = 64;
/// Larger payloads would go to TOAST, which is not what is compared.
const PAYLOADS: std::ops::RangeInclusive<u64> = 64..=1_900;
/// Bytes handed over at once.
const CHUNK: usize = 256 * 1_024;
/// A single `COPY` is over in a moment and may meet a checkpoint: the median of three counts.
const TIMES: usize = 3;
/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH_2000: i64 = 946_684_800_000_000;

/// Rows that `COPY` takes, in the binary format.
struct Rows {
    payload: usize,
    count: u64,
}

/// Rows a second of a plain `COPY` of `count` rows of about `row_bytes`.
pub(super) async fn copy_rate(connection: &mut PgConnection, count: u64, row_bytes: f64) -> anyhow::Result<f64> {
    let payload = (row_bytes as u64).saturating_sub(ROW_FRAME).clamp(*PAYLOADS.start(), *PAYLOADS.end()) as usize;
    let text = Rows { payload, count }.encode();
    for statement in [
        "create schema bench",
        "create table bench.rows (project_id bigint not null, event_id uuid not null, received timestamptz not null, payload bytea not null)",
    ] {
        sqlx::query(statement).execute(&mut *connection).await.context("cannot make the baseline's table")?;
    }
    let mut rates = Vec::new();
    for _ in 0..TIMES {
        sqlx::query("truncate bench.rows").execute(&mut *connection).await?;
        sqlx::query("checkpoint").execute(&mut *connection).await?;
        let start = Instant::now();
        let mut copy = connection.copy_in_raw("copy bench.rows from stdin (format binary)").await?;
        for chunk in text.chunks(CHUNK) {
            copy.send(chunk).await?;
        }
        let rows = copy.finish().await?;
        anyhow::ensure!(rows == count, "COPY took {rows} of {count} rows");
        rates.push(count as f64 / start.elapsed().as_secs_f64());
    }
    for statement in ["drop table bench.rows", "drop schema bench"] {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(Spread::of(&rates).median)
}

impl Rows {
    fn encode(&self) -> Vec<u8> {
        let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let mut dice = Dice::new(0xc0de, 0);
        for number in 0..self.count {
            out.extend_from_slice(&4_i16.to_be_bytes());
            field(&mut out, &1_i64.to_be_bytes());
            field(&mut out, &((u128::from(dice.next()) << 64) | u128::from(dice.next())).to_be_bytes());
            field(&mut out, &(1_764_000_000_000_000 - EPOCH_2000 + number as i64).to_be_bytes());
            out.extend_from_slice(&(self.payload as u32).to_be_bytes());
            let end = out.len() + self.payload;
            while out.len() < end {
                let word = dice.next().to_be_bytes();
                out.extend_from_slice(&word[..word.len().min(end - out.len())]);
            }
        }
        out.extend_from_slice(&(-1_i16).to_be_bytes());
        out
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_binary_formats_length() {
        let row = 2 + (4 + 8) + (4 + 16) + (4 + 8) + (4 + 101);
        let rows = Rows { payload: 101, count: 7 }.encode();
        assert_eq!(rows.len(), 19 + 7 * row + 2);
        assert_eq!(rows[rows.len() - 2..], [0xff, 0xff]);
        assert_eq!(rows[..19], *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    }
}
