"""docs/sdks.md says what was run: the row of each SDK, as it must stand there."""
from pathlib import Path

from cases import has
from matrix.sdk import KEPT

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "sdks.md"
# What every program sends, in the order of the columns: error, chain, tags and user, fingerprint, message, breadcrumbs, release.
ALWAYS = 7


def row(sdk):
    def kept(kind, sends):
        return "–" if not sends else "✓" if KEPT[kind] else "○"

    not_kept = [{"transaction", "span"}, {"session"}, {"monitor"}, {"log_item"}]
    marks = ["✓"] * ALWAYS + [kept("attachment", sdk.attachment), kept("feedback", sdk.feedback)] + ["○" if kinds & set(sdk.not_kept) else "–" for kinds in not_kept]
    return " | ".join([f"| {sdk.title}", *marks]) + " |"


def documented(cases, sdks):
    with cases.case("docs/sdks.md has a row for each SDK, and says of each what is looked at"):
        rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
        has("\n".join(rows), *map(row, sdks))
