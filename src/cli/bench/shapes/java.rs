//! `sentry-spring-boot`: long traces without source lines.

use serde_json::{Value, json};

use super::words;
use super::{Roll, breadcrumbs, exception, trace};

const KINDS: [(&str, &str); 5] = [
    ("NullPointerException", "Cannot invoke \"String.length()\" because value is null"),
    ("IllegalStateException", "Transaction already closed"),
    ("DataIntegrityViolationException", "could not execute statement"),
    ("HttpClientErrorException$NotFound", "404 Not Found from upstream"),
    ("OptimisticLockException", "Row was updated or deleted by another transaction"),
];

const SPRING: [(&str, &str, &str); 8] = [
    ("java.lang.Thread", "run", "Thread.java"),
    ("org.apache.tomcat.util.net.NioEndpoint$SocketProcessor", "doRun", "NioEndpoint.java"),
    ("org.apache.coyote.AbstractProtocol$ConnectionHandler", "process", "AbstractProtocol.java"),
    ("org.apache.catalina.core.StandardWrapperValve", "invoke", "StandardWrapperValve.java"),
    ("org.springframework.web.filter.OncePerRequestFilter", "doFilter", "OncePerRequestFilter.java"),
    ("org.springframework.web.servlet.DispatcherServlet", "doDispatch", "DispatcherServlet.java"),
    ("org.springframework.web.method.support.InvocableHandlerMethod", "doInvoke", "InvocableHandlerMethod.java"),
    ("jdk.internal.reflect.DirectMethodHandleAccessor", "invoke", "DirectMethodHandleAccessor.java"),
];

pub(super) fn event(roll: &mut Roll) -> Value {
    let (kind, text) = roll.issue.pick(&KINDS);
    let room = words::noun(&mut roll.issue);
    let layers = [room, words::noun(&mut roll.issue)].map(words::capital);
    let mut frames = Vec::new();
    for (module, function, filename) in SPRING {
        frames.push(json!({ "module": module, "function": function, "filename": filename, "lineno": roll.issue.below(900) + 40, "in_app": false, "native": false }));
    }
    for _ in 0..12 + roll.issue.below(4) {
        let class = &layers[roll.issue.below(2) as usize];
        frames.push(json!({
            "module": format!("com.example.shop.{room}.{class}Service"), "function": words::camel(&mut roll.issue), "filename": format!("{class}Service.java"),
            "lineno": roll.issue.below(300) + 20, "in_app": true, "native": false,
        }));
    }
    let mut thrown = exception(kind, &format!("{text}: {}", roll.event.below(50_000)), "Spring6ExceptionResolver", &frames);
    thrown["values"][0]["module"] = "com.example.shop.errors".into();
    thrown["values"][0]["thread_id"] = json!(40 + roll.event.below(10));
    let path = format!("/{room}/{}", words::camel(&mut roll.issue));
    json!({
        "platform": "java", "level": "error", "logger": "com.example.shop.errors.Handler", "server_name": format!("shop-{}", roll.event.below(6)),
        "transaction": format!("POST {path}"), "exception": thrown,
        "breadcrumbs": logs(roll),
        "request": { "url": format!("https://shop.example{path}"), "method": "POST", "headers": { "host": "shop.example", "content-type": "application/json" } },
        "contexts": { "trace": trace(roll, "http.server"), "runtime": { "name": "Eclipse Adoptium", "version": "21.0.5" }, "os": { "name": "Linux", "version": "6.8.0" } },
        "tags": { "thread.pool": "http-nio-8080", "tenant": format!("t{}", roll.event.below(40)) },

    })
}

fn logs(roll: &mut Roll) -> Value {
    let count = 3 + roll.event.below(3);
    breadcrumbs(
        roll,
        count,
        |dice, _| json!({ "level": "info", "category": format!("com.example.shop.{}", words::pascal(dice)), "message": format!("{} {} done in {} ms", words::camel(dice), dice.below(100_000), dice.below(900)) }),
    )
}
