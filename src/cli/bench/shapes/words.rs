//! The vocabulary of made-up programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Dice;

const NOUNS: [&str; 32] = [
    "order",
    "invoice",
    "basket",
    "session",
    "customer",
    "shipment",
    "payment",
    "report",
    "voucher",
    "address",
    "account",
    "product",
    "catalog",
    "refund",
    "webhook",
    "message",
    "profile",
    "ticket",
    "warehouse",
    "subscription",
    "discount",
    "receipt",
    "contract",
    "calendar",
    "document",
    "thumbnail",
    "search",
    "currency",
    "inventory",
    "delivery",
    "review",
    "campaign",
];

const VERBS: [&str; 24] = [
    "load", "save", "render", "charge", "sync", "validate", "fetch", "apply", "convert", "publish", "resolve", "schedule", "merge",
    "archive", "import", "export", "notify", "refresh", "compute", "parse", "dispatch", "collect", "assign", "cancel",
];

const QUALIFIERS: [&str; 16] = [
    "total", "status", "items", "history", "settings", "summary", "lines", "owner", "limits", "prices", "batch", "index", "preview",
    "state", "entries", "rates",
];

/// What a made-up program deals with.
pub(super) fn noun(dice: &mut Dice) -> &'static str {
    dice.pick(&NOUNS)
}

/// `load_invoice_total`
pub(super) fn snake(dice: &mut Dice) -> String {
    format!("{}_{}_{}", dice.pick(&VERBS), dice.pick(&NOUNS), dice.pick(&QUALIFIERS))
}

/// `loadInvoiceTotal`
pub(super) fn camel(dice: &mut Dice) -> String {
    format!("{}{}{}", dice.pick(&VERBS), capital(dice.pick(&NOUNS)), capital(dice.pick(&QUALIFIERS)))
}

/// `InvoiceTotal`
pub(super) fn pascal(dice: &mut Dice) -> String {
    format!("{}{}", capital(dice.pick(&NOUNS)), capital(dice.pick(&QUALIFIERS)))
}

/// `order` → `Order`
pub(super) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// A hexadecimal word of so many digits.
pub(super) fn hex(dice: &mut Dice, digits: usize) -> String {
    let mut word = String::new();
    while word.len() < digits {
        let _ = write!(word, "{:016x}", dice.next());
    }
    word.truncate(digits);
    word
}

/// How a language writes a line of code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Language {
    Python,
    JavaScript,
    Go,
}

/// What the functions of one trace deal with: their lines keep to the same few names, as real ones do.
struct Subject {
    noun: &'static str,
    other: &'static str,
    field: &'static str,
    /// Which kinds of lines its functions have.
    style: u64,
}

/// One line of plausible source.
fn code(dice: &mut Dice, language: Language, subject: &Subject) -> String {
    let Subject { noun, other, field, style } = subject;
    let line = (style + dice.below(4)) % 8;
    match language {
        Language::Python => match line {
            0 => format!("        {noun} = self.{other}s.get(pk={noun}_id)"),
            1 => format!("        if not {noun}.{field}:"),
            2 => format!("            raise ValueError(\"{noun} has no {field}\")"),
            3 => format!("        {field} = [{other}.{field} for {other} in {noun}.{other}_set.all()]"),
            4 => format!("        logger.debug(\"{noun} %s: %d {field}\", {noun}.pk, len({field}))"),
            5 => format!("        return {}({noun}, timeout=30)", dice.pick(&VERBS)),
            6 => format!("    def {}_{noun}(self, {noun}, {other}=None):", dice.pick(&VERBS)),
            _ => format!("        self.{other}s.add({noun})"),
        },
        Language::JavaScript => match line {
            0 => format!("  const {noun} = await {}({other}.id);", dice.pick(&VERBS)),
            1 => format!("  if (!{noun}?.{field}) {{"),
            2 => format!("    throw new Error(`{noun} ${{{noun}.id}} has no {field}`);"),
            3 => format!("  return {noun}.{field}.map(({other}) => {other}.{field} * 100);"),
            4 => format!("  logger.info({{ {noun}: {noun}.id }}, '{field} ready');"),
            5 => "  } catch (err) { next(err); }".to_owned(),
            6 => format!("async function {}({noun}, {{ {other} }} = {{}}) {{", dice.pick(&VERBS)),
            _ => format!("  {other}s.push({noun});"),
        },
        Language::Go => match line {
            0 => format!("\t{noun}, err := s.{other}s.{}(ctx, id)", capital(field)),
            1 => "\tif err != nil {".into(),
            2 => format!("\t\treturn nil, fmt.Errorf(\"{noun} {field}: %w\", err)"),
            3 => format!("\tfor _, {other} := range {noun}.{} {{", capital(field)),
            4 => format!("\tlog.Printf(\"{noun} %d: {field}\", {noun}.ID)"),
            5 => format!("func (s *Server) {}(ctx context.Context, id int64) (*{}, error) {{", capital(dice.pick(&VERBS)), capital(noun)),
            _ => format!("\t{other}s = append({other}s, {noun})"),
        },
    }
}

/// Lines an SDK sends before and after a frame's own.
const AROUND: usize = 5;

/// A made-up source file. The frames of a trace lie close together in it, so that their lines overlap.
pub(super) struct Source(Vec<String>);

impl Source {
    pub(super) fn new(dice: &mut Dice, language: Language) -> Self {
        let subject = Subject { noun: dice.pick(&NOUNS), other: dice.pick(&NOUNS), field: dice.pick(&QUALIFIERS), style: dice.below(8) };
        Self((0..12).map(|_| code(dice, language, &subject)).collect())
    }

    /// A library's: the same in all issues.
    pub(super) fn library(language: Language) -> Self {
        Self::new(&mut Dice::new(0x11b, 0), language)
    }

    /// Puts the lines around one of this file's into a frame.
    pub(super) fn show(&self, frame: &mut Value, place: u64) {
        let line = AROUND + place as usize % (self.0.len() - 2 * AROUND);
        frame["pre_context"] = json!(self.0[line - AROUND..line]);
        frame["context_line"] = json!(self.0[line]);
        frame["post_context"] = json!(self.0[line + 1..=line + AROUND]);
    }
}
