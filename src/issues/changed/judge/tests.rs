//! The properties of findings.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// Numbers of a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// An event of a user (0: nobody is named) with these tags.
fn event(user: u64, tags: &[(&str, String)]) -> Summary {
    let mut tags: Vec<(String, String)> = tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    tags.push(("level".to_owned(), "error".to_owned()));
    if user > 0 {
        tags.push(("user".to_owned(), format!("id:{user}")));
    }
    tags.sort();
    let user = (user > 0).then(|| Uuid::from_u128(u128::from(user)));
    Summary { level: "error", platform: String::new(), release: String::new(), environment: String::new(), user, tags, person: Vec::new() }
}

/// The statistics of an issue with these events.
fn stats<'a>(events: impl IntoIterator<Item = &'a Summary>) -> Vec<(String, TagValues)> {
    let mut stats = BTreeMap::<String, TagValues>::new();
    for (key, value) in events.into_iter().flat_map(|summary| &summary.tags) {
        stats.entry(key.clone()).or_default().add(value, 1);
    }
    stats.values_mut().for_each(TagValues::settle);
    stats.into_iter().collect()
}

/// Against the statistics of all events.
fn before(old: &[Summary], new: &[Summary]) -> Vec<Finding> {
    findings(new, &Baseline::before(stats(old.iter().chain(new)), new))
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{}={} {}/{} {:?}", f.key, f.value, f.count, f.of, f.before)).collect()
}

/// `n` events of as many users, with a value by turns.
fn by_turns(n: usize, from: u64, key: &str, values: &[&str]) -> Vec<Summary> {
    (0..n).map(|at| event(from + at as u64, &[(key, values[at % values.len()].to_owned())])).collect()
}

/// How events are drawn: keys with values of random frequencies, some of which nobody has again; people who come once or more often.
struct World {
    keys: Vec<(String, u64, u32)>,
    users: u64,
    again: u64,
    /// Whether a user always has the same values.
    steady: bool,
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let names = ["release", "browser", "os", "server_name", "url", "environment", "plan", "zone", "shop", "country"];
        let keys = (0..=dice.below(6)).map(|at| (names[at as usize].to_owned(), 1 + dice.below(30), dice.below(4) as u32));
        let keys = keys.collect();
        let users = [0, 5, 40, 1000][dice.below(4) as usize];
        // Where nobody is named, nobody can know that many events are of one person.
        let again = [1, 2, if users == 0 { 2 } else { 8 }][dice.below(3) as usize];
        Self { keys, users, again, steady: dice.below(2) == 0 }
    }

    fn draw(&self, dice: &mut Dice, n: usize) -> Vec<Summary> {
        let mut events = Vec::with_capacity(n);
        while events.len() < n {
            let user = if self.users == 0 { 0 } else { 1 + dice.below(self.users) };
            let mut own = Dice(user);
            let dice = if self.steady && user > 0 { &mut own } else { &mut *dice };
            let tags: Vec<_> = self
                .keys
                .iter()
                .map(|(key, values, skew)| (key.as_str(), (0..=*skew).map(|_| dice.below(*values)).min().unwrap().to_string()))
                .collect();
            // Some send what happened to them again at once.
            for _ in 0..=dice.below(self.again) {
                events.push(event(user, &tags));
            }
        }
        events.truncate(n);
        events
    }
}

#[test]
fn ten_thousand_alike_samples_have_next_to_no_findings() {
    let (mut dice, mut found) = (Dice(7), Vec::new());
    for _ in 0..10_000 {
        let world = World::new(&mut dice);
        let (old, new) = (10 + dice.below(120) as usize, 10 + dice.below(60) as usize);
        let (old, new) = (world.draw(&mut dice, old), world.draw(&mut dice, new));
        let findings = match dice.below(2) {
            0 => before(&old, &new),
            _ => findings(&new, &Baseline::earlier(&old)),
        };
        found.extend(told(&findings));
    }
    assert!(found.len() <= 30, "{} false findings: {:#?}", found.len(), &found[..found.len().min(60)]);
}

#[test]
fn strong_shifts_are_found_in_small_samples_and_in_large_ones() {
    let (mut dice, mut missed) = (Dice(11), 0);
    for _ in 0..300 {
        // Of a handful of people no number of events says much.
        let world = World { users: 1000, again: 1, ..World::new(&mut dice) };
        let (old, new) = (30 + dice.below(300) as usize, 30 + dice.below(100) as usize);
        let old = world.draw(&mut dice, old);
        // A new release, of people who come once.
        let mut new = world.draw(&mut dice, new);
        for (at, summary) in new.iter_mut().enumerate() {
            *summary = event(10_000 + at as u64, &[("release", if at % 20 == 0 { "1".to_owned() } else { "new".to_owned() })]);
        }
        let findings = before(&old, &new);
        missed +=
            usize::from(!findings.iter().any(|finding| finding.value == "new" && finding.before.is_some_and(|(count, _)| count == 0)));
    }
    assert_eq!(missed, 0);
}

#[test]
fn a_finding_has_the_counts_of_both_sides() {
    let old = by_turns(100, 1, "release", &["1.4.1"; 33].iter().copied().chain(["1.4.2"]).collect::<Vec<_>>());
    let mut new = by_turns(30, 1000, "release", &["1.4.2"]);
    new.push(event(7, &[("release", "1.4.1".to_owned())]));
    assert_eq!(told(&before(&old, &new)), ["release=1.4.2 30/31 Some((2, 100))"]);
}

#[test]
fn what_was_so_before_is_not_unusual() {
    let old = by_turns(200, 1, "browser", &["Safari", "Safari", "Safari", "Chrome"]);
    assert_eq!(told(&before(&old, &by_turns(120, 500, "browser", &["Safari"; 9]))), ["browser=Safari 120/120 Some((150, 200))"]);
    assert_eq!(told(&before(&old, &by_turns(60, 500, "browser", &["Safari", "Safari", "Safari", "Safari", "Chrome"]))), [] as [&str; 0]);
    assert_eq!(told(&before(&by_turns(200, 1, "browser", &["Safari"]), &by_turns(60, 500, "browser", &["Safari"]))), [] as [&str; 0]);
}

#[test]
fn too_few_events_on_either_side_say_nothing() {
    let old = |n| by_turns(n, 1, "browser", &["Chrome"]);
    let new = |n| by_turns(n, 500, "browser", &["Safari"]);
    assert_eq!(before(&old(9), &new(100)), []);
    assert_eq!(before(&old(100), &new(9)), []);
    assert_eq!(before(&[], &[]), []);
    assert_eq!(before(&old(100), &new(20)).len(), 1);
}

#[test]
fn one_user_is_the_finding_and_not_all_that_is_theirs() {
    let old = by_turns(100, 1, "browser", &["Chrome", "Firefox", "Edge"]);
    let mut new = by_turns(12, 500, "browser", &["Chrome", "Firefox", "Edge"]);
    new.extend((0..88).map(|_| event(7, &[("browser", "Safari".to_owned())])));
    let findings = before(&old, &new);
    assert_eq!(told(&findings), ["user=id:7 88/100 None"], "there were more users before than are kept apart");
    assert_eq!(findings[0].also, []);
}

#[test]
fn what_a_handful_of_people_have_in_common_is_no_news_among_many() {
    let old = by_turns(100, 1, "zone", &["a"]);
    let with = |people: u64| {
        let mut new = by_turns(40, 500, "zone", &["a"]);
        new.extend((0..60).map(|n| event(1000 + n % people, &[("zone", "b".to_owned())])));
        told(&before(&old, &new))
    };
    assert_eq!(with(3), [] as [&str; 0]);
    assert_eq!(with(30), ["zone=b 60/100 Some((0, 100))"]);
}

#[test]
fn names_of_one_thing_and_values_of_the_same_events_are_told_once() {
    let events = |n: usize, from: u64, values: [&str; 5]| -> Vec<Summary> {
        let tags =
            ["browser", "browser.name", "a-build", "server_name", "dist"].into_iter().zip(values.map(str::to_owned)).collect::<Vec<_>>();
        (0..n).map(|at| event(from + at as u64, &tags)).collect()
    };
    let (old, new) =
        (events(60, 1, ["Chrome 1", "Chrome", "7", "api-1", "1"]), events(60, 500, ["Safari 19", "Safari", "8", "api-2", "1"]));
    let findings = before(&old, &new);
    assert_eq!(told(&findings), ["browser=Safari 19 60/60 Some((0, 60))"]);
    let also: Vec<_> = findings[0].also.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(also, ["server_name=api-2", "a-build=8"]);
}

#[test]
fn no_share_of_before_is_told_where_values_were_folded_away() {
    let folded = |listed: &[(&str, u64)]| {
        let values = listed.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect();
        vec![("url".to_owned(), TagValues { total: 1000, folded: 50, values })]
    };
    let new = by_turns(60, 1, "url", &["/cart"]);
    let against = |listed: &[(&str, u64)]| told(&findings(&new, &Baseline::before(folded(listed), &new)));
    assert_eq!(against(&[("/cart", 70), ("/", 60)]), ["url=/cart 60/60 None"]);
    assert_eq!(against(&[("/cart", 900), ("/", 60)]), [] as [&str; 0]);
    let third = by_turns(90, 1, "url", &["/cart", "/a", "/b"]);
    assert_eq!(findings(&third, &Baseline::before(folded(&[]), &third)), [], "a third is not enough to be told without a share of before");
}

#[test]
fn between_issues_only_what_all_have_is_compared() {
    let place = |n: u64, url: &str, os: &str| event(n, &[("url", url.to_owned()), ("os", os.to_owned())]);
    let others: Vec<_> =
        (0..100_u64).map(|n| (i64::from(n as u8 % 20), place(n, "/", if n % 10 == 0 { "iOS" } else { "Android" }))).collect();
    let new: Vec<_> = (0..30).map(|n| place(n, "/cart", "iOS")).collect();
    assert_eq!(told(&findings(&new, &Baseline::others(&others))), ["os=iOS 30/30 Some((10, 100))"]);
    let one: Vec<_> = others.iter().map(|(_, summary)| (1, summary.clone())).collect();
    assert_eq!(findings(&new, &Baseline::others(&one)), [], "one other issue is one witness");
}

fn hostile() -> impl Strategy<Value = Vec<Summary>> {
    let text = prop_oneof![Just(String::new()), Just("a".to_owned()), Just("<script>\u{202e}\r\n\0".to_owned()), any::<String>()];
    let key = prop_oneof![Just("user".to_owned()), Just("release".to_owned()), text.clone()];
    let event = (0..4_u64, prop::collection::vec((key, text), 0..6)).prop_map(|(user, tags)| {
        let mut made = event(user, &[]);
        made.tags.extend(tags);
        made
    });
    prop::collection::vec((event, 1..40_usize), 0..8).prop_map(|all| all.into_iter().flat_map(|(event, n)| vec![event; n]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn anything_is_compared_and_findings_are_few_true_and_frequent(
        new in hostile(), old in hostile(), packed in prop::collection::vec((any::<String>(), any::<u64>(), any::<u64>(), any::<u64>()), 0..6)
    ) {
        let mut stats = stats(&old);
        for (value, total, folded, count) in packed {
            let key = new.first().and_then(|summary| summary.tags.last()).map_or("level", |(key, _)| key);
            stats.push((key.to_owned(), TagValues { total, folded, values: vec![(value, count)] }));
        }
        let baselines = [Baseline::before(stats, &new), Baseline::earlier(&old), Baseline::others(&old.iter().map(|s| (1, s.clone())).collect::<Vec<_>>())];
        for baseline in &baselines {
            let found = findings(&new, baseline);
            prop_assert!(found.len() <= MAX_FINDINGS);
            for finding in &found {
                let has = new.iter().flat_map(|s| &s.tags).filter(|(key, value)| *key == finding.key && *value == finding.value).count();
                prop_assert_eq!(finding.count, has as u64);
                prop_assert!(finding.count >= SUPPORT as u64 && finding.count <= finding.of && finding.also.len() <= MAX_ALSO);
                prop_assert!(finding.before.is_none_or(|(count, of)| count <= of && of >= SUPPORT as u64));
            }
        }
    }

    #[test]
    fn the_order_of_events_does_not_matter(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let world = World::new(&mut dice);
        let (old, mut new) = (world.draw(&mut dice, 60), world.draw(&mut dice, 60));
        new.extend(by_turns(60, 5000, "release", &["new", "new", "newer"]));
        let shuffled = |events: &[Summary], dice: &mut Dice| {
            let mut events: Vec<_> = events.iter().map(|event| (dice.roll(), event.clone())).collect();
            events.sort_by_key(|(place, _)| *place);
            events.into_iter().map(|(_, event)| event).collect::<Vec<_>>()
        };
        let other = (shuffled(&old, &mut dice), shuffled(&new, &mut dice));
        prop_assert_eq!(findings(&new, &Baseline::earlier(&old)), findings(&other.1, &Baseline::earlier(&other.0)));
        prop_assert_eq!(before(&old, &new), before(&other.0, &other.1));
    }
}
