//! # Which fields are examined
//!
//! **Promise.** Scrubbing looks where Relay looks (`protocol.md` 10.2, and runs of its library): free-form data that people fill, and the few typed
//! fields that hold personal things. Names, paths, versions and other words that grouping and search need are left alone.
//!
//! **How.** A static tree of [`Node`]s beside the event; what a node does not name is its `rest`.

/// The interfaces that paths can name (`$user`, `$frame` …).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    User,
    Request,
    Exception,
    Stacktrace,
    Frame,
    Breadcrumb,
    LogEntry,
    Thread,
    Sdk,
    Span,
}

/// What is done with a value.
#[derive(Debug)]
pub(super) enum Node {
    /// Not examined, nor anything inside. Only a project's own rules reach here.
    Keep,
    /// Not examined, but session cookies are taken out wherever they are named so.
    Cookies,
    /// Like `Cookies`; the name of the server, which normalising has put there, is examined like the field that it was.
    Tags,
    /// Examined with everything inside; goes as a whole when its key is secret.
    Free,
    /// Like `Free`, and removed when addresses are scrubbed.
    Address,
    /// Like `Free`, and its `REMOTE_ADDR` is an `Address`.
    Environment,
    /// A list of name and value: the values are examined under their names.
    Pairs,
    /// Like `Pairs`, without the user agent.
    Headers,
    /// One of the pairs in a list; only notes and errors stop here.
    Pair,
    /// A text for people: secrets in it become `[email]` and the like, words stay.
    Prose,
    /// The value of an exception: never examined, except where a note keeps what the client sent.
    ErrorValue,
    /// The data of a span: well-known attributes say nothing personal, or are prose; others are free.
    SpanData,
    /// The same in a trace context, where nothing is taken as prose.
    TraceData,
    /// A list of one kind of value.
    List(&'static Node),
    /// The contexts: which fields count depends on the type that each names.
    Contexts,
    /// An interface.
    Object(&'static Object),
}

/// An interface: its named fields, and what the others are.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) fields: &'static [(&'static str, Node)],
    pub(super) rest: Node,
}

impl Node {
    /// The kind that paths know a value of this node by.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Node::Object(object) => object.kind,
            _ => Kind::Any,
        }
    }
}

impl Object {
    /// The node of a field.
    pub(super) fn field(&'static self, key: &str) -> &'static Node {
        self.fields.iter().find(|(name, _)| *name == key).map_or(&self.rest, |(_, node)| node)
    }
}

/// The event.
pub(super) static EVENT: Node = Node::Object(&Object {
    kind: Kind::Any,
    fields: &[
        ("breadcrumbs", values(&BREADCRUMBS)),
        ("contexts", Node::Contexts),
        ("csp", Node::Object(&CSP)),
        ("exception", values(&EXCEPTIONS)),
        ("expectct", Node::Free),
        ("expectstaple", Node::Free),
        ("extra", Node::Free),
        ("hpkp", Node::Free),
        ("logentry", Node::Object(&LOG_ENTRY)),
        ("nel", Node::Free),
        ("request", Node::Object(&REQUEST)),
        ("sdk", Node::Object(&Object { kind: Kind::Sdk, fields: &[("client_ip", Node::Address)], rest: Node::Keep })),
        ("server_name", Node::Free),
        ("spans", Node::List(&SPAN)),
        ("stacktrace", Node::Object(&STACKTRACE)),
        ("tags", Node::Tags),
        (
            "template",
            Node::Object(&Object { kind: Kind::Any, fields: &[("abs_path", Node::Free), ("filename", Node::Free)], rest: Node::Keep }),
        ),
        ("threads", values(&THREADS)),
        ("user", Node::Object(&USER)),
    ],
    rest: Node::Keep,
});

/// An object with a list under `values`.
const fn values(object: &'static Object) -> Node {
    Node::Object(object)
}

static BREADCRUMBS: Object = Object {
    kind: Kind::Any,
    fields: &[(
        "values",
        Node::List(&Node::Object(&Object {
            kind: Kind::Breadcrumb,
            fields: &[("data", Node::Free), ("message", Node::Free)],
            rest: Node::Keep,
        })),
    )],
    rest: Node::Keep,
};

static EXCEPTIONS: Object = Object {
    kind: Kind::Any,
    fields: &[(
        "values",
        Node::List(&Node::Object(&Object {
            kind: Kind::Exception,
            fields: &[
                (
                    "mechanism",
                    Node::Object(&Object {
                        kind: Kind::Any,
                        fields: &[("data", Node::Free), ("description", Node::Free)],
                        rest: Node::Keep,
                    }),
                ),
                ("raw_stacktrace", Node::Object(&STACKTRACE)),
                ("stacktrace", Node::Object(&STACKTRACE)),
                ("value", Node::ErrorValue),
            ],
            rest: Node::Keep,
        })),
    )],
    rest: Node::Keep,
};

static THREADS: Object = Object {
    kind: Kind::Any,
    fields: &[(
        "values",
        Node::List(&Node::Object(&Object {
            kind: Kind::Thread,
            fields: &[("raw_stacktrace", Node::Object(&STACKTRACE)), ("stacktrace", Node::Object(&STACKTRACE))],
            rest: Node::Keep,
        })),
    )],
    rest: Node::Keep,
};

static STACKTRACE: Object = Object {
    kind: Kind::Stacktrace,
    fields: &[("frames", Node::List(&Node::Object(&Object { kind: Kind::Frame, fields: &[("vars", Node::Free)], rest: Node::Keep })))],
    rest: Node::Keep,
};

static LOG_ENTRY: Object = Object {
    kind: Kind::LogEntry,
    fields: &[("formatted", Node::Prose), ("message", Node::Keep), ("params", Node::Free)],
    rest: Node::Free,
};

static USER: Object = Object {
    kind: Kind::User,
    fields: &[
        (
            "geo",
            Node::Object(&Object {
                kind: Kind::Any,
                fields: &[("city", Node::Free), ("country_code", Node::Free), ("region", Node::Free), ("subdivision", Node::Free)],
                rest: Node::Keep,
            }),
        ),
        ("ip_address", Node::Address),
        ("segment", Node::Keep),
    ],
    rest: Node::Free,
};

static REQUEST: Object = Object {
    kind: Kind::Request,
    fields: &[
        ("api_target", Node::Keep),
        ("body_size", Node::Keep),
        ("cookies", Node::Pairs),
        ("env", Node::Environment),
        ("headers", Node::Headers),
        ("inferred_content_type", Node::Keep),
        ("method", Node::Keep),
        ("protocol", Node::Keep),
        ("query_string", Node::Pairs),
        ("url", Node::Keep),
    ],
    rest: Node::Free,
};

static CSP: Object = Object {
    kind: Kind::Any,
    fields: &[
        ("column_number", Node::Keep),
        ("disposition", Node::Keep),
        ("line_number", Node::Keep),
        ("original_policy", Node::Keep),
        ("script_sample", Node::Keep),
        ("source_file", Node::Keep),
        ("status_code", Node::Keep),
        ("violated_directive", Node::Keep),
    ],
    rest: Node::Free,
};

/// Spans.
static SPAN: Node = Node::Object(&Object {
    kind: Kind::Span,
    fields: &[
        ("data", Node::SpanData),
        (
            "sentry_tags",
            Node::Object(&Object {
                kind: Kind::Any,
                fields: &[("user.email", Node::Free), ("user.id", Node::Free), ("user.ip", Node::Address), ("user.username", Node::Free)],
                rest: Node::Keep,
            }),
        ),
        ("tags", Node::Cookies),
    ],
    rest: Node::Keep,
});

/// The context of that type.
pub(super) static TRACE: Node = Node::Object(&Object { kind: Kind::Any, fields: &[("data", Node::TraceData)], rest: Node::Cookies });

/// The context of that type.
pub(super) static RESPONSE: Node = Node::Object(&Object {
    kind: Kind::Any,
    fields: &[("cookies", Node::Pairs), ("data", Node::Free), ("headers", Node::Pairs)],
    rest: Node::Cookies,
});

/// The context of that type.
pub(super) static DEVICE: Node =
    Node::Object(&Object { kind: Kind::Any, fields: &[("device_unique_identifier", Node::Free)], rest: Node::Cookies });
