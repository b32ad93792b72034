//! From what the spike detector keeps to words.

use chrono::{DateTime, Utc};

use crate::issues::spikes::{Look, Shown};
use crate::web::When;
use crate::web::pages::spike::{SpikeLook, SpikePanel, verdict};

/// What the page says of it.
pub(in crate::issues) fn panel(shown: &Shown, now: DateTime<Utc>) -> SpikePanel {
    let on = shown.spike.as_ref().map(|spike| {
        let form = if spike.since.date_naive() == now.date_naive() { "%H:%M" } else { "%-d %b, %H:%M" };
        format!("Spiking since {}: {}", spike.since.format(form), spike.words)
    });
    let look = |name, look: &Look| SpikeLook {
        name,
        at: When::new(look.at, now),
        words: look.words.clone(),
        figures: format!("surprise {:.1} of at least {:.1}", look.surprise, look.threshold),
        verdict: verdict(look.held.as_deref()),
    };
    let looks = shown.looks.iter().flat_map(|looks| {
        let highest = looks.highest.as_ref().filter(|highest| **highest != looks.last);
        std::iter::once(look("Last looked", &looks.last)).chain(highest.map(|highest| look("Closest in a day", highest)))
    });
    SpikePanel { on: on.unwrap_or_default(), looks: looks.collect() }
}
