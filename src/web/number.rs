//! # Numbers in words
//! **Promise.** Counts have thousands separators, sizes have units, shares have percent signs, everywhere alike. **Not here.** Rounding of what is stored: only of what is shown.

/// `12340` → "12,340".
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 event", "12,340 events": the regular plural in `s`.
pub fn counted(n: i64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n)) }
}

/// "97 %"; below one but not nothing: "< 1 %"; above 99 but not all: "> 99 %".
pub fn share(part: i64, whole: i64) -> String {
    let percent = percent(part, whole);
    if part > 0 && percent < 1.0 {
        "< 1 %".to_owned()
    } else if part < whole && percent > 99.0 {
        "> 99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

/// 0.0 to 100.0; nothing of nothing is 0.
pub fn percent(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (part.max(0) as f64 * 100.0 / whole as f64).min(100.0) }
}

/// "512 B", "8.2 KB", "1.0 GB" (powers of 1,000).
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    if n < 1000 {
        return format!("{n} B");
    }
    for unit in ["KB", "MB", "GB", "TB"] {
        value /= 1000.0;
        if value < 999.95 || unit == "TB" {
            return format!("{value:.1} {unit}");
        }
    }
    format!("{n} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_alike_everywhere() {
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_340, "12,340"), (1_234_567, "1,234,567"), (-1200, "−1,200")] {
            assert_eq!(count(n), text);
        }
        assert_eq!((counted(1, "event"), counted(2000, "event")), ("1 event".to_owned(), "2,000 events".to_owned()));
        assert_eq!(
            [share(97, 100), share(1, 1000), share(999, 1000), share(0, 0), share(5, 5)],
            ["97 %", "< 1 %", "> 99 %", "0 %", "100 %"]
        );
        assert_eq!([bytes(0), bytes(999), bytes(8192), bytes(999_999), bytes(1 << 30)], ["0 B", "999 B", "8.2 KB", "1.0 MB", "1.1 GB"]);
        assert!(count(i64::MIN).starts_with("−9,223"));
    }
}
