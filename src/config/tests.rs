//! Everything has a default, all problems come at once, and no secret does.

use super::*;
use clap::Parser as _;

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    options: Options,
}

fn parse(args: &[&str]) -> Result<Settings, Problems> {
    let args = Args::parse_from(std::iter::once("vedette").chain(args.iter().copied()));
    let account = |email: &str, _: &SecretString| if email.contains('@') { Ok(()) } else { Err("no address".to_owned()) };
    let proxies = |list: &str| if list == "proxy" { Err("no proxy".to_owned()) } else { Ok(()) };
    let places = |file: &str| if file == "places" { Err("no places".to_owned()) } else { Ok(()) };
    let path = |path: &str| if path == "/api" { Err("it is taken".to_owned()) } else { Ok(()) };
    args.options.parse(&args.common, Checks { account, proxies, places, path })
}

#[test]
fn everything_has_a_default() {
    let settings = parse(&[]).unwrap();
    assert_eq!((settings.listen.as_str(), settings.retention_days, settings.journal_bytes), ("127.0.0.1:8000", 90, 1 << 30));
    assert!(settings.smtp.is_none() && settings.url.is_none() && settings.limits == Limits::default());
}

#[test]
fn all_problems_are_said_at_once_and_no_secret_is() {
    let problems = parse(&[
        "--url=errors.example.org",
        "--smtp-url=http://user:hunter2@x",
        "--admin-email=ana",
        "--admin-password=hunter22222",
        "--database-url=mysql://u:hunter2@h/d",
        "--mail-from=nobody",
        "--trusted-proxies=proxy",
        "--log-format=xml",
        "--retention-days=0",
        "--listen=8000",
        "--journal-mib=x",
        "--geoip=places",
        "--outbound-allow=hooks.example",
        "--secret-key=hunter2",
        "--limits=event=0,attachment=much",
    ])
    .unwrap_err()
    .to_string();
    for name in [
        "VEDETTE_URL",
        "VEDETTE_SMTP_URL",
        "VEDETTE_ADMIN_PASSWORD",
        "VEDETTE_RETENTION_DAYS",
        "VEDETTE_LISTEN",
        "VEDETTE_JOURNAL_MIB",
        "VEDETTE_LIMITS: event",
        "VEDETTE_LIMITS: attachment",
        "VEDETTE_MAIL_FROM",
        "VEDETTE_TRUSTED_PROXIES",
        "VEDETTE_OUTBOUND_ALLOW",
        "VEDETTE_SECRET_KEY",
        "VEDETTE_LOG_FORMAT",
        "VEDETTE_GEOIP",
        "DATABASE_URL",
    ] {
        assert!(problems.contains(name), "{name} in {problems}");
    }
    assert!(!problems.contains("hunter2"));
    assert!(parse(&["--admin-email=a@x.org"]).unwrap_err().to_string().contains("set both or neither"));
    assert!(!format!("{:?}", parse(&["--admin-email=a@x.org", "--admin-password=hunter22222"])).contains("hunter2"));
}

#[test]
fn the_public_address_may_have_a_plain_path() {
    for good in ["https://example.org", "https://example.org/errors", "http://10.0.0.1:8000/a/b-c/"] {
        assert!(parse(&[&format!("--url={good}")]).is_ok(), "{good}");
    }
    for bad in ["/?a=b", "/#a", "//a", "/a//b", "/a%20b", "/a;b", "/api"] {
        let problems = parse(&[&format!("--url=https://example.org{bad}")]).unwrap_err().to_string();
        assert!(problems.contains("VEDETTE_URL"), "{bad}");
    }
}

#[test]
fn empty_values_are_not_set() {
    let names =
        ["url", "smtp-url", "admin-email", "admin-password", "database-url", "mail-from", "trusted-proxies", "log", "log-format", "geoip"];
    let empty_dir = parse(&["--data-dir="]).unwrap();
    assert_eq!(empty_dir.data_dir, PathBuf::from("./data"));
    let mut args: Vec<String> = names.iter().map(|name| format!("--{name}= ")).collect();
    args.extend(["listen", "retention-days", "journal-mib", "limits"].map(|name| format!("--{name}=")));
    let settings = parse(&args.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert!(settings.url.is_none() && settings.smtp.is_none() && settings.admin.is_none() && settings.database_url.is_none());
    assert_eq!((settings.listen.as_str(), settings.retention_days, settings.journal_bytes), (LISTEN, 90, 1 << 30));
}

#[test]
fn limits_are_held_to_the_journal() {
    let limits = parse(&["--limits=event=2MiB", "--journal-mib=64"]).unwrap().limits;
    assert_eq!((limits.event, limits.envelope), (2 << 20, 32 << 20));
    assert!(parse(&["--limits=envelope=33MiB", "--journal-mib=64"]).unwrap_err().to_string().contains("VEDETTE_JOURNAL_MIB"));
}
