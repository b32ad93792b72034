//! Ready-to-paste set-up for each platform. The DSN is filled in; the last lines send a first event.

/// One platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// In addresses and `--platform`: "python".
    pub id: &'static str,
    /// "Python".
    pub name: &'static str,
    /// The command that installs the SDK; empty when there is none.
    pub install: &'static str,
    /// The code; `{dsn}` stands for the DSN.
    code: &'static str,
}

impl Platform {
    /// The code with the DSN in it.
    pub fn code(&self, dsn: &str) -> String {
        self.code.replace("{dsn}", dsn)
    }
}

/// The platform called `id`, else the generic one, which is the last.
pub fn platform(id: &str) -> &'static Platform {
    PLATFORMS.iter().find(|p| p.id == id).unwrap_or(&PLATFORMS[PLATFORMS.len() - 1])
}

/// All platforms with a snippet.
pub const PLATFORMS: [Platform; 10] = [
    Platform {
        id: "python",
        name: "Python",
        install: "pip install sentry-sdk",
        code: "import sentry_sdk\n\nsentry_sdk.init(dsn=\"{dsn}\")\n\n1 / 0  # the first event",
    },
    Platform {
        id: "node",
        name: "Node.js",
        install: "npm install @sentry/node",
        code: "// instrument.js, loaded first: node --import ./instrument.js app.js\nimport * as Sentry from \"@sentry/node\";\n\nSentry.init({ dsn: \"{dsn}\" });\n\nsetTimeout(() => { throw new Error(\"the first event\"); });",
    },
    Platform {
        id: "browser",
        name: "Browser",
        install: "npm install @sentry/browser",
        code: "import * as Sentry from \"@sentry/browser\";\n\nSentry.init({ dsn: \"{dsn}\" });\n\nsetTimeout(() => { throw new Error(\"the first event\"); });",
    },
    Platform {
        id: "go",
        name: "Go",
        install: "go get github.com/getsentry/sentry-go",
        code: "if err := sentry.Init(sentry.ClientOptions{Dsn: \"{dsn}\"}); err != nil {\n\tlog.Fatal(err)\n}\ndefer sentry.Flush(2 * time.Second)\n\nsentry.CaptureException(errors.New(\"the first event\"))",
    },
    Platform {
        id: "java",
        name: "Java",
        install: "implementation \"io.sentry:sentry:8.+\"",
        code: "import io.sentry.Sentry;\n\nSentry.init(options -> options.setDsn(\"{dsn}\"));\n\nSentry.captureException(new RuntimeException(\"the first event\"));",
    },
    Platform {
        id: "rust",
        name: "Rust",
        install: "cargo add sentry",
        code: "let _guard = sentry::init(\"{dsn}\");\n\nsentry::capture_message(\"the first event\", sentry::Level::Error);",
    },
    Platform {
        id: "php",
        name: "PHP",
        install: "composer require sentry/sentry",
        code: "\\Sentry\\init(['dsn' => '{dsn}']);\n\n\\Sentry\\captureException(new \\Exception('the first event'));",
    },
    Platform {
        id: "ruby",
        name: "Ruby",
        install: "bundle add sentry-ruby",
        code: "require \"sentry-ruby\"\n\nSentry.init { |config| config.dsn = \"{dsn}\" }\n\nSentry.capture_exception(RuntimeError.new(\"the first event\"))",
    },
    Platform {
        id: "dotnet",
        name: ".NET",
        install: "dotnet add package Sentry",
        code: "using Sentry;\n\nusing var _ = SentrySdk.Init(options => options.Dsn = \"{dsn}\");\n\nSentrySdk.CaptureException(new Exception(\"the first event\"));",
    },
    Platform {
        id: "other",
        name: "Any other",
        install: "",
        code: "# Most Sentry SDKs read the DSN from the environment:\nexport SENTRY_DSN=\"{dsn}\"\n\n# Without any SDK:\nvedette send-test \"{dsn}\"",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_carries_the_dsn_and_unknown_platforms_get_the_generic_one() {
        for p in PLATFORMS {
            let code = p.code("https://k@host/7");
            assert!(code.contains("https://k@host/7") && !code.contains("{dsn}"), "{}", p.id);
            assert_eq!(platform(p.id), &p);
        }
        assert_eq!(platform("cobol").id, "other");
    }
}
